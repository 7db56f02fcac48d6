"""Tests of the count of what is done, on a terminal and in a log."""

import logging
import re
import sys
import time

import pytest

from repope_eval.system import progress
from repope_eval.system.progress import Progress


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
