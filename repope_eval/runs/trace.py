"""What can be seen of a run from outside, in its folder, while another process may be writing it."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from repope_eval.errors import RepopeError
from repope_eval.runs.layout import ANSWERS, LOG, MANIFEST, answer_files, count_stored_lines, model_name
from repope_eval.runs.manifest_form import read_manifest
from repope_eval.system.environment import moment
from repope_eval.system.folders import is_held


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTrace:
    """What a run folder shows at one moment."""

    model: str
    bench: str
    complete: bool
    held: bool | None
    """Whether a process has the folder; None where that cannot be told."""
    host: str | None
    job: str | None
    started: datetime | None
    touched: datetime
    """When the answers or the log were last written to."""
    stored: int
    """How many lines of answers there are."""
    total: int | None
    """How many questions the benchmark has; None until asking begins."""
    asked_from: int | None
    """How many answers there were when this start began to ask; None until then."""
    asking_began: datetime | None
    ended: str | None
    """How the run ended early: `failed` or `interrupted`; None where nothing says so."""
    line: str
    """The error that the run ended with; empty where nothing says so."""
    covered: tuple[int, int] | None = None
    """How many questions have an answer, and how many there are, as a complete run counted them."""


def read_trace(folder: Path) -> RunTrace:
    """Reads a run folder. A run whose manifest is missing or broken is shown as failed, with that as its error."""
    try:
        manifest = _existing_manifest(folder)
    except RepopeError as error:
        manifest = {"ended": {"how": "failed", "line": str(error).removeprefix(f"{folder}{os.sep}")}}
    settings, process, asking = (manifest.get(part, {}) for part in ("settings", "process", "asking"))
    ended = manifest.get("ended") or {}
    complete = manifest.get("status") == "complete"
    newest = (manifest.get("starts") or [manifest])[-1]  # the manifest's own `started` is the first start's
    started, began = _moment_or_none(newest.get("started")), _moment_or_none(asking.get("began"))
    # Only the number of questions holds for this start, where an earlier start noted these facts.
    is_asking = began is not None and started is not None and began >= started
    return RunTrace(
        model=_model(settings, folder),
        bench=_bench(settings.get("bench")),
        complete=complete,
        held=is_held(folder),
        host=process.get("host"),
        job=process.get("job"),
        started=started,
        touched=_last_touched(folder),
        stored=count_stored_lines(folder / ANSWERS),
        total=asking.get("of"),
        asked_from=asking.get("answered") if is_asking else None,
        asking_began=began if is_asking else None,
        ended=ended.get("how"),
        line=str(ended.get("line") or ""),
        covered=_covered_questions(manifest.get("counts", {})) if complete else None,
    )


def _covered_questions(counts: Mapping[str, Any]) -> tuple[int, int] | None:
    answered, questions = counts.get("answered"), counts.get("questions")
    return (answered, questions) if isinstance(answered, int) and isinstance(questions, int) else None


def _existing_manifest(folder: Path) -> Mapping[str, Any]:
    path = folder / MANIFEST
    if not path.exists():
        raise RepopeError(f"{path}: is missing, so whose answers these are is unknown")
    return read_manifest(path)


def _model(settings: Mapping[str, Any], folder: Path) -> str:
    try:
        return model_name(settings)
    except (KeyError, TypeError):
        return folder.name


def _bench(settings: Any) -> str:
    return str(settings.get("name") or "") if isinstance(settings, Mapping) else ""


def _moment_or_none(value: Any) -> datetime | None:
    with suppress(TypeError, ValueError):
        return moment(value)
    return None


def _last_touched(folder: Path) -> datetime:
    seconds = [0.0]
    for path in (folder, folder / LOG, *answer_files(folder / ANSWERS)):
        with suppress(OSError):  # it is not there, or was put together with the others a moment ago
            seconds.append(path.stat().st_mtime)
    return datetime.fromtimestamp(max(seconds), UTC)
