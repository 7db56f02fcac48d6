"""Anybody's answers joined to a benchmark's questions.

Rows are joined by image and question text. An id alone is never trusted: it leads to a text in
`questions=FILE`, or to the benchmark's own, and wherever a row has a text too, the two must agree.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from repope_eval.benchmarks.dash_b import NAME as DASH_B
from repope_eval.errors import RepopeError
from repope_eval.foreign_answers.question_index import QuestionIndex, is_misspelt, is_question, same_image
from repope_eval.foreign_answers.rows import RESPONSE_FIELDS, AnswerRow
from repope_eval.records import Answer, Question, Variant
from repope_eval.wording import counted, shown


@dataclass(frozen=True, slots=True)
class Joined:
    """Answers by question, and what was left over."""

    answers: Mapping[Question, Answer]
    n_rows: int
    unjoined: tuple[AnswerRow, ...]
    """Rows about questions that the benchmark does not have."""
    n_conflicts: int
    """Rows that answer a question otherwise than an earlier row, which is the one that counts."""
    first_conflict: tuple[int, int] | None
    """Numbers of the first such row's earlier one, and of that row; None where rows are of several files."""
    n_misspelt: int
    """Rows whose question is spelt as in POPE's older files, "imange" for "image"."""


def join(
    rows: Sequence[AnswerRow],
    ids: Mapping[Variant, Mapping[int | str, Question]],
    texts: Mapping[str, tuple[str, str]] | None,
    where: str,
) -> Joined:
    """Joins rows to a benchmark's questions.

    Args:
        rows: of the answer file.
        ids: the benchmark's questions by variant and id.
        texts: what the rows' ids point to, where the user gave a question file.
        where: the answer file's name, for messages.

    Raises:
        RepopeError: a row names no question, its id and its text disagree, no row at all fits, or the
            file holds questions in place of responses.
    """
    index = QuestionIndex(ids)
    pairs = []
    for row in rows:
        try:
            question = _question(row, index, texts)
            pairs.append((_with_text(row, texts), question))
        except RepopeError as error:
            raise RepopeError(f"{where}, row {row.number}: {error}") from error
    if not any(question for _, question in pairs):
        raise RepopeError(_nothing_joined(rows, texts, where, ids))
    return gather(pairs, where)


def gather(pairs: Iterable[tuple[AnswerRow, Question | None]], where: str) -> Joined:
    """Answers of rows whose questions are known; None for one that the benchmark does not have.

    Raises:
        RepopeError: the responses are the questions themselves.
    """
    answers: dict[Question, Answer] = {}
    counting: dict[Question, int] = {}
    conflicts: list[tuple[int, int]] = []
    unjoined = []
    n_rows = n_misspelt = 0
    for row, question in pairs:
        n_rows += 1
        if question is None:
            unjoined.append(row)
            continue
        answer = Answer(question, row.response, row.n_tokens, row.p_yes, row.p_no)
        n_misspelt += is_misspelt(row.text or "", question.text)
        if answers.setdefault(question, answer).response != row.response:
            conflicts.append((counting[question], row.number))
        counting.setdefault(question, row.number)
    if answers and all(is_question(answer.response, question.text) for question, answer in answers.items()):
        raise RepopeError(f"{where}: {_QUESTION_FILE}")
    first_conflict = conflicts[0] if conflicts else None
    return Joined(answers, n_rows, tuple(unjoined), len(conflicts), first_conflict, n_misspelt)


_QUESTION_FILE = (
    "its responses are the questions themselves, so it seems to be a question file; give the responses in one of "
    f"{', '.join(RESPONSE_FIELDS)}"
)


def _right_bench(text: str | None, variants: Collection[Variant]) -> str:
    """The mend where a benchmark has none of the questions: the other one, where a text is of its form."""
    is_dash_b, is_asked_dash_b = "Can you see a" in (text or ""), DASH_B in variants
    if is_dash_b and not is_asked_dash_b:
        return "its questions are DASH-B's, so give bench=dash_b"
    if "Is there a" in (text or "") and is_asked_dash_b:
        return "its questions are POPE's, so give bench=repope"
    return "is bench right?"


def _nothing_joined(
    rows: Sequence[AnswerRow],
    texts: Mapping[str, tuple[str, str]] | None,
    where: str,
    variants: Collection[Variant],
) -> str:
    if not rows:
        return f"{where}: holds no rows; each needs an image, a question and a response"
    first = rows[0]
    named = (first.image, first.text) if texts is None else texts[first.question_id or ""]
    image, text = (shown(name) for name in named)
    return (
        f"{where}: none of {counted(len(rows), 'row')} is about a question of this benchmark, first image {image}, "
        f"question {text}; {_right_bench(named[1], variants)}"
    )


def _with_text(row: AnswerRow, texts: Mapping[str, tuple[str, str]] | None) -> AnswerRow:
    """The row with its question's text, which may stand in the user's question file alone."""
    if row.text is not None or texts is None or row.question_id is None:
        return row
    return replace(row, text=texts[row.question_id][1])


def _question(
    row: AnswerRow, index: QuestionIndex, texts: Mapping[str, tuple[str, str]] | None
) -> Question | None:
    if texts is not None:
        return _question_by_file(row, index, texts)
    if row.image is not None and row.text is not None:
        return index.by_text(row.image, row.text)
    if row.text is None and row.image is not None and index.by_text(row.image, row.response):
        raise RepopeError(_QUESTION_FILE)
    if row.question_id is None or row.text is None:
        missing = "question" if row.text is None else "image"
        raise RepopeError(
            f"names no {missing}; give rows an image and a question, or a question_id together with "
            "questions=FILE"
        )
    if len(index.variants) > 1:
        raise RepopeError(
            "has no image, and a question_id means something else in each of "
            f"{', '.join(index.variants)}; give questions=FILE, or score one variant (bench=repope_random, say)"
        )
    question = index.by_id(row.question_id)
    if question is None or not is_question(row.text, question.text):
        known = "has no such question" if question is None else f"asks {shown(question.text)} there"
        raise RepopeError(
            f"question_id {shown(row.question_id)} comes with {shown(row.text)}, but the benchmark {known}; the "
            "answers are to other questions (an older POPE?), so give questions=FILE that they were made from"
        )
    return question


def _question_by_file(
    row: AnswerRow, index: QuestionIndex, texts: Mapping[str, tuple[str, str]]
) -> Question | None:
    if row.question_id is None:
        raise RepopeError(
            "has no question_id to look up in questions=FILE; leave questions= out where rows name image "
            "and question"
        )
    if row.question_id not in texts:
        raise RepopeError(
            f"question_id {shown(row.question_id)} is not in questions=FILE; give the file the answers were made from"
        )
    image, text = texts[row.question_id]
    question = index.by_text(image, text)
    if row.text is not None and not _agree(row.text, text, question):
        raise RepopeError(
            f"question_id {shown(row.question_id)} comes with {shown(row.text)}, but questions=FILE has "
            f"{shown(text)}; give the file the answers were made from"
        )
    if row.image is not None and not same_image(row.image, image):
        raise RepopeError(
            f"question_id {shown(row.question_id)} comes with image {shown(row.image)}, but questions=FILE has "
            f"{shown(image)}; "
            "give the file the answers were made from"
        )
    return question


def _agree(text: str, other: str, question: Question | None) -> bool:
    """Whether two texts are one question, be it with different instructions after it."""
    return (
        is_question(text, other)
        or is_question(other, text)
        or (question is not None and is_question(text, question.text))
    )
