"""The records of the tasks of a sweep, which slurm/sweep.sbatch writes to `RUNS/tasks/JOB.task`."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from repope_eval.errors import RepopeError
from repope_eval.files.links import require_inside
from repope_eval.files.natural_order import natural_order
from repope_eval.process.timing import moment

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
    """The run folder."""
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

    A task that has started meanwhile has its own lines kept: these are added, and say nothing else.

    Raises:
        RepopeError: one cannot be written.
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

    Raises:
        RepopeError: a record cannot be read.
    """
    found = (_read(path) for path in sorted(root.rglob(f"{FOLDER}/*.task")))
    return tuple(sorted(filter(None, found), key=lambda record: natural_order(record.job)))


def _read(path: Path) -> TaskRecord | None:
    try:
        require_inside(path)
        noted = path.stat().st_mtime
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise RepopeError(f"{path}: cannot be read ({error.strerror})") from error
    # Of the lines of a key the last one counts: a task that starts again writes all of them again.
    lines = [line.partition("=") for line in text.split("\n")[:-1]]
    fields = {key: value for key, _, value in lines}
    if not fields.get("out"):
        return None
    return TaskRecord(
        job=path.stem,
        out=Path(fields["out"]),
        log=Path(fields["log"]) if fields.get("log") else None,
        host=fields.get("host", ""),
        started=_moment(fields.get("started", "")),
        ended=fields.get("ended", ""),
        noted=noted,
    )


def _moment(text: str) -> datetime | None:
    with suppress(ValueError):  # it is not as the script writes it
        return moment(text)
    return None
