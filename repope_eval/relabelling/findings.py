"""What people found about the questions of a queue, and how many labels of all of it are wrong.

That part is no sample: the most doubtful questions are all in it, and the others were drawn the more often the more
doubtful they are. Each drawn question therefore stands for as many as its probability says (D. G. Horvitz and D. J.
Thompson, Journal of the American Statistical Association 47 (1952), 663-685), with the interval of such weighted counts
that `sampled_labels` describes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from repope_eval.errors import RepopeError
from repope_eval.records import Label, Question
from repope_eval.relabelling.queue import Queued
from repope_eval.relabelling.sampled_labels import Looked, share_of, too_few
from repope_eval.scoring.estimates import Estimate

Finding = Label | Literal["disputed", "missing"]
"""What is known of a question that people were to look at: a label, that two of them say yes against no, or nothing."""

_LABELS: Mapping[Finding, bool] = {"yes": True, "no": False}
_OPEN = ("disputed", "missing")


def looked_at(
    queue: Mapping[Question, Queued], findings: Mapping[Question, Finding]
) -> tuple[dict[Question, Looked], dict[Question, float]]:
    """What people found about the questions, and each question's probability of being looked at.

    Where people have not got to all yet, what they got to is as good as drawn, since the order is random: the
    probabilities shrink by the share of those that were labelled, of the questions chosen for certain and of the drawn
    ones by themselves. Questions in dispute count as got to.

    Raises:
        RepopeError: nothing is known of one of the two.
    """
    shares: dict[bool, float] = {}
    for is_certain, what in ((True, "has for certain"), (False, "has as drawn")):
        n_chosen, share = _labelled_share(queue, findings, is_certain=is_certain)
        if share == 0:
            raise RepopeError(
                f"none of the {n_chosen:,} questions that the queue {what} is labelled, and without them nothing is "
                "known of the others like them; label some, or make a queue with sample= above 0"
            )
        shares[is_certain] = share
    probabilities = {
        question: each.p_sampled * shares[each.p_sampled == 1] for question, each in queue.items()
    }
    looked = {
        question: Looked(
            _LABELS.get(findings[question]), probabilities[question], is_open=findings[question] in _OPEN
        )
        for question, each in queue.items()
        if each.sampled and question in findings
    }
    return looked, probabilities


def is_begun(queue: Mapping[Question, Queued], findings: Mapping[Question, Finding]) -> bool:
    """Whether something is known of the questions chosen for certain and of the drawn ones, as `looked_at` needs it."""
    return all(_labelled_share(queue, findings, is_certain=is_certain)[1] for is_certain in (True, False))


def _labelled_share(
    queue: Mapping[Question, Queued], findings: Mapping[Question, Finding], *, is_certain: bool
) -> tuple[int, float]:
    """How many questions of a part were chosen, and which share of these is labelled; 1 where there is no such part."""
    part = {question: each for question, each in queue.items() if (each.p_sampled == 1) == is_certain}
    chosen = [question for question, each in part.items() if each.sampled]
    n_labelled = sum(question in findings for question in chosen)
    if not part:
        return 0, 1.0
    return len(chosen), n_labelled / len(chosen) if chosen else 0.0


CERTAIN, OTHERS, WHOLE = "looked at for certain", "the others", "all"
"""The parts of a queue whose labels people found wrong or not are counted in: each has a row of the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueRate:
    """How many labels are wrong in one part of a queue."""

    part: str
    label: str
    """The old label of its questions, yes or no, or both."""
    n_questions: int
    n_looked: int
    """How many of them people labelled."""
    flipped: Estimate
    """The share whose true label is the opposite; each dispute is half a flip, and the interval holds both."""
    ambiguous: Estimate


def queue_rates(
    queue: Mapping[Question, Queued], findings: Mapping[Question, Finding]
) -> tuple[QueueRate, ...]:
    """The rates of each part and label, the whole queue's last.

    Raises:
        RepopeError: none of the questions that are looked at for certain, or none of the others, was looked at.
    """
    looked, probabilities = looked_at(queue, findings)
    of_part: Mapping[str, Callable[[Queued], bool]] = {
        CERTAIN: lambda each: each.p_sampled == 1,
        OTHERS: lambda each: each.p_sampled < 1,
        WHOLE: lambda _: True,
    }
    of_label: Mapping[str, Callable[[Queued], bool]] = {
        "yes": lambda each: each.label,
        "no": lambda each: not each.label,
        "both": lambda _: True,
    }
    rates = []
    for part, is_in_part in of_part.items():
        for label, has_label in of_label.items():
            questions = [q for q, each in queue.items() if is_in_part(each) and has_label(each)]
            if questions:
                rates.append(_rate_of_part(part, label, questions, queue, looked, probabilities))
    return tuple(rates)


def _rate_of_part(
    part: str,
    label: str,
    questions: Sequence[Question],
    queue: Mapping[Question, Queued],
    looked: Mapping[Question, Looked],
    probabilities: Mapping[Question, float],
) -> QueueRate:
    pairs = [(queue[question].label, looked[question]) for question in questions if question in looked]
    seen = np.array([each.probability for _, each in pairs])
    of_all = np.array([probabilities[question] for question in questions])

    def share(hits: Sequence[float], least: Sequence[float], most: Sequence[float]) -> Estimate:
        if not pairs or ((of_all < 1).any() and not (seen < 1).any()):
            return Estimate(reason="none of these questions was drawn and labelled")
        value, low, high = (
            share_of(np.array(each, dtype=float), seen, of_all) for each in (hits, least, most)
        )
        needed = [each.n_needed for each in (value, low, high) if each.n_needed is not None]
        if needed:
            return Estimate(reason=too_few(max(needed)))
        assert low.ci95 and high.ci95, "a share has an interval where the labels suffice"  # noqa: PT018
        return Estimate(value=value.value, interval=(low.ci95[0], high.ci95[1]))

    unsettled = [each.is_open for _, each in pairs]
    flips = [0.5 if each.is_open else float(each.label not in (None, old)) for old, each in pairs]
    ambiguous = [float(each.label is None and not each.is_open) for _, each in pairs]
    return QueueRate(
        part=part,
        label=label,
        n_questions=len(questions),
        n_looked=len(pairs),
        flipped=share(
            flips,
            [0.0 if is_open else flip for flip, is_open in zip(flips, unsettled, strict=True)],
            [1.0 if is_open else flip for flip, is_open in zip(flips, unsettled, strict=True)],
        ),
        ambiguous=share(
            ambiguous,
            ambiguous,
            [1.0 if is_open else each for each, is_open in zip(ambiguous, unsettled, strict=True)],
        ),
    )
