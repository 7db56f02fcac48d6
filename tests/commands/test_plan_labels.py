"""`plan width=` through the command line: how many labels by people an interval takes, and whether it comes true."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import CommandLine
from run_folders import answer_lines, demo, write_run

MODELS = {"steady": (0.05, 1), "hasty": (0.15, 2)}
"""How often each model errs against RePOPE's labels, and the seed of its errors."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for name, (wrong, seed) in MODELS.items():
        write_run(folder / name, demo(), name, answer_lines(demo(), wrong, seed))
    return folder


def planned(command_line: CommandLine, runs: Path, out: Path, *words: str) -> tuple[str, dict[str, Any]]:
    """What is printed, and the document."""
    result = command_line("plan", f"runs={runs}", f"out={out}", *words)
    assert result.returncode == 0, result.stderr
    assert f"the plan of every run is in {out / 'plan.json'}" in " ".join(result.stderr.split())
    document: dict[str, Any] = json.loads((out / "plan.json").read_text())
    return " ".join(result.stdout.split()), document


def test_it_says_how_many_labels_an_interval_takes(
    command_line: CommandLine, runs: Path, tmp_path: Path
) -> None:
    printed, document = planned(command_line, runs, tmp_path, "width=0.04")
    assert [plan["wrong"] for plan in document["label_plans"]] == [0.05, 0.1, 0.2]
    few, number, many = (plan["labels"] for plan in document["label_plans"])
    assert 100 < few < number < many < 1026
    for plan in document["label_plans"]:
        assert plan["labels"] == max(plan["runs"].values())
    assert (document["width"], document["wrong"], document["questions"]) == (0.04, 0.1, 1026)
    assert document["answered"] == {"hasty": 1026, "steady": 1026}
    assert "Labels for an interval of 4 points" in printed
    assert (
        "For the 95 % interval of F1 (mean under true labels) of hasty, the widest one, to be no wider than 4 points, "
        f"people look at about {number} of the 1,026 questions, which audit draws with budget=0 sample={number}."
    ) in printed
    assert "takes it that 10 of 100 of POPE's labels are wrong (wrong=0.1)" in printed
    assert "answered" not in printed
    assert "images like" not in printed


def test_other_widths_and_shares_are_planned_as_they_are_given(
    command_line: CommandLine, runs: Path, tmp_path: Path
) -> None:
    printed, document = planned(command_line, runs, tmp_path, "width=0.015", "wrong=0.025")
    assert [plan["wrong"] for plan in document["label_plans"]] == [0.0125, 0.025, 0.05]
    assert "no wider than 1.5 points" in printed
    assert "2.5 of 100 of POPE's labels are wrong (wrong=0.025)" in printed


def test_labels_of_that_number_make_an_interval_of_about_that_width(
    command_line: CommandLine, runs: Path, tmp_path: Path
) -> None:
    _, document = planned(command_line, runs, tmp_path, "width=0.04")
    number = document["label_plans"][1]["labels"]
    audit = tmp_path / "audit"
    words = ("budget=0", f"sample={number}", f"out={audit}")
    assert command_line("audit", f"runs={runs}", *words).returncode == 0
    queue = [json.loads(line) for line in (audit / "queue.jsonl").read_text().splitlines()]
    asked = [line for line in queue if line["sampled"]]
    assert len(asked) == number
    true = {(each.image, each.text): label for each, label in demo().label_sets[1].distinct.items()}
    words_of = {True: "yes", False: "no", None: "ambiguous"}
    labels = tmp_path / "labels.jsonl"
    rows = [
        {
            "image": line["image"],
            "question": line["question"],
            "label": words_of[true.get((line["image"], line["question"]))],
            "annotator": "first",
            "at": "2026-01-01T00:00:00+00:00",
            "note": "",
        }
        for line in asked
    ]
    labels.write_text("".join(json.dumps(row) + "\n" for row in rows))
    out = tmp_path / "estimates"
    words = (f"queue={audit / 'queue.jsonl'}", f"labels={labels}", f"out={out}")
    result = command_line("estimate", f"runs={runs}", *words)
    assert result.returncode == 0, result.stderr
    found = json.loads((out / "estimates.json").read_text())
    low, high = found["runs"]["hasty"]["mean"]["f1"]["ci95"]
    assert high - low == pytest.approx(0.04, rel=0.3)


def test_a_run_that_answered_a_part_is_said_to_tell_of_that_part(
    command_line: CommandLine, tmp_path: Path
) -> None:
    lines = answer_lines(demo(), 0.1, 3)
    write_run(tmp_path / "runs" / "part", demo(), "part", lines[: len(lines) // 2])
    printed, document = planned(command_line, tmp_path / "runs", tmp_path / "plan", "width=0.04")
    answered = document["answered"]["part"]
    assert answered == len(lines) // 2
    assert f"part answered {answered:,} of the 1,026 questions: its F1 is that of these" in printed
    assert "the widest" not in printed


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["width=0"], "width=0.0: must be at least 0.001"),
        (["width=0.6"], "width=0.6: must be at most 0.5"),
        (["width=0.02", "wrong=0"], "wrong=0.0: must be at least 0.001"),
        (["width=0.02", "wrong=0.6"], "wrong=0.6: must be at most 0.5"),
    ],
)
def test_a_mistake_is_one_line(words: list[str], message: str, command_line: CommandLine, runs: Path) -> None:
    result = command_line("plan", f"runs={runs}", *words)
    assert result.returncode == 1
    (line,) = result.stderr.strip().splitlines()
    assert message in line


def test_answers_that_nothing_is_read_of_are_refused(command_line: CommandLine, tmp_path: Path) -> None:
    lines = [{**line, "response": "perhaps"} for line in answer_lines(demo())]
    write_run(tmp_path / "runs" / "vague", demo(), "vague", lines)
    result = command_line("plan", f"runs={tmp_path / 'runs'}", "width=0.02")
    assert result.returncode == 1
    assert (
        result.stderr.strip()
        .splitlines()[-1]
        .endswith("protocol=repope: reads no answer of these runs as yes or no; try another, or other runs")
    )


def test_f1_that_is_undefined_is_not_planned_for(command_line: CommandLine, tmp_path: Path) -> None:
    """Precision is undefined where nothing is answered with yes."""
    lines = [{**line, "response": "No"} for line in answer_lines(demo())]
    write_run(tmp_path / "runs" / "denier", demo(), "denier", lines)
    result = command_line("plan", f"runs={tmp_path / 'runs'}", "width=0.02")
    assert result.returncode == 1
    (line,) = result.stderr.strip().splitlines()
    assert line.endswith("F1 (mean) is undefined, so no interval of it is planned")
    write_run(tmp_path / "runs" / "steady", demo(), "steady", answer_lines(demo(), 0.05, 1))
    _, document = planned(command_line, tmp_path / "runs", tmp_path / "plan", "width=0.04")
    assert list(document["answered"]) == ["steady"]


def test_runs_that_describe_images_are_refused(command_line: CommandLine) -> None:
    assert command_line("bench=demo_captions", "limit=2", "out=described/m").returncode == 0
    result = command_line("plan", "runs=described", "width=0.02")
    assert result.returncode == 1
    first, line = result.stderr.strip().splitlines()
    assert first.endswith("runs=described: no run folder in it can be reported")
    assert line.startswith("  m: describes images, and these figures are of answers of yes and no")
