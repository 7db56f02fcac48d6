"""`queue.jsonl` written and read back: which questions a person is asked, and in what order."""

import itertools
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from annotated import QUESTIONS, question, write_lines

from repope_eval.benchmarks.pope_file import is_by_people
from repope_eval.errors import RepopeError
from repope_eval.records import Question
from repope_eval.relabelling.queue import (
    Queued,
    blind_order,
    read_questions,
    read_queue,
    write_queue,
)
from repope_eval.system.rows import read_row_file

CAT, DOG = question("a.jpg", "cat"), question("a.jpg", "dog")


def refusal(*paths: Path) -> str:
    with pytest.raises(RepopeError) as caught:
        read_questions(paths)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def queue_line(name: str, **fields: Any) -> dict[str, Any]:
    about = question("a.jpg", name)
    scores = {"label": "yes", "score": 0.5, "p_sampled": 1}
    return {"image": about.image, "question": about.text, **scores, **fields}


def test_lines_of_a_queue_are_asked_that_are_sampled(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "queue.jsonl",
        queue_line("cat", sampled=True),
        queue_line("cow", sampled=False),
        queue_line("dog"),
    )
    assert read_questions([path]) == (CAT, DOG)


def test_the_queue_that_audit_writes_is_read(tmp_path: Path) -> None:
    queue = [
        Queued(question=about, label=True, score=0.5, p_sampled=0.5, sampled=about is DOG)
        for about in (CAT, DOG)
    ]
    write_queue(tmp_path / "queue.jsonl", queue)
    assert read_questions([tmp_path / "queue.jsonl"]) == (DOG,)


def test_popes_files_are_read_and_a_question_of_several_is_asked_once(tmp_path: Path) -> None:
    first = {"question_id": 1, "image": "a.jpg", "text": CAT.text, "label": "yes"}
    second = {"question_id": 2, "image": "a.jpg", "text": DOG.text, "label": "no"}
    one, other = write_lines(tmp_path / "1", first), write_lines(tmp_path / "2", second, first)
    assert read_questions([one, other]) == (CAT, DOG)


def test_a_table_is_read(tmp_path: Path) -> None:
    path = tmp_path / "queue.csv"
    path.write_text(f"image,question,sampled\na.jpg,{CAT.text},True\na.jpg,{DOG.text},false\n")
    assert read_questions([path]) == (CAT,)


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ({"image": "a.jpg"}, "has no image and question; each row needs image, and question or text"),
        ({"image": "a.jpg", "question": 7}, "the question is 7, not a text"),
        ({"image": "../a.jpg", "question": "Q?"}, "image name '../a.jpg' leads out of the image folder; "),
        (queue_line("cat", sampled="perhaps"), "sampled is 'perhaps'; true or false is expected"),
    ],
)
def test_a_row_that_cannot_be_asked_is_named(row: dict[str, Any], line: str, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "queue.jsonl", queue_line("dog"), row)
    assert refusal(path).startswith(f"{path}, line 2: {line}")


def test_a_queue_of_nothing_to_ask_is_refused(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "queue.jsonl", queue_line("dog", sampled=False))
    assert refusal(path) == (
        f"{path}: holds no question to ask, for none of its 1 row is sampled; is it the right file?"
    )


def test_the_order_is_the_annotators_own_and_keeps_an_images_questions_together() -> None:
    questions = [question(f"{number}.jpg", name) for number in range(20) for name in ("cat", "dog", "cow")]
    order = blind_order(questions, "first")
    assert order == blind_order(questions[::-1], "first")
    assert order != blind_order(questions, "second")
    assert set(order) == set(questions)
    changes = sum(one.image != other.image for one, other in itertools.pairwise(order))
    assert changes == 19


def test_the_order_does_not_tell_doubtful_questions_from_random_ones() -> None:
    """The first question of the queue is anywhere, over many names."""
    questions = [question(f"{number}.jpg", "cat") for number in range(4)]
    places = Counter(blind_order(questions, f"name {number}").index(questions[0]) for number in range(400))
    assert min(places[place] for place in range(4)) > 60


def test_an_order_is_known() -> None:
    """Whoever goes on after an update finds the same question first."""
    order = blind_order(QUESTIONS, "third")
    assert [(about.image, about.object) for about in order] == [
        ("b.png", "dog"),
        ("b.png", "cat"),
        ("a.png", "dog"),
        ("a.png", "cat"),
    ]


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
