"""How often an interval of Kendall's tau between two rankings holds the true tau: of simulated models.

    python perf/rank_agreement.py [--models 10 40] [--images 100 500] [--simulations 100]

The truth is tau between the rankings by the models' true F1 under the old and the corrected labels. Models differ in
skill and in how readily they say yes, and each has its own way with flipped and ambiguous questions; a row is one
standard deviation of each between models, in logits. Each image has three questions of either old label, of which as
many are flipped and left out as in RePOPE. An image and a question are harder or easier for all models at once.

The first columns are means over the simulations: the true tau, that of the answers, and that of replicates over images.
Then come the shares of the simulations in which an interval holds the truth: from the 2.5th to the 97.5th percentile of
the replicates; the same reflected about tau; and symmetric about tau, as far as the farther percentile. The last column
is the share in which tau itself is outside of the percentiles.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from gauges import print_table
from numpy.typing import NDArray
from simulated_answers import FLIPPED, REMOVED

from repope_eval.scoring.bootstrap import drawn_totals, drawn_weights
from repope_eval.scoring.comparison import kendall_tau

EACH = 3
"""Questions of either old label about an image."""
KINDS = ("sound", "flipped", "removed")
SHARES = {
    label: (1 - FLIPPED[label] - REMOVED[label], FLIPPED[label], REMOVED[label]) for label in ("yes", "no")
}
LOGITS = {"yes": (2.6, 0.0, 0.8), "no": (-3.6, 1.5, 0.8)}
"""Of saying yes, by old label and kind, for a middling model."""
HARDNESS = 1.4
"""Standard deviation of what an image and a question, in equal parts, add to all models' logits."""
SPREADS = ((0.1, 0.05), (0.1, 0.3), (0.4, 0.3), (1.0, 0.1))
"""Standard deviations between models: of skill and of saying yes; and of each one's own way."""
REPLICATES = 400

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Models:
    """Simulated models, by their logits of yes: [models, kinds] for each old label."""

    logits: Mapping[str, Values]

    def true_f1(self) -> tuple[Values, Values]:
        """F1 of the expected counts under the old and the corrected labels, [models]."""
        points, weights = np.polynomial.hermite_e.hermegauss(60)
        rates = {
            label: _chance(logits[..., None] + HARDNESS * points) @ weights / weights.sum()
            for label, logits in self.logits.items()
        }
        counts = {
            (label, kind): np.stack([share * rate, share * (1 - rate)], axis=-1)
            for label in SHARES
            for kind, share, rate in zip(KINDS, SHARES[label], rates[label].T, strict=True)
        }
        return _f1_of(counts)

    def answer(self, n_images: int, generator: np.random.Generator) -> dict[tuple[str, str], Values]:
        """How many yes and no each model says about each image, by old label and kind: [images, models, 2]."""
        of_image = generator.standard_normal((n_images, 1, 1))
        counts = {}
        for label, logits in self.logits.items():
            kinds = generator.choice(len(KINDS), (n_images, EACH), p=SHARES[label])
            hardness = (of_image + generator.standard_normal((n_images, EACH, 1))) * HARDNESS / np.sqrt(2)
            chances = _chance(np.moveaxis(logits[:, kinds], 0, -1) + hardness)
            says_yes = generator.random(chances.shape) < chances
            for index, kind in enumerate(KINDS):
                asked = (kinds == index)[..., None]
                both = [(says_yes & asked).sum(axis=1), (~says_yes & asked).sum(axis=1)]
                counts[label, kind] = np.stack(both, axis=-1).astype(np.float64)
        return counts


def make_models(n_models: int, spread: float, own: float, generator: np.random.Generator) -> Models:
    """Draws models that differ so much."""
    skill, yes = spread * generator.standard_normal((2, n_models, 1))
    sense = {"yes": np.array([1, -0.5, 0]), "no": np.array([-1, 0.5, 0])}
    way = own * generator.standard_normal((n_models, len(KINDS))) * np.array([0, 1, 1])
    return Models({label: np.array(LOGITS[label]) + skill * sense[label] + yes + way for label in LOGITS})


def _chance(logits: Values) -> Values:
    chances: Values = 1 / (1 + np.exp(-logits))
    return chances


def _f1_of(counts: Mapping[tuple[str, str], Values]) -> tuple[Values, Values]:
    """F1 under the old and under the corrected labels, [...] of [..., 2] of each kind of questions."""
    old_yes, old_no = (np.sum([counts[label, kind] for kind in KINDS], axis=0) for label in ("yes", "no"))
    new_yes, new_no = (
        counts[label, "sound"] + counts[other, "flipped"] for label, other in (("yes", "no"), ("no", "yes"))
    )
    old, new = (
        2 * yes[..., 0] / (2 * yes[..., 0] + yes[..., 1] + no[..., 0])
        for yes, no in ((old_yes, old_no), (new_yes, new_no))
    )
    return old, new


def simulate(models: Models, n_images: int, generator: np.random.Generator) -> tuple[float, float, Values]:
    """The true tau, that of the answers about some images, and that in each replicate of them."""
    counts = models.answer(n_images, generator)
    (weights,) = drawn_weights(n_images, REPLICATES)
    drawn = {
        key: drawn_totals(weights, of_kind.reshape(n_images, -1)).reshape(REPLICATES, *of_kind.shape[1:])
        for key, of_kind in counts.items()
    }
    totals = {key: of_kind.sum(axis=0) for key, of_kind in counts.items()}
    found, replicates = (kendall_tau(*_f1_of(each)) for each in (totals, drawn))
    return float(kendall_tau(*models.true_f1())), float(found), replicates


def row(n_models: int, n_images: int, spread: float, own: float, n_simulations: int) -> Sequence[float]:
    """The figures of one row: three means, three shares that hold the truth, and the share without tau itself."""
    generator = np.random.default_rng(7)
    found = []
    for _ in range(n_simulations):
        models = make_models(n_models, spread, own, generator)
        true, tau, replicates = simulate(models, n_images, generator)
        low, high = np.percentile(replicates, (2.5, 97.5))
        farther = max(high - tau, tau - low)
        intervals = ((low, high), (2 * tau - high, 2 * tau - low), (tau - farther, tau + farther))
        held = [start - 1e-9 <= true <= end + 1e-9 for start, end in intervals]
        found.append([true, tau, replicates.mean(), *held, not low <= tau <= high])
    means: list[float] = np.mean(found, axis=0).tolist()
    return means


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, nargs="+", default=[10, 40], help="default: 10 40")
    parser.add_argument("--images", type=int, nargs="+", default=[100, 500], help="default: 100 500")
    parser.add_argument("--simulations", type=int, default=100, help="of each row; default: 100")
    options = parser.parse_args()
    rows = [
        [
            *(f"{value:g}" for value in (n_models, n_images, spread, own)),
            *(f"{value:.2f}" for value in row(n_models, n_images, spread, own, options.simulations)),
        ]
        for n_models in options.models
        for n_images in options.images
        for spread, own in SPREADS
    ]
    titles = (
        "true tau",
        "of answers",
        "of replicates",
        "percentiles",
        "reflected",
        "symmetric",
        "tau outside",
    )
    print_table(("models", "images", "spread", "own way", *titles), rows)


if __name__ == "__main__":
    main()
