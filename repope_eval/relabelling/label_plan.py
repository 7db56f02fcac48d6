"""How many labels by people an interval takes, before anybody has labelled.

The variance of an estimate from a sample is known beforehand but for which labels are wrong (the anticipated variance:
C.-E. Särndal, B. Swensson and J. Wretman, "Model Assisted Survey Sampling", 1992, section 12.2). That is assumed: so
many of all labels are wrong, the more often the more doubtful they are, by the square of the doubt. Of POPE's labels,
which RePOPE checked, 2 to 4 of 100 are wrong where models hardly doubt them, and 68 where they doubt them most: about
20 times as many. The squares are 30 times as large there, and the doubts themselves 5 times, which plans too many.

Two things are left out that nearly cancel out: the fitted weight of old labels narrows an interval, and what is rare
and was not met yet widens it (see `estimation`). `perf/label_plan.py` says how near the plan comes.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from repope_eval.records import Question
from repope_eval.relabelling.design import FLOOR, LabelEffects, expected_errors, inclusion_probabilities
from repope_eval.relabelling.sampled_labels import Floats
from repope_eval.scoring.estimates import CONFIDENCE

OPPOSITE = 0.35
"""The share of the wrong labels that are the opposite; the other questions are ambiguous. RePOPE found 188 and 348 of
POPE's 5,127 distinct questions, which this package counts in its annotations (Y. Neuhaus and M. Hein, arXiv 2504.15707,
2025)."""
DOUBT_POWER = 2
"""The power of the doubt, with `FLOOR`, that labels are wrong in proportion to."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelPlan:
    """How wide the interval of each run's figure is expected to be with so many labels."""

    sizes: Floats
    """What questions are drawn in proportion to, [questions]."""
    squares: Mapping[str, Floats]
    """By run, the expected square of what a question's label changes, [questions]."""

    @property
    def n_questions(self) -> int:
        """How many labels there are at most."""
        return len(self.sizes)

    def width(self, run: str, n_labels: int) -> float:
        """The expected width of a run's interval with at least one label."""
        chances = inclusion_probabilities(self.sizes, n_labels)
        variance = float((self.squares[run] * (1 / chances - 1)).sum())
        return 2 * NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * math.sqrt(max(0.0, variance))

    def labels(self, run: str, width: float) -> int:
        """The fewest labels with which a run's interval is expected to be no wider."""
        numbers = range(1, self.n_questions)
        return 1 + bisect_left(numbers, True, key=lambda number: self.width(run, number) <= width)


def label_plan(
    doubts: Mapping[Question, float],
    effects: Mapping[Question, float],
    runs: Mapping[str, LabelEffects],
    wrong: float,
) -> LabelPlan:
    """The plan for labels that are drawn by doubt and effect, as `design` draws with a budget of 0.

    Args:
        doubts: how doubtful each question's label is.
        effects: how much a wrong label of each would change (see `question_effects`), in the same order.
        runs: the effects on the figure of each run that is planned for, in the same order.
        wrong: the share of all labels that is taken to be wrong, above 0.
    """
    scores = np.array([doubts[question] for question in effects])
    chances = inclusion_probabilities((scores + FLOOR) ** DOUBT_POWER, wrong * len(scores))
    squares = {
        run: chances * (OPPOSITE * of_run.flipped**2 + (1 - OPPOSITE) * of_run.dropped**2)
        for run, of_run in runs.items()
    }
    return LabelPlan(expected_errors(scores, np.array(list(effects.values()))), squares)
