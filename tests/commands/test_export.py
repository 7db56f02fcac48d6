"""`export` through the command line: every form of the demo's run, and what is refused."""

from pathlib import Path
from typing import get_args

import pytest
from conftest import CommandLine

from repope_eval.commands.export import FORMATS
from repope_eval.settings.command_settings import ExportFormat


def test_each_form_that_can_be_named_is_there() -> None:
    assert tuple(FORMATS) == get_args(ExportFormat)


@pytest.mark.parametrize("form", FORMATS)
def test_the_demos_run_is_exported(
    form: str, unbroken: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    before = {path: path.stat().st_mtime_ns for path in unbroken.rglob("*")}
    words = ("export", f"run={unbroken}", f"format={form}", f"out={tmp_path / 'out'}", "dataset=me/demo")
    result = command_line(*words)
    assert result.returncode == 0, result.stderr
    written = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert written
    assert all(f"{path} is written" in result.stderr for path in written)
    assert {path: path.stat().st_mtime_ns for path in unbroken.rglob("*")} == before
    again = command_line(*words)
    assert again.returncode == 1
    assert "already, and an export replaces nothing; name a folder that is new or empty" in again.stderr


def test_a_part_is_exported_and_told(short_unbroken: Path, command_line: CommandLine, tmp_path: Path) -> None:
    words = ("export", f"run={short_unbroken}", "format=evaluation_card", f"out={tmp_path / 'out'}")
    result = command_line(*words)
    assert result.returncode == 0
    assert (
        "limited to the first images; the whole benchmark has 1,026 distinct questions; what is exported says so"
        in result.stderr
    )
    text = (tmp_path / "out" / "evaluation_card.md").read_text()
    assert "the benchmark's first images alone; the whole benchmark has 1,026 distinct questions." in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run=nowhere", "format=lmms_eval", "out=o"), "run=nowhere: no such folder"),
        (("run=.", "format=lmms_eval", "out=o"), "run=.: is no run folder, since it has no manifest.json"),
        (("run=.", "format=lmms", "out=o"), "format=lmms: allowed are every_eval_ever, eval_results"),
        (
            ("run=.", "format=lmms_eval", "out=o", "url=me:secret@host"),
            "an address that begins with https://",
        ),
    ],
)
def test_bad_input_is_a_line(words: tuple[str, ...], message: str, command_line: CommandLine) -> None:
    result = command_line("export", *words)
    assert result.returncode == 1
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
