"""The plan of a sweep: its list of models, what each needs of a cluster, and its runs in groups that need the same."""

import csv
import dataclasses
import io
import platform
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from repope_eval.cluster.run_state import (
    REQUEUED,
    Queue,
    RunState,
    Signs,
    TaskRecord,
    read_queue,
    read_task_records,
    run_state,
)
from repope_eval.errors import RepopeError
from repope_eval.runs.layout import find_run_folders, place_below
from repope_eval.runs.trace import RunTrace, read_trace
from repope_eval.settings.config import RunSettings, SlurmSettings
from repope_eval.settings.fields import nearest
from repope_eval.settings.named_files import shipped_folder
from repope_eval.system.folders import lies_in
from repope_eval.system.texts import lines_of, read_text
from repope_eval.wording import first_unwritable, shown, shown_word

MOST_CHARACTERS = 10_000
"""The longest line that is read: a shell's command line surely takes as many characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRun:
    """One line of a list: a model, and the overrides of its run."""

    line: int
    """The number of the line, counted from 1 with blank lines and comments."""
    model: str
    words: tuple[str, ...] = ()

    def folder(self, runs: Path) -> Path:
        """The run folder that slurm/sweep.sbatch gives it: below `runs` by its name, or what its own `out=` says."""
        last = {key: value for key, _, value in (word.partition("=") for word in self.words)}
        return Path(last["out"]) if "out" in last else runs / last.get("model.name", self.model)


def read_model_list(path: Path) -> tuple[ListedRun, ...]:
    """Reads the runs of a list. Words are separated by spaces, and words with spaces are quoted as in a shell."""
    runs = tuple(_runs_in_list(path, read_text(path, "give models=FILE")))
    if not runs:
        raise RepopeError(f"{path}: names no model; give one a line")
    return runs


def _runs_in_list(path: Path, text: str) -> Iterator[ListedRun]:
    for number, line in enumerate(lines_of(text), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if len(line) > MOST_CHARACTERS:
            raise RepopeError(
                f"{path}, line {number}: has {len(line)} characters; at most {MOST_CHARACTERS} are read"
            )
        try:
            model, *words = shlex.split(line)
        except ValueError as error:
            raise RepopeError(f"{path}, line {number}: a quote is not closed") from error
        yield ListedRun(line=number, model=model, words=tuple(words))


def list_text(runs: Sequence[ListedRun]) -> str:
    """A list of these runs without blank lines and comments: the task with index i reads line i + 1."""
    return "".join(shlex.join([run.model, *run.words]) + "\n" for run in runs)


def shared_folders(path: Path, runs: Sequence[ListedRun], root: Path) -> Iterator[str]:
    """A message for each run that would write into the folder of an earlier run."""
    first: dict[Path, int] = {}
    for run in runs:
        folder = run.folder(root)
        if folder in first:
            yield (
                f"{path}, line {run.line}: {run.model} would write into {folder}, as line {first[folder]} does; "
                "give it a name of its own with model.name=NAME"
            )
        first.setdefault(folder, run.line)


_END = 8192
"""The last line of a log is looked for in so many bytes at its end."""


def read_sweep(root: Path, queue: Callable[[], Queue | None] = read_queue) -> list[RunState]:
    """The states of all runs below a folder: first those of SLURM's tasks in their order, then the others.

    Args:
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
        trace, task = traces.get(folder), _newest_task(tasks.get(folder, ()), jobs or {})
        if trace is not None and task is not None and _is_later(trace, task):
            task = None
        line = "" if task is None else _last_line(_own_log(root, task))
        signs = Signs(trace=trace, record=task, log_line=line, queue=jobs, here=here, now=now)
        states.append(run_state(folder, signs))
    return states


def _newest_task(tasks: Sequence[TaskRecord], queue: Queue) -> TaskRecord | None:
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


def unfinished_runs(root: Path) -> dict[str, str]:
    """The states of the runs below a folder that are not complete, in the words of `status`, and what to do."""
    states = read_sweep(root)
    return {state.out: f"{state.sentence}; {state.mend}" for state in states if state.state != "complete"}


def state_of(folder: Path) -> str:
    """The state of the run in a folder, in the words of `unfinished_runs`."""
    return next(iter(unfinished_runs(folder).values()), "is complete by now")


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


COLUMNS = ("models", "gpus", "cpus", "memory", "time", "overrides")

_FORMS = {
    "gpus": (r"\d+", "a number of GPUs"),
    "cpus": (r"[1-9]\d*", "a number of cores"),
    "memory": (r"\d+[KMGT]?", "memory such as 64G"),
    "time": (r"\d+(:\d\d){0,2}|\d+-\d+(:\d\d){0,2}", "a time limit such as 04:00:00 or 2-00:00:00"),
}
"""The forms of the cells, as sbatch's manual describes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a task asks of a cluster, in the form of sbatch's `--gres=gpu:`, `--cpus-per-task`, `--mem` and `--time`."""

    gpus: int
    cpus: int
    memory: str
    time: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRow:
    """One row of the table."""

    line: int
    patterns: tuple[str, ...]
    needs: Needs
    overrides: tuple[str, ...]
    """Words for the run, such as `model.device_map=auto` for a model that one GPU does not hold."""


def read_resources(path: Path) -> tuple[ResourceRow, ...]:
    """Reads the rows of a table."""
    text = read_text(path, "give resources=FILE")
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""))
        columns = tuple(reader.fieldnames or ())
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise RepopeError(f"{path}: is no CSV ({error})") from error
    if set(columns) != set(COLUMNS):
        raise RepopeError(
            f"{path}: has columns {shown(', '.join(columns)) if columns else 'none'}; expected: {', '.join(COLUMNS)}"
        )
    mistakes = [f"{path}, line {line}: {mistake}" for line, row in rows for mistake in _row_mistakes(row)]
    if mistakes:
        raise RepopeError("\n".join(mistakes))
    return tuple(_resource_row(line, row) for line, row in rows)


def row_of(model: str, rows: Sequence[ResourceRow]) -> ResourceRow | None:
    """The first row with a pattern that a model's name matches; None where there is none."""
    return next((row for row in rows if any(fnmatchcase(model, name) for name in row.patterns)), None)


def _row_mistakes(row: Mapping[str | None, str | None]) -> Iterator[str]:
    if None in row or None in row.values():
        yield f"has not {len(COLUMNS)} cells; overrides go into one, separated by spaces"
        return
    if not (row["models"] or "").split():
        yield "models is empty; give names or patterns such as *_78b"
    for column, (pattern, form) in _FORMS.items():
        cell = (row[column] or "").strip()
        if not re.fullmatch(pattern, cell):
            yield f"{column} is {shown(cell) if cell else 'empty'}; {form} is expected"
    try:
        shlex.split(row["overrides"] or "")
    except ValueError:
        yield "overrides: a quote is not closed"


def _resource_row(line: int, row: Mapping[str, str]) -> ResourceRow:
    cells = {column: cell.strip() for column, cell in row.items()}
    return ResourceRow(
        line=line,
        patterns=tuple(cells["models"].split()),
        needs=Needs(
            gpus=int(cells["gpus"]), cpus=int(cells["cpus"]), memory=cells["memory"], time=cells["time"]
        ),
        overrides=tuple(shlex.split(cells["overrides"])),
    )


FindMistakes = Callable[[Sequence[str]], Sequence[str]]
"""A function that returns what is wrong with the overrides of a run."""

OWN_KEYS = {item.name for item in dataclasses.fields(SlurmSettings)} - {
    item.name for item in dataclasses.fields(RunSettings)
}
"""The settings of `slurm` that no run has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Runs that need the same resources; they become one array."""

    needs: Needs
    runs: tuple[ListedRun, ...]
    """The runs; the overrides of their resources stand before their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepPlan:
    """Everything that is to be submitted."""

    groups: tuple[Group, ...]
    words: tuple[str, ...]
    """The overrides of every run."""
    runs: Path
    """The folder of run folders; it is absolute, so that tasks may start in any folder."""


def run_words(words: Sequence[str]) -> tuple[str, ...]:
    """The words of the command that every run gets.

    Raises:
        RepopeError: a word says which model or run folder, which are the list's to say, or no list can hold it.
    """
    if mistakes := list(_unlistable_words(words)):
        raise RepopeError("\n".join(mistakes))
    for word in words:
        if word.startswith(("model=", "out=")):
            raise RepopeError(
                f"{word}: a sweep has a list of models, and a run folder for each below runs=; give models=FILE, "
                "where a line may name its run with model.name=NAME"
            )
    return tuple(word for word in words if word.partition("=")[0] not in OWN_KEYS)


def _unlistable_words(words: Sequence[str]) -> Iterator[str]:
    """A message for each word that cannot stand in a line of a list and in the script of a task."""
    for word in words:
        if character := first_unwritable(word):
            yield (
                f"{shown_word(word)}: holds the character {character}, and a task reads its words from a line of a "
                "list; put the text into a configuration file of your own (--config-dir)"
            )


def plan_sweep(
    settings: SlurmSettings, words: Sequence[str], known: Sequence[str], find_mistakes: FindMistakes
) -> SweepPlan:
    """Reads the list of models and the table of needs, and finds what is wrong with them.

    Args:
        words: the overrides of every run, which are known to be right.
        known: names of models.
        find_mistakes: the function that finds mistakes in the overrides of one run.

    Raises:
        RepopeError: something is wrong with a line; a line for each mistake.
    """
    models = _file_or_shipped(settings.models, "models.txt")
    resources = _file_or_shipped(settings.resources, "resources.csv")
    runs, rows = read_model_list(models), read_resources(resources)
    root = Path(settings.runs).expanduser().absolute()
    if settings.setup is not None and not Path(settings.setup).expanduser().is_file():
        raise RepopeError(f"setup={settings.setup}: no such file")
    mistakes = list(_list_mistakes(models, runs, known, find_mistakes))
    if not mistakes:
        mistakes += _needs_mistakes(resources, models, runs, rows, find_mistakes)
        worded = [dataclasses.replace(run, words=(*run.words, *words)) for run in runs]
        mistakes += shared_folders(models, worded, root)
    if mistakes:
        raise RepopeError("\n".join(mistakes))
    return SweepPlan(groups=_groups(runs, rows, settings.time), words=tuple(words), runs=root)


def _file_or_shipped(name: str | None, shipped: str) -> Path:
    return Path(name).expanduser() if name is not None else shipped_folder("slurm") / shipped


def _list_mistakes(
    path: Path, runs: Sequence[ListedRun], known: Sequence[str], find_mistakes: FindMistakes
) -> Iterator[str]:
    @cache  # the same overrides stand in many lines, and it takes Hydra a while to compose them
    def word_mistakes(words: tuple[str, ...]) -> Sequence[str]:
        return list(_unlistable_words(words)) or (find_mistakes(words) if words else ())

    for run in runs:
        where = f"{path}, line {run.line}"
        if run.model in known:
            yield from (f"{where}: {mistake}" for mistake in word_mistakes(run.words))
        elif "=" in run.model:
            yield (
                f"{where}: {shown_word(run.model)}: a line begins with the name of a model; its overrides follow"
            )
        else:
            meant = nearest(run.model, known, most=3)
            yield f"{where}: {shown_word(run.model)}: no such model{meant}; `models` lists them"


def _needs_mistakes(
    resources: Path,
    models: Path,
    runs: Sequence[ListedRun],
    rows: Sequence[ResourceRow],
    find_mistakes: FindMistakes,
) -> Iterator[str]:
    matched = {run.model: row_of(run.model, rows) for run in runs}
    for row in rows:
        if row.overrides and row in matched.values():
            yield from (
                f"{resources}, line {row.line}: {mistake}"
                for mistake in list(_unlistable_words(row.overrides)) or find_mistakes(row.overrides)
            )
    for run in runs:
        if matched[run.model] is None:
            yield (
                f"{models}, line {run.line}: {run.model}: no row of {resources} says what it needs; add one, or a "
                "last one for *"
            )


def _groups(runs: Sequence[ListedRun], rows: Sequence[ResourceRow], time: str | None) -> tuple[Group, ...]:
    """The groups, in the order of the first run of each in the list."""
    grouped: dict[Needs, list[ListedRun]] = {}
    for run in runs:
        row = row_of(run.model, rows)
        assert row is not None
        needs = row.needs if time is None else dataclasses.replace(row.needs, time=time)
        worded = dataclasses.replace(run, words=(*row.overrides, *run.words))
        grouped.setdefault(needs, []).append(worded)
    return tuple(Group(needs=needs, runs=tuple(members)) for needs, members in grouped.items())
