"""Probabilities of yes and no, from the most likely first tokens that a server lists."""

import math
from typing import Any

import pytest

from repope_eval.asking.endpoint.replies import first_token_evidence


def choice(*listed: tuple[str, float], **message: str) -> dict[str, Any]:
    top = [{"token": token, "logprob": math.log(p), "bytes": list(token.encode())} for token, p in listed]
    return {"message": {"content": "Yes"} | message, "logprobs": {"content": [{"top_logprobs": top}]}}


def test_all_spellings_count_and_what_is_not_listed_bounds_the_rest() -> None:
    listed = [
        ("Yes", 0.5),
        (" yes", 0.125),
        ("\u2581YES", 0.0625),
        ("\u0120No", 0.125),
        ("Yesterday", 0.0625),
    ]
    found = first_token_evidence(choice(*listed), is_asked=True, has_thought=False)
    assert found.p_yes == pytest.approx(0.6875)
    assert found.p_no == pytest.approx(0.125)
    assert found.unlisted == pytest.approx(0.125)
    assert found.reason == ""


def test_a_token_that_is_listed_twice_counts_once() -> None:
    found = first_token_evidence(
        choice(("Yes", 0.75), ("No", 0.25), ("Yes", 0.75)), is_asked=True, has_thought=False
    )
    assert (found.p_yes, found.p_no, found.unlisted) == pytest.approx((0.75, 0.25, 0.0))


def test_a_word_that_is_not_listed_has_what_is_left_at_most() -> None:
    found = first_token_evidence(choice(("The", 0.5), ("A", 0.25)), is_asked=True, has_thought=False)
    assert (found.p_yes, found.p_no, found.unlisted) == pytest.approx((0.0, 0.0, 0.25))


@pytest.mark.parametrize(
    "logprobs",
    [
        None,
        {},
        {"content": None},
        {"content": []},
        {"content": [{"token": "Yes", "logprob": -0.1}]},
        {"content": [{"top_logprobs": []}]},
        {"content": [{"top_logprobs": [{"token": "Yes", "logprob": 3}]}]},
        {"content": [{"top_logprobs": [{"token": "Yes", "logprob": float("nan")}]}]},
        {"content": [{"top_logprobs": [{"token": 7, "logprob": -1}]}]},
        {"tokens": ["Yes"], "top_logprobs": [{"Yes": -0.1}]},
    ],
)
def test_where_there_is_nothing_to_read_there_is_no_evidence(logprobs: object) -> None:
    found = first_token_evidence(
        {"message": {"content": "Yes"}, "logprobs": logprobs}, is_asked=True, has_thought=False
    )
    assert (found.p_yes, found.p_no, found.reason) == (None, None, "the server sends no logprobs")


def test_a_thoughts_first_token_is_no_evidence() -> None:
    found = first_token_evidence(choice(("Yes", 0.5)), is_asked=True, has_thought=True)
    assert (found.p_yes, found.reason) == (None, "a thought comes before the answer")


def test_evidence_that_is_not_asked_for_is_none() -> None:
    found = first_token_evidence(choice(("Yes", 0.5)), is_asked=False, has_thought=False)
    assert (found.p_yes, found.reason) == (None, "the server refuses logprobs")
