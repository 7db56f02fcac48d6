"""Words of others in messages."""

import pytest

from repope_eval.wording import (
    LONGEST_LINE,
    LONGEST_WORD,
    counted,
    estimated_duration,
    first_unwritable,
    message_text,
    shown,
    shown_word,
    visible,
)

TITLE = "a\x1b]0;owned\x07b"
"""Gives the terminal's window another title."""


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (TITLE, r"a\x1b]0;owned\x07b"),
        ("a\x9b2Jb", r"a\x9b2Jb"),
        ("a\rb\x7f", r"a\rb\x7f"),
        ("a\u202eb\u2066c\u2028d", r"a\u202eb\u2066c\u2028d"),
        ("a\udcffb", r"a\udcffb"),
        ("line\n\tline", "line\n\tline"),
        ("模 é − …", "模 é − …"),
    ],
)
def test_what_a_terminal_would_obey_is_seen(text: str, seen: str) -> None:
    assert visible(text) == seen


def test_a_message_keeps_its_beginning_and_its_end() -> None:
    line = message_text(f"out={'x' * 100_000}: choose another")
    assert line.startswith("out=xxx")
    assert line.endswith("xxx: choose another")
    assert len(line) < LONGEST_LINE + 50
    assert message_text("a\nb") == "a\nb"


def _nested(depth: int) -> list[object]:
    nested: list[object] = []
    for _ in range(depth):
        nested = [nested]
    return nested


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\n\x1b'b\ud800", r'''"a\n\x1b'b\ud800"'''),
        ("x" * 10**6, f"'{'x' * (LONGEST_WORD - 4)}..."),
        (["x"] * 1000, "['x', "),
        (_nested(900), "[[[[...]]]]"),
        (None, "None"),
    ],
)
def test_a_value_is_quoted_on_one_line_and_cut(value: object, text: str) -> None:
    assert shown(value).startswith(text)
    assert len(shown(value)) <= LONGEST_WORD


def test_a_word_of_a_command_line_is_on_one_line_and_cut() -> None:
    assert shown_word("out=a\nb c\td\x1b") == r"out=a\nb c\td\x1b"
    assert shown_word("x" * 1000) == f"{'x' * (LONGEST_WORD - 3)}..."


@pytest.mark.parametrize(
    ("number", "noun", "form", "words"),
    [
        (1, "question", ".0f", "1 question"),
        (0, "question", ".0f", "0 questions"),
        (5127, "distinct question", ",", "5,127 distinct questions"),
    ],
)
def test_a_noun_is_in_the_singular_where_there_is_one(
    number: float, noun: str, form: str, words: str
) -> None:
    assert counted(number, noun, form) == words


@pytest.mark.parametrize(
    ("text", "lines", "found"),
    [
        ("LLaVA (7B) 模.jsonl", False, None),
        ("a\nb", False, r"\n"),
        ("a\nb\tc", True, None),
        ("a\rb", True, r"\r"),
        ("a\x85b", False, r"\x85"),
        ("a\udcffb", True, r"\udcff"),
    ],
)
def test_what_no_name_may_hold(text: str, lines: bool, found: str | None) -> None:
    assert first_unwritable(text, lines=lines) == found


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.42, "0.4 s"), (9.96, "10 s"), (85, "85 s"), (99.6, "1.7 min"), (252, "4.2 min"), (9000, "2.5 h")],
)
def test_an_estimated_duration_can_be_compared_with_another(seconds: float, text: str) -> None:
    assert estimated_duration(seconds) == text
