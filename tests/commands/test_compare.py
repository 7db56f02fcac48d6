"""`compare` through the command line: what it writes and prints, and that each mistake is one line."""

import json
import shlex
from pathlib import Path

import pytest
from compared import answer_file, scored_run
from conftest import PROJECT, CommandLine
from run_folders import answer_lines, demo, told_lines


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    scored_run(tmp_path / "runs" / "steady", answer_lines(demo(), 0.05, 1))
    scored_run(tmp_path / "runs" / "hasty", answer_lines(demo(), 0.15, 2)[:800], protocol="lmms_eval")
    return tmp_path / "runs"


def test_it_writes_a_page_and_a_document_and_prints_table_and_verdict(
    runs: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    words = ("compare", f"a={runs / 'steady'}", f"b={runs / 'hasty'}")
    result = command_line(*words)
    assert result.returncode == 0, result.stderr
    out = tmp_path / "work" / "compare"
    assert {path.name for path in out.iterdir()} == {"compare.html", "compare.json"}
    document = json.loads((out / "compare.json").read_text())
    assert document["verdict"] in " ".join(result.stdout.split())
    assert "F1 of both, in percent, and where the gap comes from, in points" in result.stdout
    assert (
        "the comparison is in compare (compare.html for reading, compare.json for programs)" in result.stderr
    )
    html = (out / "compare.html").read_text()
    assert "steady</span> against" in html
    assert " ".join(("python -m repope_eval", *words)) in html
    assert command_line(*words).returncode == 0  # once more is fine
    assert json.loads((out / "compare.json").read_text()) == document


def test_thresholds_on_b_are_printed_where_its_probabilities_are_known(
    command_line: CommandLine, tmp_path: Path
) -> None:
    method, baseline = (
        scored_run(tmp_path / name, told_lines(demo(), threshold))
        for name, threshold in (("method", 0.48), ("baseline", 0.7))
    )
    result = command_line("compare", f"a={method}", f"b={baseline}")
    assert result.returncode == 0, result.stderr
    printed = " ".join(result.stdout.split())
    document = json.loads((tmp_path / "work" / "compare" / "compare.json").read_text())
    assert document["threshold_verdict"] in printed
    assert "baseline, yes as often as method" in printed
    result = command_line("compare", f"a={method}", f"b={method}", "protocol_b=lmms_eval")
    assert "threshold" not in result.stdout


def test_a_margin_tests_whether_the_two_are_the_same(
    runs: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    lines = answer_lines(demo(), 0.05, 1)
    other = answer_file(tmp_path / "other.jsonl", lines)
    result = command_line("compare", f"a={runs / 'steady'}", f"b={other}", "margin=.03")
    assert result.returncode == 0, result.stderr
    document = json.loads((tmp_path / "work" / "compare" / "compare.json").read_text())
    assert document["equivalence_verdict"] in " ".join(result.stdout.split())
    assert "none flips (95 % over images 0.00–" in document["equivalence_verdict"]
    assert "Same within 3.00 points: the difference of F1 (mean) under" in document["equivalence_verdict"]
    assert document["flip_rate"]["n_questions"] == 1026
    found = document["labels"][-1]["variants"]["mean"]["equivalence"]
    assert (found["margin"], found["verdict"], found["value"]) == (0.03, "same", 0)
    assert -0.03 < found["ci90"][0] < 0 < found["ci90"][1] < 0.03


def test_two_files_and_a_benchmark_are_enough(command_line: CommandLine, tmp_path: Path) -> None:
    lines = answer_lines(demo())
    a, b = answer_file(tmp_path / "a.jsonl", lines), answer_file(tmp_path / "b.jsonl", lines[:300])
    out = tmp_path / "out"
    result = command_line("compare", f"a={a}", f"b={b}", "bench=demo", "protocol=pope", f"out={out}")
    assert result.returncode == 0, result.stderr
    assert "All of it comes from other questions" in " ".join(result.stdout.split())
    document = json.loads((out / "compare.json").read_text())
    assert [document[letter]["protocol"] for letter in "ab"] == ["pope", "pope"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("a=steady", "b=steady"), "a and b are both steady, read alike"),
        (("a=steady", "b=none"), "b=none: no such run folder or answer file; check the name"),
        (("a=steady",), "b is required: give b=..."),
        (
            ("a=steady", "b=hasty", "bench=dash_b"),
            "of two benchmarks (a is demo, b is demo, bench= says dash_b)",
        ),
        (("a=steady", "b=hasty", "labels_a=pope"), "labels_a= stands alone"),
        (("a=steady", "b=hasty", "protocol_b=mine"), "protocol_b"),
        (("a=steady", "b=hasty", "margin=0"), "margin=0.0: must be at least 0.0001"),
        (("a=steady", "b=hasty", "margin=.5points"), "margin=.5points: a number or null is expected"),
        (
            ("a=steady", "b=hasty", "out=steady/manifest.json"),
            "out=steady/manifest.json: cannot be made or written",
        ),
    ],
)
def test_a_mistake_is_one_line(
    words: tuple[str, ...], message: str, runs: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "work").rmdir()
    runs.rename(tmp_path / "work")
    result = command_line("compare", *words)
    assert result.returncode == 1
    (line,) = result.stderr.strip().splitlines()
    assert message in line
    assert result.stdout == ""


def test_the_commands_of_its_how_to_run_one_after_another(command_line: CommandLine, tmp_path: Path) -> None:
    text = (PROJECT / "docs" / "how-to" / "compare-two-results.md").read_text(encoding="utf-8")
    program = "python -m repope_eval"
    commands = [shlex.split(line)[3:] for line in text.splitlines() if line.startswith(program)]
    assert sum(words[:1] == ["compare"] for words in commands) == len(commands) - 3 == 7
    for name, wrong in (("mine", 0.2), ("theirs", 0.1)):
        answer_file(tmp_path / "work" / f"{name}.jsonl", answer_lines(demo(), wrong))
    for words in commands:
        if words[:1] != ["compare"]:  # the model is asked about as many images as a test has time for
            limit = "limit=2" if any(word.startswith("limit=") for word in words) else "limit=4"
            words = [*(word for word in words if not word.startswith("limit=")), limit]
        result = command_line(*words)
        assert result.returncode == 0, result.stderr
        assert "F1" in result.stdout
