"""The runs of a sweep: those that have a folder, and those that a SLURM task will make a folder for."""

import platform
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from repope_eval.cluster.queue import Queue, read_queue
from repope_eval.cluster.run_state import RunState, Signs, run_state
from repope_eval.cluster.task_records import REQUEUED, TaskRecord, read_task_records
from repope_eval.errors import RepopeError
from repope_eval.files.links import lies_in
from repope_eval.runs.layout import find_run_folders
from repope_eval.runs.trace import RunTrace, read_trace

_END = 8192
"""The last line of a log is looked for in so many bytes at its end."""


def read_sweep(root: Path, queue: Callable[[], Queue | None] = read_queue) -> list[RunState]:
    """The states of all runs below a folder: first those of SLURM's tasks in their order, then the others.

    Args:
        root: the folder.
        queue: asks SLURM, if any run is a job of SLURM.

    Raises:
        RepopeError: there is no such folder.
    """
    if not root.is_dir():
        raise RepopeError(f"runs={root}: no such folder; name the one that the run folders lie in")
    traces = {place_below(root, folder): read_trace(folder) for folder in find_run_folders(root)}
    tasks: dict[str, list[TaskRecord]] = {}
    for record in read_task_records(root):
        tasks.setdefault(place_below(root, record.out), []).append(record)
    has_jobs = bool(tasks) or any(trace.job for trace in traces.values())
    jobs = queue() if has_jobs else None
    here, now = platform.node(), datetime.now(UTC)
    states = []
    for folder in dict.fromkeys((*tasks, *traces)):
        trace, task = traces.get(folder), _newest(tasks.get(folder, ()), jobs or {})
        if trace is not None and task is not None and _is_later(trace, task):
            task = None
        line = "" if task is None else _last_line(_own_log(root, task))
        signs = Signs(trace=trace, record=task, log_line=line, queue=jobs, here=here, now=now)
        states.append(run_state(folder, signs))
    return states


def _newest(tasks: Sequence[TaskRecord], queue: Queue) -> TaskRecord | None:
    """The task that works on a run folder, or else one that will, or else the one that wrote last.

    A task that found the folder taken has ended long before the one that has it; SLURM's queue may still have it.
    """

    def recency(task: TaskRecord) -> tuple[bool, bool, float]:
        queued = queue.get(task.job) if task.ended in ("", REQUEUED) else None
        return queued is not None and queued.is_running, queued is not None, task.noted

    return max(tasks, key=recency, default=None)


def _is_later(trace: RunTrace, record: TaskRecord) -> bool:
    """Whether the run was started again after that task, by hand or by a task that left no record."""
    if record.started is None or trace.started is None:
        return False
    return trace.job != record.job and trace.started > record.started


def place_below(root: Path, folder: Path) -> str:
    """A run folder relative to that of the sweep, as `RunState.out` has it; the absolute path if it lies elsewhere."""
    whole, top = folder.resolve(), root.resolve()
    if whole == top:
        return top.name
    return whole.relative_to(top).as_posix() if whole.is_relative_to(top) else str(whole)


def _own_log(root: Path, task: TaskRecord) -> Path | None:
    """The log that a record names, if it is the sweep's own: the folder may be anybody's, and name any file."""
    if task.log is None or not (lies_in(task.log, root) or task.log.name == f"repope-{task.job}.log"):
        return None
    return task.log if task.log.is_file() else None


def _last_line(log: Path | None) -> str:
    """The last line of a log that is not blank; empty if there is none."""
    if log is None:
        return ""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _END))
            text = file.read().decode("utf-8", errors="replace")
    except OSError:
        return ""
    lines = [line.strip() for line in text.replace("\r", "\n").splitlines() if line.strip()]
    return lines[-1] if lines else ""
