"""The answer files of POPE's own code, whose rows stand in the order of a label file, and of the RePOPE paper's code.

In which order another program went through the variants is not taken on trust: every order that is known of
is tried, and one counts only if the text of each row is that of the question at its index. Several that fit are
fine where they lead to the same questions, as they do at POPE's first images.

No field of a row names its image, so its place does. No file is trusted in that: it must have as many rows as a
label file, and at each place that file's question. Only published label files will do, whose questions change from row
to row: where a benchmark asks the same about many images, rows in another order would fit as well.

The RePOPE paper's files, `NAME_POPE_answers.json`, are nested documents {subset: {question id: row}} whose rows hold
`text` (the question) and `response`, and name no image. A row's subset and id lead to a question of the benchmark, and
its text must be that question's.
"""

from collections.abc import Mapping, Sequence

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.coco import ANNOTATIONS
from repope_eval.benchmarks.pope_seem import AOKVQA, GQA
from repope_eval.errors import RepopeError
from repope_eval.foreign_answers.joining import Format
from repope_eval.foreign_answers.rows import (
    IMAGE_FIELDS,
    RESPONSE_FIELDS,
    AnswerRow,
    field_names,
    is_question,
)
from repope_eval.records import Question
from repope_eval.system.rows import QUESTION_ID, SUBSET, RowFile
from repope_eval.wording import counted, shown

IMAGE_MEND = "give each row its image, in a column that columns.image= names"


def fitting(
    rows: Sequence[AnswerRow], orders: Mapping[str, Sequence[Question | None]], where: str
) -> Sequence[Question | None]:
    """The questions of the order that fits every row.

    Args:
        orders: the question of each row in each order, None where there is none, by what the order is called.
        where: the answer file's name, for messages.
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
            f"{' and '.join(list(fits.values())[:2])}, which lead to different questions; {IMAGE_MEND}, or score one "
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
        f"further; is bench right (bench=repope for all variants)? Else {IMAGE_MEND}"
    )


_LABEL_FILES = {**ANNOTATIONS.sha256, **AOKVQA.sha256, **GQA.sha256}
_OTHERS = {*IMAGE_FIELDS, *RESPONSE_FIELDS, "image_name", "question_id", "id"} - {"answer"}
"""Fields by which rows name more than a question and an answer, or hold another response."""


def _questions_by_place(
    rows: Sequence[AnswerRow], file: RowFile, benchmark: Benchmark
) -> Sequence[Question | None]:
    """The questions of the label file that has each row's question at its place."""
    if not benchmark.hashes or not benchmark.hashes.items() <= _LABEL_FILES.items():
        raise RepopeError(
            f"{file.where}, row 1: names no image; rows of question and answer alone go by their place in a label "
            f"file, which tells their images in POPE's own files only (bench=repope, pope_aokvqa, pope_gqa): "
            f"{IMAGE_MEND}"
        )
    asked = _label_files(benchmark)
    orders = {name: questions for name, questions in asked.items() if len(questions) == len(rows)}
    if not orders:
        lengths = ", ".join(f"{len(questions):,} ({name})" for name, questions in asked.items())
        raise RepopeError(
            f"{file.where}: has {counted(len(rows), 'row', ',')} without image, which are told by their place in a "
            f"whole label file alone: {lengths}; give each variant's file as it is, several as answers=[A,B,C], or "
            f"{IMAGE_MEND}"
        )
    return fitting(rows, orders, file.where)


def _label_files(benchmark: Benchmark) -> Mapping[str, Sequence[Question]]:
    """The questions of each label file, row by row, by what the file is called."""
    files = {variant: list(questions.values()) for variant, questions in benchmark.ids.items()}
    for label_set in benchmark.label_sets[1:]:
        files |= {
            f"{variant} of {label_set.name}": list(labels)
            for variant, labels in label_set.variants.items()
            if variant in benchmark.ids
        }
    return files


POPE_CODE = Format(
    fields=("question", "answer"),
    is_likely=lambda file: not _OTHERS & file.rows[0].keys(),
    questions=_questions_by_place,
)


def _questions_by_subset(
    rows: Sequence[AnswerRow], file: RowFile, benchmark: Benchmark
) -> list[Question | None]:
    """The question of each row; None for a subset that the benchmark does not have."""
    by_id = {
        variant: {str(key): question for key, question in questions.items()}
        for variant, questions in benchmark.ids.items()
    }
    questions = []
    for row, fields in zip(rows, file.rows, strict=True):
        subset = str(fields[SUBSET])
        where = f"{file.where}, {SUBSET} {shown(subset)}, {QUESTION_ID} {shown(row.question_id)}"
        if not row.text or "response" not in fields:
            raise RepopeError(
                f"{where}: needs text (the question) and response; there are {field_names(fields)}"
            )
        question = by_id[subset].get(row.question_id or "") if subset in by_id else None
        if subset in by_id and question is None:
            raise RepopeError(
                f"{where}: the benchmark has no such question; the answers are to other questions"
            )
        if question is not None and not is_question(row.text, question.text):
            raise RepopeError(
                f"{where}: asks {shown(row.text)}, but the benchmark {shown(question.text)}; the answers "
                "are to other questions (an older POPE?)"
            )
        questions.append(question)
    return questions


REPOPE_CODE = Format(fields=(), is_likely=lambda file: file.is_nested, questions=_questions_by_subset)
