"""The page of a relabelling: the questions that it shows, its pictures, and that texts of others stay texts."""

from dataclasses import replace
from pathlib import Path

from PIL import Image
from relabelling_examples import NAUGHTY, relabelling_view

from repope_eval.relabelling.page import relabelling_gallery, render_relabelling_page
from repope_eval.reporting.gallery import PAGE_BYTES


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
    html = render_relabelling_page(relabelling_view())
    assert NAUGHTY not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "B|n &lt;b&gt;" in html
    assert "Relabelling of pope_&lt;b&gt;.jsonl" in html
    assert html.count("<script") == 1


def test_a_long_note_is_cut() -> None:
    html = render_relabelling_page(relabelling_view(note="x" * 400))
    assert "x" * 300 + "… (100 more characters)" in html


def test_pictures_and_texts_keep_within_the_size_of_a_page(tmp_path: Path) -> None:
    Image.effect_noise((640, 480), 80).convert("RGB").save(tmp_path / "0.jpg")
    view = relabelling_view(images={"0.jpg": tmp_path / "0.jpg"})
    html = render_relabelling_page(view)
    assert html.count("<img ") == 1
    assert "A click on a picture enlarges it" in html
    assert "A click on a picture enlarges it" not in render_relabelling_page(replace(view, images={}))
    many = [
        replace(
            outcome,
            row=replace(outcome.row, question=replace(outcome.row.question, image=f"{number}.jpg")),
        )
        for number in range(3_000)
        for outcome in view.outcomes[:1]
    ]
    large = replace(
        view,
        outcomes=many,
        variants={outcome.row.question: ["random"] for outcome in many},
        images={f"{number}.jpg": tmp_path / "0.jpg" for number in range(3_000)},
    )
    html = render_relabelling_page(large)
    assert len(html.encode()) <= PAGE_BYTES
    assert "for the page&#39;s size" in html or "for the page's size" in html


def test_where_nothing_changed_the_page_says_so() -> None:
    view = relabelling_view()
    html = render_relabelling_page(replace(view, outcomes=view.outcomes[3:4]))
    assert "Every settled question keeps its label" in html
    assert "by object" not in html
    assert '<section id="gallery">' in html  # nothing that the page's script would filter
    assert '<section id="gallery" class="filterable">' in render_relabelling_page(view)
