"""The heatmaps of a leaderboard: how far apart each pair of runs is in F1, and how far their errors coincide."""

from collections.abc import Mapping, Sequence
from itertools import product

from repope_eval.benchmarks.sources import label_set_phrase, label_set_title
from repope_eval.leaderboard.entries import Leaderboard
from repope_eval.records import Variant
from repope_eval.reporting.figure_texts import (
    UNDEFINED,
    change_text,
    coefficient_text,
    number_text,
    p_text,
)
from repope_eval.reporting.heatmaps import MOST_WITH_ROOM, HeatCell, Heatmap, Scale, heatmap
from repope_eval.scoring.differences import Difference
from repope_eval.scoring.estimates import Interval, leaves_out_zero
from repope_eval.scoring.power import LEVEL
from repope_eval.scoring.shared_errors import ErrorOverlap

FEWEST_RUNS = 3
"""Of two runs there is one pair, which a table says better."""

DIFFERENCE_SCALE = Scale(
    steps=(0.01, 0.02, 0.05, 0.1),
    texts=("under 1", "1 to 2", "2 to 5", "5 to 10", "10 points or more"),
    ahead="row ahead by",
    behind="row behind by",
    chance=f"adjusted p above {LEVEL:g}: within chance",
)
OVERLAP_SCALE = Scale(
    steps=(0.2, 0.4, 0.6, 0.8),
    texts=("under 0.2", "0.2 to 0.4", "0.4 to 0.6", "0.6 to 0.8", "0.8 or more"),
    ahead="kappa above 0",
    behind="",
    chance="within chance: the interval holds 0, or there is none",
)

Family = Mapping[tuple[str, str], Difference]
"""The differences of a label set and variant by the names of both runs."""


def difference_heatmaps(board: Leaderboard) -> tuple[Heatmap, ...]:
    """Heatmaps of the differences of F1, a family each, the primary one first; none of fewer than three runs.

    Runs are in the order of the primary family, by rank, those that are not ranked last. A dense heatmap of another
    family has its upper half alone, for the page's size: the lower half is the same with the other sign.
    """
    names = _names_by_rank(board)
    if len(names) < FEWEST_RUNS:
        return ()
    families = sorted(
        product(board.ordered_variants, reversed(board.label_sets)),
        key=lambda cell: cell[::-1] != board.primary,
    )
    return tuple(_difference_heatmap(board, names, label_set, variant) for variant, label_set in families)


def _names_by_rank(board: Leaderboard) -> Sequence[str]:
    """The names of all runs that are compared, in the order in which pairs name them."""
    label_set, variant = board.primary
    pairs = board.comparison.differences[label_set][variant] if board.comparison else ()
    return list(dict.fromkeys([*(pair.first for pair in pairs), *(pair.second for pair in pairs)]))


def _difference_heatmap(
    board: Leaderboard, names: Sequence[str], label_set: str, variant: Variant
) -> Heatmap:
    assert board.comparison is not None
    is_primary = (label_set, variant) == board.primary
    family = {(pair.first, pair.second): pair for pair in board.comparison.differences[label_set][variant]}
    is_dense = len(names) > MOST_WITH_ROOM
    caption = (
        f"F1 of the row's model less that of the column's, in points ({variant} under {label_set_phrase(label_set)})"
        if is_primary
        else f"{variant}, {label_set_title(label_set)}"
    )
    return heatmap(
        caption,
        names,
        lambda row, column: _difference_cell(family, row, column, is_dense=is_dense, is_told=is_primary),
        is_whole=is_primary or not is_dense,
    )


def _difference_cell(family: Family, row: str, column: str, *, is_dense: bool, is_told: bool) -> HeatCell:
    pair, sign = (family[row, column], 1) if (row, column) in family else (family[column, row], -1)
    if pair.value is None:
        return HeatCell(text=UNDEFINED, shade="chance", told=pair.reason or "")
    value, is_chance = sign * pair.value, pair.p_adjusted is None or pair.p_adjusted > LEVEL
    text = change_text("f1", value)
    return HeatCell(
        text=_short_change(value) if is_dense else text,
        shade=DIFFERENCE_SCALE.shade(value, is_chance=is_chance),
        told=_told_difference(pair, value, _with_sign(pair.interval, sign)) if is_told else "",
    )


def _told_difference(pair: Difference, value: float, interval: Interval) -> str:
    p = UNDEFINED if pair.p_adjusted is None else p_text(pair.p_adjusted)
    missing = f"; {pair.reason}" if pair.reason else ""
    return f"{change_text('f1', value, interval)}, adjusted p {p}{missing}"


def _with_sign(interval: Interval, sign: int) -> Interval:
    """The interval of a difference the other way round, where the sign is -1."""
    return interval if interval is None or sign > 0 else (-interval[1], -interval[0])


def _short_change(value: float) -> str:
    """A change in points of four characters at most: 10 points and more have no decimal."""
    text = change_text("f1", value)
    return text if len(text) <= 4 else f"{text[0]}{number_text(100 * abs(value), '.0f')}"


def overlap_heatmap(board: Leaderboard) -> Heatmap | None:
    """The heatmap of how far the errors of two runs coincide, each pair once; None of fewer than three runs."""
    names = _names_by_rank(board)
    if len(names) < FEWEST_RUNS or not board.overlaps:
        return None
    by_names = {frozenset((pair.first, pair.second)): pair for pair in board.overlaps}
    is_dense = len(names) > MOST_WITH_ROOM
    return heatmap(
        f"Cohen's kappa of the errors of two runs under {label_set_phrase(board.label_sets[-1])}: 0 is chance, 1 the "
        "same errors",
        names,
        lambda row, column: _overlap_cell(by_names[frozenset((row, column))], is_dense=is_dense),
        is_whole=False,
    )


def _overlap_cell(pair: ErrorOverlap, *, is_dense: bool) -> HeatCell:
    kappa = pair.kappa
    if kappa.value is None:
        return HeatCell(text=UNDEFINED, shade="chance", told=kappa.reason)
    text = number_text(kappa.value, ".2f")
    is_chance = not leaves_out_zero(kappa.interval)
    shared = (
        f"{pair.n_shared:,} errors shared of {pair.n_errors_first:,} and {pair.n_errors_second:,}, "
        f"{number_text(pair.n_expected or 0, ',.0f')} by chance"
    )
    missing = f"; no interval: {kappa.reason}" if kappa.reason else ""
    return HeatCell(
        text=text.replace("0.", ".", 1) if is_dense else text,
        shade=OVERLAP_SCALE.shade(kappa.value, is_chance=is_chance),
        told=f"{coefficient_text(kappa.value, kappa.interval)}; {shared}{missing}",
    )
