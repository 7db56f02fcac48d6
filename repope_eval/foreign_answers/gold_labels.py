"""A column of labels that was taken for the responses: refused, since it scores 1 whatever the model said.

The Hub's files of POPE call the label `answer`, which is also what many programs call the response. Where nothing but
its name says what a column is, its values do: a model does not repeat the labels in nearly every row.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.errors import RepopeError
from repope_eval.files.rows import RowFile
from repope_eval.foreign_answers.joining import Joined
from repope_eval.foreign_answers.rows import (
    DOUBTFUL_FIELDS,
    IMAGE_FIELDS,
    QUESTION_FIELDS,
    RESPONSE_FIELDS,
    field_names,
)
from repope_eval.records import Answer, Question
from repope_eval.scoring.protocols import read_lmms_eval, read_repope
from repope_eval.wording import counted

NEARLY_ALL = 0.995
"""The share of the rows in which responses that equal the labels are taken for the labels."""
FEWEST_ANSWERS = 20
"""A model may well be right about fewer questions than these; where another column may be its answer, one is enough."""
_ROWS_READ = 200
"""Rows that tell what another column holds."""


def refuse_labels(joined: Joined, file: RowFile, benchmark: Benchmark) -> None:
    """Refuses responses of a field that may be the label by its name, and is by its values.

    Raises:
        RepopeError: the responses equal the labels in nearly every row.
    """
    if not file.rows or (field := doubtful_field(file.rows[0])) is None:
        return
    n_labelled, n_equal = max(
        (_equal(joined.answers, label_set.distinct) for label_set in benchmark.label_sets),
        key=lambda found: (found[1] / max(1, found[0]), found[1]),
        default=(0, 0),
    )
    if not n_equal or n_equal < NEARLY_ALL * n_labelled:
        return
    others = list(_other_columns(file.rows, field))
    if n_labelled < FEWEST_ANSWERS and not others:
        return
    rows = "1 row" if n_labelled == 1 else f"{n_equal:,} of {counted(n_labelled, 'row', ',')}"
    mend = (
        f"the response may be {', '.join(others)}: columns.response={others[0]}"
        if others
        else f"there are {field_names(file.rows[0])}, and none of them holds answers"
    )
    raise RepopeError(
        f"{file.where}: {field} equals the benchmark's label in {rows}, so it seems to be the label and no response; "
        f"{mend}. Where {field} is what the model said, give columns.response={field}"
    )


def doubtful_field(row: Mapping[str, Any]) -> str | None:
    """The field of a row that is taken for the response and may be its label; None where a clearer one is there."""
    first = next((name for name in RESPONSE_FIELDS if name in row), None)
    return first if first in DOUBTFUL_FIELDS else None


def _equal(answers: Mapping[Question, Answer], labels: Mapping[Question, bool]) -> tuple[int, int]:
    """How many answers are to labelled questions, and how many of these are the label itself."""
    labelled = [
        (labels[question], answer.response) for question, answer in answers.items() if question in labels
    ]
    return len(labelled), sum(
        read_lmms_eval(response.strip().rstrip(".")) is label for label, response in labelled
    )


def _other_columns(rows: Sequence[Mapping[str, Any]], field: str) -> Iterator[str]:
    """Columns that mostly hold yes or no, read from texts, beside the one taken for the response."""
    known = {field, *IMAGE_FIELDS, *QUESTION_FIELDS, "question_id"}
    read = rows[:_ROWS_READ]
    for name in rows[0]:
        texts = [row.get(name) for row in read]
        n_read = sum(isinstance(text, str) and read_repope(text) is not None for text in texts)
        if name not in known and n_read > len(read) / 2:
            yield name
