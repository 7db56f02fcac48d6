"""`questions`: what code of a user's own is given, and `score` takes back."""

import json
import shlex
from pathlib import Path
from typing import Any

from conftest import CommandLine
from demo_runs import QUESTIONS

from repope_eval.benchmarks.custom import DEMO_FOLDER


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_questions_come_back_answered_and_are_scored(command_line: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    result = command_line("questions", f"out={path}")
    assert result.returncode == 0, result.stderr
    assert f"{QUESTIONS} distinct questions" in result.stderr
    asked = rows(path)
    assert len({(row["image"], row["question"]) for row in asked}) == len(asked) == QUESTIONS
    assert {row["path"] for row in asked} == {str(image) for image in (DEMO_FOLDER / "images").iterdir()}
    unanswered = command_line("score", f"answers={path}", f"out={tmp_path / 'run'}")
    assert unanswered.returncode == 1
    assert "row 1: the response is None, not a text" in unanswered.stderr
    path.write_text("".join(json.dumps({**row, "response": "Yes."}) + "\n" for row in asked))
    scored = command_line("score", f"answers={path}", f"out={tmp_path / 'run'}")
    assert scored.returncode == 0, scored.stderr
    scores = json.loads((tmp_path / "run" / "scores.json").read_text())["scores"]
    assert scores["pope"]["mean"]["recall"] == 1


def test_no_file_is_written_over(command_line: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "mine.jsonl").write_text("mine")
    result = command_line("questions", f"out={tmp_path / 'mine.jsonl'}")
    assert result.returncode == 1
    assert "mine.jsonl exists; remove it or choose another out=" in result.stderr
    assert (tmp_path / "mine.jsonl").read_text() == "mine"


def test_a_few_questions_without_their_images(command_line: CommandLine, tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    assert command_line("questions", "limit=2", "fetch_images=false", f"out={path}").returncode == 0
    assert len({row["image"] for row in rows(path)}) == 2
    assert {row["path"] for row in rows(path)} == {None}


def test_the_command_that_scores_them_names_the_same_questions(
    command_line: CommandLine, tmp_path: Path
) -> None:
    """A benchmark of one's own is known by its settings, not by its name."""
    own = tmp_path / "own questions.jsonl"
    own.write_text(json.dumps({"image": "a.png", "question": "Is it late?", "label": "yes"}) + "\n")
    path = tmp_path / "questions.jsonl"
    words = ("bench=table", f"bench.questions={own}", "labels.yes=[yes]")
    result = command_line("questions", *words, "fetch_images=false", f"out={path}")
    assert result.returncode == 0, result.stderr
    path.write_text(json.dumps({**rows(path)[0], "response": "Yes"}) + "\n")
    hint = shlex.split(result.stderr.strip().splitlines()[-1].partition("score them: ")[2])
    assert hint[:4] == ["python", "-m", "repope_eval", "score"]
    scored = command_line(*hint[3:], f"out={tmp_path / 'run'}")
    assert scored.returncode == 0, scored.stderr
    assert (
        json.loads((tmp_path / "run" / "scores.json").read_text())["scores"]["original"]["table"]["tp"] == 1
    )
