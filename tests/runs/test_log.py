"""The log of a run: its own, and nobody else's words in it."""

import logging
from pathlib import Path

import pytest
from opened_folders import IDENTITY, answered, log_of_this_test_only, opened, path, refusal

from repope_eval.runs.folder import RunFolder, close_log

__all__ = ["log_of_this_test_only", "path"]  # fixtures


def test_each_run_of_a_process_has_its_own_log(tmp_path: Path) -> None:
    log = logging.getLogger("repope_eval.anything")
    for name in ("first", "second"):
        opened(tmp_path / name)
        log.info("of the %s run: “é”", name)
    close_log()
    log.info("of none")
    for name in ("first", "second"):
        (line,) = (tmp_path / name / "run.log").read_text(encoding="utf-8").splitlines()
        assert line.endswith(f"INFO of the {name} run: “é”")


def test_log_is_appended_to_when_a_run_goes_on(path: Path) -> None:
    for word in ("before", "after"):
        opened(path)
        logging.getLogger("repope_eval").warning(word)
    assert [line.split()[-2:] for line in (path / "run.log").read_text().splitlines()] == [
        ["WARNING", "before"],
        ["WARNING", "after"],
    ]


def test_refused_folder_ends_the_log_of_the_run_before(tmp_path: Path, path: Path) -> None:
    answered(path)
    opened(tmp_path / "other")
    refusal(path, resume=False)
    logging.getLogger("repope_eval").warning("the next run's")
    assert (tmp_path / "other" / "run.log").read_text() == ""


def test_a_disk_that_is_full_when_the_log_ends_is_no_error(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(handler: logging.FileHandler) -> None:
        close(handler)
        raise OSError(28, "No space left on device")

    opened(path)
    close = logging.FileHandler.close
    monkeypatch.setattr(logging.FileHandler, "close", refuse)
    close_log()


def test_no_text_of_others_can_be_taken_for_a_line_of_the_log(path: Path) -> None:
    with RunFolder(path, IDENTITY, resume=True):
        logging.getLogger("repope_eval.x").warning(
            "asks %s", "this\n2026-01-01 INFO all is well\x1b]0;x\x07\x9b"
        )
    first, second = (path / "run.log").read_text(encoding="utf-8").splitlines()
    assert first.endswith("WARNING asks this")
    assert second == r"    2026-01-01 INFO all is well\x1b]0;x\x07\x9b"
