"""What is written to a terminal and to a log is text."""

import io
import logging
import sys

import pytest

from repope_eval.errors import RepopeError
from repope_eval.system import secrets
from repope_eval.system.output import MessageFormatter, write, write_error

TITLE = "\x1b]0;owned\x07"


def test_what_is_written_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    write(f"a{TITLE}\n\tb\n")
    assert sys.stdout.getvalue() == "a\\x1b]0;owned\\x07\n\tb\n"  # type: ignore[attr-defined]


def _record(level: int, message: str) -> logging.LogRecord:
    return logging.LogRecord("repope_eval", level, __file__, 1, "%s", (message,), None)


def test_no_message_can_be_taken_for_another() -> None:
    forged = "a question\n2026-01-01 00:00:00,000 INFO all is well\rgone"
    text = MessageFormatter("now %(levelname)s %(message)s", is_kept=True).format(
        _record(logging.ERROR, forged)
    )
    assert text == "now ERROR a question\n    2026-01-01 00:00:00,000 INFO all is well\\rgone"


def test_no_message_shows_a_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(secrets, "_known", {})
    secrets.hide("sk-12345+67", "(KEY)")
    for is_kept in (True, False):
        formatter = MessageFormatter("%(message)s", is_kept=is_kept)
        assert formatter.format(_record(logging.ERROR, "no sk-12345+67, sk-12345%2B67")) == "no (KEY), (KEY)"
    write_error("no sk-12345+67")
    write("no sk-12345+67\n")
    assert "".join(capsys.readouterr()) == "no (KEY)\nno (KEY)\n"


def test_mistakes_on_a_terminal_begin_at_the_margin_each() -> None:
    formatter = MessageFormatter("%(message)s", is_kept=False)
    assert formatter.format(_record(logging.ERROR, f"a{TITLE}\nb")) == "a\\x1b]0;owned\\x07\nb"
    assert formatter.format(_record(logging.WARNING, "a\nb")) == "a\n    b"


def test_a_full_disk_under_the_output_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123  # a device
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(
            RepopeError, match=r"^standard output: cannot be written \(No space left on device\)"
        ):
            write("scores")
        write("what follows goes nowhere")
