"""Stored answers: what is read of a file, whatever it holds, and the shares of several ranks."""

import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from repope_eval.errors import RepopeError
from repope_eval.records import Answer, Question
from repope_eval.runs.answer_store import AnswerStore, answer_lines, count_stored, merge_shares, read_answers
from repope_eval.runs.layout import share_path

QUESTIONS = tuple(
    Question("a.png", f"Is there a {name} in the image?", name) for name in ("car", "dog", "cup")
)
CAR, DOG, CUP = QUESTIONS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "answers.jsonl"


def _line(question: Question, response: str = "Yes") -> str:
    return answer_lines([Answer(question, response, 2, 0.75, 0.25)]).decode()


def _refusal(path: Path) -> str:
    with pytest.raises(RepopeError) as caught:
        AnswerStore(path, QUESTIONS)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "response",
    [
        "",
        "Ja, “natürlich” — 是的 😀",
        "line\nline\r\nline\u2028line\x85line\x00",
        "half a surrogate pair: \ud83d",
    ],
)
def test_answers_come_back_as_they_were_stored(path: Path, response: str) -> None:
    answers = [Answer(CAR, response, 3, 0.1, 1e-30), Answer(DOG, response, 0, None, None)]
    store = AnswerStore(path, QUESTIONS)
    store.append(answers)
    assert list(store.answers.values()) == answers
    assert list(AnswerStore(path, QUESTIONS).answers.values()) == answers
    assert len(path.read_bytes().splitlines()) == 2


def test_each_answer_is_one_line_with_the_fields_of_the_contract(path: Path) -> None:
    AnswerStore(path, QUESTIONS).append([Answer(CAR, "a\nb", 3, 0.5, None)])
    content = path.read_bytes()
    assert content.count(b"\n") == 1
    assert content.endswith(b"\n")
    assert json.loads(content) == {
        "image": "a.png",
        "question": "Is there a car in the image?",
        "response": "a\nb",
        "n_tokens": 3,
        "p_yes": 0.5,
        "p_no": None,
    }


@pytest.mark.parametrize("cut", [1, len(_line(DOG)) - 1])
def test_last_line_cut_short_is_taken_off_and_said(
    path: Path, cut: int, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_text(_line(CAR) + _line(DOG)[:-cut])
    store = AnswerStore(path, QUESTIONS)
    assert list(store.answers) == [CAR]
    assert path.read_text() == _line(CAR)
    assert caplog.messages == [
        f"{path}: the last line was cut short; it is taken off and its question asked again"
    ]
    store.append([Answer(DOG, "No")])
    assert list(AnswerStore(path, QUESTIONS).answers) == [CAR, DOG]


def test_line_cut_short_in_a_file_that_cannot_be_shortened_is_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    path.write_text("{")
    monkeypatch.setattr(os, "truncate", refuse)
    assert _refusal(path) == (
        f"{path}: the last line was cut short and cannot be taken off (Permission denied); remove it"
    )


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "it is no JSON (Expecting property name enclosed in double quotes at column 2)"),
        ("", "it is no JSON (Expecting value at column 1)"),
        ('{"image": "a.png"}', "question is missing"),
        (_line(CAR).replace('"Yes"', "null").strip(), "response is None, not a text"),
        ("[]", "no JSON object with named fields"),
        ("[" * 100_000, "brackets within brackets without end"),
        (_line(CAR).replace("2,", '"two",').strip(), "n_tokens is 'two', not a number of tokens"),
        (_line(CAR).replace("2,", "-1,").strip(), "n_tokens is -1, not a number of tokens"),
        (_line(CAR).replace("0.75", '"high"').strip(), "p_yes is 'high', not a probability"),
        (_line(CAR).replace("0.75", "NaN").strip(), "p_yes is nan, not a probability"),
        (_line(CAR).replace("0.75", "1.5").strip(), "p_yes is 1.5, not a probability"),
    ],
)
def test_broken_line_in_the_middle_is_named(path: Path, line: str, reason: str) -> None:
    content = f"{_line(CAR)}{line}\n{_line(DOG)}"
    path.write_text(content)
    refusal = _refusal(path)
    assert refusal.startswith(f"{path}, line 2: is no answer (")
    assert refusal.endswith("); remove the line to have its question asked again")
    assert reason in refusal
    assert len(refusal) < 400 + len(str(path))
    assert path.read_text() == content


def test_probabilities_that_add_up_to_a_little_more_than_one_are_answers(path: Path) -> None:
    path.write_text(_line(CAR).replace("0.75", "1.0000002"))
    assert AnswerStore(path, QUESTIONS).answers[CAR].p_yes == 1.0000002


def test_a_file_cut_anywhere_loses_the_line_that_was_cut_and_no_other(path: Path) -> None:
    answers = [Answer(question, "Ja, “natürlich” 是的", 2, 0.75, 0.25) for question in QUESTIONS]
    AnswerStore(path, QUESTIONS).append(answers)
    content = path.read_bytes()
    ends = [number + 1 for number, byte in enumerate(content) if byte == ord("\n")]
    for cut in range(len(content) + 1):
        path.write_bytes(content[:cut])
        whole = sum(end <= cut for end in ends)
        assert len(read_answers(path)) == whole
        store = AnswerStore(path, QUESTIONS)
        assert list(store.answers) == list(QUESTIONS[:whole])
        store.append(answers[whole:])
        assert path.read_bytes() == content


def test_first_of_two_answers_stays(path: Path) -> None:
    path.write_text(_line(CAR, "Yes") + _line(DOG) + _line(CAR, "No"))
    store = AnswerStore(path, QUESTIONS)
    assert store.answers[CAR].response == "Yes"
    store.append([Answer(DOG, "Maybe")])
    assert store.answers[DOG].response == "Yes"


def test_answers_to_other_questions_are_left_alone(path: Path) -> None:
    path.write_text(_line(CAR) + _line(DOG))
    store = AnswerStore(path, [DOG, CUP])
    assert list(store.answers) == [DOG]
    store.append([Answer(CUP, "No")])
    assert path.read_text().startswith(_line(CAR) + _line(DOG))
    assert list(AnswerStore(path, QUESTIONS).answers) == [CAR, DOG, CUP]


def test_full_disk_is_one_line_and_earlier_answers_are_safe(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "tempdir", str(path.parent))
    store = AnswerStore(path, QUESTIONS)
    store.append([Answer(CAR, "Yes", 1, 0.5, 0.5)])
    before = path.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(RepopeError) as caught:
            store.append([Answer(DOG, "No")])
    (rescued,) = path.parent.glob("repope_eval_*.jsonl")
    assert str(caught.value) == (
        f"{path}: cannot be written (No space left on device); {rescued} has 1 answer: make room, append that "
        "file to it and run the same command"
    )
    assert list(store.answers) == [CAR]
    assert path.read_bytes() == before
    with path.open("ab") as file:
        file.write(rescued.read_bytes())
    assert list(AnswerStore(path, QUESTIONS).answers) == [CAR, DOG]


def test_disk_without_room_anywhere_says_what_will_be_asked_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(path.parent / "no_such_folder"))
    path.symlink_to("/dev/full")
    with pytest.raises(RepopeError) as caught:
        AnswerStore(path.parent / "no_such_folder" / "answers.jsonl", QUESTIONS).append([Answer(DOG, "No")])
    assert "so 1 answer will be asked for again: make room" in str(caught.value)


def test_first_batch_on_a_full_device_is_rescued(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(path.parent))
    store = AnswerStore(path, QUESTIONS)
    path.symlink_to("/dev/full")
    with pytest.raises(
        RepopeError, match=r"cannot be written \(No space left on device\); .* has 1 answer: "
    ):
        store.append([Answer(DOG, "No")])
    (rescued,) = path.parent.glob("repope_eval_*.jsonl")
    assert json.loads(rescued.read_text())["response"] == "No"


def test_folder_that_vanished_is_put_back_with_all_answers(path: Path) -> None:
    path = path.parent / "run" / path.name
    path.parent.mkdir()
    store = AnswerStore(path, QUESTIONS)
    store.append([Answer(CAR, "Yes", 1, 0.5, 0.5)])
    shutil.rmtree(path.parent)
    with pytest.raises(RepopeError) as caught:
        store.append([Answer(DOG, "No")])
    assert str(caught.value) == (
        f"{path}: was removed while it was being written, and is there again, with 2 answers: run the same command "
        "to go on"
    )
    assert list(AnswerStore(path, QUESTIONS).answers) == [CAR, DOG]


def test_folder_that_vanished_for_good_is_rescued_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(path.parent))
    path = path.parent / "run" / path.name
    path.parent.mkdir()
    store = AnswerStore(path, QUESTIONS)
    store.append([Answer(CAR, "Yes", 1, 0.5, 0.5)])
    shutil.rmtree(path.parent)
    path.parent.touch()
    with pytest.raises(
        RepopeError, match=r"is gone and cannot be put back \(File exists\); .* has 2 answers: "
    ):
        store.append([Answer(DOG, "No")])
    (rescued,) = path.parent.parent.glob("repope_eval_*.jsonl")
    assert list(AnswerStore(rescued, QUESTIONS).answers) == [CAR, DOG]


def test_file_that_another_program_changed_is_not_written_to(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(path.parent))
    store = AnswerStore(path, QUESTIONS)
    AnswerStore(path, QUESTIONS).append([Answer(CAR, "Yes")])
    before = path.read_bytes()
    with pytest.raises(RepopeError, match=r"cannot be written \(another program has changed it\)"):
        store.append([Answer(DOG, "No")])
    assert path.read_bytes() == before


def test_a_question_left_without_answer_is_our_mistake(path: Path) -> None:
    store = AnswerStore(path, QUESTIONS)
    store.append([Answer(CAR, "Yes"), Answer(DOG, "Yes")])
    with pytest.raises(AssertionError, match="1 questions were asked and have no answer"):
        store.require_all()


SHARED_QUESTIONS = [Question(f"{number}.png", "Is there a car in the image?", "car") for number in range(6)]


def answer(number: int, response: str = "Yes") -> Answer:
    return Answer(SHARED_QUESTIONS[number], response=response, n_tokens=1, p_yes=0.9, p_no=0.1)


def store(path: Path, *answers: Answer) -> None:
    AnswerStore(path, SHARED_QUESTIONS).append(answers)


def merged(path: Path) -> dict[str, str]:
    """Image -> response of all that is stored; each question once."""
    stored = read_answers(path)
    assert len({known.question for known in stored}) == len(stored)
    return {known.question.image: known.response for known in stored}


def test_files_of_ranks_become_one(path: Path) -> None:
    store(path, answer(0))
    store(share_path(path, 0), answer(1))
    store(share_path(path, 10), answer(2), answer(3))
    assert count_stored(path, SHARED_QUESTIONS) == 4
    merge_shares(path)
    assert merged(path) == {f"{number}.png": "Yes" for number in range(4)}
    assert [file.name for file in path.parent.iterdir()] == ["answers.jsonl"]


def test_lines_of_ranks_are_moved_as_they_are(path: Path) -> None:
    store(share_path(path, 0), answer(1, "half a pair: \ud83d"), answer(2, "naïve\u2028"))
    share_path(path, 1).write_text(
        '{"image":"3.png",  "question":"q", "response":"", "n_tokens":1, "p_yes":0, "p_no":1}\n'
    )
    lines = share_path(path, 0).read_bytes() + share_path(path, 1).read_bytes()
    merge_shares(path)
    assert path.read_bytes() == lines


def test_a_merging_that_was_cut_short_is_done_again(path: Path) -> None:
    """Its answers are in place, and its files still there; the first answer to a question stays."""
    store(path, answer(0), answer(1, "No"))
    store(share_path(path, 0), answer(0), answer(1, "Yes"))
    store(share_path(path, 1), answer(2))
    merge_shares(path)
    assert merged(path) == {"0.png": "Yes", "1.png": "No", "2.png": "Yes"}


def test_a_line_cut_short_is_left_out_and_the_rest_kept(path: Path) -> None:
    store(share_path(path, 0), answer(0))
    with share_path(path, 0).open("a") as file:
        file.write('{"image": "1.png", "ques')
    store(share_path(path, 1), answer(2))
    merge_shares(path)
    assert merged(path) == {"0.png": "Yes", "2.png": "Yes"}


def test_answers_to_questions_outside_a_limited_run_are_kept(path: Path) -> None:
    store(share_path(path, 0), answer(4), answer(5))
    merge_shares(path)
    assert count_stored(path, SHARED_QUESTIONS[:5]) == 1
    assert set(merged(path)) == {"4.png", "5.png"}


def test_a_broken_line_is_named_and_no_file_touched(path: Path) -> None:
    share_path(path, 3).write_text("no answer\n")
    with pytest.raises(RepopeError, match=r"answers\.rank-3\.jsonl, line 1: is no answer"):
        merge_shares(path)
    assert not path.exists()
    assert share_path(path, 3).exists()
