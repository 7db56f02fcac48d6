"""What messages quote of a file is a line, and short."""

from pathlib import Path
from typing import Any

import pytest

from repope_eval.models.fields import Fields, first_line

PATH = Path("config.json")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("sideways", "'sideways'"),
        ([1, 2], "[1, 2]"),
        ("\ud800\x1b[2J", r"'\ud800\x1b[2J'"),
    ],
)
def test_a_value_is_quoted(value: object, shown: str) -> None:
    error = Fields(PATH, {"name": value}, ("part",)).error("name", "a number is expected")
    assert str(error) == f"config.json: part.name is {shown}; a number is expected"


@pytest.mark.parametrize(
    "value", ["a" * 200_000, 10**4000, [[[[[[[[1] * 99] * 99] * 99]]]]], {str(n): n for n in range(999)}]
)
def test_a_long_value_is_cut(value: Any) -> None:
    assert len(str(Fields(PATH, {"name": value}).error("name", "a number is expected"))) < 1000


@pytest.mark.parametrize("name", ["\x1b[2J", "a\nb", "a" * 100_000, "\ud800"])
def test_a_name_that_is_a_files_word_is_quoted_too(name: str) -> None:
    text = str(Fields(PATH, {name: 1}).error(name, "a text is expected"))
    assert text.isprintable()
    assert len(text) < 500


def test_a_librarys_long_line_is_cut() -> None:
    assert first_line(KeyError("a" * 200_000)) == f"KeyError: '{'a' * 199}..."
    assert first_line(ValueError("first\nsecond")) == "ValueError: first"
    assert first_line(ValueError()) == "ValueError"
