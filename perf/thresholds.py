"""How often a threshold's intervals hold the truth, and how often a method is said to beat it: of simulated answers.

    python perf/thresholds.py [--images 100 500] [--simulations 500]

A baseline answers three questions of either label about each image, too seldom with yes. A method sees with the same
skill or a better one, errs more or less like the baseline, and says yes at the threshold that is best for it. The truth
is of 2,000,000 questions, with the best of all thresholds. After the true gains and what the method truly has
beyond the best threshold come the shares of the simulations in which an interval holds the truth: of the gain of the
best threshold, of what the method has beyond it, and beyond the threshold at its share of yes. The last columns are how
often the method is said to beat the best threshold, or to be below it.
"""

import argparse
from dataclasses import dataclass

import numpy as np
from gauges import print_table
from numpy.typing import NDArray

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.differences import Difference
from repope_eval.scoring.power import LEVEL
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.thresholds import BEST, EQUAL, METHOD, check_thresholds

EACH = 3
"""Questions of either label about an image."""
SKILL, IMAGE_EFFECT = 2.0, 0.5
"""How far apart the labels are, and how much an image adds to all of its questions, in standard deviations of noise."""
OWN = 2.0
"""Where the baseline begins to say yes: that of half confidence."""
ALIKE = (0.9, 0.5)
"""Correlations of the method's noise with the baseline's."""
BETTER = (0.0, 0.3)
"""What the method adds to the skill."""
N_TRUE = 2_000_000 // (2 * EACH)

Values = NDArray[np.float64]
LABELS = np.repeat([True, False], EACH)


@dataclass(frozen=True)
class Drawn:
    """Evidence for yes, [images, questions]."""

    method: Values
    baseline: Values

    @classmethod
    def of(cls, n_images: int, alike: float, better: float, generator: np.random.Generator) -> "Drawn":
        """That of a method and a baseline about so many images."""
        image = IMAGE_EFFECT * generator.standard_normal((n_images, 1))
        noise, own = generator.standard_normal((2, n_images, 2 * EACH))
        baseline = SKILL * LABELS + image + noise
        method = (SKILL + better) * LABELS + image + alike * noise + np.sqrt(1 - alike**2) * own
        return cls(method, baseline)


def f1_at(evidence: Values, threshold: float) -> float:
    says_yes = evidence >= threshold
    return float(2 * says_yes[:, LABELS].sum() / (says_yes.sum() + EACH * len(evidence)))


def best_threshold(evidence: Values) -> float:
    """On a grid, which is as good, since F1 is flat there."""
    return float(max(np.arange(-1, 3, 0.02), key=lambda threshold: f1_at(evidence, threshold)))


def found(drawn: Drawn, own: float) -> dict[str, Difference]:
    """The gain of the best threshold, and what the method has beyond it and beyond its share of yes."""
    questions = [
        [Question(f"{image}", f"{place}", "") for place in range(2 * EACH)]
        for image in range(len(drawn.method))
    ]
    labels = {question: bool(LABELS[place]) for of in questions for place, question in enumerate(of)}
    flat = [question for of in questions for question in of]
    p_yes = (1 / (1 + np.exp(OWN - drawn.baseline))).ravel().tolist()
    method = {
        q: Answer(q, "yes" if said else "no")
        for q, said in zip(flat, (drawn.method >= own).ravel().tolist(), strict=True)
    }
    baseline = {
        q: Answer(q, "yes" if p >= 0.5 else "no", p_yes=p, p_no=1 - p)
        for q, p in zip(flat, p_yes, strict=True)
    }
    check = check_thresholds(method, baseline, LabelSet("labels", {"all": labels}), PROTOCOLS["repope"])
    gains = check.variants["all"]
    return {"gain": gains.gains[BEST], BEST: gains.beyond[BEST], EQUAL: gains.beyond[EQUAL]}


def row(n_images: int, alike: float, better: float, simulations: int) -> list[str]:
    generator = np.random.default_rng(1)
    true = Drawn.of(N_TRUE, alike, better, generator)
    own, best = best_threshold(true.method), best_threshold(true.baseline)
    equal = float(np.quantile(true.baseline, 1 - (true.method >= own).mean()))
    of_method, of_best = f1_at(true.method, own), f1_at(true.baseline, best)
    of_baseline = f1_at(true.baseline, OWN)
    truth = {
        METHOD: of_method - of_baseline,
        "gain": of_best - of_baseline,
        BEST: of_method - of_best,
        EQUAL: of_method - f1_at(true.baseline, equal),
    }
    held: dict[str, list[bool]] = {name: [] for name in ("gain", BEST, EQUAL)}
    signs = []
    for _ in range(simulations):
        result = found(Drawn.of(n_images, alike, better, generator), own)
        for name, of_name in held.items():
            if (interval := result[name].interval) is not None:
                of_name.append(interval[0] <= truth[name] <= interval[1])
        p, value = result[BEST].p, result[BEST].value or 0.0
        signs.append(np.sign(value) if p is not None and p <= LEVEL else 0)
    return [
        str(n_images), f"{alike:g}", f"{better:g}",
        *(f"{100 * truth[name]:.2f}" for name in (METHOD, "gain", BEST)),
        *(f"{np.mean(of_name):.3f}" if of_name else "–" for of_name in held.values()),
        *(f"{np.mean(np.array(signs) == sign):.3f}" for sign in (1, -1)),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, nargs="+", default=[100, 500], help="default: 100 500")
    parser.add_argument("--simulations", type=int, default=500, help="default: 500")
    options = parser.parse_args()
    headings = (
        "images", "alike", "better", "method", "threshold", "beyond", "held: threshold", "held: beyond",
        "held: yes as often", "beats", "below",
    )  # fmt: skip
    rows = [
        row(n_images, alike, better, options.simulations)
        for n_images in options.images
        for alike in ALIKE
        for better in BETTER
    ]
    print_table(headings, rows)


if __name__ == "__main__":
    main()
