"""How many of the pairs of many models can be told apart, by what p values are adjusted with.

    python perf/many_models.py [--models 28 34] [--images 500]

Simulated models answer a simulated benchmark as large as POPE; each pair's F1 (mean over the variants, corrected
labels) is compared as `report` does. Holm's adjustment of m pairs multiplies the smallest p by m, and with 10,000
replicates a p is 0.0001 at least, so from 33 models (528 pairs) on it finds nothing. The step-down over the joint
replicates (Romano and Wolf) has no such floor. Holm's on p values of a normal distribution has none either, and is
there to show that it is the floor that hides the differences, and not that there are none.
"""

import argparse
import time
from collections.abc import Sequence
from statistics import NormalDist

from simulated_answers import make_truth, simulated_answers, simulated_labels

from repope_eval.scoring.comparison import compare
from repope_eval.scoring.differences import AIM, Difference
from repope_eval.scoring.power import LEVEL

COLUMNS = ("models", "pairs", "Holm", "Romano-Wolf", "Holm, normal p", "seconds")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, nargs="+", default=[28, 34], help="default: 28 34")
    parser.add_argument("--images", type=int, default=500, help="default: 500")
    options = parser.parse_args()
    truth = make_truth(options.images)
    labels = simulated_labels(truth)
    models = {
        f"model {seed}": {
            answer.question: answer for of_image in simulated_answers(truth, seed) for answer in of_image
        }
        for seed in range(max(options.models))
    }
    print("  ".join(COLUMNS))
    for n_models in options.models:
        started = time.perf_counter()
        found = compare(dict(list(models.items())[:n_models]), labels, "repope").differences["repope"]["mean"]
        tested = [pair for pair in found if pair.interval is not None]
        figures = (
            n_models,
            len(found),
            _n_found(_holm([pair.p or 0 for pair in tested])),
            _n_found([pair.p_adjusted or 0 for pair in tested]),
            _n_found(_holm([_normal_p(pair) for pair in tested])),
            f"{time.perf_counter() - started:.1f}",
        )
        print(
            "  ".join(str(figure).rjust(len(title)) for figure, title in zip(figures, COLUMNS, strict=True))
        )


def _n_found(adjusted: Sequence[float]) -> int:
    return sum(p <= LEVEL for p in adjusted)


def _holm(p_values: Sequence[float]) -> list[float]:
    """S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", 1979: p of the k-th times m - k + 1."""
    adjusted, highest = [], 0.0
    for index, p in enumerate(sorted(p_values)):
        highest = max(highest, min(1.0, p * (len(p_values) - index)))
        adjusted.append(highest)
    return adjusted


def _normal_p(pair: Difference) -> float:
    """The two-sided p value of a difference divided by its standard error."""
    assert pair.value is not None
    assert pair.detectable is not None
    return 2 * NormalDist().cdf(-abs(pair.value) * AIM.errors / pair.detectable)


if __name__ == "__main__":
    main()
