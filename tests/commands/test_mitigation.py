"""The commands of the page on checking a mitigation, in their order, on the demo's first images."""

import html
import json
import shlex
from pathlib import Path

import pytest
from conftest import PROJECT, CommandLine

PAGE = PROJECT / "docs" / "how-to" / "check-a-mitigation.md"
LIMIT = "limit=8"


def commands() -> list[list[str]]:
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    started = [line for line in lines if line.startswith("python -m repope_eval")]
    return [shlex.split(line)[3:] for line in started]


@pytest.fixture
def said(command_line: CommandLine) -> list[str]:
    """What each command printed."""
    printed = []
    for words in commands():
        is_run = words[0] != "compare"
        ended = command_line(*words, *([LIMIT] if is_run else []))
        assert ended.returncode == 0, ended.stderr
        printed.append(" ".join((ended.stdout + ended.stderr).split()))
    return printed


def test_there_are_ten() -> None:
    assert "These ten commands" in PAGE.read_text(encoding="utf-8")
    assert len(commands()) == 10


def test_each_question_has_its_answer(said: list[str], tmp_path: Path) -> None:
    work = tmp_path / "work"
    gain = json.loads((work / "checks/gain/compare.json").read_text())
    assert "a threshold of" in gain["threshold_verdict"]
    assert "decoding (" in json.loads((work / "checks/decoding/compare.json").read_text())["verdict"]
    page = html.unescape((work / "runs/demo/method/report.html").read_text())
    assert "Without looking" in page
    assert set(json.loads((work / "runs/demo/method/scores.json").read_text())["blind"]) == {"gray"}
    assert (work / "checks/captions/compare.html").is_file()
