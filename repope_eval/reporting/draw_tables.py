"""What a run's page and the console say of sampled answers: F1 of each draw, and the answers that change."""

from collections import Counter

from repope_eval.benchmarks.sources import label_set_title
from repope_eval.records import Variant
from repope_eval.reporting.figure_texts import UNDEFINED, clipped, percent_text, reading_text
from repope_eval.reporting.tables import Field, Table, number_field, table, text_field
from repope_eval.scoring.draws import ChangingAnswer, DrawSpread
from repope_eval.scoring.scores import Scores
from repope_eval.wording import counted

MOST_CHANGING = 150
"""Rows of the table of changing answers."""
_LONGEST_TEXT = 120
_FEW_DRAWS = 10
"""Fewer draws tell little of how wide they spread."""


def draws_remark(scores: Scores) -> str:
    """How far draws of the same answers lie apart, and what more of them would do; empty for a single draw."""
    if not scores.draws:
        return ""
    label_set = list(scores.draws)[-1]
    variant, spread = list(scores.draws[label_set].items())[-1]
    known = [value for value in spread.f1 if value is not None]
    changing = (
        f"{counted(len(scores.changing), 'question')} of {scores.n_questions // scores.n_draws:,} "
        f"{'is' if len(scores.changing) == 1 else 'are'} not answered alike in all draws."
    )
    if not known:
        return changing
    apart = (
        f"F1 is the mean over {scores.n_draws} draws, which lie between {percent_text(min(known))} and "
        f"{percent_text(max(known))} ({variant}, {label_set_title(label_set)}"
        f"{', though so few draws show little of the spread' if scores.n_draws < _FEW_DRAWS else ''})."
    )
    if spread.variance_share is None:
        return f"{apart} {changing}"
    return (
        f"{apart} {100 * spread.variance_share:.0f} % of the variance of that mean is the draws', which more draws "
        f"would take away; the rest is the images'. {changing}"
    )


def draw_table(scores: Scores) -> Table:
    """F1 of each draw by label set and variant, with the draws' share of the variance of their mean."""
    rows = [
        (label_set, variant, spread)
        for label_set, of_variants in scores.draws.items()
        for variant, spread in of_variants.items()
    ]

    def draw_field(draw: int) -> Field[tuple[str, Variant, DrawSpread]]:
        return number_field(f"draw {draw + 1}", lambda row: percent_text(row[2].f1[draw]))

    return table(
        "F1 of each draw, in percent, and how much of the variance of their mean is the draws'",
        [
            text_field("variant", lambda row: row[1]),
            text_field("labels", lambda row: label_set_title(row[0])),
            *(draw_field(draw) for draw in range(min(scores.n_draws, _FEW_DRAWS))),
            number_field("draws' share", lambda row: _share_text(row[2].variance_share)),
        ],
        rows,
    )


def changing_table(scores: Scores) -> Table:
    """The questions that are not answered alike in all draws, those that are the most undecided first."""
    rows = sorted(scores.changing, key=lambda each: max(Counter(each.readings).values()))
    return table(
        "Questions that are not answered alike in all draws",
        [
            text_field("image", lambda each: clipped(each.question.image, 60)),
            text_field("question", lambda each: clipped(each.question.text, _LONGEST_TEXT)),
            text_field("read as", _readings_text),
        ],
        rows,
        most=MOST_CHANGING,
    )


def _readings_text(each: ChangingAnswer) -> str:
    return ", ".join(
        f"{number} {reading_text(reading)}" for reading, number in Counter(each.readings).most_common()
    )


def _share_text(share: float | None) -> str:
    return UNDEFINED if share is None else f"{100 * share:.0f} %"
