"""What a run's page says first: F1 under each label set, what the relabelling changed, and how complete the run is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from repope_eval.quantities import percentage
from repope_eval.records import label_set_phrase
from repope_eval.reporting.benchmark_tables import DETECTION_TITLES
from repope_eval.reporting.figure_texts import (
    FIGURE_TITLES,
    UNDEFINED,
    change_text,
    figure_text,
    interval_text,
    ratio_text,
)
from repope_eval.scoring.bootstrap import MEAN
from repope_eval.scoring.coverage import is_few, n_counted
from repope_eval.scoring.detection import ALL_OBJECTS, Detection
from repope_eval.scoring.estimates import Interval
from repope_eval.scoring.paper_sentence import Lead, lead_of
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.relabelling_effect import Effect
from repope_eval.scoring.scores import Scores
from repope_eval.wording import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The figure that stands first, and the sentence below it."""

    values: Sequence[tuple[str, str]]
    """The figure under each label set, by what it is under; or several figures by their own titles."""
    about: str
    """What the figure is over, and how certain its change is."""
    sentence: str
    is_change: bool
    """Whether the second value is what the first one becomes."""


def headline(scores: Scores) -> Headline:
    """The headline of a run; DASH-B's own figures stand first where there are some."""
    detection = scores.own.detections.get(ALL_OBJECTS)
    if detection is not None:
        values = [
            (title, ratio_text(detection.estimates[name].value)) for name, title in DETECTION_TITLES.items()
        ]
        clauses = [_detected(detection)]
        about, is_change = f"over all answered questions{_limited(scores.part)}", False
    else:
        lead = lead_of(scores.parts, is_unread=scores.is_unread)
        values = [
            (
                f"{FIGURE_TITLES[lead.figure]} under {labels}",
                UNDEFINED if scores.is_unread else figure_text(lead.figure, value),
            )
            for labels, value in _values(lead)
        ]
        clauses = (
            [] if scores.is_unread else [_figure_clause(lead), *_effect_clause(lead, scores.object_effects)]
        )
        about = lead.over if scores.is_unread else _about(lead)
        about += f"{_limited(scores.part)}{_counted(scores)}"
        is_change = len(values) == 2
    clauses += _completeness_clauses(scores)
    text = "; ".join(clauses)
    return Headline(
        values=values, about=about, sentence=f"{text[:1].upper()}{text[1:]}.", is_change=is_change
    )


def _values(lead: Lead) -> list[tuple[str, float | None]]:
    """The figure by the phrases of label sets."""
    return [(label_set_phrase(name), one.value) for name, one in lead.estimates.items()]


def _about(lead: Lead) -> str:
    """What the figure is over, and its change with an interval."""
    over = lead.over
    change = lead.part.changes.get(lead.variant)
    if change is None or change.estimates[lead.figure].value is None:
        return over
    found = change.estimates[lead.figure]
    return f"{over}; change {change_text(lead.figure, found.value)}{_within(lead.figure, found.interval)}"


def _limited(part: str) -> str:
    """Of how many images the figure is, where `limit` leaves a part of them."""
    return f"; {part}" if part else ""


def _counted(scores: Scores) -> str:
    """Of which questions the figure is, where it leaves out more than a few: these may be the harder ones."""
    if scores.is_unread:
        return f"; none of {counted(scores.n_answered, 'answer', ',')} reads as yes or no"
    number = int(n_counted(scores.n_answered, len(scores.unparsed), PROTOCOLS[scores.protocol]))
    if not is_few(number, scores.n_questions):
        return ""
    total, share = counted(scores.n_questions, "question", ","), percentage(number, scores.n_questions)
    return f"; of the {number:,} of {total} ({share} %) with a readable answer"


def _within(figure: str, interval: Interval) -> str:
    """The interval of a change in brackets; nothing where there is none."""
    if interval is None:
        return ""
    return f" (95 % interval {interval_text(interval, lambda end: change_text(figure, end))})"


def _figure_clause(lead: Lead) -> str:
    """How the figure changes from the first label set to the last."""
    title = FIGURE_TITLES[lead.figure]
    texts = [(labels, figure_text(lead.figure, value)) for labels, value in _values(lead)]
    (first, before), (last, after) = texts[0], texts[-1]
    if len(texts) == 1:
        return f"{title} is {before} under {first}"
    if before == after:
        return f"{title} is {before} under {first} and under {last}"
    numbers = [value for _, value in _values(lead)]
    if numbers[0] is None or numbers[-1] is None:
        return f"{title} is {before} under {first} and {after} under {last}"
    verb = "rises" if numbers[-1] > numbers[0] else "falls"
    return f"{title} {verb} from {before} under {first} to {after} under {last}"


def _effect_clause(lead: Lead, effects: Sequence[Effect]) -> Iterator[str]:
    """What became of the answers that are errors under the first labels."""
    n_errors = sum(effect.before[1] + effect.before[3] for effect in effects)
    n_excused = sum(effect.fp_to_tp + effect.fn_to_tn for effect in effects)
    n_removed = sum(effect.removed[1] + effect.removed[3] for effect in effects)
    n_new = sum(effect.tp_to_fp + effect.tn_to_fn for effect in effects)
    once = " (each question counted once)" if lead.variant == MEAN else ""
    if effects:
        before, _ = _values(lead)[0]
        n_left = n_errors - n_excused - n_removed
        yield (
            f"of {counted(n_errors, 'error', ',')} under {before}{once}, {_were(n_excused)} the label's, {n_removed:,} "
            f"{'is' if n_removed == 1 else 'are'} removed as ambiguous, and {n_left:,} "
            f"{'remains' if n_left == 1 else 'remain'}"
        )
        yield f"{counted(n_new, 'new error', ',') if n_new else 'no new error'} {'comes' if n_new < 2 else 'come'} up"


def _were(number: int) -> str:
    return f"{number:,} {'was' if number == 1 else 'were'}"


def _detected(detection: Detection) -> str:
    """How often the model says yes about images with the object, and about images without it."""
    with_object, right_without = (detection.estimates[name].value for name in ("tpr", "tnr"))
    without = None if right_without is None else 1 - right_without
    said = [
        f"in {100 * share:.1f} % of the images that {verb} it"
        for share, verb in ((with_object, "show"), (without, "lack"))
        if share is not None
    ]
    return f"the model sees the object {' and '.join(said)}" if said else "no answer can be scored"


def _completeness_clauses(scores: Scores) -> Iterator[str]:
    about = f" about the first {scores.part}" if scores.part else ""
    total = counted(scores.n_questions, "question", ",") + about
    if scores.n_answered == scores.n_questions:
        yield f"all {total} are answered"
    else:
        share = percentage(scores.n_answered, scores.n_questions)
        yield f"only {scores.n_answered:,} of {total} are answered ({share} %)"
    if scores.is_unread:
        yield "no answer reads as yes or no"
    elif n_unparsed := len(scores.unparsed):
        verb = "reads" if n_unparsed == 1 else "read"
        yield f"{counted(n_unparsed, 'answer', ',')} {verb} as neither yes nor no"
