"""How often the 95 % intervals of AUROC, average precision, Brier score and calibration error hold the truth.

    python perf/confidence.py [--models 100] [--images 100 500]

Simulated models answer six questions about each image, three of either label, or some of label yes at random. Their
confidence is right on average: the more the labels are apart, the higher AUROC is; a fifth of what makes a question
hard is its image's. In some, a share of the images has half its questions answered for the opposite label, or a share
of all questions; others are surer than they should be. A row is a figure of a kind of models: the true one, how often
percentiles of the replicates hold it, how many of the models have an interval, and how often that holds.
"""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from gauges import print_table
from numpy.typing import NDArray

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring import evidence as evidence_module
from repope_eval.scoring.bootstrap import drawn_totals, drawn_weights, interval_of
from repope_eval.scoring.calibration import BINS, calibration_sums
from repope_eval.scoring.estimates import Estimate, Interval
from repope_eval.scoring.evidence import MOST_LEVELS, DrawnLevels, evidence

EACH = 6
"""Questions about an image."""
IMAGE_SHARE = 0.2
"""The share of the variance of a question's difficulty that its image has."""
REPLICATES = 300
FIGURES = ("auroc", "average_precision", "brier", "ece", "ece_debiased")

Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Kind:
    """How the confidence of simulated models comes about: what sets one row of the table apart from another."""

    apart: float
    """Distance between the means of the labels, in standard deviations."""
    yes: float | None = None
    """The share of label yes; None: three of an image's six questions."""
    bad_images: float = 0.0
    """The share of the images of which half the questions are answered for the opposite label."""
    wrong: float = 0.0
    """The share of the questions that are answered for the opposite label."""
    sharpness: float = 1.0
    """What the logit of the confidence is multiplied by; above 1, the model is too sure."""


KINDS: Mapping[str, Kind] = {
    "AUROC .948": Kind(apart=2.3),
    "AUROC .948, too sure": Kind(apart=2.3, sharpness=2),
    "AUROC .983": Kind(apart=3),
    "AUROC .9985": Kind(apart=4.2),
    "2 % bad images": Kind(apart=4.7, bad_images=0.02),
    "10 % bad images": Kind(apart=4.7, bad_images=0.1),
    "1 % wrong": Kind(apart=4.7, wrong=0.01),
    "3 % yes": Kind(apart=2.3, yes=0.03),
    "3 % yes, AUROC .9985": Kind(apart=4.2, yes=0.03),
}


@dataclass(frozen=True)
class Simulated:
    """The questions of one model, the most confident in yes first."""

    images: NDArray[np.int64]
    confidences: Values
    labels: Values


def simulated(kind: Kind, n_images: int, generator: np.random.Generator) -> Simulated:
    """One model's questions."""
    images = np.repeat(np.arange(n_images), EACH)
    labels = np.tile([1.0, 1, 1, 0, 0, 0], n_images)
    if kind.yes is not None:
        labels = (generator.random(len(images)) < kind.yes).astype(np.float64)
    is_bad = (generator.random(n_images) < kind.bad_images)[images] & (generator.random(len(images)) < 0.5)
    seen = np.where(is_bad | (generator.random(len(images)) < kind.wrong), 1 - labels, labels)
    sides = 2 * seen - 1
    scores = sides * (kind.apart / 2 + np.sqrt(IMAGE_SHARE) * generator.standard_normal(n_images)[images])
    scores += np.sqrt(1 - IMAGE_SHARE) * generator.standard_normal(len(images))
    share = 0.5 if kind.yes is None else kind.yes
    logits = kind.sharpness * (kind.apart * scores + np.log(share / (1 - share)))
    confidences = 1 / (1 + np.exp(-logits))
    order = np.argsort(-confidences, kind="stable")
    return Simulated(images[order], confidences[order], labels[order])


def figures(model: Simulated, weights: Values) -> dict[str, Values]:
    """The figures but for the debiased error, [replicates], with images drawn as often as the weights say."""
    levels = DrawnLevels(model.images, model.confidences, model.labels, MOST_LEVELS)
    sums = calibration_sums(model.images, model.confidences, model.labels, weights.shape[1])
    means = drawn_totals(weights, sums)
    means = means[:, :-1] / means[:, -1:]
    return {
        **levels.figures(weights.astype(np.min_scalar_type(int(weights.max())))),
        "brier": means[:, BINS],
        "ece": np.abs(means[:, :BINS]).sum(axis=1),
    }


def true_figures(kind: Kind, n_images: int) -> dict[str, float]:
    """The figures of very many images. Where confidences are as high as yes is frequent, the calibration error is 0."""
    model = simulated(kind, n_images, np.random.default_rng(5))
    found = {name: float(values[0]) for name, values in figures(model, np.ones((1, n_images))).items()}
    if (kind.bad_images, kind.wrong, kind.sharpness) == (0, 0, 1):
        found["ece"] = 0.0
    return found | {"ece_debiased": found["ece"]}


def estimates_of(model: Simulated) -> Mapping[str, Estimate]:
    """What the program says of the model."""
    labels, answers = {}, {}
    for number, (image, confidence, label) in enumerate(
        zip(model.images.tolist(), model.confidences.tolist(), model.labels.tolist(), strict=True)
    ):
        question = Question(f"{image}.jpg", f"{number}?", "")
        labels[question] = label == 1
        answers[question] = Answer(question, "", 1, confidence, 1 - confidence)
    found = evidence([LabelSet("pope", {"random": labels})], answers)
    return found["pope"]["random"].estimates


def coverage(
    kind: Kind, true: Mapping[str, float], n_images: int, n_models: int
) -> dict[str, tuple[float, float, float]]:
    """By figure: how often percentiles hold the truth, how many models have an interval, and how often that holds."""
    evidence_module.EVIDENCE_REPLICATES = REPLICATES
    generator = np.random.default_rng(11)
    weights = np.concatenate(list(drawn_weights(n_images, REPLICATES)))
    by_percentiles: dict[str, list[Interval]] = {name: [] for name in FIGURES}
    now: dict[str, list[Interval]] = {name: [] for name in FIGURES}
    for _ in range(n_models):
        model = simulated(kind, n_images, generator)
        drawn, found = figures(model, weights), estimates_of(model)
        for name in FIGURES:
            now[name].append(found[name].interval)
            by_percentiles[name].append(interval_of(drawn[name]) if name in drawn else None)
    return {
        name: (_held(by_percentiles[name], true[name])[1], *_held(now[name], true[name])) for name in FIGURES
    }


def _held(intervals: list[Interval], true: float) -> tuple[float, float]:
    """How many there are, as a share, and the share of these that hold the truth; NaN where there is none."""
    held = [interval[0] <= true <= interval[1] for interval in intervals if interval]
    return len(held) / len(intervals), float(np.mean(held)) if held else np.nan


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, default=100, help="simulated for each row; default: 100")
    parser.add_argument("--images", type=int, nargs="+", default=[100, 500])
    parser.add_argument(
        "--truth", type=int, default=150_000, help="images that true figures are of; default: 150000"
    )
    options = parser.parse_args()
    rows = []
    for name, kind in KINDS.items():
        true = true_figures(kind, options.truth)
        for n_images in options.images:
            for figure, shares in coverage(kind, true, n_images, options.models).items():
                texts = ("-" if np.isnan(share) else f"{share:.3f}" for share in shares)
                rows.append([str(n_images), name, figure.replace("_", " "), f"{true[figure]:.4f}", *texts])
    print_table(("images", "models", "figure", "true", "percentiles", "given", "holds"), rows)


if __name__ == "__main__":
    main()
