"""The state of a run of a sweep, by its folder, the records of its task, and SLURM's queue."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePath
from typing import Literal

from repope_eval.errors import RepopeError
from repope_eval.runs.trace import RunTrace
from repope_eval.system.environment import moment
from repope_eval.system.folders import require_inside
from repope_eval.wording import natural_order

_SECONDS = 20.0
"""Seconds to wait for an overworked controller."""

_COMMAND = ("squeue", "--me", "--noheader", "--array", "--format=%i|%T|%r")

RUNNING = frozenset({"RUNNING", "COMPLETING", "CONFIGURING", "STAGE_OUT", "SIGNALING"})
"""The states of a job that has a node; in the other states that `squeue` shows, a job waits."""


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """A job that has not ended."""

    state: str
    """The state as `squeue` names it, such as `PENDING` or `RUNNING`."""
    reason: str
    """The reason why it waits, such as `Resources` or `Dependency`."""

    @property
    def is_running(self) -> bool:
        """Whether it has a node."""
        return self.state in RUNNING


Queue = Mapping[str, QueuedJob]
"""The jobs by name: 12, or 12_3 for a task of an array."""


def read_queue() -> Queue | None:
    """This user's jobs in SLURM's queue; None if there is no SLURM, or it does not answer."""
    if shutil.which(_COMMAND[0]) is None:
        return None
    try:
        result = subprocess.run(_COMMAND, capture_output=True, text=True, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return _listed_jobs(result.stdout)


def _listed_jobs(listing: str) -> Queue:
    rows = [line.strip().split("|") for line in listing.splitlines()]
    return {row[0]: QueuedJob(row[1], row[2]) for row in rows if len(row) == 3}


FOLDER = "tasks"
"""The folder beside the run folders of a sweep that holds records, logs and lists of its tasks."""

REQUEUED = "requeued"
"""The `ended` of a task that queued itself again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """What a task of a SLURM array recorded when it last started."""

    job: str
    """The job as `squeue` and `scancel` name it, such as `12_3`."""
    out: Path
    """The run folder that the task was to fill."""
    log: Path | None
    """The file that its output went to; None if that was no file."""
    host: str
    started: datetime | None
    """The time of its last start; None before the first start."""
    ended: str
    """`requeued` or the exit status; empty if it has not ended, or could not say so."""
    noted: float = field(default=0.0, compare=False)
    """The time when it last wrote to its record, in seconds since 1970."""


def announce(runs: Path, array: str, outs: Sequence[Path]) -> None:
    """Begins the records of an array's tasks with their run folders, before the tasks start.

    A task that has started meanwhile has its own lines kept: the lines that this adds say nothing else.
    """
    for number, out in enumerate(outs):
        path = runs / FOLDER / f"{array}_{number}.task"
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(f"out={out}\n")
        except OSError as error:
            raise RepopeError(
                f"{path}: cannot be written ({error.strerror}); job {array} is submitted, and `status` sees its tasks "
                "once they start"
            ) from error


def read_task_records(root: Path) -> tuple[TaskRecord, ...]:
    """The records below a folder, by the names of their jobs in natural order.

    A task may be writing while this reads, and be killed while it writes: a line without its end is left out, and so
    is a record that does not yet say of which run folder it is.
    """
    records = (_read_task_record(path) for path in sorted(root.rglob(f"{FOLDER}/*.task")))
    return tuple(sorted(filter(None, records), key=lambda record: natural_order(record.job)))


def _read_task_record(path: Path) -> TaskRecord | None:
    try:
        require_inside(path)
        noted = path.stat().st_mtime
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise RepopeError(f"{path}: cannot be read ({error.strerror})") from error
    # The last line of a key counts: a task that starts again writes all of them again.
    lines = [line.partition("=") for line in text.split("\n")[:-1]]
    fields = {key: value for key, _, value in lines}
    if not fields.get("out"):
        return None
    return TaskRecord(
        job=path.stem,
        out=Path(fields["out"]),
        log=Path(fields["log"]) if fields.get("log") else None,
        host=fields.get("host", ""),
        started=_moment_or_none(fields.get("started", "")),
        ended=fields.get("ended", ""),
        noted=noted,
    )


def _moment_or_none(text: str) -> datetime | None:
    with suppress(ValueError):  # it is not as the script writes it
        return moment(text)
    return None


State = Literal["waiting", "running", "interrupted", "failed", "complete"]

STATES: tuple[State, ...] = ("waiting", "running", "interrupted", "failed", "complete")
"""All states, in the order in which a run goes through them."""

QUIET = 600.0
"""Seconds without a sign of life after which a run counts as gone, if it is on another machine and nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What is known of a run at one moment."""

    trace: RunTrace | None
    """What the run folder shows; None before it exists."""
    record: TaskRecord | None
    """What SLURM's newest task for that folder noted; None if there was no task, or if a later start was no task's."""
    log_line: str
    """The last line of that task's log."""
    queue: Queue | None
    """SLURM's queue; None if it is not known."""
    here: str
    """The name of this machine."""
    now: datetime

    @property
    def is_of_this_start(self) -> bool:
        """Whether the folder shows the newest task, and not an earlier start."""
        if self.trace is None or self.record is None:
            return self.trace is not None
        task, run = self.record.started, self.trace.started
        return task is not None and run is not None and run >= task

    @property
    def job(self) -> str | None:
        """The job of the newest task, or else of the run."""
        if self.record is not None:
            return self.record.job
        return None if self.trace is None else self.trace.job

    @property
    def queued(self) -> QueuedJob | None:
        """That job in SLURM's queue; None if it is not there, or the queue is not known."""
        return None if self.job is None or self.queue is None else self.queue.get(self.job)

    @property
    def host(self) -> str | None:
        """The machine of the newest start."""
        if self.record is not None and not self.is_of_this_start:
            return self.record.host or None
        return None if self.trace is None else self.trace.host

    @property
    def seconds_of_silence(self) -> float:
        """The time since the last sign of life."""
        touched = None if self.trace is None else self.trace.touched
        started = None if self.record is None else self.record.started
        return (self.now - max(filter(None, (touched, started)))).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """A run of a sweep at one moment."""

    model: str
    bench: str
    out: str
    """The run folder, relative to the folder of the sweep."""
    state: State
    done: int
    of: int | None
    """The number of questions; None until it is known."""
    rate: float | None
    """Questions per second, if the run is asking."""
    seconds_left: float | None
    host: str | None
    job: str | None
    line: str
    """What the run ended with, or what it waits for; empty if there is nothing to say."""

    @property
    def sentence(self) -> str:
        """The state, and what there is to say of it on the same line: `failed: HTTP 401: key expired`."""
        line = " ".join(self.line.split())
        # A run's own last line may begin with its state.
        return ": ".join(filter(None, (self.state, line.removeprefix(f"{self.state}: "))))

    @property
    def mend(self) -> str:
        """What to do so that a run that is not complete comes to be."""
        return "wait for it" if self.state in ("waiting", "running") else "type its command again to go on"


def run_state(folder: str, signs: Signs) -> RunState:
    """The state of a run.

    Args:
        folder: the run folder, relative to the folder of the sweep.
    """
    state, line = _state_by_signs(signs)
    trace = signs.trace
    done, of = (0, None) if trace is None else (trace.stored, trace.total)
    if state == "complete" and trace is not None:
        done, of = trace.covered or (done, done)
    rate = _asking_rate(trace, signs.now) if trace is not None and state == "running" else None
    return RunState(
        model=PurePath(folder).name if trace is None else trace.model,
        bench="" if trace is None else trace.bench,
        out=folder,
        state=state,
        done=done if of is None else min(done, of),
        of=of,
        rate=rate,
        seconds_left=max(0, of - done) / rate if rate and of is not None else None,
        host=None if state == "waiting" else signs.host,
        job=signs.job,
        line=line,
    )


def _state_by_signs(signs: Signs) -> tuple[State, str]:
    """The state of a run, and a line that explains it."""
    trace, record = signs.trace, signs.record
    if trace is not None and trace.held:
        return _running_state(trace)
    if trace is not None and trace.complete:
        answered = trace.covered[0] if trace.covered else 0
        is_whole = trace.stored >= answered
        return "complete", "" if is_whole else f"but only {trace.stored:,} of {answered:,} answers are left"
    queued, ended = signs.queued, _noted_end(signs)
    if queued is not None and (not queued.is_running or (record is not None and record.ended == REQUEUED)):
        return "waiting", "" if queued.reason in ("", "None") else f"for {queued.reason}"
    if queued is not None and ended is None:
        return _running_state(trace if signs.is_of_this_start else None)
    return ended or _state_without_note(signs)


def _running_state(trace: RunTrace | None) -> tuple[State, str]:
    return "running", "loading" if trace is None or trace.asking_began is None else ""


def _noted_end(signs: Signs) -> tuple[State, str] | None:
    """How the newest start ended according to what was noted; None if nothing was noted."""
    trace, record = signs.trace, signs.record
    if trace is not None and trace.ended is not None and signs.is_of_this_start:
        return ("interrupted" if trace.ended == "interrupted" else "failed"), trace.line
    if record is None or record.ended in ("", REQUEUED):
        return None
    line = signs.log_line or f"exit status {record.ended}"
    # Shells report 128 plus the number of a signal.
    by_signal = record.ended.isdecimal() and int(record.ended) > 128
    return ("interrupted" if by_signal else "failed"), line


def _state_without_note(signs: Signs) -> tuple[State, str]:
    """The state of a run that noted no end, and that neither a process here nor SLURM is known to work on."""
    if signs.record is not None and signs.record.started is None:
        if signs.queue is None:
            return "waiting", ""
        return "interrupted", f"SLURM job {signs.job} left the queue before it began"
    if signs.job is not None and signs.queue is not None:
        return "interrupted", f"SLURM job {signs.job} is gone, and left no word of its end"
    if signs.host == signs.here and signs.trace is not None and signs.trace.held is False:
        return "interrupted", "its process is gone, and left no word of its end"
    silent = signs.seconds_of_silence
    if silent < QUIET:
        return _running_state(signs.trace if signs.is_of_this_start else None)
    return "interrupted", f"no sign of life from {signs.host or 'it'} for {silent / 60:.0f} minutes"


def _asking_rate(trace: RunTrace, now: datetime) -> float | None:
    """Questions per second since asking began; None until one is answered."""
    if trace.asking_began is None or trace.asked_from is None:
        return None
    seconds = (now - trace.asking_began).total_seconds()
    asked = trace.stored - trace.asked_from
    return asked / seconds if asked > 0 and seconds > 0 else None
