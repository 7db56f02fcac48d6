"""The list of models of a sweep: each line names a model, and overrides of this run may follow."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from repope_eval.errors import RepopeError
from repope_eval.files.texts import lines_of, read_text

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
    """Reads the runs of a list. Words are separated by spaces, and words with spaces are quoted as in a shell.

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
