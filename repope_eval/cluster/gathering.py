"""The runs of a sweep: those that have a folder, and those that a SLURM task will make a folder for."""

import platform
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from repope_eval.cluster.queue import Queue, read_queue
from repope_eval.cluster.run_state import RunState, Signs, run_state
from repope_eval.cluster.task_records import TaskRecord, read_task_records
from repope_eval.errors import RepopeError
from repope_eval.files.natural_order import natural_order
from repope_eval.process.timing import moment
from repope_eval.runs.layout import find_run_folders
from repope_eval.runs.trace import RunTrace, read_trace

_END = 8192
"""The last line of a log is looked for in so many bytes at its end."""


def read_sweep(root: Path, queue: Callable[[], Queue | None] = read_queue) -> list[RunState]:
    """The states of all runs below a folder: first those of SLURM's tasks in their order, then the others.

    Args:
        root: the folder.
        queue: asks SLURM, where any of them is its.

    Raises:
        RepopeError: there is no such folder.
    """
    if not root.is_dir():
        raise RepopeError(f"runs={root}: no such folder; name the one that the run folders lie in")
    traces = {_place(root, folder): read_trace(folder) for folder in find_run_folders(root)}
    tasks = sorted(read_task_records(root), key=lambda record: natural_order(record.job))
    has_jobs = bool(tasks) or any(trace.job for trace in traces.values())
    jobs = queue() if has_jobs else None
    of_place: dict[str, list[TaskRecord]] = {}
    for task in tasks:
        of_place.setdefault(_place(root, task.out), []).append(task)
    records = {place: _newest(of_one, jobs or {}) for place, of_one in of_place.items()}
    places = list({**records, **traces})
    here, now = platform.node(), datetime.now(UTC)
    states = []
    for place in places:
        trace, newest = traces.get(place), records.get(place)
        record = None if trace is not None and newest is not None and _is_later(trace, newest) else newest
        line = "" if record is None else _last_line(record.log)
        signs = Signs(trace=trace, record=record, log_line=line, queue=jobs, here=here, now=now)
        states.append(run_state(place, signs))
    return states


def _newest(tasks: Sequence[TaskRecord], queue: Queue) -> TaskRecord:
    """The task that works on a run folder, or else one that will, or else the one that wrote last.

    A task that found the folder taken has ended long before the one that has it.
    """

    def rank(task: TaskRecord) -> tuple[bool, bool, float]:
        queued = queue.get(task.job)
        return queued is not None and queued.is_running, queued is not None, task.noted

    return max(tasks, key=rank)


def _is_later(trace: RunTrace, record: TaskRecord) -> bool:
    """Whether the run was started again after that task, by hand or by a task that left no record."""
    return (
        bool(record.started)
        and trace.job != record.job
        and trace.started is not None
        and trace.started > moment(record.started)
    )


def _place(root: Path, folder: Path) -> str:
    """A run folder relative to that of the sweep; the absolute path if it lies elsewhere."""
    whole, top = folder.resolve(), root.resolve()
    if whole == top:
        return top.name
    return whole.relative_to(top).as_posix() if whole.is_relative_to(top) else str(whole)


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
