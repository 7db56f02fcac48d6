"""What a run's page says first, and the sentences that say what its figures mean."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from repope_eval.benchmarks.sources import label_set_phrase
from repope_eval.records import Answer, Variant
from repope_eval.reporting.figure_texts import (
    FIGURE_TITLES,
    UNDEFINED,
    change_interval_text,
    change_text,
    figure_interval_text,
    figure_text,
    percent_text,
)
from repope_eval.scoring.bootstrap import MEAN
from repope_eval.scoring.estimates import Estimate, Interval
from repope_eval.scoring.protocol_scores import AmbiguityBounds, Change, is_few, n_counted
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.score_document import Lead, lead_of
from repope_eval.scoring.scores import Scores
from repope_eval.settings.config import Protocol
from repope_eval.wording import counted, percentage, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The figure that stands first, and the sentence below it."""

    values: Sequence[tuple[str, str, str]]
    """What each figure is, the figure in percent, and its 95 % interval, which is empty where there is none."""
    about: str
    """What the figure is over, and how certain its change is."""
    sentence: str
    is_change: bool
    """Whether the second value is what the first one becomes."""


def headline(scores: Scores) -> Headline:
    """The headline of a run; figures of the benchmark's own stand first where it says so."""
    if scores.leading is not None:
        values = [
            (title, percent_text(one.value), _interval("f1", one))
            for title, one in scores.leading.headline.items()
        ]
        clauses = [scores.leading.clause]
        about, is_change = f"{scores.leading.scope}{_image_scope(scores.part)}", False
    else:
        lead = lead_of(scores.parts, is_unread=scores.is_unread)
        values = [
            (
                f"{FIGURE_TITLES[lead.figure]} under {labels}",
                UNDEFINED if scores.is_unread else figure_text(lead.figure, one.value),
                "" if scores.is_unread else _interval(lead.figure, one),
            )
            for labels, one in _estimates_by_label_set(lead)
        ]
        clauses = [] if scores.is_unread else [_figure_clause(lead), *_effect_clause(lead, scores)]
        about = lead.scope if scores.is_unread else _scope_and_change(lead)
        about += f"{_draw_scope(scores)}{_image_scope(scores.part)}{_question_scope(scores)}"
        is_change = len(values) == 2
    clauses += _completeness_clauses(scores)
    text = "; ".join(clauses)
    return Headline(
        values=values, about=about, sentence=f"{text[:1].upper()}{text[1:]}.", is_change=is_change
    )


def _estimates_by_label_set(lead: Lead) -> list[tuple[str, Estimate]]:
    """The figure by the phrases of label sets."""
    return [(label_set_phrase(name), one) for name, one in lead.estimates.items()]


def _interval(figure: str, one: Estimate) -> str:
    return "" if one.interval is None else figure_interval_text(figure, one.interval)


def _scope_and_change(lead: Lead) -> str:
    """What the figure is over, and its change with an interval."""
    over = lead.scope
    change = lead.part.changes.get(lead.variant)
    if change is None or change.estimates[lead.figure].value is None:
        return over
    estimate = change.estimates[lead.figure]
    interval = _bracketed_interval(lead.figure, estimate.interval)
    return f"{over}; change {change_text(lead.figure, estimate.value)} points{interval}"


def _draw_scope(scores: Scores) -> str:
    """The draws that the figure is the mean over, where there are several."""
    return f"; mean over {scores.n_draws} draws" if scores.n_draws > 1 else ""


def _image_scope(part: str) -> str:
    """The images that the figure is about, where `limit` leaves a part of them."""
    return f"; {part}" if part else ""


def _question_scope(scores: Scores) -> str:
    """The questions that the figure is about, where it leaves out more than a few, which may be the harder ones."""
    if scores.is_unread:
        return f"; none of {counted(scores.n_answered, 'answer', ',')} reads as yes or no"
    number = int(n_counted(scores.n_answered, len(scores.unparsed), PROTOCOLS[scores.protocol]))
    if not is_few(number, scores.n_questions):
        return ""
    total, share = counted(scores.n_questions, "question", ","), percentage(number, scores.n_questions)
    return f"; of the {number:,} of {total} ({share} %) with a readable answer"


def _bracketed_interval(figure: str, interval: Interval) -> str:
    """The interval of a change in brackets; nothing where there is none."""
    if interval is None:
        return ""
    return f" (95 % interval {change_interval_text(figure, interval)})"


def _figure_clause(lead: Lead) -> str:
    """How the figure changes from the first label set to the last."""
    title = FIGURE_TITLES[lead.figure]
    estimates = _estimates_by_label_set(lead)
    texts = [(labels, _percent_phrase(lead.figure, one.value)) for labels, one in estimates]
    (first, before), (last, after) = texts[0], texts[-1]
    if len(texts) == 1:
        return f"{title} is {before} under {first}"
    if before == after:
        return f"{title} is {before} under {first} and under {last}"
    numbers = [one.value for _, one in estimates]
    if numbers[0] is None or numbers[-1] is None:
        return f"{title} is {before} under {first} and {after} under {last}"
    verb = "rises" if numbers[-1] > numbers[0] else "falls"
    return f"{title} {verb} from {before} under {first} to {after} under {last}"


def _percent_phrase(figure: str, value: float | None) -> str:
    return "undefined" if value is None else f"{figure_text(figure, value)} %"


def _effect_clause(lead: Lead, scores: Scores) -> Iterator[str]:
    """What became of the answers that are errors under the first labels; of several draws, of the first one's."""
    effects = scores.object_effects
    n_errors = sum(effect.before[1] + effect.before[3] for effect in effects)
    n_excused = sum(effect.fp_to_tp + effect.fn_to_tn for effect in effects)
    n_removed = sum(effect.removed[1] + effect.removed[3] for effect in effects)
    n_new = sum(effect.tp_to_fp + effect.tn_to_fn for effect in effects)
    once = " (each question counted once)" if lead.variant == MEAN else ""
    if effects:
        before, _ = _estimates_by_label_set(lead)[0]
        n_left = n_errors - n_excused - n_removed
        drawn = "in the first draw, " if scores.n_draws > 1 else ""
        yield (
            f"{drawn}of {counted(n_errors, 'error', ',')} under {before}{once}, {_label_errors(n_excused)}, "
            f"{n_removed:,} {'is' if n_removed == 1 else 'are'} removed as ambiguous, and {n_left:,} "
            f"{'remains' if n_left == 1 else 'remain'}"
        )
        new = counted(n_new, "answer", ",") if n_new else "no answer"
        yield f"{new} {'becomes an error' if n_new < 2 else 'become errors'}"


def _label_errors(number: int) -> str:
    return f"{number:,} was a label error" if number == 1 else f"{number:,} were label errors"


def _completeness_clauses(scores: Scores) -> Iterator[str]:
    about = f" about the first {scores.part}" if scores.part else ""
    total = counted(scores.n_questions, "question", ",") + about
    if scores.n_answered == scores.n_questions:
        each = f", {scores.n_draws} times each" if scores.n_draws > 1 else ""
        yield f"all {counted(scores.n_questions // scores.n_draws, 'question', ',')}{about} are answered{each}"
    else:
        share = percentage(scores.n_answered, scores.n_questions)
        yield f"only {scores.n_answered:,} of {total} are answered ({share} %)"
    if scores.is_unread:
        yield "no answer reads as yes or no"
    elif n_unparsed := len(scores.unparsed):
        verb = "reads" if n_unparsed == 1 else "read"
        yield f"{counted(n_unparsed, 'answer', ',')} {verb} as neither yes nor no"


Summary = TypeVar("Summary", Change, AmbiguityBounds)

_PARTS = {
    "corrected": "by corrected labels",
    "left_out": "by questions left out, which may be the harder ones",
    "prevalence": "by prevalence",
}
"""What a sentence says of each part of F1's change (see `relabelling_effect.PARTS`)."""


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
    where, change = _main_summary(scores.changes)
    # A part is exactly 0 where no label and no question has a share in it; the sentence leaves out what rounds to it.
    parts = {
        part: estimate
        for part, estimate in change.f1_parts.items()
        if estimate.value is None or float(figure_text("f1", abs(estimate.value))) != 0
    }
    if not parts or any(estimate.value is None for estimate in parts.values()):
        return None
    first, second = (label_set_phrase(name) for name in scores.cells)
    clauses = [
        f"{change_text('f1', estimate.value)} {_PARTS[part]} ({_interval_phrase(estimate)})"
        for part, estimate in parts.items()
    ]
    *others, last = clauses
    reason = _prevalence_reason(change) if "prevalence" in parts else ""
    return (
        f"From {first} to {second}, F1 changes by {change_text('f1', change.estimates['f1'].value)} points{where}: "
        f"{', '.join(others)}{', and ' if others else ''}{last}{reason}."
    )


def _interval_phrase(estimate: Estimate) -> str:
    if estimate.interval is None:
        return "no interval"
    return f"95 %: {change_interval_text('f1', estimate.interval)}"


def _prevalence_reason(change: Change) -> str:
    """Why there is a part of prevalence."""
    before, after = change.yes_shares
    if before is None or after is None:
        return ""
    return (
        f", since {100 * before:.1f} % of the answered questions that F1 counts have label yes before, and "
        f"{100 * after:.1f} % after"
    )


def ambiguity_remark(resolutions: Mapping[Variant, AmbiguityBounds]) -> str | None:
    """Says how much the removal of ambiguous questions may flatter; None if no question was removed."""
    if not resolutions:
        return None
    where, resolution = _main_summary(resolutions)
    if not resolution.n_ambiguous:
        return None
    removed, all_no, all_yes, lowest, highest = (
        _percent_phrase("f1", value)
        for value in (
            resolution.removed,
            resolution.all_no,
            resolution.all_yes,
            resolution.lowest,
            resolution.highest,
        )
    )
    return (
        f"The relabelling removes ambiguous questions, which may flatter: F1 is {removed}{where} without them, "
        f"{all_no} if all of them are taken for no, {all_yes} if for yes, and from {lowest} to {highest} whatever each "
        "of them is."
    )


def clustering_remark(ratios: Sequence[float]) -> str | None:
    """Says whether the errors about one image come together; None if there are no errors."""
    if not ratios:
        return None
    if min(ratios) > 1.05:
        verdict = "are correlated"
    elif max(ratios) < 1.1:
        verdict = "are hardly correlated"
    else:
        verdict = "are correlated in some variants"
    return (
        f"F1's intervals over images are {min(ratios):.2f} to {max(ratios):.2f} times as wide as intervals over "
        f"questions of the same labels would be: errors about the same image {verdict}."
    )


def _main_summary(summaries: Mapping[Variant, Summary]) -> tuple[str, Summary]:
    """Where the summary is, and the summary: of the mean over variants, or of the only variant."""
    return (
        (" in the mean over variants", summaries[MEAN])
        if MEAN in summaries
        else ("", next(iter(summaries.values())))
    )


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
