"""`relabel` of the queue that `audit` wrote: its part to be looked at, written as a queue again."""

import json
import logging
import re
from dataclasses import replace
from pathlib import Path

import pytest
from relabelled_files import NAMES, labels, lines, refusal, relabel, rows

from repope_eval.records import Question
from repope_eval.relabelling.queue import Queued, read_queue, write_queue


def write_queue_of_things(path: Path, *sampled: bool) -> Path:
    """A queue of the three things, all with label yes, of which some are to be looked at."""
    queue = [
        Queued(
            question=Question(row["image"], row["question"], name),
            label=True,
            score=1.0,
            p_sampled=0.5,
            sampled=each,
        )
        for name, row, each in zip(NAMES, rows("yes", "yes", "yes"), sampled, strict=True)
    ]
    write_queue(path, queue)
    return path


def test_of_a_queue_the_part_to_be_looked_at_is_relabelled_and_written_as_a_queue(folder: Path) -> None:
    queue = write_queue_of_things(folder / "queue.jsonl", True, False, True)
    dog, _, car = read_queue(queue).values()
    lines(folder / "first.jsonl", [rows("no")[0], *rows("yes", first=2)])
    lines(folder / "second.jsonl", [rows("no")[0], *rows("no", first=2)])
    assert "the annotators disagree on 1 of 2 questions" in refusal(questions="queue.jsonl")
    (disputed,) = map(json.loads, (folder / "new_disputed.jsonl").read_text().splitlines())
    assert (disputed["question_id"], disputed["text"]) == (3, car.question.text)
    lines(folder / "decider.jsonl", rows("yes", first=2))
    relabel(questions="queue.jsonl", decider="decider.jsonl")
    assert list(read_queue(folder / "new.jsonl").values()) == [replace(dog, label=False), car]
    written = map(json.loads, (folder / "new.jsonl").read_text().splitlines())
    assert all(line["relabelled"] is True for line in written)


def test_a_relabelled_queue_has_one_name_and_says_what_nobody_was_to_look_at(
    folder: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    write_queue_of_things(folder / "queue.jsonl", True, False, True)
    for who in ("first", "second"):
        lines(folder / f"{who}.jsonl", [rows("no")[0], *rows("yes", first=2)])
    relabel(questions="queue.jsonl", out="rq4.jsonl")
    left_out = "Not for people to look at, and left out: 1 other question of the queue."
    assert left_out in caplog.messages
    card, page = (folder / name for name in ("rq4_card.md", "rq4_relabelling.html"))
    assert left_out in card.read_text()
    assert left_out in page.read_text()
    assert "| queue   | yes" in card.read_text()
    assert 'data-variants="queue"' in page.read_text()
    assert "rq4" not in page.read_text()
    assert re.search(r"^\W*queue +\W* *yes ", capsys.readouterr().out, re.MULTILINE)


def test_a_queue_and_a_file_in_popes_format_keep_their_forms(folder: Path) -> None:
    write_queue_of_things(folder / "queue.jsonl", True, True, True)
    lines(folder / "first.jsonl", rows("yes", "ambiguous", "yes"))
    relabel(questions=("questions.jsonl", "queue.jsonl"), out="new")
    assert labels(folder / "new" / "questions.jsonl") == {"dog": "yes", "car": "yes"}
    assert [each.question.object for each in read_queue(folder / "new" / "queue.jsonl").values()] == [
        "dog",
        "car",
    ]


def test_a_queue_of_which_nothing_is_to_be_looked_at_is_refused(folder: Path) -> None:
    write_queue_of_things(folder / "queue.jsonl", False, False, False)
    assert refusal(questions="queue.jsonl") == (
        "queue.jsonl: none of its questions is to be looked at (sampled); is it the right queue?"
    )


def test_an_audited_queue_says_what_was_chosen_and_estimates_the_rest(
    folder: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten questions were chosen as doubtful and all flipped; of ninety others thirty were drawn, and one is wrong."""
    caplog.set_level(logging.INFO)
    queue = [
        Queued(
            question=Question(f"{number}.jpg", "Is there a dog in the image?", "dog"),
            label=True,
            score=1.0,
            p_sampled=1.0 if number < 10 else 1 / 3,
            sampled=number < 40,
        )
        for number in range(100)
    ]
    write_queue(folder / "queue.jsonl", queue)
    said = [
        {
            "image": each.question.image,
            "question": each.question.text,
            "label": "no" if number < 11 else "yes",
        }
        for number, each in enumerate(queue[:40])
    ]
    for who in ("first", "second"):
        lines(folder / f"{who}.jsonl", said)
    relabel(questions="queue.jsonl")
    chosen = (
        "Of the questions looked at, 10 were chosen as the most doubtful, so these shares are no error rate of the "
        "benchmark."
    )
    apart = "By the 30 drawn from the other 90, an estimated 3.33 % [0.24, 12.26] of these 90 are flipped"
    whole = "; 13.00 % [10.22, 21.04]"
    card, page = (
        (folder / name).read_text().replace("\\", "").replace("\u00a0", " ")
        for name in ("new_card.md", "new_relabelling.html")
    )
    for text in ("\n".join(caplog.messages), card, page):
        for words in (chosen, apart, whole, ", over the queue's questions and not the benchmark's"):
            assert words in text.replace("&#39;", "'")
    console = capsys.readouterr().out
    for text in (console, card, page):
        assert "Label changes of the settled questions, 10 of which were chosen as the most doubtful" in text
        assert "the most doubtful" in text
        assert "13.00 % [10.22, 21.04]" in text
