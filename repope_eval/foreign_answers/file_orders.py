"""Rows without images, found by their index in the benchmark's own files and checked text by text.

In which order another program went through the variants is not taken on trust: every order that is known of
is tried, and one counts only if the text of each row is that of the question at its index. Several that fit are
fine where they lead to the same questions, as they do at POPE's first images.
"""

from collections.abc import Mapping, Sequence

from repope_eval.errors import RepopeError
from repope_eval.foreign_answers.question_index import is_question
from repope_eval.foreign_answers.rows import AnswerRow
from repope_eval.records import Question
from repope_eval.wording import shown

BY_IMAGE = "give each row its image, in a column that columns.image= names"


def fitting(
    rows: Sequence[AnswerRow], orders: Mapping[str, Sequence[Question | None]], where: str
) -> Sequence[Question | None]:
    """The questions of the order that fits every row.

    Args:
        rows: the rows of the answer file.
        orders: the question of each row in each order, None where there is none, by what the order is called.
        where: the answer file's name, for messages.

    Raises:
        RepopeError: no order fits every text, or two do that lead to different questions.
    """
    fits: dict[tuple[Question | None, ...], str] = {}
    furthest, line = -1, ""
    for order, questions in orders.items():
        misfit = _first_misfit(rows, questions)
        if misfit is None:
            fits.setdefault(tuple(questions), order)
        elif misfit > furthest:
            furthest, line = misfit, _misfit_line(rows[misfit], questions[misfit], order)
    if not fits:
        raise RepopeError(f"{where}, {line}")
    if len(fits) > 1:
        raise RepopeError(
            f"{where}: its {len(rows)} rows have no image, and fit the benchmark in the orders "
            f"{' and '.join(list(fits.values())[:2])}, which lead to different questions; {BY_IMAGE}, or score one "
            "variant (bench=repope_random, say)"
        )
    return next(iter(fits))


def _first_misfit(rows: Sequence[AnswerRow], questions: Sequence[Question | None]) -> int | None:
    for index, (row, question) in enumerate(zip(rows, questions, strict=True)):
        if question is None or row.text is None or not is_question(row.text, question.text):
            return index
    return None


def _misfit_line(row: AnswerRow, question: Question | None, order: str) -> str:
    there = "there is no such row" if question is None else f"its place asks {shown(question.text)}"
    return (
        f"row {row.number}: asks {shown(row.text)}, but in the benchmark ({order}) {there}, and no other order fits "
        f"further; is bench right (bench=repope for all variants)? Else {BY_IMAGE}"
    )
