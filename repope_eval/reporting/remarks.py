"""Sentences that say what figures mean, for the page and the console."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from repope_eval.records import Answer, Variant, label_set_phrase
from repope_eval.reporting.figure_texts import change_text, figure_text, interval_text
from repope_eval.scoring.bootstrap import MEAN
from repope_eval.scoring.detection import Detection
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.protocol_scores import Change
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.resolutions import Resolution
from repope_eval.scoring.scores import Scores
from repope_eval.settings.config import Protocol
from repope_eval.wording import counted, shown

Summary = TypeVar("Summary", Change, Resolution)

_PARTS = {
    "corrected": "by corrected labels",
    "left_out": "by questions left out, which may be the harder ones",
    "prevalence": "by prevalence",
}
"""What a sentence says of each part of F1's change (see `f1_parts.PARTS`)."""


_UNPARSED = {
    "dropped": "no figure counts {them}",
    "wrong": "no figure counts {them} but accuracy, as wrong",
    "not_yes": "figures count {them} as wrong",
}
"""What becomes of unparsed answers (see `Protocol.unparsed`)."""


_MANY = 0.5
"""The share of unread answers from which it is said what to try."""
_QUOTED = 3
"""How many different ones of them are quoted."""


def f1_parts_remark(scores: Scores) -> str | None:
    """Says what F1's change is made of; None where F1 does not change, or a part of its change is undefined."""
    if not scores.changes:
        return None
    where, change = _summarized(scores.changes)
    # What no label and no question has a part in changes F1 by nothing at all, and is not spoken of.
    parts = {part: found for part, found in change.f1_parts.items() if found.value != 0}
    if not parts or any(found.value is None for found in parts.values()):
        return None
    first, second = (label_set_phrase(name) for name in scores.cells)
    clauses = [
        f"{change_text('f1', found.value)} {_PARTS[part]} ({_certainty(found)})"
        for part, found in parts.items()
    ]
    *others, last = clauses
    return (
        f"From {first} to {second}, F1 changes by {change_text('f1', change.estimates['f1'].value)}{where}: "
        f"{', '.join(others)}{', and ' if others else ''}{last}{_since(change) if 'prevalence' in parts else ''}."
    )


def _certainty(found: Estimate) -> str:
    if found.interval is None:
        return "no interval"
    return f"95 %: {interval_text(found.interval, lambda end: change_text('f1', end))}"


def _since(change: Change) -> str:
    """Why there is a part of prevalence."""
    before, after = change.yes_shares
    if before is None or after is None:
        return ""
    return (
        f", since {100 * before:.1f} % of the answered questions that F1 counts have label yes before, and "
        f"{100 * after:.1f} % after"
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
        f"The relabelling removes ambiguous questions, which may flatter: F1 is {removed}{where} without them, "
        f"{all_no} if all of them are taken for no, {all_yes} if for yes, and from {lowest} to {highest} whatever each "
        "of them is."
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


def readings_remark(n_otherwise: Mapping[Protocol, int], protocol: Protocol, n_answers: int) -> str:
    """Says how many answers other protocols read otherwise; what is a yes depends on who reads."""
    of_each = [f"{name} {number:,}" for name, number in n_otherwise.items() if number]
    if not of_each:
        return "All protocols read every answer alike."
    return (
        f"Of {counted(n_answers, 'answer', ',')}, other protocols read some otherwise than {protocol}: "
        f"{', '.join(of_each)} (protocol=all shows which, and what becomes of the scores)."
    )


def unread_remark(
    unparsed: Sequence[Answer], n_answers: int, protocol: Protocol, *, is_asked: bool
) -> str | None:
    """Says how many answers are neither yes nor no, and where these are many, what to try; None where there are none.

    Args:
        unparsed: those answers.
        n_answers: how many answers there are.
        protocol: what they were read by.
        is_asked: whether this program asked for the answers, so that its settings change them.
    """
    n_unparsed = len(unparsed)
    if not n_unparsed:
        return None
    verb, them = ("is", "it") if n_unparsed == 1 else ("are", "them")
    unread = f"{n_unparsed:,} of {counted(n_answers, 'answer', ',')} {verb} neither yes nor no by protocol {protocol}"
    fate = f"{unread}, and {_UNPARSED[PROTOCOLS[protocol].unparsed].format(them=them)}."
    return fate if n_unparsed < _MANY * n_answers else f"{fate} {_what_to_try(unparsed, is_asked=is_asked)}"


def _what_to_try(unparsed: Sequence[Answer], *, is_asked: bool) -> str:
    first = ", ".join(
        shown(response) for response in [*dict.fromkeys(a.response for a in unparsed)][:_QUOTED]
    )
    asking = (
        ", model.question_suffix='\\nAnswer yes or no.', or a larger model.max_new_tokens (with another out=)"
        if is_asked
        else ", or ask the model for yes or no"
    )
    return f"They begin with {first}: try another protocol={asking}."
