"""What is written to a terminal and to a log is text, and so is the count of what is done."""

import io
import logging
import re
import sys
import time

import pytest

from repope_eval.errors import RepopeError
from repope_eval.system import progress, secrets
from repope_eval.system.output import MessageFormatter, write, write_error
from repope_eval.system.progress import Progress

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


@pytest.fixture(autouse=True)
def kept(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("repope_eval"), "propagate", True)
    caplog.set_level(logging.INFO)


def test_each_tenth_is_a_line(caplog: pytest.LogCaptureFixture) -> None:
    with Progress(25, "pictures", "file") as shown:
        for _ in range(24):
            shown.advance()
        shown.advance(failed=1)
    assert caplog.messages[:2] == ["pictures: 3 of 25", "pictures: 5 of 25"]
    assert caplog.messages[-1] == "pictures: 25 of 25, 1 of them in vain"
    assert len(caplog.messages) == 10


def test_long_work_tells_its_rate_now_and_then(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([0.0, *(10.0 * call for call in range(1, 100))])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    with Progress(6, "", "question", 30.0) as shown:
        for _ in range(6):
            shown.advance()
    assert all(
        re.fullmatch(r"\d of 6 questions, 0\.\d a second, \d\d:\d\d left", line) for line in caplog.messages
    )
    assert 1 < len(caplog.messages) < 6
    assert caplog.messages[-1].startswith("6 of 6 questions, ")
    assert caplog.messages[-1].endswith(" 00:00 left")


def test_a_terminal_has_a_bar_and_no_lines(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with Progress(2, "pictures", "file") as shown:
        shown.advance(2)
    assert "pictures: 100%" in capsys.readouterr().err
    assert caplog.messages == []


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_pause_is_not_in_the_rate(monkeypatch: pytest.MonkeyPatch, is_terminal: bool) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    with Progress(2, "pictures", "file") as shown:
        with shown.paused():
            time.sleep(0.1)
        assert 0 <= shown.seconds < 0.1
        if is_terminal:
            assert shown._bar.format_dict["elapsed"] < 0.1
