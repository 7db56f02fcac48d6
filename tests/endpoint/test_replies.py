"""What is an answer, and what is none."""

import json
from typing import Any

import pytest
from chat_server import Asked, reply_to

from repope_eval.endpoint.faults import RequestError
from repope_eval.endpoint.replies import read_reply
from repope_eval.endpoint.requests import Form

ASKED = Asked(
    Form(model="m", max_tokens=8, system_prompt=None, question_suffix=None).body("Cat?", None), None
)


def reply(**changes: Any) -> str:
    return json.dumps(reply_to(ASKED, **changes))


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"content": " Yes.\n"}, " Yes.\n"),
        ({"content": ""}, ""),
        (
            {"content": [{"type": "text", "text": "Yes"}, {"type": "text", "text": ", there is"}]},
            "Yes, there is",
        ),
        ({"content": [{"type": "thinking", "thinking": []}, {"type": "text", "text": "No"}]}, "No"),
        ({"content": None, "refusal": "I cannot say."}, "I cannot say."),
        ({"content": "<think>\nYes? But no.\n</think>\n\nNo"}, "No"),
        ({"content": "Yes? But no.</think>No"}, "No"),
        ({"content": "No", "reasoning_content": "Yes? Yes. But no."}, "No"),
    ],
)
def test_these_are_answers(message: dict[str, Any], text: str) -> None:
    assert read_reply(reply(message=message), asks_evidence=True).text == text


@pytest.mark.parametrize(
    "message",
    [
        {"content": "<think>Yes, or"},
        {"content": None, "reasoning_content": "Hm."},
        {"content": None, "reasoning": "Hm."},
        {"content": "", "reasoning_content": "Hm."},
        {"content": None},
    ],
)
def test_a_thought_that_was_cut_off_leaves_no_text_and_no_evidence(message: dict[str, Any]) -> None:
    found = read_reply(reply(message=message, finish_reason="length"), asks_evidence=True)
    assert (found.text, found.is_cut, found.tokens_out) == ("", True, 2)
    assert (found.evidence.p_yes, found.evidence.reason) == (None, "the model was still thinking")


def test_an_empty_answer_after_a_thought_is_not_cut() -> None:
    body = reply(message={"content": "", "reasoning_content": "Hm."}, finish_reason="stop")
    found = read_reply(body, asks_evidence=True)
    assert (found.text, found.is_cut) == ("", False)


def test_an_answer_that_was_cut_off_is_an_answer() -> None:
    assert (
        read_reply(reply(message={"content": "Yes, th"}, finish_reason="length"), asks_evidence=True).text
        == "Yes, th"
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("<html><body>busy</body></html>", "a page in place of JSON"),
        ("", "no JSON"),
        (reply()[:-30], "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "an error in place of an answer"),
        ('{"error": {"message": "worker died"}}', "an error in place of an answer: worker died"),
        (reply(choices=[]), "a reply without choices"),
        (reply(choices=[7]), "a reply without choices"),
        (reply(choices=[{"text": "Yes"}]), "a reply without choices"),
        (reply(message={"content": None}), "a reply without text"),
    ],
)
def test_these_are_none(body: str, reason: str) -> None:
    with pytest.raises(RequestError) as caught:
        read_reply(body, asks_evidence=True)
    assert str(caught.value).startswith(reason)
    assert caught.value.may_pass


def test_tokens_are_those_that_the_server_counts() -> None:
    found = read_reply(reply(), asks_evidence=True)
    assert (found.tokens_in, found.tokens_out, found.tokens_cached, found.model) == (40, 2, 70, "m")
    for usage in (
        None,
        [],
        {},
        {"prompt_tokens": "40", "completion_tokens": -1, "prompt_tokens_details": None},
    ):
        found = read_reply(reply(usage=usage, model=None), asks_evidence=True)
        assert (found.tokens_in, found.tokens_out, found.tokens_cached, found.model) == (None, None, None, "")
