"""The answers that a device is checked by are those that their program makes."""

from pathlib import Path

import pytest

from demo_making.answers import main
from repope_eval.machine.checks import STORED_ANSWERS
from repope_eval.runs.answer_store import read_answers


def test_the_stored_answers_are_made_by_their_program(tmp_path: Path) -> None:
    main(["--out", str(tmp_path / "answers.jsonl")])
    made, stored = (read_answers(path) for path in (tmp_path / "answers.jsonl", STORED_ANSWERS))
    assert [(answer.question, answer.response, answer.n_tokens) for answer in made] == [
        (answer.question, answer.response, answer.n_tokens) for answer in stored
    ]
    assert [answer.p_yes for answer in made] == pytest.approx([answer.p_yes for answer in stored], abs=1e-3)
