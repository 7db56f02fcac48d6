"""Rows of answer files joined to a benchmark's questions.

Rows are joined by image and question text. An id alone is never trusted: it leads to a text in
`questions=FILE`, or to the benchmark's own, and wherever a row has a text too, the two must agree.
Only AMBER's ids, which mean one question each, may come without (see `foreign_answers.amber`).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.sources import bench_asking
from repope_eval.errors import RepopeError
from repope_eval.files.rows import RowFile
from repope_eval.foreign_answers.question_index import (
    Ids,
    QuestionIndex,
    is_misspelt,
    is_question,
    same_image,
)
from repope_eval.foreign_answers.rows import RESPONSE_FIELDS, AnswerRow
from repope_eval.records import Answer, Question
from repope_eval.scoring.thoughts import answer_in, is_thought_alone, unknown_tag
from repope_eval.wording import counted, shown

Texts = Mapping[str, tuple[str, str]] | None
"""Image and text by id, where the user gave a question file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How one program's answer files are told from others, and which question each of their rows answers."""

    recognises: Callable[[RowFile], bool]
    """Whether a file is of this format, by the fields of its rows."""
    rows: Callable[[RowFile], list[AnswerRow]]
    """The rows with their fields told apart; a RepopeError where one cannot be read."""
    questions: Callable[[Sequence[AnswerRow], RowFile, Benchmark], Sequence[Question | None]]
    """The question of each row, None where the benchmark does not have it; a RepopeError where that is in doubt."""
    edition: Callable[[RowFile, Benchmark], Benchmark] = lambda _, benchmark: benchmark
    """The edition of the benchmark that a file is about."""


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
    """The numbers of an earlier row and of the first row in conflict with it; None where rows are of several files."""
    n_misspelt: int
    """Rows whose question is spelt as in POPE's older files, "imange" for "image"."""
    n_thoughts: int
    """Rows whose response has a thought before the answer, which is left out."""
    n_cut: int
    """Those of them that end in the thought, so that they have no answer: their text is empty."""
    unknown_tags: Mapping[str, int] = field(default_factory=dict)
    """How many rows begin with a tag that may hold a thought, and stands in the answer."""


def gather(rows: Sequence[AnswerRow], questions: Sequence[Question | None], where: str) -> Joined:
    """Puts together the answers of rows whose questions are known.

    Args:
        rows: the rows of the answer file.
        questions: the question of each row; None where the benchmark does not have it.
        where: the answer file's name, for messages.

    Raises:
        RepopeError: no row has a question, or the responses are the questions themselves.
    """
    answers: dict[Question, Answer] = {}
    counting: dict[Question, int] = {}
    conflicts: list[tuple[int, int]] = []
    unknown_tags: Counter[str] = Counter()
    n_misspelt = n_thoughts = n_cut = 0
    for row, question in zip(rows, questions, strict=True):
        if question is None:
            continue
        response = answer_in(row.response)
        has_thought = response != row.response
        # A thought's first token says nothing of the answer.
        evidence = (None, None) if has_thought else (row.p_yes, row.p_no)
        answer = Answer(question, response, row.n_tokens, *evidence)
        n_misspelt += is_misspelt(row.text or "", question.text)
        n_thoughts += has_thought
        n_cut += is_thought_alone(row.response)
        unknown_tags.update(filter(None, [unknown_tag(response)]))
        if answers.setdefault(question, answer).response != response:
            conflicts.append((counting[question], row.number))
        counting.setdefault(question, row.number)
    if not answers:
        raise RepopeError(
            f"{where}: none of {counted(len(rows), 'row')} is of a variant of this benchmark; is bench right?"
        )
    if all(is_question(answer.response, question.text) for question, answer in answers.items()):
        raise RepopeError(f"{where}: {_QUESTION_FILE}")
    unjoined = tuple(row for row, question in zip(rows, questions, strict=True) if question is None)
    first_conflict = conflicts[0] if conflicts else None
    return Joined(
        answers,
        len(rows),
        unjoined,
        len(conflicts),
        first_conflict,
        n_misspelt,
        n_thoughts,
        n_cut,
        unknown_tags,
    )


def questions_by_image(
    rows: Sequence[AnswerRow], ids: Ids, texts: Texts, where: str
) -> list[Question | None]:
    """The question of each row, found by image and text; None where the benchmark does not have it.

    Args:
        rows: the rows of the answer file.
        ids: the benchmark's questions by variant and id.
        texts: image and text by id, where the user gave a question file.
        where: the answer file's name, for messages.

    Raises:
        RepopeError: a row names no question, its id and its text disagree, no row at all fits, or the
            file holds questions in place of responses.
    """
    index = QuestionIndex(ids)
    found = []
    for row in rows:
        try:
            found.append(_question(row, index, texts))
        except RepopeError as error:
            raise RepopeError(f"{where}, row {row.number}: {error}") from error
    if not any(found):
        raise RepopeError(f"{where}: {_nothing_joined(rows, texts, ids)}")
    return found


_QUESTION_FILE = (
    "its responses are the questions themselves, so it seems to be a question file; give the responses in one of "
    f"{', '.join(RESPONSE_FIELDS)}"
)


def _nothing_joined(rows: Sequence[AnswerRow], texts: Texts, ids: Ids) -> str:
    if not rows:
        return "holds no rows; each needs an image, a question and a response"
    first = rows[0]
    image, text = (first.image, first.text) if texts is None else texts[first.question_id or ""]
    own = next((question.text for questions in ids.values() for question in questions.values()), "")
    return (
        f"none of {counted(len(rows), 'row')} is about a question of this benchmark, first image {shown(image)}, "
        f"question {shown(text)}; {bench_asking(text or '', own) or 'is bench right?'}"
    )


def _question(row: AnswerRow, index: QuestionIndex, texts: Texts) -> Question | None:
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
    stands_for = None
    if row.text is not None and not _agree(row.text, text, question):
        stands_for = f"{shown(row.text)}, but questions=FILE has {shown(text)}"
    elif row.image is not None and not same_image(row.image, image):
        stands_for = f"image {shown(row.image)}, but questions=FILE has {shown(image)}"
    if stands_for is not None:
        raise RepopeError(
            f"question_id {shown(row.question_id)} comes with {stands_for}; give the file the answers were made from"
        )
    return question


def _agree(text: str, other: str, question: Question | None) -> bool:
    """Whether two texts are one question, be it with different instructions after it."""
    return (
        is_question(text, other)
        or is_question(other, text)
        or (question is not None and is_question(text, question.text))
    )
