"""The list of models of a sweep: one a line, with overrides of its own behind it."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from repope_eval.errors import RepopeError
from repope_eval.files.texts import lines_of, read_text

MOST_CHARACTERS = 10_000
"""Of a line: as many as a shell's command line surely takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRun:
    """A line of a list: a model, and the words that make this run of it another."""

    line: int
    """Counted from 1, blank lines and comments too."""
    model: str
    words: tuple[str, ...] = ()

    def folder(self, runs: Path) -> Path:
        """Where slurm/sweep.sbatch has it write: below `runs` by its name, or where its own `out=` says."""
        last = {key: value for key, _, value in (word.partition("=") for word in self.words)}
        return Path(last["out"]) if "out" in last else runs / last.get("model.name", self.model)


def read_model_list(path: Path) -> tuple[ListedRun, ...]:
    """The runs of a list. Words are separated by spaces, and quoted as in a shell where they hold some.

    Raises:
        RepopeError: the list cannot be read, is empty, or has a line with a quote that is not closed.
    """
    runs = tuple(_runs(path, read_text(path, "give models=FILE")))
    if not runs:
        raise RepopeError(f"{path}: names no model; give one a line")
    return runs


def _runs(path: Path, text: str) -> Iterator[ListedRun]:
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
    """The same as a list without blank lines and comments, so that a task's line is its number and one."""
    return "".join(shlex.join([run.model, *run.words]) + "\n" for run in runs)


def shared_folders(path: Path, runs: Sequence[ListedRun], root: Path) -> Iterator[str]:
    """One line for each run whose folder is that of an earlier one."""
    first: dict[Path, int] = {}
    for run in runs:
        folder = run.folder(root)
        if folder in first:
            yield (
                f"{path}, line {run.line}: {run.model} would write into {folder}, as line {first[folder]} does; "
                "give it a name of its own with model.name=NAME"
            )
        first.setdefault(folder, run.line)
