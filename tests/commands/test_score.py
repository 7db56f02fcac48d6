"""What `score` says and refuses on the command line; what it makes of answers is tested where that is made."""

import json
from pathlib import Path

import pytest
from conftest import CommandLine
from run_folders import demo


def write_answers(folder: Path, variant: str) -> Path:
    """Answers to a variant of the embedded benchmark by id alone, as files of one variant often are."""
    path = folder / f"mine_{variant}.jsonl"
    rows = [
        {"question_id": key, "question": question.text, "response": "Yes"}
        for key, question in demo().ids[variant].items()
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_several_files_are_scored_as_one_models_and_the_benchmark_that_was_taken_is_said(
    command_line: CommandLine, tmp_path: Path
) -> None:
    files = [str(write_answers(tmp_path, variant)) for variant in ("popular", "random", "adversarial")]
    result = command_line("score", f"answers=[{','.join(files)}]")
    assert result.returncode == 0, result.stderr
    assert "bench= is not given, so bench=demo is taken; RePOPE is bench=repope" in result.stderr
    scores = json.loads((tmp_path / "work" / "runs" / "demo" / "mine" / "scores.json").read_text())
    assert scores["model"] == "mine"
    assert (
        scores["scores"]["pope"]["popular"]["n_answered"]
        == scores["scores"]["pope"]["popular"]["n_questions"]
    )
    again = command_line("score", f"answers=[{','.join(files)}]", "bench=demo")
    assert again.returncode == 0, again.stderr
    assert "bench= is not given" not in again.stderr


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("answers=[a.jsonl,a.jsonl]",), "answers: a.jsonl is given 2 times; name each file once"),
        (
            ("answers=[a.jsonl,b.jsonl,c.jsonl]", "questions=[a.jsonl,b.jsonl]"),
            "questions: 2 files for 3 of answers; give one for all, or one for each",
        ),
    ],
)
def test_files_that_do_not_go_together_are_refused(
    command_line: CommandLine, tmp_path: Path, words: tuple[str, ...], line: str
) -> None:
    result = command_line("score", "bench=demo", *words)
    assert (result.returncode, result.stderr) == (1, f"{line}\n")
    assert list((tmp_path / "work").iterdir()) == []


def test_what_a_model_thinks_before_its_answer_is_not_scored(
    command_line: CommandLine, tmp_path: Path
) -> None:
    path = write_answers(tmp_path, "random")
    text = path.read_text().replace('"Yes"', '"<think>I see ears, yes maybe.</think> No"')
    path.write_text(text.replace(".</think> No", "", 1))
    result = command_line("score", f"answers={path}", "bench=demo", "bench.variants=[random]", "out=run")
    assert result.returncode == 0, result.stderr
    rows = text.count("\n")
    assert (
        f"{rows} rows with a thought before the answer, which is left out; 1 of them end in the thought"
        in result.stderr
    )
    cell = json.loads((tmp_path / "work" / "run" / "scores.json").read_text())["scores"]["pope"]["random"]
    assert (cell["tp"], cell["fp"], cell["n_unparsed"]) == (0, 0, 1)


def test_a_tag_that_may_hold_a_thought_is_said(command_line: CommandLine, tmp_path: Path) -> None:
    path = write_answers(tmp_path, "random")
    path.write_text(path.read_text().replace('"Yes"', '"<musing>Ears?</musing> Yes"', 2))
    result = command_line("score", f"answers={path}", "bench=demo", "bench.variants=[random]", "out=run")
    assert result.returncode == 0, result.stderr
    assert "2 answers with a tag first that may hold a thought (<musing> 2)" in result.stderr


def test_unread_answers_stand_beside_the_figure_and_last_in_the_terminal(
    command_line: CommandLine, tmp_path: Path
) -> None:
    path = write_answers(tmp_path, "random")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows[: len(rows) * 6 // 10]:
        row["response"] = "It is unclear; perhaps."
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = command_line("score", f"answers={path}", "bench=demo", "bench.variants=[random]", "out=run")
    assert result.returncode == 0, result.stderr
    last = result.stderr.splitlines()[-3:]
    n_unread = len(rows) * 6 // 10
    assert last[0].startswith(
        f"Of {len(rows)} answers, other protocols read some otherwise than repope: pope "
    )
    assert last[1] == (
        f"{n_unread} of {len(rows)} answers are neither yes nor no by protocol repope, and no figure counts them. They "
        "begin with 'It is unclear; perhaps.': try another protocol=, or ask the model for yes or no."
    )
    page = (tmp_path / "work" / "run" / "report.html").read_text()
    assert f"; of the {len(rows) - n_unread} of {len(rows)} questions (40.0 %) with a readable answer" in page
    assert last[0] in page.replace("&#34;", '"')
