"""Whether estimated scores are right: RePOPE's labels are hidden, and revealed by the queue, again and again.

    python perf/estimate.py --data DATA --answers FILE [FILE ...] [--questions FILE] [--repetitions 500]
        [--labels 250 500 1000] [--disputed SOUND FLIPPED]

Each repetition draws other questions, learns RePOPE's labels of those, and estimates F1 under RePOPE's labels, whose
value over all questions is known. Rows are ways to draw and to estimate: with one probability, by doubt, or by doubt
and effect; and by people's labels alone, with old labels that count as much, or with a fitted weight. `certain` is the
queue's budget=, the others are its sample=. Columns: the mean error, 3.92 deviations (the width of an interval that is
exactly right), the width of the intervals, and how many of 100 hold the truth. With several models, the same of the
difference of the last one and the first.

With `--disputed .02 .4`, two annotators dispute 2 % of the sound labels and 40 % of the flipped ones, and nobody
decides. These questions are left out of what was labelled, as if nobody had looked at them, or they stand among it
without a label.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from gauges import print_table
from real_answers import RealAnswers, parser, read

from repope_eval.records import Question
from repope_eval.relabelling.design import (
    FLOOR,
    design,
    inclusion_probabilities,
    question_effects,
    systematic,
)
from repope_eval.relabelling.doubt import label_doubts
from repope_eval.relabelling.estimation import estimate_runs, outcome_figures, outcome_tallies
from repope_eval.relabelling.findings import Finding, looked_at
from repope_eval.relabelling.queue import Queued
from repope_eval.relabelling.sampled_labels import FigureEstimate, Looked, Sample
from repope_eval.scoring.protocol_scores import score
from repope_eval.scoring.protocols import PROTOCOLS

PROTOCOL = PROTOCOLS["repope"]
F1 = {"f1": outcome_figures(PROTOCOL)["f1"]}


@dataclass(frozen=True)
class Way:
    """A way to draw the questions that are looked at, and to estimate."""

    drawn_by: str
    """`one probability`, `doubt` or `doubt and effect`."""
    share_certain: float = 0.0
    """The share of the labels that goes to the most doubtful questions."""
    old_weight: float | None = None
    """How much old labels count; None: fitted."""

    @property
    def name(self) -> str:
        """What it is called in the table."""
        counted = {0.0: "people's alone", 1.0: "old ones, too", None: "fitted weight"}[self.old_weight]
        return f"{self.drawn_by}: {counted}"


WAYS = (
    Way("one probability", old_weight=0.0),
    Way("one probability"),
    Way("doubt", old_weight=1.0),
    Way("doubt"),
    Way("doubt and effect", old_weight=1.0),
    Way("doubt and effect"),
    Way("doubt and effect", share_certain=0.6),
)


@dataclass
class Repeated:
    """What the repetitions come to for one figure whose value is known."""

    truth: float
    values: list[float] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)
    n_holding: int = 0

    def add(self, found: FigureEstimate) -> None:
        """Adds one repetition."""
        assert found.value is not None
        assert found.ci95 is not None
        self.values.append(found.value)
        self.widths.append(found.ci95[1] - found.ci95[0])
        self.n_holding += found.ci95[0] <= self.truth <= found.ci95[1]

    def cells(self) -> list[str]:
        """Bias, 3.92 deviations, width, and how many intervals in 100 hold the truth."""
        return [
            f"{np.mean(self.values) - self.truth:+.4f}",
            f"{3.92 * np.std(self.values):.4f}",
            f"{np.mean(self.widths):.4f}",
            f"{100 * self.n_holding / len(self.values):.1f}",
        ]


class Trial:
    """Real answers, and what is drawn from them."""

    def __init__(self, real: RealAnswers) -> None:
        self.real = real
        self.old = real.old
        self.questions = list(self.old)
        variants = real.benchmark.label_sets[0].variants
        self.tallies = {
            model: outcome_tallies(variants, self.questions, answers, PROTOCOL)
            for model, answers in real.answers.items()
        }
        self.doubts = label_doubts(self.old, real.says_yes()).scores
        self.effects = question_effects(self.tallies, self.old, F1["f1"])
        self.truths = {model: _truth(real, model) for model in real.answers}

    def queue(self, way: Way, n_labels: int, seed: int) -> dict[Question, Queued]:
        """A queue of so many questions to be looked at."""
        n_certain = round(n_labels * way.share_certain)
        if way.drawn_by == "doubt and effect":
            chances = design(self.doubts, n_certain, n_labels - n_certain, seed, self.effects)
            drawn = {question: (each.probability, each.is_drawn) for question, each in chances.items()}
        else:
            doubts = np.array([self.doubts[question] + FLOOR for question in self.questions])
            sizes = doubts if way.drawn_by == "doubt" else np.ones(len(doubts))
            probabilities = inclusion_probabilities(sizes, n_labels)
            hits = systematic(probabilities, np.random.default_rng(seed))
            drawn = {
                question: (float(probabilities[place]), place in hits)
                for place, question in enumerate(self.questions)
            }
        return {
            question: Queued(question=question, label=self.old[question], score=0, p_sampled=p, sampled=hit)
            for question, (p, hit) in drawn.items()
        }

    def repeat(
        self, way: Way, n_labels: int, repetitions: int, findings: Mapping[Question, Finding]
    ) -> list[Repeated]:
        """What repetitions come to where people find this: the last model's F1, and the first one's less it."""
        first, *_, last = (*self.truths, *self.truths)
        of_figures = [Repeated(self.truths[last])]
        if first != last:
            of_figures.append(Repeated(self.truths[first] - self.truths[last]))
        for seed in range(repetitions):
            looked, probabilities = looked_at(self.queue(way, n_labels, seed), findings)
            found = self.estimates(looked, probabilities, way)
            for repeated, estimate in zip(of_figures, found, strict=True):
                repeated.add(estimate)
        return of_figures

    def estimates(
        self, looked: Mapping[Question, Looked], probabilities: Mapping[Question, float], way: Way
    ) -> Sequence[FigureEstimate]:
        """F1 of the last model, and the difference of the first and the last one."""
        sample = Sample.of(self.old, looked, probabilities)
        ends = dict.fromkeys((next(iter(self.tallies)), next(reversed(self.tallies))))
        found = estimate_runs({model: self.tallies[model] for model in ends}, sample, F1, way.old_weight)
        differences = [each.estimate for each in found.differences["mean"]]
        return [found.figures[next(reversed(ends))]["mean"]["f1"], *differences]


def main() -> None:
    options = parser(__doc__ or "")
    options.add_argument("--repetitions", type=int, default=500)
    options.add_argument("--labels", type=int, nargs="+", default=[250, 500, 1000])
    options.add_argument(
        "--disputed", type=float, nargs=2, help="shares of the sound labels and the flipped ones"
    )
    given = options.parse_args()
    trial = Trial(read(given.data, given.answers, given.questions))
    disputed = ""
    if given.disputed:
        disputed = f"; {_print_disputed(trial, given.labels, given.repetitions, *given.disputed)}"
    else:
        _print_ways(trial, given.labels, given.repetitions)
    *_, (model, truth) = trial.truths.items()
    print(
        f"{given.repetitions} repetitions{disputed}; mean F1 over the variants of {model} under RePOPE: {truth:.4f}"
    )


_FIGURE = ("bias", "3.92 sd", "width", "holds %")


def _print_ways(trial: Trial, labels: Sequence[int], repetitions: int) -> None:
    findings = trial.real.findings
    rows = []
    for n_labels in labels:
        for way in WAYS:
            found = trial.repeat(way, n_labels, repetitions, findings)
            cells = [cell for each in found for cell in each.cells()]
            rows.append([way.name, str(n_labels), str(round(n_labels * way.share_certain)), *cells])
    n_figures = (len(rows[0]) - 3) // len(_FIGURE)
    of_difference = [f"diff. {name}" for name in _FIGURE] if n_figures > 1 else []
    print_table(("drawn by: labels", "labels", "certain", *_FIGURE, *of_difference), rows)


def _print_disputed(
    trial: Trial, labels: Sequence[int], repetitions: int, of_sound: float, of_flipped: float
) -> str:
    """Prints the table, and returns how many questions would be in dispute."""
    generator = np.random.default_rng(0)
    findings = trial.real.findings
    for question, label in trial.real.true.items():
        if generator.random() < (of_sound if label == trial.old[question] else of_flipped):
            findings[question] = "disputed"
    left_out = {question: finding for question, finding in findings.items() if finding != "disputed"}
    rows = []
    for n_labels in labels:
        for way in WAYS[-2:]:
            for name, known in (("left out", left_out), ("without a label", findings)):
                cells = trial.repeat(way, n_labels, repetitions, known)[0].cells()
                rows.append([str(n_labels), str(round(n_labels * way.share_certain)), name, *cells])
    print_table(("labels", "certain", "disputes", *_FIGURE), rows)
    return f"{len(findings) - len(left_out)} of {len(findings):,} questions would be in dispute"


def _truth(real: RealAnswers, model: str) -> float:
    cells = score(model, "repope", real.benchmark.label_sets, real.answers[model], "repope").cells
    found = cells["repope"]["mean"].figures.f1
    assert found is not None
    return found


if __name__ == "__main__":
    main()
