"""Estimates to be shown, for tests."""

import numpy as np

from repope_eval.relabelling.estimates_view import EstimatedRun, EstimatesView
from repope_eval.relabelling.estimation import FIGURES
from repope_eval.relabelling.sampled_labels import FigureEstimate, Growth
from repope_eval.scoring.estimates import Estimate

GROWTH = Growth(0.0325, 0.0, np.full(700, 700 / 5127), np.ones(700), np.full(5127, 700 / 5127))


def estimated_run(run: str, variant: str, f1: float | None, n_looked: int = 120) -> EstimatedRun:
    """A run whose figures in a variant are all the same."""
    ends = None if f1 is None else (f1 - 0.0125, f1 + 0.02)
    return EstimatedRun(
        run=run,
        variant=variant,
        n_questions=3000,
        n_looked=n_looked,
        old=dict.fromkeys(FIGURES, Estimate(value=0.875, interval=(0.861, 0.8861))),
        true=dict.fromkeys(FIGURES, FigureEstimate(f1, ends, None if f1 is None else GROWTH)),
    )


def estimates_view(first: str, second: str) -> EstimatesView:
    """Of two runs, of which the second has no mean."""
    rows = [
        estimated_run(first, "random", 0.91),
        estimated_run(first, "mean", 0.9),
        estimated_run(second, "random", 0.85),
        estimated_run(second, "mean", None, n_looked=700),
    ]
    return EstimatesView(
        bench="repope",
        protocol="pope",
        rows=rows,
        n_questions=5127,
        n_looked=700,
        n_more=200,
        n_disputed=0,
        n_missing=0,
    )
