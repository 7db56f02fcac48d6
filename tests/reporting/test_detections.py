"""DASH-B's figures in the document, on the page and on the console."""

import dataclasses

import pytest
from run_examples import run_view

from repope_eval.benchmarks.dash_b import DETECTIONS
from repope_eval.records import Answer, Question
from repope_eval.reporting.console import print_table
from repope_eval.reporting.page import RunView, render_run_page
from repope_eval.reporting.run_tables import own_table
from repope_eval.reporting.tables import Table
from repope_eval.scoring.detection import ALL_OBJECTS, Detection, detection, detection_by_object
from repope_eval.scoring.own_figures import shown_detections
from repope_eval.scoring.protocols import PROTOCOLS


def texts(table: Table) -> list[list[str]]:
    return [[cell.full_text for cell in row.cells] for row in table.rows]


def view_of(detections: dict[str, Detection]) -> RunView:
    return run_view(own=[shown_detections(DETECTIONS, detections)])


def page_of(detections: dict[str, Detection]) -> str:
    return render_run_page(view_of(detections)).html


@pytest.fixture
def detections() -> dict[str, Detection]:
    """Of two objects in four images each, all right but for one hallucinated dog; no cat is absent."""
    labels = {
        **{Question(f"dog/{place}.png", "Can you see a dog?", "dog"): place < 2 for place in range(4)},
        **{Question(f"cat/{place}.png", "Can you see a cat?", "cat"): True for place in range(4)},
    }
    answers = {question: Answer(question, "yes" if label else "no") for question, label in labels.items()}
    hallucinated = next(question for question, label in labels.items() if not label)
    answers[hallucinated] = Answer(hallucinated, "yes")
    rule = PROTOCOLS["repope"]
    return {ALL_OBJECTS: detection(labels, answers, rule), **detection_by_object(labels, answers, rule)}


def test_the_document_has_all_questions_and_each_object(detections: dict[str, Detection]) -> None:
    document = view_of(detections).scores.to_dict()["dash_b"]
    assert (document["acc"], document["tnr"], document["tpr"]) == (7 / 8, 1 / 2, 1)
    assert document["harmonic_mean"] == pytest.approx(2 / 3)
    assert list(document["objects"]) == ["dog", "cat"]
    assert document["objects"]["cat"]["tnr"] is None
    assert document["objects"]["cat"]["reasons"]["tnr"] == "no question with label no has an answer"
    assert "dash_b" not in run_view().scores.to_dict()


def test_the_page_has_a_row_for_each_object(detections: dict[str, Detection]) -> None:
    rows = texts(own_table(shown_detections(DETECTIONS, detections).table))
    assert [row[0] for row in rows] == [ALL_OBJECTS, "dog", "cat"]
    assert rows[0][1] == "8"
    assert rows[0][2].startswith("87.5 (")
    assert rows[1][1] == "4"
    assert rows[1][2].startswith("75.0 (")
    assert rows[2][3] == "–"
    with_table = page_of(detections)
    assert 'id="dash_b"' in with_table
    assert 'id="dash_b"' not in render_run_page(run_view()).html


def test_a_second_row_has_the_intervals_for_other_objects(detections: dict[str, Detection]) -> None:
    ends = dict.fromkeys(("acc", "tnr", "tpr", "harmonic_mean"), (0.5, 0.9))
    of_whole = detections[ALL_OBJECTS].estimates
    over_objects = {name: dataclasses.replace(of_whole[name], interval=ends[name]) for name in ends}
    whole = dataclasses.replace(detections[ALL_OBJECTS], object_estimates=over_objects)
    rows = texts(own_table(shown_detections(DETECTIONS, {**detections, ALL_OBJECTS: whole}).table))
    assert [row[0] for row in rows] == [ALL_OBJECTS, "all objects, drawn over objects", "dog", "cat"]
    assert rows[1][2] == "87.5 (50.0–90.0)"
    assert "those in the second, for which objects are drawn" in page_of({**detections, ALL_OBJECTS: whole})
    assert "those in the second" not in page_of(detections)
    document = view_of({**detections, ALL_OBJECTS: whole}).scores.to_dict()["dash_b"]
    assert document["ci95_objects"] == {name: list(interval) for name, interval in ends.items()}
    assert set(document["intervals_for"]) == {"ci95", "ci95_objects"}
    assert "ci95_objects" not in document["objects"]["dog"]


def test_the_console_has_both_intervals(
    detections: dict[str, Detection], capsys: pytest.CaptureFixture[str]
) -> None:
    shown = shown_detections(DETECTIONS, detections).narrow_table
    assert shown is not None
    print_table(own_table(shown))
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    (acc,) = [line for line in lines if line[:1] == ["ACC"]]
    low, high = detections[ALL_OBJECTS].estimates["acc"].interval or (0, 0)
    assert acc == ["ACC", "87.5", f"{100 * low:.1f}–{100 * high:.1f}", "–"]
    assert any(line[:3] == ["harmonic", "mean", "66.7"] for line in lines)
