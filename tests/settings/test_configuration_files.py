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
        (BOMB, "line 2: repeats a node by *a; write it out, or refer to a key with ${KEY}"),
        (b"a: " + b"[" * 1000, f"line 1: is nested deeper than {DEEPEST} levels; settings have two"),
        (b"a: " + b"x" * MOST_BYTES, "has 100,003 bytes; a configuration file has 100,000 at most"),
        (b"a: [here\n", None),  # Hydra says it
    ],
)
def test_a_file_that_is_no_configuration_says_why(tmp_path: Path, content: bytes, reason: str | None) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    assert file_mistake(tmp_path, "mine") == (None if reason is None else f"{path}: {reason}")


def test_a_file_in_another_encoding_says_where(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes("a: 1\nfamily: café\n".encode("latin-1"))
    assert str(file_mistake(tmp_path, "mine")).startswith(f"{path}, line 2: is not UTF-8 ")


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "device.yaml").symlink_to("/dev/zero")
    for name in ("folder", "device.yaml"):
        assert file_mistake(tmp_path, name) == f"{tmp_path / name.removesuffix('.yaml')}.yaml: is no file"
    assert file_mistake(tmp_path, "gone") is None
    assert file_mistake(tmp_path, "x" * 100_000) is None
