"""Annotators: their names, times and notes, and that two people are two."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from repope_eval.errors import RepopeError
from repope_eval.relabelling.rule import read_annotators

TEXT = "Is there a dog in the image?"


def file_of(path: Path, *names: str | None, **fields: Any) -> Path:
    """A file with a line about another image for each name; a line without a name has no time either."""
    lines = [
        {"image": f"{hour}.jpg", "question": TEXT, "label": "yes"}
        | ({} if name is None else {"annotator": name, "at": f"2026-01-05T{hour:02}:00:00Z"})
        | fields
        for hour, name in enumerate(names)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_names_times_and_notes_are_those_of_the_labels_that_count(tmp_path: Path) -> None:
    (anna,) = read_annotators([file_of(tmp_path / "a.jsonl", "Anna", "Anna", "Ben", note=" odd ")])
    assert (anna.name, anna.names) == ("Anna, Ben", ("Anna", "Ben"))
    assert anna.times == (datetime(2026, 1, 5, 0, tzinfo=UTC), datetime(2026, 1, 5, 2, tzinfo=UTC))
    assert list(anna.notes.values()) == ["odd"] * 3


def test_half_a_surrogate_pair_in_a_note_is_replaced(tmp_path: Path) -> None:
    (anna,) = read_annotators([file_of(tmp_path / "a.jsonl", "Anna", note="\ud83d \ud83d\ude00")])
    assert list(anna.notes.values()) == ["\ufffd 😀"]


def test_who_has_no_name_is_called_as_the_file(tmp_path: Path) -> None:
    (somebody,) = read_annotators([file_of(tmp_path / "first.jsonl", None, None)])
    assert (somebody.name, somebody.names, somebody.times, somebody.notes) == ("first.jsonl", (), None, {})


def test_two_files_of_one_person_are_refused(tmp_path: Path) -> None:
    paths = [
        file_of(tmp_path / "a.jsonl", "Anna"),
        file_of(tmp_path / "b.jsonl", "Ben"),
        file_of(tmp_path / "c.jsonl", "Carla", "anna "),
    ]
    assert [person.name for person in read_annotators(paths[:2])] == ["Anna", "Ben"]
    with pytest.raises(RepopeError) as caught:
        read_annotators(paths)
    assert str(caught.value) == (
        f"{paths[0]} and {paths[2]} are both by annotator 'anna'; the two annotators and the decider must be "
        "different people: give the file of somebody else"
    )
