"""The page and the document of a comparison: what they hold, and that texts of others stay texts."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from compared import answer_file, compared, scored_run
from run_folders import DEMO, answer_lines, demo

from repope_eval.comparison.page import (
    ComparedItem,
    comparison_document,
    comparison_gallery,
    render_comparison_page,
)
from repope_eval.comparison.tables import (
    are_protocols_alike,
    causes_table,
    gap_table,
    right_and_wrong_table,
    settings_table,
    settings_that_do_not_differ,
)
from repope_eval.comparison.view import ComparisonView, SettingGroup, SettingPair, verdict
from repope_eval.reporting.gallery import PAGE_BYTES

NAUGHTY = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def view(tmp_path_factory: pytest.TempPathFactory) -> ComparisonView:
    """A run against a file with fewer answers, more errors, and some that two protocols read differently."""
    folder = tmp_path_factory.mktemp("compared")
    lines = [
        {**line, "response": f"{line['response']}, {NAUGHTY}"} if number % 7 == 0 else line
        for number, line in enumerate(answer_lines(demo(), 0.2, 3)[:900])
    ]
    file = answer_file(folder / "other.jsonl", lines)
    return compared(scored_run(folder / "first"), file, bench=DEMO, protocol_b="lmms_eval")


@pytest.fixture(scope="module")
def ordered(tmp_path_factory: pytest.TempPathFactory) -> ComparisonView:
    """Of b's answers a third is read otherwise by its protocol, also to questions that only b answers."""
    folder = tmp_path_factory.mktemp("ordered")
    said = [
        {**line, "response": f"{line['response']}, I think"} if number % 3 == 0 else line
        for number, line in enumerate(answer_lines(demo(), 0.2, 3))
    ]
    fewer = [line for number, line in enumerate(answer_lines(demo(), 0.1, 4)) if number % 8]
    file = answer_file(folder / "other.jsonl", said)
    return compared(scored_run(folder / "first", fewer), file, bench=DEMO, protocol_b="lmms_eval")


@pytest.fixture(scope="module")
def same_readings(tmp_path_factory: pytest.TempPathFactory) -> ComparisonView:
    """Two runs whose answers are single words, which all protocols read alike."""
    folder = tmp_path_factory.mktemp("readings")
    return compared(scored_run(folder / "one"), scored_run(folder / "two", answer_lines(demo(), 0.2, 3)))


def test_the_page_has_all_parts_and_is_one_file(view: ComparisonView) -> None:
    html = render_comparison_page(view, "python -m repope_eval compare a=first b=other.jsonl")
    assert verdict(view).replace(" %", "\u00a0%") in html
    for section in ("causes", "settings", "protocols", "gallery", "made"):
        assert f'<section id="{section}"' in html
    assert html.count("<script") == 1
    assert NAUGHTY not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "http" not in html.replace("http-equiv", "").replace("http://www.w3.org", "")
    assert "python -m repope_eval compare a=first b=other.jsonl" in html
    assert html.count("<img ") > 50
    assert "A click on a picture enlarges it" in html


def test_the_page_keeps_its_size(view: ComparisonView) -> None:
    many = [
        replace(pair, question=replace(pair.question, image=f"{number} {pair.question.image}"))
        for number in range(30)
        for pair in view.pairs
    ]
    html = render_comparison_page(replace(view, pairs=many), "")
    assert len(html.encode()) <= PAGE_BYTES
    assert "not shown</b>, for the page's size." in html
    assert len(comparison_document(replace(view, pairs=many))["questions"]) > 10_000


def test_every_differing_question_is_in_the_gallery_with_both_answers(view: ComparisonView) -> None:
    gallery = comparison_gallery(view.pairs, view.headings)
    n_differing = sum(pair.kind != "same answer" for pair in view.pairs)
    assert gallery.n_questions == n_differing == sum(gallery.kinds.values())
    assert gallery.kinds["only a answered"] == 126
    assert set(gallery.kinds) >= {"only a is right", "only b is right", "read differently"}
    items = [item for card in gallery.cards for item in card.items if isinstance(item, ComparedItem)]
    odd = next(item for item in items if item.kind == "read differently")
    of_a, of_b = odd.answers
    assert (of_a.name, of_a.alike) == (view.headings[0], "")
    assert (of_b.name, of_b.reading) == (view.headings[1], "neither")
    assert of_b.alike in ("yes", "no")
    alone = next(item for item in items if item.kind == "only a answered")
    assert [answer.name for answer in alone.answers] == [view.headings[0]]
    assert {item.label_after for item in items} == {"yes", "no", "ambiguous"}


def test_questions_of_one_result_make_room_for_those_of_both(view: ComparisonView) -> None:
    alone = next(pair for pair in view.pairs if pair.kind == "only a answered")
    many = [
        replace(alone, question=replace(alone.question, image=f"{number}.png")) for number in range(5_000)
    ]
    gallery = comparison_gallery([*many, *view.pairs], view.headings)
    n_of_both = sum(pair.kind not in ("same answer", "only a answered") for pair in view.pairs)
    assert sum(gallery.kinds.values()) == n_of_both
    assert "only a answered" not in gallery.kinds
    assert gallery.n_left_out == 5_000 + 126
    assert gallery.n_questions == n_of_both + 5_000 + 126


def test_the_document_adds_up_and_can_be_written(view: ComparisonView) -> None:
    document = json.loads(json.dumps(comparison_document(view)))
    assert document["verdict"] == verdict(view)
    assert [each["common"] for each in document["labels"]] == ["pope", "repope"]
    for labels in document["labels"]:
        assert list(labels["variants"]) == ["random", "popular", "adversarial", "mean"]
        for cell in labels["variants"].values():
            for figure in ("f1", "accuracy", "yes_ratio"):
                assert sum(cell[figure]["parts"].values()) == pytest.approx(cell[figure]["gap"], abs=1e-12)
                own = cell[figure]["a"]["own"] - cell[figure]["b"]["own"]
                assert own == pytest.approx(cell[figure]["gap"])
            assert cell["chance"]["value"] == pytest.approx(cell["f1"]["parts"]["answers"])
        assert set(labels["protocols"]["mean"]) == {"repope", "pope", "vlmevalkit", "lmms_eval"}
    assert document["answers"]["n_shared"] == 900
    assert len(document["questions"]) == sum(pair.kind != "same answer" for pair in view.pairs)
    assert {each["state"] for each in document["settings"].values()} == {"unknown"}


def test_the_document_says_how_sure_each_part_is_and_how_much_it_depends_on_the_order(
    ordered: ComparisonView,
) -> None:
    document = json.loads(json.dumps(comparison_document(ordered)))
    for labels in document["labels"]:
        for cell in labels["variants"].values():
            f1 = cell["f1"]
            assert sum(f1["parts"].values()) == pytest.approx(f1["gap"], abs=1e-12)
            assert f1["parts_ci95"]["answers"] == cell["chance"]["ci95"]
            assert 20 <= cell["chance"]["n_differing"] <= 100
            for bounds in ("parts_ci95", "parts_by_order"):
                low, high = f1[bounds]["reading"]
                assert low < f1["parts"]["reading"] < high
            nothing = (f1["parts_ci95"]["labels"], f1["parts_reason"]["labels"])
            assert nothing == (None, "it changes nothing in any image")


def test_the_causes_lead_from_the_whole_gap_to_what_the_answers_are_worth(ordered: ComparisonView) -> None:
    table = causes_table(ordered, ordered.labels[-1])
    rows = [[cell.text for cell in row.cells] for row in table.rows]
    assert [row[0].partition(":")[0].partition(" on")[0] for row in rows] == [
        "each", "questions", "reading", "labels", "answers",
    ]  # fmt: skip
    assert [row[1] == "" for row in rows] == [False, True, True, True, False]
    gap = ordered.labels[-1].gaps["mean"]["f1"]
    assert rows[-1][1:4] == [
        f"{100 * gap.a.common:.2f}", f"{100 * gap.b.common:.2f}", f"+{100 * gap.parts['answers'].value:.2f}",
    ]  # fmt: skip
    assert [column.title for column in table.columns][3:] == ["difference, 95 %", "by order"]
    assert [bool(row[4]) for row in rows] == [False, True, True, False, False]
    interval = gap.parts["answers"].interval
    assert interval is not None
    assert table.rows[-1].cells[3].note == f"+{100 * interval[0]:.2f} to +{100 * interval[1]:.2f}"


def test_the_console_has_f1_alone_and_the_page_every_figure(ordered: ComparisonView) -> None:
    assert len(gap_table(ordered).rows) == 8
    table = gap_table(ordered, ("f1", "accuracy", "yes_ratio"))
    assert len(table.rows) == 24
    assert [column.title for column in table.columns][2:] == [
        "figure", *ordered.headings, "difference", "questions", "questions, by order", "reading", "reading, by order",
        "labels", "answers",
    ]  # fmt: skip


def test_a_result_of_the_same_name_has_its_key_behind_it(tmp_path: Path) -> None:
    folder = scored_run(tmp_path / "run", answer_lines(demo(), 0.1))
    view = compared(folder, folder, protocol_b="lmms_eval")
    assert list(view.headings) == ["run (a)", "run (b)"]
    assert "run (a) and" not in verdict(view).partition("As each")[0]


def test_the_two_by_two_counts_who_is_right(view: ComparisonView) -> None:
    a, b = view.headings
    shown = right_and_wrong_table(view)
    assert [column.title for column in shown.columns] == ["answers", f"{b} right", f"{b} wrong"]
    rows = [[cell.text for cell in row.cells] for row in shown.rows]
    tally = view.tally
    assert rows == [
        [f"{a} right", f"{tally.n_both_right:,}", f"{tally.n_right_only_a:,}"],
        [f"{a} wrong", f"{tally.n_right_only_b:,}", f"{tally.n_neither_right:,}"],
    ]
    four = (tally.n_both_right, tally.n_right_only_a, tally.n_right_only_b, tally.n_neither_right)
    assert sum(four) == tally.n_labelled
    assert f"Of the {tally.n_labelled} questions that both answered" in shown.caption


def test_protocols_that_change_nothing_are_folded(
    view: ComparisonView, same_readings: ComparisonView
) -> None:
    assert not are_protocols_alike(view)
    assert "are the same by each protocol" not in render_comparison_page(view, "")
    assert are_protocols_alike(same_readings)
    html = render_comparison_page(same_readings, "")
    assert "<p>F1, accuracy and the number of unparsed answers are the same by each protocol." in html
    assert "<summary>Both results by each protocol</summary>" in html


def test_questions_that_one_result_alone_answers_are_filtered_out_at_first(view: ComparisonView) -> None:
    html = render_comparison_page(view, "")
    (preset,) = re.findall(r'<option value="([^"]*)" selected>answered by both</option>', html)
    shown = preset.split("\n")
    assert "only a answered" not in shown
    assert set(shown) >= {"only a is right", "only b is right", "read differently"}
    assert f">only {view.headings[0]} answered (126)</option>" in html


def test_settings_that_are_the_same_or_unknown_are_in_a_sentence(view: ComparisonView) -> None:
    pair = SettingPair(key="model.max_tiles", a="12", b=NAUGHTY)
    groups = (
        SettingGroup(name="pixels", is_known=True, changes_answers=True, pairs=(pair,)),
        SettingGroup(name="engine", is_known=True, changes_answers=False, pairs=()),
        SettingGroup(name="hardware", is_known=False, changes_answers=False, pairs=()),
    )
    known = replace(view, settings=groups)
    rows = [[cell.text for cell in row.cells] for row in settings_table(known).rows]
    assert rows == [["pixels", "any answer", "model.max_tiles", "12", NAUGHTY]]
    assert settings_that_do_not_differ(known) == (
        "The same in both: engine. Unknown of at least one: hardware."
    )
    assert "The same in both: engine." in render_comparison_page(known, "")


@pytest.mark.draws
def test_the_chart_has_a_bar_for_each_cause_in_words_too(view: ComparisonView) -> None:
    from repope_eval.comparison.causes_chart import causes_chart

    chart = causes_chart(view)
    for name in ("questions", "reading", "labels", "answers", "whole gap"):
        assert name in chart.description
        assert name.encode() in chart.svg
