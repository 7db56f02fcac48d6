"""Rows without images, found by their place in the benchmark's own files, and checked text by text.

In which order another program went through the variants is not taken on trust: every order that is known of
is tried, and one counts only if the text of each row is that of the question in its place. Several that fit are
fine where they lead to the same questions, as they do at POPE's first images.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, permutations
from typing import Any

from repope_eval.errors import RepopeError
from repope_eval.foreign_answers.question_index import is_question
from repope_eval.foreign_answers.rows import AnswerRow, question_id_of
from repope_eval.records import Question, Variant
from repope_eval.wording import shown

Ids = Mapping[Variant, Mapping[int | str, Question]]
Row = Mapping[str, Any]
Pairs = list[tuple[AnswerRow, Question | None]]
Places = Sequence[Question | None]
"""The question in the place of each row; None where there is none."""

BY_IMAGE = "give each row its image, in a column that columns.image= names"


def by_doc_id(rows: Sequence[AnswerRow], ids: Ids, where: str) -> Pairs:
    """Rows of lmms-eval, whose id is a place in the variants' files, one after the other.

    lmms-lab/POPE has adversarial, popular, random; its tasks of a single variant have that one's file.

    Raises:
        RepopeError: no order of the variants fits every text, or two do that lead to different questions.
    """
    orders: dict[str, Places] = {}
    for order in permutations(ids):
        asked = list(chain.from_iterable(ids[variant].values() for variant in order))
        places = [int(row.question_id or "") for row in rows]
        orders[", ".join(order)] = [asked[place] if place < len(asked) else None for place in places]
    return list(zip(rows, _fitting(rows, orders, where), strict=True))


def by_category(rows: Sequence[AnswerRow], fields: Sequence[Row], ids: Ids, where: str) -> Pairs:
    """Rows of VLMEvalKit: each distinct question once, by an index, with the variants it stands in as its category.

    Orders that are known of: any that keeps the order of each variant's file; the files one after the other
    without repeats; and the same image by image. The last two are checked against the category, too. A table
    of the first rows alone will do, one with a gap will not: it would shift what follows.

    Args:
        rows: of the table.
        fields: of the same rows, by column.
        ids: the benchmark's questions by variant and id, in the order of its files.
        where: the table's name, for messages.

    Raises:
        RepopeError: indexes leave a gap, no order fits every text, or two do that lead to different questions.
    """
    order = _by_index(fields, where)
    variants = [_variants(fields[place], ids, f"{where}, row {place + 1}") for place in order]
    orders: dict[str, Places] = {"each variant in its own order": _in_own_orders(variants, ids)}
    for files in permutations(ids) if len(ids) > 1 else ():
        words = ", then ".join(files)
        distinct = list(dict.fromkeys(chain.from_iterable(ids[variant].values() for variant in files)))
        orders[words] = _with_categories(distinct, variants, ids)
        orders[f"{words}, image by image"] = _with_categories(_image_by_image(distinct), variants, ids)
    kept = [
        place for place, names in enumerate(variants) if names
    ]  # others are of no variant of the benchmark
    sorted_rows = [rows[order[place]] for place in kept]
    kept_orders = {words: [places[place] for place in kept] for words, places in orders.items()}
    found = iter(_fitting(sorted_rows, kept_orders, where))
    return [(rows[order[place]], next(found) if names else None) for place, names in enumerate(variants)]


def _fitting(rows: Sequence[AnswerRow], orders: Mapping[str, Places], where: str) -> Places:
    """The questions of the order that fits every row."""
    fits: dict[tuple[Question | None, ...], str] = {}
    furthest, line = -1, ""
    for words, places in orders.items():
        misfit = _first_misfit(rows, places)
        if misfit is None:
            fits.setdefault(tuple(places), words)
        elif misfit > furthest:
            furthest, line = misfit, _misfit_line(rows[misfit], places[misfit], words)
    if not fits:
        raise RepopeError(f"{where}, {line}")
    if len(fits) > 1:
        raise RepopeError(
            f"{where}: its {len(rows)} rows have no image, and fit the benchmark in the orders "
            f"{' and '.join(list(fits.values())[:2])}, which lead to different questions; {BY_IMAGE}, or score one "
            "variant (bench=repope_random, say)"
        )
    return next(iter(fits))


def _first_misfit(rows: Sequence[AnswerRow], places: Places) -> int | None:
    return next(
        (
            number
            for number, (row, question) in enumerate(zip(rows, places, strict=True))
            if question is None or row.text is None or not is_question(row.text, question.text)
        ),
        None,
    )


def _misfit_line(row: AnswerRow, question: Question | None, words: str) -> str:
    there = "there is no such row" if question is None else f"its place asks {shown(question.text)}"
    return (
        f"row {row.number}: asks {shown(row.text)}, but in the benchmark ({words}) {there}, and no other order fits "
        f"further; is bench right (bench=repope for all variants)? Else {BY_IMAGE}"
    )


def _in_own_orders(variants: Sequence[Sequence[Variant]], ids: Ids) -> Places:
    """The next question of each variant that a row stands in; None where the variants do not agree on it."""
    left: dict[Variant, Iterator[Question]] = {
        variant: iter(questions.values()) for variant, questions in ids.items()
    }
    places: list[Question | None] = []
    for names in variants:
        questions = {next(left[variant], None) for variant in names}
        places.append(questions.pop() if len(questions) == 1 else None)
    return places


def _with_categories(asked: Sequence[Question], variants: Sequence[Sequence[Variant]], ids: Ids) -> Places:
    """A question for each row, one after the other; None where it stands in other variants than the row."""
    standing = {variant: set(questions.values()) for variant, questions in ids.items()}
    places: list[Question | None] = []
    for number, names in enumerate(variants):
        question = asked[number] if number < len(asked) else None
        fits = question is not None and {name for name in ids if question in standing[name]} == set(names)
        places.append(question if fits else None)
    return places


def _image_by_image(questions: Iterable[Question]) -> list[Question]:
    by_image: dict[str, list[Question]] = {}
    for question in questions:
        by_image.setdefault(question.image, []).append(question)
    return list(chain.from_iterable(by_image.values()))


def _by_index(fields: Sequence[Row], where: str) -> list[int]:
    """Places of the rows in the order of their index, which must go up by one from 0 or 1."""
    indexes = []
    for number, row in enumerate(fields, 1):
        index = question_id_of(row, f"{where}, row {number}", "index")
        if index is None or not index.isdecimal():
            raise RepopeError(
                f"{where}, row {number}: the index is {shown(row.get('index'))}, not a whole number; without image, "
                f"rows are found by it: {BY_IMAGE}"
            )
        indexes.append(int(index))
    order = sorted(range(len(indexes)), key=lambda place: indexes[place])
    for expected, place in enumerate(order, min(indexes[order[0]], 1)):
        if indexes[place] != expected:
            raise RepopeError(
                f"{where}, row {place + 1}: index {indexes[place]} stands where {expected} should, so rows are "
                f"missing or repeated, and without image those that follow cannot be told; {BY_IMAGE}"
            )
    return order


def _variants(fields: Row, ids: Ids, place: str) -> list[Variant]:
    """The benchmark's variants that a row's category names; its only one where there is no such column."""
    if "category" not in fields and len(ids) == 1:
        return list(ids)
    category = fields.get("category")
    if not isinstance(category, str):
        raise RepopeError(
            f"{place}: the category is {shown(category)}, not the names of variants; {BY_IMAGE}, or score one variant "
            "(bench=repope_random, say)"
        )
    names = dict.fromkeys(part.strip().lower() for part in category.split(","))
    return [name for name in names if name in ids]
