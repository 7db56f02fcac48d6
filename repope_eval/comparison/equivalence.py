"""Whether two results are the same: F1 within the margin that was asked for, and how many answers flip."""

from collections.abc import Iterator
from typing import Any

from repope_eval.benchmarks.sources import label_set_phrase, label_set_title
from repope_eval.comparison.view import ComparedLabels, ComparisonView
from repope_eval.records import Variant
from repope_eval.reporting.figure_texts import (
    interval_text,
    margin_text,
    points_interval_text,
    points_text,
    rough_count_text,
    share_text,
)
from repope_eval.reporting.tables import Cell, Field, Table, number_field, table, text_field, value_field
from repope_eval.scoring.equivalence import Equivalence
from repope_eval.scoring.equivalence import Verdict as Sameness
from repope_eval.wording import counted


def equivalence_verdict(view: ComparisonView) -> str:
    """Whether the two are the same within the margin, where one is set, and how many answers flip."""
    return " ".join(_sentences(view))


def _sentences(view: ComparisonView) -> Iterator[str]:
    labels = view.labels[-1]
    if found := labels.equivalence.get(labels.headline):
        yield _equivalence_sentence(labels, found)
    yield _flip_sentence(view)


def _flip_sentence(view: ComparisonView) -> str:
    tally, rate, (a, b) = view.tally, view.flip_rate, view.headings
    certainty = f"no interval: {rate.reason}"
    if rate.interval is not None:
        certainty = f"95 % over images {interval_text(rate.interval, share_text)} %"
    shared = counted(tally.n_shared, "question", ",")
    if not tally.n_flipped:
        return f"Of the answers to the {shared} that both answered, none flips ({certainty})."
    ways = [
        f"{number:,} {way}"
        for number, way in (
            (tally.n_yes_no, f"from yes of {a} to no of {b}"),
            (tally.n_no_yes, f"from no of {a} to yes of {b}"),
            (tally.n_flipped - tally.n_yes_no - tally.n_no_yes, "to or from what is read as neither"),
        )
        if number
    ]
    return (
        f"Of the answers to the {shared} that both answered, {tally.n_flipped:,} "
        f"{'flip' if tally.n_flipped > 1 else 'flips'}, {share_text(rate.value)} % ({certainty}): {', '.join(ways)}."
    )


def _equivalence_sentence(labels: ComparedLabels, found: Equivalence) -> str:
    margin = f"{margin_text(found.margin)} points"
    if found.interval is None:
        return f"Whether the two are the same within {margin} cannot be told: {found.reason}."
    variant = f" ({labels.headline})" if len(labels.gaps) > 1 else ""
    low, high = map(points_text, found.interval)
    lies = (
        f"the difference of F1{variant} under {label_set_phrase(labels.common)} lies between {low} and {high} points "
        "(90 % interval)"
    )
    if found.verdict == "same":
        return f"Same within {margin}: {lies}, inside the margin."
    if found.verdict == "different":
        return f"Not the same within {margin}: {lies}, beyond the margin."
    said = f"Not shown to be the same within {margin}: {lies}, which is not inside the margin"
    if found.images_needed is None:
        return f"{said}."
    return (
        f"{said}; if they are the same, it takes about {rough_count_text(found.images_needed)} images to show it, and "
        f"there are {labels.chance[labels.headline].n_images:,}."
    )


def equivalence_table(view: ComparisonView) -> Table | None:
    """The difference of F1 in each variant, and whether it is within the margin; None where no margin is set."""
    rows: list[tuple[ComparedLabels, Variant, Equivalence]] = [
        (labels, variant, found) for labels in view.labels for variant, found in labels.equivalence.items()
    ]
    if not rows:
        return None
    a, b = view.headings
    margin = margin_text(rows[0][2].margin)
    fields: list[Field[tuple[ComparedLabels, Variant, Equivalence]]] = [
        text_field("labels", lambda row: label_set_title(row[0].common), stays=True),
        text_field("variant", lambda row: row[1]),
        value_field("difference, 90 %", lambda row: _difference_cell(row[2])),
        text_field(f"within {margin} points", lambda row: VERDICT_WORDS[row[2].verdict]),
    ]
    if any(found.images_needed for _, _, found in rows):
        fields.append(number_field("images it takes", lambda row: _images_text(row[2])))
    return table(
        f"F1 of {a} less that of {b}, in points, on what both answered, and whether it is within {margin} points",
        fields,
        rows,
        n_naming=2,
        starts_group=lambda row: row[1] == next(iter(row[0].gaps)),
    )


VERDICT_WORDS: dict[Sameness, str] = {
    "same": "the same",
    "not shown": "not shown",
    "different": "not the same",
}
"""What is known of two results, in the words of a table."""


def _difference_cell(found: Equivalence) -> Cell:
    note = "" if found.interval is None else points_interval_text(found.interval)
    return Cell(text=points_text(found.value), note=note)


def _images_text(found: Equivalence) -> str:
    return "" if found.images_needed is None else f"about {rough_count_text(found.images_needed)}"


def equivalence_fields(found: Equivalence | None) -> dict[str, Any] | None:
    """What is known of two results being the same, as a part of the document; None where no margin is set."""
    if found is None:
        return None
    return {
        "margin": found.margin,
        "verdict": found.verdict,
        "value": found.value,
        "ci90": found.interval,
        "images_needed": found.images_needed,
        "reason": found.reason or None,
    }


def flip_fields(view: ComparisonView) -> dict[str, Any]:
    """How many answers flip, as a part of the document."""
    return {
        "value": view.flip_rate.value,
        "ci95": view.flip_rate.interval,
        "ci95_method": view.flip_rate.method,
        "n_flipped": view.tally.n_flipped,
        "n_questions": view.tally.n_shared,
        "n_yes_no": view.tally.n_yes_no,
        "n_no_yes": view.tally.n_no_yes,
        "reason": view.flip_rate.reason or None,
    }
