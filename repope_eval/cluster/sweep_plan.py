"""The plan of a sweep: its runs in groups that need the same, after a search for mistakes in all of them."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from repope_eval.cluster.model_list import ListedRun, read_model_list, shared_folders
from repope_eval.cluster.resources import Needs, ResourceRow, read_resources, row_of
from repope_eval.errors import RepopeError
from repope_eval.settings.config import RunSettings, SlurmSettings
from repope_eval.settings.fields import nearest
from repope_eval.settings.shipped_files import shipped_folder
from repope_eval.wording import first_unwritable, shown_word

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
    if mistakes := list(_unlistable(words)):
        raise RepopeError("\n".join(mistakes))
    for word in words:
        if word.startswith(("model=", "out=")):
            raise RepopeError(
                f"{word}: a sweep has a list of models, and a run folder for each below runs=; give models=FILE, "
                "where a line may name its run with model.name=NAME"
            )
    return tuple(word for word in words if word.partition("=")[0] not in OWN_KEYS)


def _unlistable(words: Sequence[str]) -> Iterator[str]:
    """A message for each word that cannot stand in a line of a list and in the script of a task."""
    for word in words:
        if found := first_unwritable(word):
            yield (
                f"{shown_word(word)}: holds the character {found}, and a task reads its words from a line of a list; "
                "put the text into a configuration file of your own (--config-dir)"
            )


def plan_sweep(
    settings: SlurmSettings, words: Sequence[str], known: Sequence[str], find_mistakes: FindMistakes
) -> SweepPlan:
    """Reads the list of models and the table of needs, and finds what is wrong with them.

    Args:
        settings: the settings of the sweep.
        words: the overrides of every run, which are known to be right.
        known: names of models.
        find_mistakes: the function that finds mistakes in the overrides of one run.

    Raises:
        RepopeError: something is wrong with a line; a line for each mistake.
    """
    models = _named(settings.models, "models.txt")
    resources = _named(settings.resources, "resources.csv")
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


def _named(name: str | None, shipped: str) -> Path:
    return Path(name).expanduser() if name is not None else shipped_folder("slurm") / shipped


def _list_mistakes(
    path: Path, runs: Sequence[ListedRun], known: Sequence[str], find_mistakes: FindMistakes
) -> Iterator[str]:
    @cache  # the same overrides stand in many lines, and it takes Hydra a while to compose them
    def of_words(words: tuple[str, ...]) -> Sequence[str]:
        return list(_unlistable(words)) or (find_mistakes(words) if words else ())

    for run in runs:
        where = f"{path}, line {run.line}"
        if run.model in known:
            yield from (f"{where}: {mistake}" for mistake in of_words(run.words))
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
                for mistake in list(_unlistable(row.overrides)) or find_mistakes(row.overrides)
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
