"""Rows of answer files joined to a benchmark's questions; gold labels that were taken for responses are refused.

Rows are joined by image and question text. An id alone is never trusted: it leads to a text in
`questions=FILE`, or to the benchmark's own, and wherever a row has a text too, the two must agree.
Only AMBER's ids, which mean one question each, may come without (see `foreign_answers.benchmark_codes`).

The Hub's files of POPE call the label `answer`, which is also what many programs call the response. Where nothing but
its name says what a column is, its values do: a model does not repeat the labels in nearly every row.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.sources import bench_asking
from repope_eval.errors import RepopeError
from repope_eval.foreign_answers.rows import (
    DOUBTFUL_FIELDS,
    IMAGE_FIELDS,
    QUESTION_FIELDS,
    RESPONSE_FIELDS,
    AnswerRow,
    Ids,
    QuestionIndex,
    answer_rows,
    field_names,
    is_misspelt,
    is_question,
    same_image,
)
from repope_eval.records import Answer, Question
from repope_eval.scoring.protocols import (
    answer_in,
    is_thought_alone,
    read_lmms_eval,
    read_repope,
    unknown_tag,
)
from repope_eval.system.rows import RowFile
from repope_eval.wording import counted, shown

Texts = Mapping[str, tuple[str, str]] | None
"""Image and text by id, where the user gave a question file."""


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
    questions = []
    for row in rows:
        try:
            questions.append(_question_of_row(row, index, texts))
        except RepopeError as error:
            raise RepopeError(f"{where}, row {row.number}: {error}") from error
    if not any(questions):
        raise RepopeError(f"{where}: {_nothing_joined(rows, texts, ids)}")
    return questions


def named_questions(
    rows: Sequence[AnswerRow], file: RowFile, benchmark: Benchmark
) -> Sequence[Question | None]:
    """The question of each row of a file whose rows name image and question."""
    return questions_by_image(rows, benchmark.ids, None, file.where)


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How one program's answer files are told from others, and which question each of their rows answers."""

    fields: tuple[str, ...]
    """Fields that the first row of every such file has."""
    is_likely: Callable[[RowFile], bool] = lambda _: True
    """Whether a file with these fields is of this format."""
    rows: Callable[[RowFile], list[AnswerRow]] = answer_rows
    """The rows with their fields told apart; a RepopeError where one cannot be read."""
    questions: Callable[[Sequence[AnswerRow], RowFile, Benchmark], Sequence[Question | None]] = (
        named_questions
    )
    """The question of each row, None where the benchmark does not have it; a RepopeError where that is in doubt."""
    edition: Callable[[RowFile, Benchmark], Benchmark] = lambda _, benchmark: benchmark
    """The edition of the benchmark that a file is about."""

    def recognises(self, file: RowFile) -> bool:
        """Whether a file is of this format."""
        first = file.rows[0] if file.rows else {}
        return set(self.fields) <= first.keys() and self.is_likely(file)


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


def _question_of_row(row: AnswerRow, index: QuestionIndex, texts: Texts) -> Question | None:
    if texts is not None:
        return _question_by_file(row, index, texts)
    if row.image is not None and row.text is not None:
        return index.find_by_text(row.image, row.text)
    if row.text is None and row.image is not None and index.find_by_text(row.image, row.response):
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
    question = index.find_by_id(row.question_id)
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
    question = index.find_by_text(image, text)
    stands_for = None
    if row.text is not None and not _are_one_question(row.text, text, question):
        stands_for = f"{shown(row.text)}, but questions=FILE has {shown(text)}"
    elif row.image is not None and not same_image(row.image, image):
        stands_for = f"image {shown(row.image)}, but questions=FILE has {shown(image)}"
    if stands_for is not None:
        raise RepopeError(
            f"question_id {shown(row.question_id)} comes with {stands_for}; give the file the answers were made from"
        )
    return question


def _are_one_question(text: str, other: str, question: Question | None) -> bool:
    """Whether two texts are one question, whatever instructions follow it."""
    return (
        is_question(text, other)
        or is_question(other, text)
        or (question is not None and is_question(text, question.text))
    )


NEARLY_ALL = 0.995
"""The share of the rows in which responses that equal the labels are taken for the labels."""
FEWEST_ANSWERS = 20
"""A model may well be right about fewer questions than these; where another column may be its answer, one is enough."""
_ROWS_READ = 200
"""The number of rows that are read to tell what another column holds."""


def refuse_labels(joined: Joined, file: RowFile, benchmark: Benchmark) -> None:
    """Refuses responses of a field that may be the label by its name, and is by its values."""
    if not file.rows or (field := doubtful_field(file.rows[0])) is None:
        return
    n_labelled, n_equal = max(
        (_count_equal(joined.answers, label_set.distinct) for label_set in benchmark.label_sets),
        key=lambda numbers: (numbers[1] / max(1, numbers[0]), numbers[1]),
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


def _count_equal(answers: Mapping[Question, Answer], labels: Mapping[Question, bool]) -> tuple[int, int]:
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
