"""How often DASH-B's intervals for other objects hold the truth: of simulated models whose true figures are known.

    python perf/object_coverage.py [--models 1000]

70 objects are drawn from those of DASH-B, by their numbers of images; each has as many images that show it. An object's
rates of misses and of false alarms are drawn from beta distributions, such that two errors about one object correlate
as a row says. The first row's rates and correlations are about those of PaliGemma-3B's published answers. Columns are
the shares of the models whose interval holds the true figure; `percentiles` is what percentiles of the replicates would
hold of the figure that they hold least often.
"""

import argparse

import numpy as np
from coverage import holds, true_figures
from gauges import print_table
from numpy.typing import NDArray

from repope_eval.scoring import bootstrap
from repope_eval.scoring.bootstrap import interval_of, replicated
from repope_eval.scoring.confusion import OUTCOMES, figure_values
from repope_eval.scoring.detection import DETECTION_FIGURES, estimate_over_objects
from repope_eval.scoring.intervals import Sample
from repope_eval.scoring.protocols import PROTOCOLS

N_OF_IMAGES = (
    *(3, 3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 5, 5, 6, 6, 6, 6, 6, 6, 7, 7, 7, 7, 7, 8, 8, 9, 9, 9, 10, 10, 11, 11, 11),
    *(12, 15, 15, 15, 15, 17, 17, 18, 18, 18, 18, 18, 21, 23, 23, 25, 25, 28, 31, 32, 32, 44, 44, 49),
    *(50, 50, 50, 50, 50, 50, 50, 50, 50, 50, 50),
)  # fmt: skip
"""Images that lack it, for each of DASH-B's objects."""
ROWS = (
    ("misses .14 (.25), false alarms .74 (.33)", (0.14, 0.25), (0.74, 0.33)),
    ("misses .10 (.20), false alarms .20 (.20)", (0.10, 0.20), (0.20, 0.20)),
    ("misses .05 (.20), false alarms .10 (.20)", (0.05, 0.20), (0.10, 0.20)),
    ("misses .02 (.30), false alarms .03 (.20)", (0.02, 0.30), (0.03, 0.20)),
    ("misses .10 (.50), false alarms .30 (.50)", (0.10, 0.50), (0.30, 0.50)),
)
"""Rates and correlations."""
REPLICATES = 1000
MODELS_AT_ONCE = 100

Beta = tuple[float, float]
"""A mean, and the correlation of two errors about one object."""


def simulated_counts(
    misses: Beta, false_alarms: Beta, n_models: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """[objects, models, outcomes]."""
    each = generator.choice(N_OF_IMAGES, (len(N_OF_IMAGES), n_models))
    counts = np.zeros((*each.shape, len(OUTCOMES)))
    for (mean, correlation), wrong, right in ((misses, "fn", "tp"), (false_alarms, "fp", "tn")):
        number = 1 / correlation - 1
        rates = generator.beta(mean * number, (1 - mean) * number, each.shape)
        counts[..., OUTCOMES.index(wrong)] = errors = generator.binomial(each, rates)
        counts[..., OUTCOMES.index(right)] = each - errors
    return counts


def coverage(misses: Beta, false_alarms: Beta, n_models: int) -> dict[str, float]:
    """The share of the models whose interval holds the truth, by figure; of percentiles, that of the least held."""
    true, generator = true_figures(misses[0], false_alarms[0]), np.random.default_rng(11)
    bootstrap.REPLICATES = REPLICATES
    protocol = PROTOCOLS["repope"]
    held, by_percentiles = dict.fromkeys(DETECTION_FIGURES, 0), dict.fromkeys(DETECTION_FIGURES, 0)
    for start in range(0, n_models, MODELS_AT_ONCE):
        counts = simulated_counts(misses, false_alarms, min(MODELS_AT_ONCE, n_models - start), generator)
        drawn = replicated(counts, protocol, tuple(DETECTION_FIGURES.values()))
        sample = Sample(counts=counts, totals=counts.sum(axis=0), drawn=drawn, protocol=protocol)
        values = figure_values(sample.totals, protocol)
        for figure, name in DETECTION_FIGURES.items():
            for model, value in enumerate(values[name]):
                found = estimate_over_objects(sample, name, float(value), (model,))
                held[figure] += holds(found.interval, true[name])
                by_percentiles[figure] += holds(interval_of(drawn[name][:, model]), true[name])
    shares = {figure: n / n_models for figure, n in held.items()}
    return {**shares, "percentiles": min(by_percentiles.values()) / n_models}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, default=1000, help="simulated for each row; default: 1000")
    n_models = parser.parse_args().models
    found = {name: coverage(misses, false_alarms, n_models) for name, misses, false_alarms in ROWS}
    columns = (*DETECTION_FIGURES, "percentiles")
    rows = [[name, *(f"{shares[column]:.3f}" for column in columns)] for name, shares in found.items()]
    titles = [column.replace("_", " ") for column in columns]
    print_table(("rates and their correlations in an object", *titles), rows)


if __name__ == "__main__":
    main()
