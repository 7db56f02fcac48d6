"""A user's own configuration file, whatever it holds, is one line or none."""

from pathlib import Path

import pytest

from repope_eval.settings.configuration_files import DEEPEST, MOST_BYTES, file_mistake

BOMB = b"a: &a [x, x, x]\nb: &b [*a, *a, *a]\n"
"""Ten such lines would be thousands of millions of nodes."""


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty; its settings are expected, key: value in each line"),
        (b"# nothing\n", "is empty; its settings are expected, key: value in each line"),
        (b"family: internvl2_5\nsystem_prompt: |\n  two\n  lines\ndefaults: [tiny]\n", None),
        ("family: café\n".encode(), None),
        (b"\x89PNG\r\n\x1a\n", "is a PNG image, not text; is it the right file?"),
        (b"- family\n", "line 1: key: value is expected, in each line"),
        (b"just a text\n", "line 1: key: value is expected, in each line"),
        (
            b"family:\n\tcheckpoint: a\n",
            "line 2, column 1: found character '\\t' that cannot start any token",
        ),
        (b"family: a\nfamily: b\n", "line 2, column 1: found duplicate key family"),
        (b"a: 1\n---\nb: 2\n", "line 2: begins a second document; one is expected"),
        (BOMB, "line 2: repeats a node by *a; write it out, or refer to a key with ${KEY}"),
        (b"a: " + b"[" * 1000, f"line 1: is nested deeper than {DEEPEST} levels; settings have two"),
        (b"a: " + b"x" * MOST_BYTES, "has 100,003 bytes; a configuration file has 100,000 at most"),
        (b"defaults: 5\n", "its defaults are no list"),
    ],
)
def test_a_file_that_is_no_configuration_says_why(tmp_path: Path, content: bytes, reason: str | None) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    assert file_mistake(path) == (None if reason is None else f"{path}: {reason}")


def test_a_file_in_another_encoding_says_where(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes("a: 1\nfamily: café\n".encode("latin-1"))
    assert str(file_mistake(path)).startswith(f"{path}, line 2: is not UTF-8 ")


@pytest.mark.parametrize("content", [b"a: " + b"9" * 5000, b"a\0b: 1\n", b"a: ${\n", b"a: !!python/x y\n"])
def test_what_no_parser_takes_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    line = file_mistake(path)
    assert line is not None
    assert line.startswith(str(path))
    assert "\n" not in line


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    assert file_mistake(tmp_path) == f"{tmp_path}: is no file"
    assert file_mistake(Path("/dev/zero")) == "/dev/zero: is no file"
    assert file_mistake(tmp_path / "gone.yaml") is None
