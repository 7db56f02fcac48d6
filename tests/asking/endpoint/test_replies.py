"""What is an answer and how sure it is, and what is wrong with a reply that is refused, in words."""

import email.utils
import json
import math
import time
from typing import Any

import pytest
from chat_server import Asked, reply_to

from repope_eval.asking.endpoint.replies import (
    RequestError,
    complaint,
    fault_of,
    first_token_evidence,
    read_reply,
)
from repope_eval.asking.endpoint.requests import Form
from repope_eval.system.secrets import hide

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
        ({"content": "No", "reasoning_content": "Yes? Yes. But no."}, "No"),
        ({"content": "[THINK]Yes? But no.[/THINK]No"}, "No"),
        ({"content": "◁think▷Yes? But no.◁/think▷No"}, "No"),
        ({"content": [{"type": "reasoning", "text": "Yes?"}, {"type": "text", "text": "No"}]}, "No"),
        ({"content": [{"text": "No"}, {"type": "refusal", "refusal": "I cannot."}]}, "No"),
        ({"content": [{"type": "refusal", "refusal": "I cannot."}]}, "I cannot."),
        ({"content": "No", "refusal": "I cannot say.", "tool_calls": [{"id": "1"}]}, "No"),
    ],
)
def test_these_are_answers(message: dict[str, Any], text: str) -> None:
    assert read_reply(reply(message=message), asks_evidence=True).text == text


@pytest.mark.parametrize(
    "message",
    [
        {"content": "<think>Yes, or"},
        {"content": None, "reasoning": "Hm."},
        {"content": None},
        {"content": [{"type": "thinking", "thinking": "Hm."}]},
        {"content": "[THINK]Yes, or"},
        {"content": "<|channel|>analysis<|message|>Yes, or"},
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
        ("[" * 100_000, "no JSON"),
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


FAILED = {"index": 0, "message": {"content": "Internal error: no capacity"}}


@pytest.mark.parametrize(
    ("body", "fault", "may_pass"),
    [
        (
            reply(choices=[FAILED | {"finish_reason": "error", "error": {"code": 502, "message": "down"}}]),
            "error 502 in place of an answer: down",
            True,
        ),
        (
            reply(choices=[FAILED | {"finish_reason": "error"}]),
            "an answer that ended with error: Internal error: no capacity",
            True,
        ),
        ('{"error": {"code": 429, "message": "slow"}}', "error 429 in place of an answer: slow", True),
        ('{"error": {"code": 400, "message": "image"}}', "error 400 in place of an answer: image", False),
        (
            reply(message={"content": ""}, finish_reason="content_filter"),
            "nothing that the server's content filter let pass",
            False,
        ),
        (
            reply(message={"content": "", "tool_calls": [{"id": "1"}]}),
            "a call of a tool in place of an answer",
            True,
        ),
    ],
)
def test_what_the_server_calls_no_answer_is_none(body: str, fault: str, may_pass: bool) -> None:
    with pytest.raises(RequestError) as caught:
        read_reply(body, asks_evidence=True)
    assert str(caught.value).startswith(fault)
    assert caught.value.may_pass == may_pass
    assert not caught.value.ends_run


def test_an_error_in_a_reply_is_what_its_code_says() -> None:
    with pytest.raises(RequestError) as caught:
        read_reply('{"error": {"code": 402, "message": "no credits"}}', asks_evidence=True)
    assert caught.value.ends_run
    with pytest.raises(RequestError) as caught:
        read_reply('{"error": {"code": 429, "message": "slow down"}}', asks_evidence=True)
    assert caught.value.is_pace
    assert caught.value.is_busy


def test_text_that_a_filter_cut_and_a_refusal_that_it_made_are_answers() -> None:
    for message in ({"content": "Yes, th"}, {"content": None, "refusal": "Yes, th"}):
        body = reply(message=message, finish_reason="content_filter")
        assert read_reply(body, asks_evidence=True).text == "Yes, th"


def test_of_several_choices_the_first_by_index_is_the_answer() -> None:
    choices = [{"index": index, "message": {"content": text}} for index, text in ((1, "Yes"), (0, "No"))]
    assert read_reply(reply(choices=choices), asks_evidence=True).text == "No"
    assert read_reply(reply(choices=[7, {"message": {"content": "No"}}]), asks_evidence=True).text == "No"


def test_a_tag_that_nobody_knows_stays_and_is_told() -> None:
    found = read_reply(reply(message={"content": "<reflection>Yes?</reflection>No"}), asks_evidence=True)
    assert (found.text, found.unknown_tag) == ("<reflection>Yes?</reflection>No", "<reflection>")


def test_a_secret_in_an_answer_is_left_out_and_told() -> None:
    hide("sk-12345+6789", "(KEY)")
    body = reply(message={"content": "No. Incorrect key: sk-12345+6789"}).replace("+", r"\u002b")
    found = read_reply(body, asks_evidence=True)
    assert (found.text, found.has_secret) == ("No. Incorrect key: (KEY)", True)


def test_numbers_that_no_server_counts_to_count_nothing() -> None:
    usage = {
        "prompt_tokens": 10**400,
        "completion_tokens": float("nan"),
        "prompt_tokens_details": {"cached_tokens": 1e999},
    }
    found = read_reply(reply(usage=usage), asks_evidence=True)
    assert (found.tokens_in, found.tokens_out, found.tokens_cached) == (None, None, None)


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


def test_a_word_that_is_not_listed_has_no_probability_of_0() -> None:
    """It is below what is listed, which bounds it, and says no more."""
    found = first_token_evidence(choice(("Yes", 0.5), ("A", 0.25)), is_asked=True, has_thought=False)
    assert (found.p_yes, found.p_no, found.unlisted) == (pytest.approx(0.5), None, pytest.approx(0.25))
    assert found.reason == ""
    found = first_token_evidence(choice(("The", 0.5), ("A", 0.25)), is_asked=True, has_thought=False)
    assert (found.p_yes, found.p_no, found.unlisted) == (None, None, pytest.approx(0.25))
    assert found.reason == "neither yes nor no is among the tokens that the server lists"


def test_a_word_is_impossible_where_the_list_leaves_nothing() -> None:
    found = first_token_evidence(choice(("Yes", 1.0)), is_asked=True, has_thought=False)
    assert (found.p_yes, found.p_no) == (1.0, 0.0)


@pytest.mark.parametrize(
    "logprobs",
    [
        None,
        {"content": []},
        {"content": [{"token": "Yes", "logprob": -0.1}]},
        {"content": [{"top_logprobs": []}]},
        {"content": [{"top_logprobs": [{"token": "Yes", "logprob": 3}]}]},
        {"content": [{"top_logprobs": [{"token": "Yes", "logprob": float("nan")}]}]},
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


@pytest.mark.parametrize(
    ("status", "may_pass", "is_busy", "ends_run"),
    [
        (400, False, False, False),
        (401, False, False, True),
        (402, False, False, True),
        (404, False, False, True),
        (307, False, False, True),
        (422, False, False, False),
        (408, True, False, False),
        (429, True, True, False),
        (500, True, False, False),
        (503, True, True, False),
    ],
)
def test_a_status_passes_or_concerns_one_question_or_all(
    status: int, may_pass: bool, is_busy: bool, ends_run: bool
) -> None:
    fault = fault_of(status, {}, "")
    assert (fault.may_pass, fault.is_busy, fault.ends_run) == (may_pass, is_busy, ends_run)
    assert str(fault) == f"HTTP {status}"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7),
        ("0.5", 0.5),
        ("soon", 0),
        ("nan", 0),
        ("1" + "0" * 400, 0),
        ("Fri, 31 Dec 10000 23:59:59 GMT", 0),
        ("9" * 5000 + " " + "9" * 5000, 0),
    ],
)
def test_retry_after_is_a_number(value: str, seconds: float) -> None:
    assert fault_of(429, {"Retry-After": value}, "").retry_after == seconds


@pytest.mark.parametrize("value", ["Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 -2359"])
def test_a_date_at_the_end_of_time_is_a_long_wait(value: str) -> None:
    assert fault_of(429, {"Retry-After": value}, "").retry_after > 1e11


@pytest.mark.parametrize(("ahead", "seconds"), [(10_000, 10_000), (-10_000, 0)])
def test_retry_after_may_be_a_date(ahead: float, seconds: float) -> None:
    value = email.utils.formatdate(time.time() + ahead)
    assert fault_of(429, {"Retry-After": value}, "").retry_after == pytest.approx(seconds, rel=0.1)


def test_a_date_is_of_the_servers_clock() -> None:
    headers = {"Retry-After": "Sat, 03 Jan 2026 10:00:30 GMT", "Date": "Sat, 03 Jan 2026 10:00:00 GMT"}
    assert fault_of(429, headers, "").retry_after == 30


@pytest.mark.parametrize(
    ("status", "headers", "is_pace"),
    [
        (429, {}, True),
        (429, {"Retry-After": "1"}, True),
        (503, {"Retry-After": "1"}, True),
        (503, {}, False),
        (500, {}, False),
        (400, {"Retry-After": "1"}, False),
    ],
)
def test_a_refusal_for_now_is_the_servers_pace(status: int, headers: dict[str, str], is_pace: bool) -> None:
    assert fault_of(status, headers, "").is_pace == is_pace


def test_an_account_without_money_ends_the_run() -> None:
    fault = fault_of(429, {}, '{"error": {"message": "You are over it", "code": "insufficient_quota"}}')
    assert (fault.ends_run, fault.is_pace, fault.is_busy) == (True, False, False)
    assert (str(fault), fault.mend) == (
        "HTTP 429: You are over it",
        "pay for more, then type the same command again",
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"error": {"message": "no\\n such model", "code": 7}}', "no such model"),
        ('{"error": "model is loading"}', "model is loading"),
        ('{"object": "error", "message": "too long"}', "too long"),
        ('{"detail": [{"loc": ["body"], "msg": "wrong"}]}', "[{'loc': ['body'], 'msg': 'wrong'}]"),
        ("<html>Bad Gateway</html>", ""),
        ("upstream\tfailed", "upstream failed"),
    ],
)
def test_the_message_is_found(text: str, words: str) -> None:
    assert complaint(text) == words


def test_a_message_has_no_secret() -> None:
    hide("sk-12345+6789", "(KEY)")
    assert complaint(r'{"error": "no sk-12345\u002b6789"}') == "no (KEY)"
    assert complaint(r'{"detail": [{"sk-12345\u002b6789": 1}]}') == "[{'(KEY)': 1}]"
    assert complaint("no sk-12345%2B6789 known") == "no (KEY) known"


def test_what_is_nested_without_end_says_nothing() -> None:
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    assert complaint({"detail": nested}) == ""
