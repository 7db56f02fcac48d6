"""What the files of a run folder are called, and where run folders are."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from repope_eval.errors import RepopeError
from repope_eval.runs.manifest_form import read_manifest
from repope_eval.system.folders import lies_in
from repope_eval.wording import natural_order

ANSWERS = "answers.jsonl"
IMAGES = "images.json"
MANIFEST = "manifest.json"
SCORES = "scores.json"
PAGE = "report.html"
LATEX = "scores.tex"
LOG = "run.log"
FIGURES = "figures"

_BLOCK = 1 << 20
"""How many bytes are read at once where lines are counted."""


def share_path(answers: Path, rank: int) -> Path:
    """The file in which one of several ranks writes its answers: `answers.rank-3.jsonl` beside `answers.jsonl`."""
    return answers.with_name(f"{answers.stem}.rank-{rank}{answers.suffix}")


def share_paths(answers: Path) -> list[Path]:
    """The files of ranks that lie beside `answers.jsonl`, by rank."""
    shares = answers.parent.glob(f"{answers.stem}.rank-*{answers.suffix}")
    return sorted(shares, key=lambda path: natural_order(path.name))


def answer_files(answers: Path) -> list[Path]:
    """The files that hold answers of a run: `answers.jsonl` and the ranks' files beside it, those that exist.

    A file elsewhere that a link leads to is not among them.
    """
    return [path for path in (answers, *share_paths(answers)) if lies_in(path, answers.parent)]


def count_stored_lines(answers: Path) -> int:
    """The number of whole lines in all files that hold answers of a run; a file that cannot be read counts as empty."""
    return sum(map(_count_lines, answer_files(answers)))


def find_run_folders(root: Path) -> list[Path]:
    """All run folders below a folder, itself included, in natural order.

    A run folder has answers, or a run's manifest.
    """
    return sorted(_run_folders(root), key=lambda folder: natural_order(str(folder)))


def place_below(root: Path, folder: Path) -> str:
    """A run folder relative to that of the sweep, as `status` names it; the absolute path if it lies elsewhere."""
    whole, top = folder.resolve(), root.resolve()
    if whole == top:
        return top.name
    return whole.relative_to(top).as_posix() if whole.is_relative_to(top) else str(whole)


def run_title(model: str, folder: str) -> str:
    """How messages name a run: its folder, with the model before it if the folder is named otherwise."""
    name = folder if folder.rpartition("/")[2] == model else f"{model} ({folder})"
    return " ".join(name.split())


def model_name(settings: Mapping[str, Any]) -> str:
    """The model's name by a manifest's settings: the one asked, or the one given for foreign answers, or their file's.

    Raises:
        KeyError: they name none.
    """
    model = settings["model"]
    if isinstance(model, Mapping):
        model = model["name"]
    return str(model or answers_name(settings["answers"]))


def answers_name(answers: str | Sequence[str]) -> str:
    """The name of a model that only its answer files name: what all their names begin with."""
    files = [Path(answers)] if isinstance(answers, str) else [Path(file) for file in answers]
    shared = os.path.commonprefix([file.stem for file in files])  # noqa: RUF071  # of names, letter by letter
    name = shared if len(files) == 1 else shared.rstrip("-_. ")
    return name.lstrip(".") or files[0].absolute().parent.name  # no report finds a hidden folder


def _count_lines(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(_BLOCK), b""))
    except OSError:
        return 0


def _run_folders(root: Path) -> Iterator[Path]:
    """The run folders in the order of the walk, which passes by hidden folders and follows each link once."""
    seen: set[str] = set()
    for path, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(path)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = [name for name in folders if not name.startswith(".")]
        # A file of that name alone may be another program's, so it is read to see whether it is a run's.
        if ANSWERS in files or (MANIFEST in files and is_of_a_run(Path(path) / MANIFEST)):
            yield Path(path)


def is_of_a_run(manifest: Path) -> bool:
    """Whether a file is the manifest of a run; other programs name files so, too."""
    try:
        return "identity" in read_manifest(manifest)
    except RepopeError:
        return False
