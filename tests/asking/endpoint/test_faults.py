"""What is wrong with a reply that is refused, in words, and what follows."""

import email.utils
import time

import pytest

from repope_eval.asking.endpoint.replies import complaint, fault_of
from repope_eval.system.secrets import hide


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
