"""The tables of a run that describes images, on its page and on the console, and the sentences beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from repope_eval.captions.truth import REPOPE, CaptionTruth
from repope_eval.records import Variant
from repope_eval.reporting.console import print_sentences, print_table
from repope_eval.reporting.figure_texts import (
    UNDEFINED,
    count_text,
    number_text,
    percent_text,
)
from repope_eval.reporting.tables import (
    Cell,
    Column,
    Field,
    Table,
    estimate_cell,
    estimate_field,
    number_field,
    points_cell,
    table,
    text_field,
)
from repope_eval.scoring.caption_counts import FIGURE_TITLES, SHARES, CaptionFigures
from repope_eval.scoring.caption_scores import CaptionScores
from repope_eval.scoring.chair import CaptionBounds, Found, ObjectFigures, Truth, VariantCaptions
from repope_eval.scoring.estimates import Estimate
from repope_eval.wording import percentage

FEWEST_MENTIONED = 0.5
"""Where fewer captions than this share mention an object, the page says so: they may be of another language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionRow:
    """The figures of one variant under one truth, or their changes."""

    variant: Variant
    truth: str
    estimates: Mapping[str, Estimate]
    figures: CaptionFigures | None
    """None of a change."""
    is_first: bool = False


def caption_rows(scores: CaptionScores) -> list[CaptionRow]:
    """The rows of each variant: one a truth, then the changes between two."""
    rows = []
    for variant, captions in scores.variants.items():
        for index, (truth, figures) in enumerate(captions.figures.items()):
            rows.append(
                CaptionRow(
                    variant=variant,
                    truth=scores.titles[truth],
                    estimates=figures.estimates,
                    figures=figures,
                    is_first=index == 0,
                )
            )
        if captions.changes:
            rows.append(CaptionRow(variant=variant, truth="change", estimates=captions.changes, figures=None))
    return rows


def caption_table(caption: str, scores: CaptionScores) -> Table:
    """CHAIRi, CHAIRs and recall in percent, and the lengths, with their 95 % intervals, under each truth."""
    return table(
        caption,
        [
            text_field("prompt", lambda row: row.variant if row.is_first else ""),
            text_field("truth", lambda row: row.truth, stays=True),
            *(_figure_field(name) for name in FIGURE_TITLES),
            number_field("captions", lambda row: _count(row, "captions")),
        ],
        caption_rows(scores),
        n_naming=2,
        mark=lambda row: "" if row.figures else "change",
        starts_group=lambda row: row.is_first,
    )


def _figure_field(name: str) -> Field[CaptionRow]:
    def cell(row: CaptionRow) -> Cell:
        one = row.estimates.get(name)
        if one is None:  # a length does not change with the truth, except for mentions that do not count
            return Cell(text="")
        if row.figures is None:
            return points_cell(one)
        return figure_cell(name, one)

    return Field(Column(title=FIGURE_TITLES[name]), cell)


def figure_cell(name: str, estimate: Estimate) -> Cell:
    """A figure of captions: a share in percent, or a mean, with its 95 % interval as a note."""
    return estimate_cell(estimate, percent_text if name in SHARES else _tenths)


def _tenths(value: float | None) -> str:
    return UNDEFINED if value is None else number_text(value, ".1f")


def _count(row: CaptionRow, name: str) -> str:
    return "" if row.figures is None else f"{getattr(row.figures.counts, name):,}"


def count_table(scores: CaptionScores) -> Table:
    """The counts that the figures are quotients of."""
    titles = {
        "mentions": "mentions",
        "hallucinated": "of what is not there",
        "captions_with": "captions with one of these",
        "truths": "objects there",
        "recalled": "of these mentioned",
        "words": "words",
    }
    return table(
        "Counts",
        [
            text_field("prompt", lambda row: row.variant if row.is_first else ""),
            text_field("truth", lambda row: row.truth, stays=True),
            *(_count_field(title, name) for name, title in titles.items()),
        ],
        [row for row in caption_rows(scores) if row.figures],
        n_naming=2,
        starts_group=lambda row: row.is_first,
    )


def _count_field(title: str, name: str) -> Field[CaptionRow]:
    return number_field(title, lambda row: _count(row, name))


def found_table(scores: CaptionScores) -> Table:
    """How many mentions a relabelling confirms, corrects and leaves open, by what is annotated."""
    rows = [
        (variant, is_there, of_found)
        for variant, captions in scores.variants.items()
        for is_there, of_found in captions.found.items()
    ]
    judge = scores.truth.judge
    verdict = judge if judge == REPOPE else "verdict"
    return table(
        f"Mentions, by what {scores.truth.annotation} says and by what {judge} found",
        [
            text_field("prompt", lambda row: row[0]),
            text_field(
                f"{scores.truth.annotation} says", lambda row: "there" if row[1] else "not there", stays=True
            ),
            number_field(f"{verdict}: there", lambda row: f"{row[2][Found.TRUE]:,}"),
            number_field(f"{verdict}: not there", lambda row: f"{row[2][Found.HALLUCINATED]:,}"),
            number_field("ambiguous", lambda row: f"{row[2][Found.AMBIGUOUS]:,}"),
            number_field("not judged", lambda row: f"{row[2][Found.NOT_JUDGED]:,}"),
            number_field("all", lambda row: f"{sum(row[2].values()):,}"),
        ],
        rows,
        n_naming=2,
        starts_group=lambda row: row[1],
    )


def bounds_table(scores: CaptionScores) -> Table:
    """CHAIRi and CHAIRs over every resolution of what is ambiguous or was not judged."""
    rows: list[tuple[Variant, str, CaptionBounds]] = [
        (variant, name, bounds)
        for variant, captions in scores.variants.items()
        for name, bounds in captions.bounds.items()
    ]
    return table(
        "Bounds in percent: if all mentions that are ambiguous or not judged are there, and if none is",
        [
            text_field("prompt", lambda row: row[0]),
            text_field("", lambda row: FIGURE_TITLES[row[1]], stays=True),
            estimate_field("all are there", lambda row: row[2].lowest),
            estimate_field("none is there", lambda row: row[2].highest),
        ],
        rows,
        n_naming=2,
    )


def length_table(scores: CaptionScores) -> Table:
    """The figures of the first words of each caption, so that short captions and long ones can be compared."""
    rows: list[tuple[Variant, int, VariantCaptions]] = [
        (variant, n_words, captions)
        for variant, captions in scores.variants.items()
        for n_words in captions.cut
    ]
    fields: list[Field[tuple[Variant, int, VariantCaptions]]] = [
        text_field("prompt", lambda row: row[0]),
        number_field("first words", lambda row: str(row[1])),
        number_field("captions that are longer", lambda row: f"{row[2].n_longer[row[1]]:,}"),
    ]
    for truth in scores.truths:
        fields += [_cut_field(truth, name, scores.titles[truth]) for name in SHARES]
    return table("The same of the first words of each caption, in percent", fields, rows, n_naming=2)


def _cut_field(truth: Truth, name: str, truth_title: str) -> Field[tuple[Variant, int, VariantCaptions]]:
    title = f"{FIGURE_TITLES[name]}, {truth_title}"
    return estimate_field(title, lambda row: row[2].cut[row[1]][truth].estimates[name])


def object_table(scores: CaptionScores) -> Table:
    """How often each object is mentioned without being there, with its denominator."""
    rows = [(variant, one) for variant, captions in scores.variants.items() for one in captions.objects]
    fields: list[Field[tuple[Variant, ObjectFigures]]] = [
        *([text_field("prompt", lambda row: row[0])] if len(scores.variants) > 1 else []),
        text_field("object", lambda row: row[1].object, stays=True),
    ]
    for truth in scores.truths:
        fields += _object_fields(truth, scores.titles[truth])
    return table("Mentions of each object, and the share of them that is not there, in percent", fields, rows)


def _object_fields(truth: Truth, title: str) -> list[Field[tuple[Variant, ObjectFigures]]]:
    return [
        number_field(f"mentions, {title}", lambda row: count_text(row[1].mentions[truth])),
        number_field(f"not there, {title}", lambda row: count_text(row[1].hallucinated[truth])),
        estimate_field(f"share, {title}", lambda row: row[1].rates[truth]),
    ]


def silent_remark(scores: CaptionScores) -> str | None:
    """How many captions mention none of the objects, where these are many; None where they are few."""
    silent, total = sum(captions.n_silent for captions in scores.variants.values()), scores.n_answered
    if not total or silent < FEWEST_MENTIONED * total:
        return None
    share = (
        "no caption mentions"
        if silent == total
        else f"{percentage(silent, total)} % of the captions mention none of"
    )
    objects = f"{scores.truth.annotation}'s objects"
    what = f"one of {objects}" if silent == total else objects
    return (
        f"{share} {what} in English: CHAIR reads English alone, so captions in another language, or answers that are "
        "no descriptions, look faultless here and are not"
    )


def judged_and_all(scores: CaptionScores) -> tuple[int, int]:
    """How many mentions somebody has judged, and how many there are."""
    found: Sequence[Mapping[Found, int]] = [
        of_found for captions in scores.variants.values() for of_found in captions.found.values()
    ]
    total = sum(sum(of_found.values()) for of_found in found)
    return total - sum(of_found[Found.NOT_JUDGED] for of_found in found), total


def known_remark(scores: CaptionScores) -> str | None:
    """How much of what is mentioned somebody has looked at, where there are verdicts."""
    if len(scores.truths) < 2:
        return None
    judged, total = judged_and_all(scores)
    if not total:
        return None
    return (
        f"{percentage(judged, total):g} % of the mentions ({judged:,} of {total:,}) have a verdict"
        f"{_judges_clause(scores.truth)}. The corrected truth is the verdict where it is yes or no, and "
        f"{scores.truth.annotation}'s elsewhere; ambiguous mentions do not count. The bounds allow for everything that "
        f"is ambiguous or was not judged.{_choice_sentence(scores.truth)}"
    )


def _judges_clause(truth: CaptionTruth) -> str:
    """Whose the verdicts are; how many come from whom, where there are labels of people, too."""
    if set(truth.judges) <= {REPOPE}:
        return f" of {REPOPE}"
    counts = " and ".join(f"{number:,} of {judge}" for judge, number in truth.judges.items())
    newest = ", which count where both have one" if len(truth.judges) > 1 else ""
    return f"; on objects in these images there are {counts}{newest}"


def _choice_sentence(truth: CaptionTruth) -> str:
    """What follows from people having looked at some objects and not at others; empty without their labels."""
    if set(truth.judges) <= {REPOPE}:
        return ""
    return (
        " Where people judged the most doubtful mentions first, as audit asks, the corrected values are no estimate of "
        "what judging all would give; the bounds are right either way."
    )


def print_caption_scores(scores: CaptionScores) -> None:
    """Prints the figures under each truth, and what is known of the mentions."""
    title = f"{scores.model} on {scores.bench}, in percent; lengths are means"
    print_table(caption_table(title, scores))
    if len(scores.truths) > 1:
        print_table(found_table(scores))
        print_table(bounds_table(scores))
    if remark := known_remark(scores):
        print_sentences(remark)
