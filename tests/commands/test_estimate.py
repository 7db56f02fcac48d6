"""`estimate`: which files are what people found, what is said of the others, and whose interval is told."""

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from estimates_examples import GROWTH, estimated_run, estimates_view

from repope_eval.benchmarks.pope_file import Row, write_rows
from repope_eval.commands.estimate import log_widest, print_estimates, read_findings
from repope_eval.errors import RepopeError
from repope_eval.records import Question
from repope_eval.relabelling.estimates_page import render_estimates_page
from repope_eval.relabelling.estimates_view import LABELS_FILE, estimates_document
from repope_eval.relabelling.estimation import FIGURES
from repope_eval.relabelling.findings import looked_at
from repope_eval.relabelling.narrowing import target_text
from repope_eval.relabelling.queue import Queued, read_queue, write_queue
from repope_eval.relabelling.sampled_labels import FigureEstimate, Looked
from repope_eval.system.writing import write_lines, write_text

QUEUE = [
    Queued(
        question=Question("a.jpg", f"Is there a {name} in the image?", name),
        label=label,
        score=1.0,
        p_sampled=1.0 if sampled else 0.5,
        sampled=sampled,
    )
    for name, label, sampled in (("cup", True, True), ("dog", False, True), ("car", True, False))
]


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_queue(Path("queue.jsonl"), QUEUE)
    return Path("queue.jsonl")


def found(path: Path) -> list[str]:
    return list(read_findings(path, read_queue(Path("queue.jsonl"))).values())


def refusal(path: Path) -> str:
    with pytest.raises(RepopeError) as caught:
        found(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("rows", [QUEUE, QUEUE[:2], QUEUE[:1]], ids=["whole", "sampled", "a part"])
def test_the_queue_that_nobody_has_labelled_is_refused(rows: Sequence[Queued], queue: Path) -> None:
    path = queue.with_name("copy.jsonl")
    write_queue(path, rows)
    assert refusal(path) == (
        "labels=copy.jsonl: has the queue's own labels, and nothing says that people looked at them; label the queue "
        f"with annotate, and give a person's file, or {LABELS_FILE}"
    )


def test_a_relabelled_queue_in_which_nothing_was_wrong_is_accepted(queue: Path) -> None:
    path = queue.with_name("new.jsonl")
    write_queue(path, QUEUE[:2], relabelled=True)
    assert found(path) == ["yes", "no"]


def test_a_queue_whose_labels_somebody_changed_is_accepted(queue: Path) -> None:
    path = queue.with_name("changed.jsonl")
    write_queue(path, [replace(QUEUE[0], label=False), *QUEUE[1:]])
    assert found(path) == ["no", "no", "yes"]


def test_what_a_relabelled_file_lacks_may_be_ambiguous_or_in_dispute(queue: Path) -> None:
    write_rows(Path("rq4.jsonl"), [Row(1, QUEUE[0].question, "no")])
    assert found(Path("rq4.jsonl")) == ["no", "missing"]


def test_disputes_are_told_from_what_nobody_looked_at(queue: Path) -> None:
    """A question in dispute is got to: it says nothing of the probability of the others."""
    first, second = (
        {"image": each.question.image, "question": each.question.text, "label": None} for each in QUEUE[:2]
    )
    path = queue.with_name("labels.jsonl")
    asked = {each.question: each for each in QUEUE[:2]}
    write_lines(path, [first | {"label": "no"}])
    assert looked_at(asked, read_findings(path, asked))[1][QUEUE[0].question] == 0.5
    write_lines(path, [first | {"label": "no"}, second | {"disputed": True}])
    findings = read_findings(path, asked)
    assert sorted(findings.values()) == ["disputed", "no"]
    looked, probabilities = looked_at(asked, findings)
    assert probabilities[QUEUE[0].question] == 1
    assert looked[QUEUE[1].question] == Looked(None, 1.0, is_open=True)


def test_a_dispute_of_another_queue_is_refused(queue: Path) -> None:
    line = {"image": "b.jpg", "question": "Is it late?", "label": None, "disputed": True}
    write_lines(queue.with_name("labels.jsonl"), [line])
    assert refusal(queue.with_name("labels.jsonl")).startswith("labels=labels.jsonl: 1 of 1 label are of")


def test_a_folder_is_refused_with_the_file_that_is_meant(
    queue: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path("relabelled")
    folder.mkdir()
    assert refusal(folder) == f"labels=relabelled: is a folder; give {LABELS_FILE}"
    write_text(folder / "rq4_labels.jsonl", "")
    assert refusal(folder) == "labels=relabelled: is a folder; give labels=relabelled/rq4_labels.jsonl"
    write_text(Path("relabelled_labels.jsonl"), "")
    assert refusal(folder) == "labels=relabelled: is a folder; give labels=relabelled_labels.jsonl"
    write_queue(folder / "queue.jsonl", QUEUE)
    monkeypatch.chdir(folder)
    assert refusal(Path()).endswith("/relabelled_labels.jsonl")
    assert refusal(Path("/")) == f"labels=/: is a folder; give {LABELS_FILE}"


@pytest.mark.parametrize(
    ("widths", "message", "narrowed"),
    [
        ({"steady": 0.04}, "the interval of F1, that of steady, is 4.0 points wide; 200 further", "3.4"),
        (
            {"steady": 0.04, "hasty": 0.06, "third": 0.05},
            "the widest interval of F1, that of hasty, is 6.0 points wide; 200 further",
            "5.2",
        ),
    ],
)
def test_the_interval_that_is_told_has_the_name_of_its_run(
    widths: Mapping[str, float], message: str, narrowed: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    rows = [
        replace(
            estimated_run(name, "mean", 0.9),
            true={"f1": FigureEstimate(0.9, (0.85, 0.85 + width), replace(GROWTH, width=width))},
        )
        for name, width in widths.items()
    ]
    view = estimates_view("steady", "hasty")
    log_widest(replace(view, rows=[*rows, estimated_run("undefined", "mean", None)]))
    assert caplog.messages == [f"{message} drawn labels would narrow it to about {narrowed}"]


@pytest.mark.parametrize(
    ("width", "ending"),
    [
        (0.06, ", no wider than the 6.0 of width=0.06"),
        (0.0325, r"; about 1,\d\d\d labels in all would narrow it to 3\.2"),
        (0.001, r"; about 5,1\d\d labels in all would narrow it to 0\.1"),
    ],
)
def test_a_width_is_told_in_labels_in_all(
    width: float, ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    rows = [
        replace(
            estimated_run(name, "mean", 0.9),
            true={"f1": FigureEstimate(0.9, (0.85, 0.85 + wide), replace(GROWTH, width=wide))},
        )
        for name, wide in {"steady": 0.04, "hasty": 0.06}.items()
    ]
    log_widest(replace(estimates_view("steady", "hasty"), rows=rows), width)
    (message,) = caplog.messages
    assert re.fullmatch(f"the widest interval of F1, that of hasty, is 6.0 points wide{ending}", message), (
        message
    )


def test_open_questions_may_keep_an_interval_wide() -> None:
    growth = replace(GROWTH, width=0.06, fixed=0.03)
    leads = {"steady": FigureEstimate(0.9, (0.87, 0.93), growth)}
    assert target_text(leads, 0.02) == "; no number of labels narrows it to 2.0"
    n_needed = growth.labels_for(0.04)
    assert n_needed is not None
    assert target_text(leads, 0.04, n_needed - 1) == (
        f"; about {n_needed:,} labels in all would narrow it to 4.0, and this queue asks for {n_needed - 1:,}"
    )


def test_a_dash_and_the_number_of_labels_stand_where_these_are_too_few(
    queue: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    few = replace(
        estimated_run("hasty", "mean", None),
        true=dict.fromkeys(FIGURES, FigureEstimate(None, None, n_needed=1400)),
    )
    view = replace(estimates_view("steady", "hasty"), rows=[few])
    print_estimates(view)
    (row,) = [line for line in capsys.readouterr().out.splitlines() if " F1 " in line]
    cells = [cell.strip() for cell in row.split("  ") if cell.strip()]
    assert cells == ["hasty", "F1", "87.5 (86.1–88.6)", "too few labels: about 1,400 are needed", "–"]
    assert "About 1,400 labels would do for all figures" in caplog.messages[0]
    assert len(caplog.messages) == 1
    (cell,) = estimates_document(view)["runs"].values()
    assert cell["mean"]["f1"] == {
        "estimate": None,
        "ci95": None,
        "reason": "too few labels: about 1,400 are needed",
        "old": 0.875,
        "old_ci95": [0.861, 0.8861],
        "change": None,
        "change_ci95": None,
    }
    page = render_estimates_page(view, "")
    in_sentences = 2  # the verdict, and that for a paper
    assert page.count("too few labels: about 1,400 are needed") == len(FIGURES) + in_sentences
    assert "About 1,400 labels would do" in page
