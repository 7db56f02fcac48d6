"""How wide the intervals of runs are while people label, and how many labels make them narrow enough.

Labelling may stop once the widest interval is no wider than asked: a fixed-width sequential interval (Y. S. Chow and H.
Robbins, "On the Asymptotic Theory of Fixed-Width Sequential Confidence Intervals for the Mean", Annals of Mathematical
Statistics 36 (1965), 457-462). To stop at a moment that the data choose may lower the coverage where labels are few. No
least number of labels was found to be needed here: intervals from few labels are wider than they have to be, since they
allow for errors that were not met yet. `perf/stopping.py` says how often an interval holds the truth at the stop.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from repope_eval.records import Label, Question
from repope_eval.relabelling.estimation import leading_estimates
from repope_eval.relabelling.findings import is_begun
from repope_eval.relabelling.queued_runs import QueuedRuns
from repope_eval.relabelling.sampled_labels import FigureEstimate
from repope_eval.wording import counted

BATCH = 25
"""The number of labels after which it is said again how wide the intervals are."""


@dataclass(frozen=True, slots=True)
class Widest:
    """The run of several whose leading figure has the widest interval."""

    run: str
    estimate: FigureEstimate
    n_runs: int

    @property
    def points(self) -> float:
        """The width in points."""
        return 100 * (self.estimate.width or 0.0)

    @staticmethod
    def of(leads: Mapping[str, FigureEstimate]) -> "Widest | None":
        """The widest of the runs that have an interval; None where none has one."""
        widths = {run: lead.width for run, lead in leads.items() if lead.width is not None}
        if not widths:
            return None
        run = max(widths, key=lambda name: widths[name])
        return Widest(run, leads[run], len(widths))


def labels_for(leads: Mapping[str, FigureEstimate], width: float) -> int | None:
    """About how many labels in all make the intervals of all runs as narrow; None where no number does."""
    numbers = [each.growth.labels_for(width) for each in leads.values() if each.growth is not None]
    known = [number for number in numbers if number is not None]
    return max(known) if len(known) == len(numbers) else None


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Says to a person who labels a queue what their labels come to: a width, and never a score, which might sway."""

    runs: QueuedRuns
    width: float | None = None
    """The width at which they may stop, as a share; None: when they like."""

    def sentence(self, labels: Mapping[Question, Label]) -> str:
        """How wide the widest interval is with these labels, and what further ones make of it."""
        known = {question: label for question, label in labels.items() if question in self.runs.queue}
        n_asked = sum(each.sampled for each in self.runs.queue.values())
        title = next(iter(self.runs.titles.values()))
        beginning = f"With {counted(len(known), 'label', ',')}"
        if not is_begun(self.runs.queue, known):
            return f"{beginning} nothing is known of {title} yet: too few labels; go on."
        leads = leading_estimates(self.runs.tallies, self.runs.sample(known), self.runs.figures)
        widest = Widest.of(leads)
        if n_needed := max((each.n_needed or 0 for each in leads.values()), default=0):
            return (
                f"{beginning} little is known of {title} yet: too few labels; about {n_needed:,} are needed."
            )
        if widest is None:
            return f"{beginning} {title} has no value yet; go on."
        which = f"widest 95 % interval (that of {widest.run})" if widest.n_runs > 1 else "95 % interval"
        now = f"{beginning} {title}'s {which} is {widest.points:.1f} points wide"
        if self.width is None:
            return f"{now}{_whole_queue_text(widest.estimate, n_asked - len(known), n_asked)}."
        ending = ": you may stop" if widest.points <= 100 * self.width else ""
        return f"{now}{target_text(leads, self.width, n_asked)}{ending}."


def _whole_queue_text(estimate: FigureEstimate, n_left: int, n_asked: int) -> str:
    then = estimate.width_with(n_left)
    if n_left <= 0 or then is None:
        return ""
    return f"; all {n_asked:,} of the queue narrow it to about {100 * then:.1f}"


def target_text(leads: Mapping[str, FigureEstimate], width: float, n_asked: int | None = None) -> str:
    """What a sentence on the widest interval of some runs ends with: about how many labels a width takes.

    Args:
        leads: the leading figure of each run.
        width: the width, as a share.
        n_asked: how many labels a queue asks for; None: it is not told where this is fewer.
    """
    widest = Widest.of(leads)
    target = f"{100 * width:.1f}"
    if widest is not None and widest.points <= 100 * width:
        return f", no wider than the {target} of width={width:g}"
    n_needed = labels_for(leads, width)
    if n_needed is None:
        return f"; no number of labels narrows it to {target}"
    if n_asked is not None and n_needed > n_asked:
        return f"; about {n_needed:,} labels in all would narrow it to {target}, and this queue asks for {n_asked:,}"
    return f"; about {n_needed:,} labels in all would narrow it to {target}"
