"""Sentences that say what figures mean, for the page and the console."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from repope_eval.records import Variant
from repope_eval.reporting.figure_texts import change_text, figure_text, label_set_title
from repope_eval.scoring.bootstrap import MEAN
from repope_eval.scoring.detection import Detection
from repope_eval.scoring.resolutions import Resolution
from repope_eval.scoring.scores import Change, Scores

Summary = TypeVar("Summary", Change, Resolution)

_SAME_SHARE = 0.0005
"""Shares of yes that differ by less than this look the same."""


def prevalence_remark(scores: Scores) -> str | None:
    """Says how much of F1's change is prevalence; None if both label sets have the same share of yes."""
    if not scores.changes:
        return None
    where, change = _summarized(scores.changes)
    before, after = change.yes_shares
    if before is None or after is None or abs(before - after) < _SAME_SHARE:
        return None
    if change.f1_by_labels is None or change.f1_by_prevalence is None:
        return None
    first, second = (label_set_title(name) for name in scores.cells)
    changed, by_labels, by_prevalence = (
        change_text("f1", value)
        for value in (change.estimates["f1"].value, change.f1_by_labels, change.f1_by_prevalence)
    )
    return (
        f"From {first} to {second}, F1 changes by {changed}{where}: {by_labels} by the labels, as F1 at 50 % yes "
        f"shows, and {by_prevalence} by prevalence, since {100 * before:.1f} % of the questions have "
        f"label yes before, and {100 * after:.1f} % after."
    )


def ambiguity_remark(resolutions: Mapping[Variant, Resolution]) -> str | None:
    """Says how much the removal of ambiguous questions may flatter; None if no question was removed."""
    if not resolutions:
        return None
    where, found = _summarized(resolutions)
    if not found.n_ambiguous:
        return None
    removed, all_no, all_yes, lowest, highest = (
        figure_text("f1", value)
        for value in (found.removed, found.all_no, found.all_yes, found.lowest, found.highest)
    )
    return (
        f"RePOPE removes ambiguous questions, which flatters: F1 is {removed}{where} without them, {all_no} if all of "
        f"them are taken for no, {all_yes} if for yes, and from {lowest} to {highest} whatever each of them is."
    )


def detection_remark(detections: Mapping[str, Detection]) -> str | None:
    """Says which question each kind of interval of DASH-B's figures answers; None if there is only one kind."""
    if not any(one.interval for found in detections.values() for one in found.over_objects.values()):
        return None
    return (
        "The intervals in the table's first row say how the model might do on other images of these objects; those "
        "in the second, for which objects are drawn, on other objects."
    )


def clustering_remark(ratios: Sequence[float]) -> str | None:
    """Says whether the errors about one image come together; None if there are no errors."""
    if not ratios:
        return None
    if min(ratios) > 1.05:
        verdict = "come together"
    elif max(ratios) < 1.1:
        verdict = "hardly come together"
    else:
        verdict = "come together in some variants"
    return (
        f"F1's intervals over images are {min(ratios):.2f} to {max(ratios):.2f} times as wide as intervals over "
        f"questions of the same labels would be: the errors about one image {verdict}."
    )


def _summarized(found: Mapping[Variant, Summary]) -> tuple[str, Summary]:
    """Where the summary is, and the summary: of the mean over variants, or of the only variant."""
    return (" in the mean over variants", found[MEAN]) if MEAN in found else ("", next(iter(found.values())))
