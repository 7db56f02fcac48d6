"""What people found about the questions of a queue, and how likely each was to be looked at."""

from collections.abc import Mapping
from typing import Literal

from repope_eval.benchmarks.audit_queue import Queued
from repope_eval.errors import RepopeError
from repope_eval.records import Label, Question
from repope_eval.scoring.estimation import Looked

Finding = Label | Literal["disputed", "missing"]
"""What is known of a question that people were to look at: a label, that two of them say yes against no, or nothing."""

_LABELS: Mapping[Finding, bool] = {"yes": True, "no": False}
_OPEN = ("disputed", "missing")


def looked_at(
    queue: Mapping[Question, Queued], findings: Mapping[Question, Finding]
) -> tuple[dict[Question, Looked], dict[Question, float]]:
    """What was found, and each question's probability of being found out about.

    Where people have not got to all yet, what they got to is as good as drawn, since the order is random: the
    probabilities shrink by the share of those that were labelled, of the most doubtful questions and of the drawn ones
    by themselves. What is in dispute was got to.

    Raises:
        RepopeError: nothing is known of one of the two.
    """
    shares: dict[bool, float] = {}
    for is_certain, what in ((True, "most doubtful"), (False, "drawn")):
        n_chosen, share = _labelled_share(queue, findings, is_certain=is_certain)
        if share == 0:
            raise RepopeError(
                f"none of the {n_chosen:,} {what} questions of the queue is labelled, and without them nothing is "
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
    """Whether something is known of the most doubtful questions and of the drawn ones, as `looked_at` needs it."""
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
