"""A relabelling as its page, its card and the console show it: its sentences and tables."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from pathlib import Path

from repope_eval.benchmarks.pope_file import ANNOTATOR_LABELS
from repope_eval.records import Label, Question, Variant
from repope_eval.relabelling.findings import CERTAIN, OTHERS, WHOLE, QueueRate
from repope_eval.relabelling.label_changes import LabelChange
from repope_eval.relabelling.rule import Annotator, AnnotatorAgreement, Outcome
from repope_eval.reporting.figure_texts import clipped, coefficient_text, interval_text, percent_text
from repope_eval.reporting.tables import Field, Table, estimate_field, number_field, table, text_field
from repope_eval.scoring.estimates import Estimate, Interval
from repope_eval.wording import counted

LONGEST_NAME = 80
"""Characters of an annotator's name, or an object's, on a page."""
_ROLES = ("first annotator", "second annotator", "decider")


@dataclass(frozen=True, slots=True, kw_only=True)
class RelabellingView:
    """What is known of a relabelling."""

    title: str
    """The names of the files that were relabelled."""
    outcomes: Sequence[Outcome]
    """One for each question, in however many variants it is asked."""
    variants: Mapping[Question, Sequence[Variant]]
    """The variants that each question stands in."""
    changes: Sequence[tuple[Variant, LabelChange, int | None]]
    """The rows of `label_change_table`."""
    annotators: Sequence[Annotator]
    """The two annotators, and the decider where there is one."""
    agreement: AnnotatorAgreement
    images: Mapping[str, Path]
    """The image files that are there, by the names of the images."""
    n_unsampled: int
    """How many questions of a queue are not for people to look at."""
    kappa: Estimate
    """Cohen's kappa of the two annotators."""
    queue_rates: Sequence[QueueRate] = ()
    """How many labels are wrong in each part of a queue; empty where no queue was relabelled, or several files were."""

    @property
    def is_of_queue(self) -> bool:
        """Whether questions were chosen by how doubtful they are."""
        return bool(self.queue_rates) or self.n_unsampled > 0

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the annotators, cut to what there is room for."""
        return tuple(clipped(annotator.name, LONGEST_NAME) for annotator in self.annotators)


def verdict(view: RelabellingView) -> str:
    """How much changed, what is not settled, and how far the annotators agree."""
    sentences = (
        settled_sentence(view.outcomes),
        unsettled_sentence(view.outcomes),
        agreement_sentence(view.agreement),
        f"Cohen's kappa is {kappa_text(view.kappa, of_queue=view.is_of_queue)}.",
    )
    return " ".join(sentence for sentence in sentences if sentence is not None)


def scope_sentences(view: RelabellingView) -> Sequence[str]:
    """What is over a queue: how its questions were chosen, and how many labels of all are wrong."""
    unsampled = unsampled_sentence(view.n_unsampled)
    return [*queue_sentences(view.queue_rates), *([unsampled] if unsampled else [])]


def settled_sentence(outcomes: Sequence[Outcome]) -> str:
    """How many questions are settled, and what became of them."""
    settled = [outcome for outcome in outcomes if outcome.label is not None]
    n_ambiguous = sum(outcome.label == "ambiguous" for outcome in settled)
    n_flipped = sum(outcome.label not in ("ambiguous", outcome.row.label) for outcome in settled)
    return (
        f"Of {counted(len(settled), 'settled question', ',')}, {_part_text(n_flipped, len(settled))} changed from yes "
        f"to no or from no to yes, and {_part_text(n_ambiguous, len(settled))} turned out ambiguous."
    )


def unsettled_sentence(outcomes: Sequence[Outcome]) -> str | None:
    """How many questions are not settled, and why; None where all are."""
    reasons = Counter(
        "in dispute" if outcome.is_disputed else "not labelled by both"
        for outcome in outcomes
        if outcome.label is None
    )
    if not reasons:
        return None
    why = ", ".join(f"{reasons[reason]:,} {reason}" for reason in sorted(reasons))
    number = f"{reasons.total():,} of {counted(len(outcomes), 'question', ',')}"
    of_part = " What is said of the settled ones is theirs alone." if reasons["not labelled by both"] else ""
    return f"Not settled and left out: {number} ({why}).{of_part}"


def queue_sentences(rates: Sequence[QueueRate]) -> Sequence[str]:
    """What was chosen to be looked at, and how many labels are estimated to be wrong elsewhere; empty without rates."""
    by_part = {rate.part: rate for rate in rates if rate.label == "both"}
    if CERTAIN not in by_part:
        chosen = []
    else:
        certain = by_part[CERTAIN]
        chosen = [
            f"Of the questions looked at, {certain.n_looked:,} were chosen for their doubt or for what they would "
            "change, so these shares are no error rate of the benchmark."
        ]
    if OTHERS in by_part:
        others, whole = by_part[OTHERS], by_part[WHOLE]
        drawn = f"the {others.n_looked:,} drawn from the other {others.n_questions:,}"
        shares = (others.flipped, others.ambiguous, whole.flipped, whole.ambiguous)
        missing = next((share.reason for share in shares if share.value is None), None)
        chosen.append(
            f"How many of the whole queue are wrong is not known by {drawn} ({missing})."
            if missing
            else f"By {drawn}, an estimated {_kinds_phrase(others, f'these {others.n_questions:,}')}; "
            f"{_kinds_phrase(whole, 'the whole queue')}."
        )
    return chosen


def _kinds_phrase(rate: QueueRate, whose: str) -> str:
    flipped, ambiguous = _share_phrase(rate.flipped), _share_phrase(rate.ambiguous)
    return f"{flipped} of {whose} are flipped and {ambiguous} ambiguous"


def _share_phrase(share: Estimate) -> str:
    """A share with its interval, `3.8 % (95 % interval 3.1–4.9)`, where it is not sure."""
    interval = _unsure_interval(share)
    sure = "" if interval is None else f" (95 % interval {interval_text(interval, percent_text)})"
    return f"{percent_text(share.value)} %{sure}"


def _unsure_interval(share: Estimate) -> Interval:
    """The interval of a share; None where all questions were looked at and settled, so that it is a single point."""
    return None if share.interval is None or share.interval[0] == share.interval[1] else share.interval


def changes_title(view: RelabellingView) -> str:
    """The title of the table of label changes; it says of a queue that its questions are no sample of the benchmark."""
    chosen = [rate for rate in view.queue_rates if (rate.part, rate.label) == (CERTAIN, "both")]
    of_queue = f", {chosen[0].n_looked:,} of which were not drawn" if chosen else ""
    return f"Label changes of the settled questions{of_queue}"


def unsampled_sentence(n_unsampled: int) -> str | None:
    """How many questions of the queue nobody was to look at; None where there are none."""
    if not n_unsampled:
        return None
    number = counted(n_unsampled, "other question", ",")
    return f"Not selected for labelling, and left out: {number} of the queue."


def agreement_sentence(agreement: AnnotatorAgreement) -> str:
    """How often the annotators give the same label."""
    same = _part_text(agreement.n_agreed, agreement.n_questions)
    return (
        f"The two annotators give the same label to {same} of the "
        f"{counted(agreement.n_questions, 'question', ',')} that both labelled."
    )


def kappa_text(kappa: Estimate, *, of_queue: bool) -> str:
    """Cohen's kappa with its interval, or why there is none; that of a queue is said to be over its questions."""
    if kappa.value is None:
        return "undefined"
    sure = f" (no interval: {kappa.reason})" if kappa.reason else ""
    scope = ", over the queue's questions and not the benchmark's" if of_queue else ""
    return f"{coefficient_text(kappa.value, kappa.interval)}{sure}{scope}"


def decider_sentence(agreement: AnnotatorAgreement, names: Sequence[str]) -> str | None:
    """How often the decider sided with whom; None where nothing was decided.

    Args:
        agreement: the agreement, with what the decider says.
        names: those of the two annotators, and the decider's.
    """
    if not agreement.n_decided:
        return None
    first, second, decider = names
    return (
        f"Of {counted(agreement.n_disputed, 'question', ',')} with yes against no, {decider} decided "
        f"{agreement.n_with_first:,} as {first}, {agreement.n_with_second:,} as {second}, and found "
        f"{agreement.n_found_ambiguous:,} ambiguous."
    )


def annotator_lines(view: RelabellingView) -> dict[str, str]:
    """The name of each person, how many labels they gave and when, by their role."""
    return {
        role: f"{name}, {_work_text(annotator)}"
        for role, name, annotator in zip(_ROLES, view.names, view.annotators, strict=False)
    }


def _work_text(annotator: Annotator) -> str:
    number = counted(len(annotator.annotations), "label", ",")
    if annotator.times is None:
        return f"{number}, at a time that the file does not say"
    first, last = (f"{time.astimezone(UTC):%Y-%m-%d %H:%M}" for time in annotator.times)
    return f"{number}, from {first} to {last} UTC"


def _part_text(number: int, total: int) -> str:
    """A number with its share of the total, where there is one: `12 (3.2 %)`."""
    return f"{number:,} ({percent_text(number / total)} %)" if total else f"{number:,}"


MOST_OBJECTS = 500
"""Rows of the table of objects."""


def confusion_table(agreement: AnnotatorAgreement) -> Table:
    """What both said: a row for each label of the first annotator, a column for each of the second."""

    def field(of_second: Label) -> Field[Label]:
        return number_field(
            f"second: {of_second}", lambda of_first: str(agreement.counts.get((of_first, of_second), 0))
        )

    return table(
        "What the two annotators said",
        [
            text_field("", lambda of_first: f"first: {of_first}", stays=True),
            *(field(label) for label in ANNOTATOR_LABELS),
        ],
        ANNOTATOR_LABELS,
    )


def _share_field(title: str, share: Callable[[QueueRate], Estimate]) -> Field[QueueRate]:
    return estimate_field(title, lambda rate: replace(share(rate), interval=_unsure_interval(share(rate))))


def queue_rate_table(rates: Sequence[QueueRate]) -> Table:
    """How many labels are wrong in each part of a queue: what was chosen and what was drawn stand apart."""
    return table(
        "Wrong labels by part of the queue, estimated, with 95 % intervals; a dispute is half a flip",
        [
            text_field("questions", lambda rate: rate.part, stays=True),
            text_field("label", lambda rate: rate.label),
            number_field("number", lambda rate: f"{rate.n_questions:,}"),
            number_field("looked at", lambda rate: f"{rate.n_looked:,}"),
            _share_field("flipped, %", lambda rate: rate.flipped),
            _share_field("ambiguous, %", lambda rate: rate.ambiguous),
        ],
        rates,
        n_naming=2,
        starts_group=lambda rate: rate.label == "yes",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _ObjectChange:
    """What became of the settled questions about one object."""

    name: str
    n_settled: int
    n_to_no: int
    n_to_yes: int
    n_ambiguous: int

    @property
    def n_changed(self) -> int:
        return self.n_to_no + self.n_to_yes + self.n_ambiguous


def object_change_table(outcomes: Sequence[Outcome]) -> Table:
    """How many labels changed of each object, those with the most first; objects without a change have no row."""
    by_object: defaultdict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        if outcome.label is not None:
            by_object[outcome.row.question.object].append(outcome)
    changes = [_object_change(name, of_object) for name, of_object in by_object.items()]
    return table(
        "Label changes by object of the settled questions; each distinct question counts once",
        [
            text_field("object", lambda change: clipped(change.name, 80), stays=True),
            number_field("questions", lambda change: str(change.n_settled)),
            number_field("yes → no", lambda change: str(change.n_to_no)),
            number_field("no → yes", lambda change: str(change.n_to_yes)),
            number_field("ambiguous", lambda change: str(change.n_ambiguous)),
            number_field("changed", lambda change: f"{percent_text(change.n_changed / change.n_settled)} %"),
        ],
        sorted(
            (change for change in changes if change.n_changed),
            key=lambda change: (-change.n_changed, change.name),
        ),
        most=MOST_OBJECTS,
    )


def _object_change(name: str, outcomes: Sequence[Outcome]) -> _ObjectChange:
    moves = [(outcome.row.label, outcome.label) for outcome in outcomes]
    return _ObjectChange(
        name=name,
        n_settled=len(moves),
        n_to_no=moves.count(("yes", "no")),
        n_to_yes=moves.count(("no", "yes")),
        n_ambiguous=sum(after == "ambiguous" for _, after in moves),
    )
