"""A file of questions whose labels people correct, which is written again in its own form: POPE's, or a queue."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from repope_eval.benchmarks.audit_queue import Queued, is_queue, queue_of, write_queue
from repope_eval.benchmarks.pope_file import Row, rows_of, write_rows
from repope_eval.errors import RepopeError
from repope_eval.files.rows import read_row_file
from repope_eval.records import Question


@dataclass(frozen=True, slots=True)
class QuestionFile:
    """The questions of a file that people label."""

    rows: tuple[Row, ...]
    """Of a queue, those in the part to be looked at, with their places among all as ids."""
    queue: Mapping[Question, Queued] | None = None
    """The queue; None of a file in POPE's format."""

    def write(self, path: Path, rows: Iterable[Row]) -> None:
        """Writes some of the rows, with other labels, in the form of the file.

        Raises:
            RepopeError: the file cannot be written.
        """
        if self.queue is None:
            write_rows(path, rows)
        else:
            queued = [replace(self.queue[row.question], label=row.label == "yes") for row in rows]
            write_queue(path, queued, relabelled=True)

    @property
    def n_unsampled(self) -> int:
        """How many questions of a queue are not in the part to be looked at."""
        return 0 if self.queue is None else len(self.queue) - len(self.rows)


def read_question_file(path: Path) -> QuestionFile:
    """Reads a file in POPE's format, or the queue that `audit` wrote.

    Published files in POPE's format may ask the same twice, such as POPE's on GQA.

    Raises:
        RepopeError: the file cannot be read or is neither, or nothing in a queue is to be looked at.
    """
    file = read_row_file(path)
    if not is_queue(file):
        return QuestionFile(rows_of(file, may_repeat=True))
    queue = queue_of(file)
    rows = tuple(
        Row(place, question, "yes" if queued.label else "no")
        for place, (question, queued) in enumerate(queue.items(), 1)
        if queued.sampled
    )
    if not rows:
        raise RepopeError(
            f"{path}: none of its questions is to be looked at (sampled); is it the right queue?"
        )
    return QuestionFile(rows, queue)
