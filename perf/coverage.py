"""How often the 95 % intervals hold the truth: of simulated models whose true figures are known.

    python perf/coverage.py [--models 300] [--kinds mild clustered halves unequal wholes]
                            [--images 8 20 50 100 500] [--f1 0.85 0.95 0.98 0.995]

Kinds of models differ in how their errors come together:

mild        the logit of the error rates has a standard deviation of 1.2 between images; three questions of either label
            about each, as POPE's images have; misses are three times as frequent as false alarms
clustered   an image's error rate is drawn from a beta distribution, so that errors about it correlate by .5; ten
            questions of either label
halves      a few images have each of their questions wrong with probability one half, and others none; three of either
unequal     as clustered, with a correlation of .2, and 1 to some dozens of questions of either label about an image
wholes      a few images have all of their questions wrong, and others none; three of either label

A row is a kind, a number of images and a true F1. Its columns are the shares of the models whose interval holds the
true F1 and the true mean F1 over three variants of the same positive questions, the share of the figure that is held
least often, the mean width of F1's intervals, and how many of them are gamma ones.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from gauges import print_table
from numpy.typing import NDArray

from repope_eval.scoring import bootstrap
from repope_eval.scoring.bootstrap import Cells, replicated
from repope_eval.scoring.confusion import OUTCOMES, figure_values
from repope_eval.scoring.estimates import Interval
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
"""Rates of a mild model about images of middling difficulty, before they are brought to a true F1."""
IMAGE_EFFECT = 1.2
"""Standard deviation of the logit of the error rates between images."""
VARIANTS = 3
REPLICATES = 1000
MODELS_AT_ONCE = 100

Values = NDArray[np.float64]
Rates = tuple[Values, Values]
"""Of misses and of false alarms."""
Shape = tuple[int, int]
"""Numbers of images and of models."""


@dataclass(frozen=True)
class Kind:
    """How the errors of models come together; both fields draw [images, models]."""

    questions: Callable[[Shape, np.random.Generator], Values]
    """The number of questions of either label about each image."""
    rates: Callable[[float, Shape, np.random.Generator], Rates]
    """The error rates of models of a true F1 about each image."""


def mild_rates(log_odds: float, effects: Values) -> Rates:
    """The rates about images of some difficulty, where errors are so much likelier than by the rates above."""
    misses, false_alarms = (
        1 / (1 + (1 - rate) / rate * np.exp(-IMAGE_EFFECT * effects - log_odds))
        for rate in (MISSES, FALSE_ALARMS)
    )
    return misses, false_alarms


def mean_mild_rates(log_odds: float) -> tuple[float, float]:
    """Their means over images of every difficulty."""
    points, weights = np.polynomial.hermite_e.hermegauss(80)
    misses, false_alarms = (float(rates @ weights / weights.sum()) for rates in mild_rates(log_odds, points))
    return misses, false_alarms


@lru_cache(maxsize=1)
def mild_log_odds(f1: float) -> float:
    """Those of the mild models with that F1, by halving their range; at 1 they never err."""
    low, high = -60.0, 5.0
    for _ in range(80 if f1 < 1 else 0):
        middle = (low + high) / 2
        low, high = (middle, high) if true_figures(*mean_mild_rates(middle))["f1"] > f1 else (low, middle)
    return low


def same_number(each: int) -> Callable[[Shape, np.random.Generator], Values]:
    """As many questions about each image."""
    return lambda shape, generator: np.full(shape, float(each))


def unequal_numbers(shape: Shape, generator: np.random.Generator) -> Values:
    """A log-normal number, 3 in the middle; one image in 20 has more than 15."""
    return np.maximum(1, np.round(np.exp(generator.normal(1.1, 1, shape))))


def correlated(correlation: float) -> Callable[[float, Shape, np.random.Generator], Rates]:
    """Rates of a beta distribution, such that two errors about one image correlate so much."""

    def rates(f1: float, shape: Shape, generator: np.random.Generator) -> Rates:
        number = 1 / correlation - 1
        drawn = generator.beta((1 - f1) * number, f1 * number, shape) if f1 < 1 else np.zeros(shape)
        return drawn, drawn

    return rates


def few_images(rate: float) -> Callable[[float, Shape, np.random.Generator], Rates]:
    """So many of the questions are wrong about as many images as the F1 asks for, and none about others."""

    def rates(f1: float, shape: Shape, generator: np.random.Generator) -> Rates:
        drawn = np.where(generator.random(shape) < (1 - f1) / rate, rate, 0.0)
        return drawn, drawn

    return rates


KINDS: Mapping[str, Kind] = {
    "mild": Kind(
        same_number(3),
        lambda f1, shape, generator: mild_rates(mild_log_odds(f1), generator.standard_normal(shape)),
    ),
    "clustered": Kind(same_number(10), correlated(0.5)),
    "halves": Kind(same_number(3), few_images(0.5)),
    "unequal": Kind(unequal_numbers, correlated(0.2)),
    "wholes": Kind(same_number(3), few_images(1.0)),
}


def true_figures(misses: float, false_alarms: float) -> dict[str, float]:
    """The figures of the expected counts, with as many questions of either label."""
    counts = dict.fromkeys(OUTCOMES, 0.0) | {
        "tp": 1 - misses, "fn": misses, "tn": 1 - false_alarms, "fp": false_alarms
    }  # fmt: skip
    values = figure_values(np.array(list(counts.values())), PROTOCOLS["repope"])
    return {name: float(value) for name, value in values.items()}


def simulated_counts(kind: Kind, f1: float, shape: Shape, generator: np.random.Generator) -> Values:
    """[images, models x variants, outcomes]: the positive questions are the same ones in all variants."""
    each = kind.questions(shape, generator).astype(int)[..., None]
    misses, false_alarms = kind.rates(f1, shape, generator)
    counts = np.zeros((*shape, VARIANTS, len(OUTCOMES)))
    fn = generator.binomial(each, misses[..., None])
    fp = generator.binomial(each, np.repeat(false_alarms[..., None], VARIANTS, axis=-1))
    for name, number in (("tp", each - fn), ("fn", fn), ("fp", fp), ("tn", each - fp)):
        counts[..., OUTCOMES.index(name)] = number
    return counts.reshape(shape[0], -1, len(OUTCOMES))


def coverage(name: str, f1: float, n_images: int, n_models: int) -> dict[str, float]:
    """The share of the models whose interval holds the truth, by figure; and of F1's, their mean width and methods."""
    rates = mean_mild_rates(mild_log_odds(f1)) if name == "mild" else (1 - f1, 1 - f1)
    true, generator = true_figures(*rates), np.random.default_rng(11)
    bootstrap.REPLICATES = REPLICATES
    sums = dict.fromkeys((*FIGURES, "mean", "width", "gamma"), 0.0)
    for start in range(0, n_models, MODELS_AT_ONCE):
        n_here = min(MODELS_AT_ONCE, n_models - start)
        counts = simulated_counts(KINDS[name], f1, (n_images, n_here), generator)
        drawn = replicated(counts, PROTOCOLS["repope"], INTERVAL_FIGURES)
        sample = Sample(counts=counts, totals=counts.sum(axis=0), drawn=drawn, protocol=PROTOCOLS["repope"])
        for first in range(0, n_here * VARIANTS, VARIANTS):
            for figure in FIGURES:
                sums[figure] += _holds(sample, figure, (first,), true[figure])
            sums["mean"] += _holds(sample, "f1", tuple(range(first, first + VARIANTS)), true["f1"])
            of_f1 = estimate(sample, "f1", (first,))
            low, high = of_f1.interval or (0.0, 1.0)
            sums["width"] += high - low
            sums["gamma"] += of_f1.method == "gamma"
    return {name: total / n_models for name, total in sums.items()}


def _holds(sample: Sample, figure: str, cells: Cells, true: float) -> bool:
    return holds(estimate(sample, figure, cells).interval, true)


def holds(interval: Interval, true: float) -> bool:
    """Whether an interval has the true figure in it; one that is not given claims nothing."""
    return interval is None or interval[0] - 1e-12 <= true <= interval[1] + 1e-12


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, default=300, help="simulated for each row; default: 300")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--images", type=int, nargs="+", default=[8, 20, 50, 100, 500])
    parser.add_argument("--f1", type=float, nargs="+", default=[0.85, 0.95, 0.98, 0.995])
    options = parser.parse_args()
    rows = []
    for kind in options.kinds:
        for n_images in options.images:
            for f1 in options.f1:
                found = coverage(kind, f1, n_images, options.models)
                least = min(FIGURES, key=lambda name: found[name])
                shares = (found["f1"], found["mean"], found[least], found["width"], found["gamma"])
                cells = [f"{share:.3f}" for share in shares]
                rows.append([kind, str(n_images), f"{f1:g}", *cells[:3], least, *cells[3:]])
    print_table(
        ("kind", "images", "true F1", "F1", "mean F1", "least", "which is", "F1's width", "gamma"), rows
    )


if __name__ == "__main__":
    main()
