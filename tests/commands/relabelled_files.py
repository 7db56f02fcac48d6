"""Small files of questions and of annotators, and `relabel` run on them."""

import json
from pathlib import Path
from typing import Any

import pytest

from repope_eval.benchmarks.pope_file import read_rows
from repope_eval.commands.relabel import execute
from repope_eval.errors import RepopeError
from repope_eval.settings.command_settings import RelabelSettings

VARIANTS = ("random", "popular", "adversarial")
NAMES = ("dog", "cat", "car")
AT = "2026-01-01T00:00:00+00:00"


def rows(*labels: str | None, first: int = 0) -> list[dict[str, Any]]:
    """Rows about things in order, as an annotator has them."""
    return [
        {"image": "a.jpg", "question": f"Is there a {name} in the image?", "label": label}
        for name, label in zip(NAMES[first:], labels, strict=False)
    ]


def questions(*labels: str, first: int = 0) -> list[dict[str, Any]]:
    return [
        {"question_id": number, "image": row["image"], "text": row["question"], "label": row["label"]}
        for number, row in enumerate(rows(*labels, first=first), 1)
    ]


def lines(path: Path, of: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in of))
    return path


def write_questions_and_labels(folder: Path) -> None:
    """Questions about three things, and the files of two annotators who agree on none but the first."""
    lines(folder / "questions.jsonl", questions("yes", "yes", "yes"))
    lines(folder / "first.jsonl", rows("yes", "no", "ambiguous"))
    lines(folder / "second.jsonl", rows("yes", "yes", "yes"))


def write_logs(folder: Path) -> None:
    """Logs of two people who have not labelled everything, and of a decider."""
    lines(folder / "first.jsonl", log_lines("no", "yes", by="Anna"))
    lines(folder / "second.jsonl", [*log_lines("yes", "no", "yes", by="Ben"), *log_lines("no", by="Ben")])
    lines(folder / "decider.jsonl", log_lines("yes", by="Carla", first=1))


def relabel(**changes: Any) -> None:
    settings = {
        "questions": "questions.jsonl",
        "annotators": ("first.jsonl", "second.jsonl"),
        "out": "new.jsonl",
    }
    execute(RelabelSettings(**{**settings, **changes}), "")


def refusal(**changes: Any) -> str:
    with pytest.raises(RepopeError) as caught:
        relabel(**changes)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def labels(path: Path) -> dict[str, str]:
    return {row.question.object: row.label for row in read_rows(path)}


def log_lines(*labels: str | None, by: str, first: int = 0) -> list[dict[str, Any]]:
    """Lines as the page for annotators appends them, an hour after one another."""
    return [
        row | {"annotator": by, "at": f"2026-01-05T{hour:02}:00:00+00:00", "note": f"{by} says"}
        for hour, row in enumerate(rows(*labels, first=first))
    ]


def json_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]
