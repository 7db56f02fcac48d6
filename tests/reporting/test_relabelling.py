"""A relabelling as it is shown: its sentences, tables, card and page."""

from dataclasses import replace
from pathlib import Path

from PIL import Image
from relabelling_examples import NAUGHTY, relabelling_view

from repope_eval.relabelling.annotator_kappa import kappa_of
from repope_eval.relabelling.findings import CERTAIN, OTHERS, WHOLE, QueueRate
from repope_eval.relabelling.page import RULE, relabelling_card, relabelling_gallery, render_relabelling_page
from repope_eval.relabelling.rule import agreement_of
from repope_eval.relabelling.view import (
    annotator_lines,
    changes_title,
    decider_sentence,
    kappa_text,
    object_change_table,
    queue_sentences,
    scope_sentences,
    verdict,
)
from repope_eval.reporting.gallery import PAGE_BYTES
from repope_eval.reporting.tables import Table
from repope_eval.scoring.estimates import Estimate


def test_the_verdict_counts_each_question_once() -> None:
    # Of six questions that both labelled, three have one label of both. The first says yes, no and ambiguous 3, 2 and
    # 1 times, the second 2, 4 and 0 times: kappa is (3 * 6 - 14) / (36 - 14).
    assert verdict(relabelling_view()) == (
        "Of 5 settled questions, 3 (60.0 %) changed from yes to no or from no to yes, and 1 (20.0 %) turned out "
        "ambiguous. Not settled and left out: 2 of 7 questions (1 in dispute, 1 not labelled by both). What is said of "
        "the settled ones is theirs alone. The two annotators give the same label to 3 (50.0 %) of the 6 questions "
        f"that both labelled. Cohen's kappa is {(18 - 14) / (36 - 14):.3f} (no interval: fewer than 100 images were "
        "labelled by both)."
    )


def test_where_all_is_settled_nothing_is_said_of_the_rest() -> None:
    view = relabelling_view()
    settled = [outcome for outcome in view.outcomes if outcome.label is not None]
    assert "Not settled" not in verdict(replace(view, outcomes=settled))


def test_of_nothing_no_share_is_said() -> None:
    view = replace(relabelling_view(), outcomes=[], agreement=agreement_of([]), kappa=kappa_of([]))
    assert verdict(view) == (
        "Of 0 settled questions, 0 changed from yes to no or from no to yes, and 0 turned out ambiguous. The two "
        "annotators give the same label to 0 of the 0 questions that both labelled. Cohen's kappa is undefined."
    )


def test_whom_the_decider_sides_with() -> None:
    view = relabelling_view()
    assert decider_sentence(view.agreement, view.names) == (
        "Of 2 questions with yes against no, third.jsonl decided 0 as Anna, 1 as B|n <b>, and found 0 ambiguous."
    )
    undecided = [replace(outcome, decided=None) for outcome in view.outcomes]
    assert decider_sentence(agreement_of(undecided), view.names[:2]) is None


def test_who_labelled_and_when() -> None:
    assert annotator_lines(relabelling_view()) == {
        "first annotator": "Anna, 7 labels, from 2026-01-05 00:00 to 2026-01-05 06:00 UTC",
        "second annotator": "B|n <b>, 6 labels, from 2026-01-05 00:00 to 2026-01-05 05:00 UTC",
        "decider": "third.jsonl, 3 labels, at a time that the file does not say",
    }


def queue_rate(part: str, numbers: tuple[int, int], flipped: Estimate) -> QueueRate:
    n_questions, n_looked = numbers
    return QueueRate(
        part=part,
        label="both",
        n_questions=n_questions,
        n_looked=n_looked,
        flipped=flipped,
        ambiguous=Estimate(value=0.1, interval=(0.1, 0.1)),
    )


def test_what_was_chosen_is_no_error_rate_and_the_rest_is_estimated_apart() -> None:
    rates = (
        queue_rate(CERTAIN, (500, 500), Estimate(value=0.2, interval=(0.2, 0.2))),
        queue_rate(OTHERS, (4627, 200), Estimate(value=0.02, interval=(0.01, 0.0412))),
        queue_rate(WHOLE, (5127, 700), Estimate(value=0.038, interval=(0.03, 0.05))),
    )
    assert queue_sentences(rates) == [
        "Of the questions looked at, 500 were chosen for their doubt or for what they would change, so these "
        "shares are no error rate of the benchmark.",
        "By the 200 drawn from the other 4,627, an estimated 2.0 % (95 % interval 1.0–4.1) of these 4,627 are flipped "
        "and 10.0 % ambiguous; 3.8 % (95 % interval 3.0–5.0) of the whole queue are flipped and 10.0 % ambiguous.",
    ]
    view = replace(relabelling_view(), queue_rates=rates)
    assert changes_title(view) == ("Label changes of the settled questions, 500 of which were not drawn")
    assert scope_sentences(replace(view, n_unsampled=4427)) == [
        *queue_sentences(rates),
        "Not selected for labelling, and left out: 4,427 other questions of the queue.",
    ]
    assert all(sentence in relabelling_card(view, {}) for sentence in queue_sentences(rates)[:1])
    assert queue_sentences(rates[1:])[0].startswith("By the 200 drawn")
    assert queue_sentences(()) == []


def test_kappa_has_an_interval_or_a_reason_and_says_what_it_is_of() -> None:
    assert kappa_text(Estimate(value=0.9, interval=(0.85, 0.95)), of_queue=False) == "0.900 (0.850–0.950)"
    assert kappa_text(Estimate(value=0.9, reason="few"), of_queue=True) == (
        "0.900 (no interval: few), over the queue's questions and not the benchmark's"
    )


def cells(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in table.rows]


def test_the_objects_with_the_most_changes_come_first_and_those_without_are_left_out() -> None:
    assert cells(object_change_table(relabelling_view().outcomes)) == [
        ["dog", "3", "2", "0", "1", "100.0 %"],
        ["cat", "2", "0", "1", "0", "50.0 %"],
    ]


def test_the_card_has_all_its_parts() -> None:
    view = relabelling_view()
    card = relabelling_card(view, {"a.jsonl": "12ab"})
    title, summary, *parts = card.split("\n\n")
    assert title == r"# Relabelling of pope\_\<b\>.jsonl"
    assert summary == verdict(view)
    assert [part for part in parts if part.startswith("## ")] == [
        "## Licence",
        "## Who labelled, and when",
        "## Rule",
        "## Agreement",
        "## Label changes",
        "## Files",
    ]
    assert "Licence of the labels: (fill in)" in parts
    assert RULE in parts
    assert r"- second annotator: B\|n \<b\>, 6 labels, from 2026-01-05 00:00 to 2026-01-05 05:00 UTC" in card
    assert "| first: yes       |           1 |          2 |                 0 |" in card
    assert r"| pope_a\|b.jsonl | yes   |" in card
    assert "| a.jsonl | 12ab    |" in card
    assert card.endswith("|\n")


def test_changed_ambiguous_and_disputed_questions_are_shown_with_what_was_said() -> None:
    view = relabelling_view(note="behind a tree")
    gallery = relabelling_gallery(view.outcomes, view.variants, view.annotators, view.names)
    assert gallery.kinds == {"no → yes": 1, "yes → no": 2, "yes → disputed": 1, "no → ambiguous": 1}
    shown = {item.question: item for card in gallery.cards for item in card.items}
    changed, decided = shown["Is there a dog 0?"], shown["Is there a dog 4?"]
    assert (changed.label_before, changed.label_after, changed.variants) == ("yes", "no", ("random",))
    # The decider has no say where the annotators agree.
    assert [(remark.name, remark.label, remark.note) for remark in changed.remarks] == [
        ("Anna", "no", "behind a tree"),
        ("B|n <b>", "no", ""),
    ]
    assert [(remark.name, remark.label) for remark in decided.remarks][-1] == ("third.jsonl", "no")
    assert "Is there a cat 3?" not in shown
    assert "Is there a car 6?" not in shown


def test_texts_of_others_are_text() -> None:
    html = render_relabelling_page(relabelling_view(), "relabel")
    assert NAUGHTY not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "B|n &lt;b&gt;" in html
    assert "Relabelling of pope_&lt;b&gt;.jsonl" in html
    assert html.count("<script") == 1


def test_pictures_and_texts_keep_within_the_size_of_a_page(tmp_path: Path) -> None:
    Image.effect_noise((640, 480), 80).convert("RGB").save(tmp_path / "0.jpg")
    view = relabelling_view(images={"0.jpg": tmp_path / "0.jpg"})
    html = render_relabelling_page(view, "relabel")
    assert html.count("<img ") == 1
    assert "A click on a picture enlarges it" in html
    assert "A click on a picture enlarges it" not in render_relabelling_page(
        replace(view, images={}), "relabel"
    )
    many = [
        replace(
            outcome, row=replace(outcome.row, question=replace(outcome.row.question, image=f"{number}.jpg"))
        )
        for number in range(1_200)
        for outcome in view.outcomes[:1]
    ]
    large = replace(
        view,
        outcomes=many,
        variants={outcome.row.question: ["random"] for outcome in many},
        images={f"{number}.jpg": tmp_path / "0.jpg" for number in range(1_200)},
    )
    html = render_relabelling_page(large, "relabel")
    assert len(html.encode()) <= PAGE_BYTES
    assert "for the page&#39;s size" in html or "for the page's size" in html


def test_where_nothing_changed_the_page_says_so() -> None:
    view = relabelling_view()
    html = render_relabelling_page(replace(view, outcomes=view.outcomes[3:4]), "relabel")
    assert "Every settled question keeps its label" in html
    assert "by object" not in html
    assert '<section id="gallery">' in html  # nothing that the page's script would filter
    assert '<section id="gallery" class="filterable">' in render_relabelling_page(view, "relabel")


def test_the_page_has_the_verdict_first_then_the_evidence_then_the_details() -> None:
    rates = (
        queue_rate(CERTAIN, (500, 500), Estimate(value=0.2, interval=(0.2, 0.2))),
        queue_rate(OTHERS, (4627, 200), Estimate(value=0.02, interval=(0.01, 0.0412))),
        queue_rate(WHOLE, (5127, 700), Estimate(value=0.038, interval=(0.03, 0.05))),
    )
    view = replace(relabelling_view(), queue_rates=rates)
    html = render_relabelling_page(view, "python -m repope_eval relabel partial=true")
    parts = [
        "3 (60.0\u00a0%) changed from yes to no",
        "so these shares are no error rate",
        *(f'<section id="{name}"' for name in ("changes", "agreement", "gallery", "objects", "made")),
        "<dt>first annotator</dt>",
        "<pre>python -m repope_eval relabel partial=true</pre>",
    ]
    places = [html.index(part) for part in parts]
    assert places == sorted(places)
    assert "2.0<small>1.0–4.1</small>" in html
    assert html.count(">20.0</td>") == 1  # all of these were looked at, so that there is no interval
