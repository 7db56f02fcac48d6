"""`queue.jsonl`: written and read back, and lines that are none of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from repope_eval.errors import RepopeError
from repope_eval.records import Question
from repope_eval.relabelling.queue import Queued, is_by_people, read_queue, write_queue
from repope_eval.system.rows import read_row_file

FIRST = Question("a.jpg", "Is there a cup in the image?", "cup")
SECOND = Question("b.jpg", "Is there a dog in the image?", "dog")
QUEUE = [
    Queued(question=FIRST, label=True, score=1.25, p_sampled=1.0, sampled=True),
    Queued(question=SECOND, label=False, score=0.5, p_sampled=0.125, sampled=False),
]


def test_a_queue_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_queue(tmp_path / "new" / "queue.jsonl", QUEUE)
    found = read_queue(tmp_path / "new" / "queue.jsonl")
    assert list(found.values()) == QUEUE
    lines = [json.loads(line) for line in (tmp_path / "new" / "queue.jsonl").read_text().splitlines()]
    assert lines[0] == {
        "image": "a.jpg",
        "question": "Is there a cup in the image?",
        "label": "yes",
        "score": 1.25,
        "p_sampled": 1.0,
        "sampled": True,
    }


@pytest.mark.parametrize("relabelled", [False, True])
def test_a_queue_says_whether_its_labels_are_peoples(relabelled: bool, tmp_path: Path) -> None:
    path = tmp_path / "queue.jsonl"
    write_queue(path, QUEUE, relabelled=relabelled)
    assert list(read_queue(path).values()) == QUEUE
    assert is_by_people(read_row_file(path)) is relabelled


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label": "maybe"}, "line 1: label 'maybe', score 1.25"),
        ({"p_sampled": True}, "line 1: .*p_sampled True"),
        ({"p_sampled": 1.5}, "line 1: p_sampled is 1.5; a probability is expected"),
        ({"p_sampled": 0}, "line 1: p_sampled is 0.0; .* above 0 where sampled"),
        ({"sampled": "yes"}, "line 1: .*sampled 'yes'; give the queue.jsonl that audit wrote"),
        ({"image": "b.jpg", "question": SECOND.text}, "line 2: .* about b.jpg stands twice"),
    ],
)
def test_a_line_of_something_else_is_refused(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = tmp_path / "queue.jsonl"
    write_queue(path, QUEUE)
    first, second = path.read_text().splitlines()
    path.write_text(json.dumps({**json.loads(first), **changes}) + "\n" + second + "\n")
    with pytest.raises(RepopeError, match=message):
        read_queue(path)


def test_an_empty_queue_is_refused(tmp_path: Path) -> None:
    (tmp_path / "queue.jsonl").write_text("")
    with pytest.raises(RepopeError, match="holds no questions"):
        read_queue(tmp_path / "queue.jsonl")
