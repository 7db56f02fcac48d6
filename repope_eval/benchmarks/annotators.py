"""The people who label questions: each has a file of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from pathlib import Path

from repope_eval.benchmarks.pope_file import Annotation, read_annotations
from repope_eval.errors import RepopeError
from repope_eval.files.writing import is_same_file
from repope_eval.records import Question
from repope_eval.wording import shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotator:
    """One person's file, read."""

    path: Path
    annotations: tuple[Annotation, ...]

    @property
    def name(self) -> str:
        """The name in the file, or all that are there; the file's own name where it has none."""
        return ", ".join(self.names) or self.path.name

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the file, in the order in which they come."""
        names = (annotation.annotator for annotation in self.annotations)
        return tuple(dict.fromkeys(name for name in names if name is not None))

    @property
    def times(self) -> tuple[datetime, datetime] | None:
        """When the first and the last label that counts was given; None where the file has no times."""
        times = [annotation.at for annotation in self.annotations if annotation.at is not None]
        return (min(times), max(times)) if times else None

    @property
    def notes(self) -> dict[Question, str]:
        """The notes by question, where there is one."""
        return {
            annotation.question: annotation.note.strip()
            for annotation in self.annotations
            if annotation.note.strip()
        }


def read_annotators(paths: Sequence[Path]) -> tuple[Annotator, ...]:
    """Reads each person's file.

    Raises:
        RepopeError: a file cannot be read, or two of them are one person's by the names in them.
    """
    people = tuple(Annotator(path=path, annotations=read_annotations(path)) for path in paths)
    for one, other in combinations(people, 2):
        folded = {name.casefold() for name in one.names}
        name = next((name for name in other.names if name.casefold() in folded), None)
        if name is not None:
            raise RepopeError(
                f"{one.path} and {other.path} are both by annotator {shown(name)}; the two annotators and the decider "
                "must be different people: give the file of somebody else"
            )
    return people


def refuse_one_file_of_two_people(paths: Sequence[Path]) -> None:
    """Refuses a file that is given twice, be it by another path or a link.

    Raises:
        RepopeError: a file is given for two people.
    """
    for one, other in combinations(paths, 2):
        if one == other or is_same_file(one, other):
            raise RepopeError(
                f"{other}: is given for two annotators; each, and the decider, needs a file of their own"
            )
