from pathlib import Path

import pytest

from repope_eval.errors import RepopeError
from repope_eval.records import Answer, Question
from repope_eval.runs.answer_store import AnswerStore, count_stored, merge_shares, read_answers
from repope_eval.runs.layout import share_path

QUESTIONS = [Question(f"{number}.png", "Is there a car in the image?", "car") for number in range(6)]


def answer(number: int, response: str = "Yes") -> Answer:
    return Answer(QUESTIONS[number], response=response, n_tokens=1, p_yes=0.9, p_no=0.1)


def store(path: Path, *answers: Answer) -> None:
    AnswerStore(path, QUESTIONS).append(answers)


def merged(path: Path) -> dict[str, str]:
    """Image -> response of all that is stored; each question once."""
    stored = read_answers(path)
    assert len({known.question for known in stored}) == len(stored)
    return {known.question.image: known.response for known in stored}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "answers.jsonl"


def test_files_of_ranks_become_one(path: Path) -> None:
    store(path, answer(0))
    store(share_path(path, 0), answer(1))
    store(share_path(path, 10), answer(2), answer(3))
    assert count_stored(path, QUESTIONS) == 4
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
    assert count_stored(path, QUESTIONS[:5]) == 1
    assert set(merged(path)) == {"4.png", "5.png"}


def test_a_broken_line_is_named_and_no_file_touched(path: Path) -> None:
    share_path(path, 3).write_text("no answer\n")
    with pytest.raises(RepopeError, match=r"answers\.rank-3\.jsonl, line 1: is no answer"):
        merge_shares(path)
    assert not path.exists()
    assert share_path(path, 3).exists()
