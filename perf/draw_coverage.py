"""How often the 95 % intervals over images and draws hold the true F1 of sampled answers, and whether the draws' share
of the variance is what it should be: of simulated models whose true figures are known.

    python perf/draw_coverage.py [--models 300] [--firmness 0.2 2 50] [--images 100 500] [--f1 0.85 0.95]
                                 [--draws 1 3 10]

Errors about one image correlate by .2, and there are three questions of either label about each. How firm a model's
answers are is what differs: each question has a probability of being answered wrongly, drawn from a beta distribution
about its image's error rate. With a firmness of 0.2 nearly all of these are near 0 or 1, so that draws are alike; with
50 they are the image's rate, and which answers are wrong is chance.

A row is a firmness, a number of images, a true F1 and a number of draws. Its columns are the share of the models whose
interval of the mean F1 over the draws holds the true F1, the mean width of these intervals, the draws' share of the
variance as `scoring.draws` estimates it, in the mean, and what it is: by how much the mean F1 of a model differs from
that of as many further draws of the same questions.
"""

import argparse

import numpy as np
from coverage import MODELS_AT_ONCE, REPLICATES, Values, correlated, holds
from gauges import print_table

from repope_eval.scoring import bootstrap
from repope_eval.scoring.bootstrap import replicated
from repope_eval.scoring.confusion import OUTCOMES, figure_values
from repope_eval.scoring.draws import draw_spread
from repope_eval.scoring.intervals import Sample, estimate
from repope_eval.scoring.protocols import PROTOCOLS

QUESTIONS = 3
"""Of either label, about each image."""
CORRELATION = 0.2


def simulated_draws(
    f1: float, firmness: float, shape: tuple[int, int], n_draws: int, generator: np.random.Generator
) -> Values:
    """[images, models, draws, outcomes]: each draw answers the same questions."""
    rates, _ = correlated(CORRELATION)(f1, shape, generator)
    rates = np.clip(rates, 1e-9, 1 - 1e-9)[..., None, None]
    counts = np.zeros((*shape, n_draws, len(OUTCOMES)))
    for right, wrong in (("tp", "fn"), ("tn", "fp")):
        questions = generator.beta(rates * firmness, (1 - rates) * firmness, (*shape, 1, QUESTIONS))
        n_wrong = (generator.random((*shape, n_draws, QUESTIONS)) < questions).sum(axis=-1)
        counts[..., OUTCOMES.index(wrong)] = n_wrong
        counts[..., OUTCOMES.index(right)] = QUESTIONS - n_wrong
    return counts


def coverage(f1: float, firmness: float, n_images: int, n_draws: int, n_models: int) -> dict[str, float]:
    """What is printed of one kind of model, such as the share of models whose intervals hold the true F1, by name."""
    generator, protocol = np.random.default_rng(17), PROTOCOLS["repope"]
    bootstrap.REPLICATES = REPLICATES
    held: list[bool] = []
    widths: list[float] = []
    shares: list[float] = []
    means: list[float] = []
    differences: list[float] = []
    for start in range(0, n_models, MODELS_AT_ONCE):
        n_here = min(MODELS_AT_ONCE, n_models - start)
        both = simulated_draws(f1, firmness, (n_images, n_here), 2 * n_draws, generator)
        counts = both[:, :, :n_draws].reshape(n_images, -1, len(OUTCOMES))
        drawn = replicated(counts, protocol, ("f1",))
        sample = Sample(counts=counts, totals=counts.sum(axis=0), drawn=drawn, protocol=protocol)
        each = figure_values(both.sum(axis=0), protocol)["f1"]
        means += each[:, :n_draws].mean(axis=1).tolist()
        differences += (each[:, :n_draws].mean(axis=1) - each[:, n_draws:].mean(axis=1)).tolist()
        for first in range(0, n_here * n_draws, n_draws):
            cells = tuple(range(first, first + n_draws))
            interval = estimate(sample, "f1", cells).interval
            held.append(holds(interval, f1))
            low, high = interval or (0.0, 1.0)
            widths.append(high - low)
            if (share := draw_spread(sample, cells, n_draws).variance_share) is not None:
                shares.append(share)
    return {
        "held": float(np.mean(held)),
        "width": float(np.mean(widths)),
        "share": float(np.mean(shares)) if shares else float("nan"),
        # Two means of as many draws differ by twice the variance of one.
        "true share": float(np.mean(np.square(differences)) / 2 / np.var(means)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, default=300, help="simulated for each row; default: 300")
    parser.add_argument("--firmness", type=float, nargs="+", default=[0.2, 2, 50])
    parser.add_argument("--images", type=int, nargs="+", default=[100, 500])
    parser.add_argument("--f1", type=float, nargs="+", default=[0.85, 0.95])
    parser.add_argument("--draws", type=int, nargs="+", default=[1, 3, 10])
    options = parser.parse_args()
    rows = []
    for firmness in options.firmness:
        for n_images in options.images:
            for f1 in options.f1:
                for n_draws in options.draws:
                    found = coverage(f1, firmness, n_images, n_draws, options.models)
                    cells = [
                        "none" if np.isnan(found[name]) else f"{found[name]:.3f}"
                        for name in ("held", "width", "share", "true share")
                    ]
                    rows.append([f"{firmness:g}", str(n_images), f"{f1:g}", str(n_draws), *cells])
    print_table(("firmness", "images", "true F1", "draws", "F1", "width", "draws' share", "true share"), rows)


if __name__ == "__main__":
    main()
