"""What a run folder shows while another process has it, and after."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from repope_eval.runs.layout import share_path
from repope_eval.runs.trace import read_trace

MANIFEST: dict[str, Any] = {
    "identity": {},
    "status": "running",
    "started": "2026-01-02T10:00:00+00:00",
    "settings": {"model": {"name": "ovis2_1b"}, "bench": {"name": "repope"}},
    "process": {"host": "node1", "id": 5, "job": "7_0"},
    "asking": {"began": "2026-01-02T10:05:00+00:00", "answered": 2, "of": 9},
}


def folder(path: Path, **changes: Any) -> Path:
    path.joinpath("manifest.json").write_text(json.dumps(MANIFEST | changes))
    path.joinpath("answers.jsonl").write_text("{}\n{}\n")
    return path


def test_it_tells_whose_run_it_is_and_how_far(tmp_path: Path) -> None:
    share_path(folder(tmp_path) / "answers.jsonl", 1).write_text('{}\n{"half')
    found = read_trace(tmp_path)
    assert (found.model, found.bench, found.host, found.job) == ("ovis2_1b", "repope", "node1", "7_0")
    assert (found.stored, found.total, found.asked_from) == (3, 9, 2)
    assert found.asking_began == datetime(2026, 1, 2, 10, 5, tzinfo=UTC)
    assert (found.complete, found.ended, found.line) == (False, None, "")


def test_what_an_earlier_start_noted_of_its_asking_is_not_this_ones(tmp_path: Path) -> None:
    found = read_trace(folder(tmp_path, started="2026-01-02T11:00:00+00:00"))
    assert (found.total, found.asked_from, found.asking_began) == (9, None, None)


def test_it_tells_what_a_run_ended_with(tmp_path: Path) -> None:
    ended = {"how": "failed", "at": "2026-01-02T10:06:00+00:00", "line": "an image is broken"}
    found = read_trace(folder(tmp_path, ended=ended))
    assert (found.ended, found.line) == ("failed", "an image is broken")
    assert read_trace(folder(tmp_path, status="complete")).complete


def test_it_tells_how_many_questions_were_covered_once_it_is_complete(tmp_path: Path) -> None:
    counts = {"questions": 9, "answered": 2, "rows": 2}
    assert read_trace(folder(tmp_path, status="complete", counts=counts)).covered == (2, 9)
    assert read_trace(folder(tmp_path, status="running", counts=counts)).covered is None
    assert read_trace(folder(tmp_path, status="complete")).covered is None


def test_a_folder_is_held_while_a_process_has_its_lock(tmp_path: Path) -> None:
    assert read_trace(folder(tmp_path)).held is False
    with FileLock(tmp_path / ".lock", thread_local=False):
        assert read_trace(tmp_path).held is True
    assert read_trace(tmp_path).held is False


def test_it_was_touched_when_its_answers_or_its_log_were(tmp_path: Path) -> None:
    folder(tmp_path).joinpath("run.log").touch()
    for path in (tmp_path / "answers.jsonl", tmp_path):
        os.utime(path, (1000, 1000))
    os.utime(tmp_path / "run.log", (5000, 5000))
    assert read_trace(tmp_path).touched == datetime.fromtimestamp(5000, UTC)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (None, "manifest.json: is missing, so whose answers these are is unknown"),
        ("[]", "manifest.json: is no run's manifest"),
    ],
)
def test_a_folder_without_a_whole_manifest_is_a_failed_run(
    tmp_path: Path, text: str | None, line: str
) -> None:
    path = tmp_path / "ovis2_1b"
    path.mkdir()
    manifest = folder(path) / "manifest.json"
    manifest.unlink()
    if text is not None:
        manifest.write_text(text)
    found = read_trace(path)
    assert (found.model, found.ended, found.stored) == ("ovis2_1b", "failed", 2)
    assert found.line.startswith(line)
