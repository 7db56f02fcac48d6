"""How often the 95 % intervals hold the truth: of simulated models whose true figures are known.

    python perf/coverage.py [--models 2000] [--images 8 20 50 100 200 500] [--f1 0.85 0.9 0.95 0.98 0.995 1]

Each image has three questions of either label, as POPE's have. Images differ in difficulty: the logit of a model's
error rates has a standard deviation of 1.2 between them, so that the errors about one image come together. Misses are
three times as frequent as false alarms. A row is a number of images and a true F1; its columns are the shares of the
models whose interval holds the true figure, `mean F1` of the mean over three variants of the same positive questions,
and the last column is how many of F1's intervals are exact ones.
"""

import argparse
from dataclasses import dataclass

import numpy as np
from gauges import print_table
from numpy.typing import NDArray

from repope_eval.scoring import bootstrap
from repope_eval.scoring.bootstrap import Places, replicated
from repope_eval.scoring.confusion import OUTCOMES, figure_values
from repope_eval.scoring.intervals import INTERVAL_FIGURES, Sample, estimate
from repope_eval.scoring.protocols import PROTOCOLS

FIGURES = (
    "f1",
    "precision",
    "recall",
    "tnr",
    "accuracy",
    "yes_ratio",
    "balanced_accuracy",
    "f1_balanced",
    "mcc",
)
MISSES, FALSE_ALARMS = 0.15, 0.05
"""Rates of the images of middling difficulty, before they are brought to a true F1."""
IMAGE_EFFECT = 1.2
"""Standard deviation of the logit of the error rates between images."""
EACH = 3
"""Questions of either label about an image."""
VARIANTS = 3
REPLICATES = 1000
MODELS_AT_ONCE = 100

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """A kind of models, by its true F1."""

    log_odds: float
    """How much likelier, or less so, errors are than by the rates above."""

    def error_rates(self, effects: Values) -> tuple[Values, Values]:
        """Rates of misses and of false alarms, for images of some difficulty."""
        misses, false_alarms = (
            1 / (1 + (1 - rate) / rate * np.exp(-IMAGE_EFFECT * effects - self.log_odds))
            for rate in (MISSES, FALSE_ALARMS)
        )
        return misses, false_alarms

    def figures(self) -> dict[str, float]:
        """The F1 of the expected counts."""
        points, weights = np.polynomial.hermite_e.hermegauss(80)
        misses, false_alarms = (rates @ weights / weights.sum() for rates in self.error_rates(points))
        counts = dict.fromkeys(OUTCOMES, 0.0) | {
            "tp": 1 - misses, "fn": misses, "tn": 1 - false_alarms, "fp": false_alarms
        }  # fmt: skip
        values = figure_values(np.array(list(counts.values())), PROTOCOLS["repope"])
        return {name: float(value) for name, value in values.items()}


def truth_of(f1: float) -> Truth:
    """The kind of models with that F1, by halving the range of their odds; at 1 they never err."""
    low, high = -60.0, 5.0
    for _ in range(80 if f1 < 1 else 0):
        middle = (low + high) / 2
        low, high = (middle, high) if Truth(middle).figures()["f1"] > f1 else (low, middle)
    return Truth(low)


def simulated_counts(truth: Truth, n_images: int, n_models: int, generator: np.random.Generator) -> Values:
    """[images, models x variants, outcomes]: the positive questions are the same ones in all variants."""
    misses, false_alarms = truth.error_rates(generator.standard_normal((n_images, n_models)))
    counts = np.zeros((n_images, n_models, VARIANTS, len(OUTCOMES)))
    fn = generator.binomial(EACH, misses)[..., None]
    fp = generator.binomial(EACH, np.repeat(false_alarms[..., None], VARIANTS, axis=-1))
    for name, number in (("tp", EACH - fn), ("fn", fn), ("fp", fp), ("tn", EACH - fp)):
        counts[..., OUTCOMES.index(name)] = number
    return counts.reshape(n_images, n_models * VARIANTS, len(OUTCOMES))


def coverage(f1: float, n_images: int, n_models: int) -> dict[str, float]:
    """The share of the models whose interval holds the truth, by figure; and of exact intervals of F1."""
    truth = truth_of(f1)
    true, generator = truth.figures(), np.random.default_rng(11)
    bootstrap.REPLICATES = REPLICATES
    held = dict.fromkeys((*FIGURES, "mean", "exact"), 0)
    for start in range(0, n_models, MODELS_AT_ONCE):
        n_here = min(MODELS_AT_ONCE, n_models - start)
        counts = simulated_counts(truth, n_images, n_here, generator)
        drawn = replicated(counts, PROTOCOLS["repope"], INTERVAL_FIGURES)
        sample = Sample(counts=counts, totals=counts.sum(axis=0), drawn=drawn, protocol=PROTOCOLS["repope"])
        for first in range(0, n_here * VARIANTS, VARIANTS):
            for name in FIGURES:
                held[name] += _holds(sample, name, (first,), true[name])
            held["mean"] += _holds(sample, "f1", tuple(range(first, first + VARIANTS)), true["f1"])
            held["exact"] += estimate(sample, "f1", (first,)).method == "exact"
    return {name: n / n_models for name, n in held.items()}


def _holds(sample: Sample, figure: str, places: Places, true: float) -> bool:
    interval = estimate(sample, figure, places).interval
    return interval is None or interval[0] - 1e-12 <= true <= interval[1] + 1e-12


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, default=2000, help="simulated for each row; default: 2000")
    parser.add_argument("--images", type=int, nargs="+", default=[8, 20, 50, 100, 200, 500])
    parser.add_argument("--f1", type=float, nargs="+", default=[0.85, 0.9, 0.95, 0.98, 0.995, 1.0])
    options = parser.parse_args()
    rows = []
    for n_images in options.images:
        for f1 in options.f1:
            found = coverage(f1, n_images, options.models)
            rows.append([str(n_images), f"{f1:g}", *(f"{share:.3f}" for share in found.values())])
    titles = [name.replace("_", " ") for name in FIGURES]
    print_table(("images", "true F1", *titles, "mean F1", "exact"), rows)


if __name__ == "__main__":
    main()
