"""Thoughts are told from answers."""

import pytest

from repope_eval.scoring.thoughts import answer_in, is_thought_alone


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("No", "No"),
        ("<think>I see ears, yes maybe.</think> No", "No"),
        ("<think>\nyes\n</think>\n\nNo, there is none.", "No, there is none."),
        ("I see ears, yes maybe.</think>\nNo", "No"),  # where the prompt opened the thought
        ("  <think>yes, but", ""),
        ("<think></think>", ""),
        ("Yes <think", "Yes <think"),
    ],
)
def test_the_answer_is_what_comes_after_the_thought(text: str, answer: str) -> None:
    assert answer_in(text) == answer


def test_only_a_thought_that_has_not_ended_stands_alone() -> None:
    assert is_thought_alone("<think>yes")
    assert not is_thought_alone("<think>yes</think>")
    assert not is_thought_alone("yes")
