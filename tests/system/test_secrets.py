"""Secrets are found in whatever form they come back, and nothing else is."""

import base64
import html
import json
import time
from urllib.parse import quote

import pytest

from repope_eval.system import secrets
from repope_eval.system.secrets import hide, hide_passwords, masked

KEY = 'sk-4f.9a+/"s(e)c*r\\e&t=='


@pytest.fixture(autouse=True)
def _none_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_known", {})


@pytest.mark.parametrize(
    ("form", "left"),
    [
        (KEY, "(KEY)"),
        (json.dumps(KEY), '"(KEY)"'),
        (json.dumps(json.dumps(KEY)), r'"\"(KEY)\""'),
        (KEY.replace("+", r"\u002b").replace("/", r"\/"), "(KEY)"),
        (quote(KEY, safe=""), "(KEY)"),
        (quote(quote(KEY, safe=""), safe=""), "(KEY)"),
        (html.escape(KEY), "(KEY)"),
        (repr({KEY: 1}), "{'(KEY)': 1}"),
        (KEY[:-6], "(KEY)" + KEY[12:-6]),
        (KEY[8:], KEY[8:12] + "(KEY)"),
    ],
)
def test_a_secret_is_found_in_every_form(form: str, left: str) -> None:
    hide(KEY, "(KEY)")
    assert masked(f"<{form}>") == f"<{left}>"


@pytest.mark.parametrize("before", ["", "a:", ":", "name:"])
def test_a_secret_is_found_in_base64(before: str) -> None:
    hide(KEY, "(KEY)")
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        found = masked(encode(f"{before}{KEY}".encode()).decode())
        assert "(KEY)" in found
        assert len(found) <= len("(KEY)") + 2 * len(before) + 6


def test_what_a_server_has_made_unreadable_itself_stays() -> None:
    hide(KEY, "(KEY)")
    assert masked("sk-4f***et==") == "sk-4f***et=="


@pytest.mark.parametrize(
    ("key", "text", "in_answers", "elsewhere"),
    [
        ("x", "x fox 1x", "x fox 1x", "(KEY) fox 1x"),
        ("no", "no, not no", "no, not no", "(KEY), not (KEY)"),
        ("EMPTY", "an EMPTY box", "an EMPTY box", "an (KEY) box"),
        ("t0p.5", "t0p.5, t0p.55", "(KEY), t0p.55", "(KEY), t0p.55"),
        ("[a-z]*+", "abc [a-z]*+", "abc (KEY)", "abc (KEY)"),
    ],
)
def test_a_short_secret_is_a_word_of_its_own_and_no_word_of_an_answer(
    key: str, text: str, in_answers: str, elsewhere: str
) -> None:
    hide(key, "(KEY)")
    assert masked(text) == in_answers
    assert masked(text, even_words=True) == elsewhere


@pytest.mark.parametrize("piece", ["\\", "%25", "&#0", KEY[:11]])
def test_a_search_takes_no_longer_than_its_text_is_long(piece: str) -> None:
    hide(KEY, "(KEY)")
    began = time.process_time()
    masked(piece * (400_000 // len(piece)))
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://me:pass@host/v1", "https://...@host/v1"),
        ("https://me:p@s/s?w@host/v1", "https://...@host/v1"),
        ("https://host/v1?key=pass", "https://host/v1?..."),
        ("http://host:80/v1", "http://host:80/v1"),
        ("a?b", "a?b"),
    ],
)
def test_an_address_is_shown_without_passwords(address: str, shown: str) -> None:
    assert hide_passwords(address) == shown
