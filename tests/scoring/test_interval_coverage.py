"""How often the 95 % intervals hold the true F1: of simulated models whose true figures are known."""

import re
from pathlib import Path

import numpy as np
import pytest
import real_answers
import warm_commands
from conftest import PROJECT
from numpy.typing import NDArray

from repope_eval.records import LabelSet, Question
from repope_eval.scoring import bootstrap
from repope_eval.scoring.bootstrap import interval_of, labelled_images, mean_over, replicated, variant_cells
from repope_eval.scoring.confusion import OUTCOMES
from repope_eval.scoring.protocols import PROTOCOLS

MODELS = 500
"""So many that a coverage of 95 % is met to within 1 % (one standard error)."""
MODELS_AT_ONCE = 250
MISSES, FALSE_ALARMS = 0.15, 0.05
"""Rates of the images of middling difficulty."""
IMAGE_EFFECT = 1.2
"""Standard deviation of the logit of the error rates between images."""


def real_structure(shared: Path) -> LabelSet:
    label_sets = real_answers.benchmark(shared).label_sets
    return next(label_set for label_set in label_sets if label_set.name == "repope")


def error_rates(labels: NDArray[np.bool_], effects: NDArray[np.float64]) -> NDArray[np.float64]:
    middling = np.where(labels, MISSES, FALSE_ALARMS)
    return 1 / (1 + (1 - middling) / middling * np.exp(-IMAGE_EFFECT * effects))


def true_f1(labels: NDArray[np.bool_]) -> float:
    """F1 of the expected counts: each question's mean error rate over images of every difficulty."""
    points, weights = np.polynomial.hermite_e.hermegauss(80)
    rates = error_rates(labels[:, None], points) @ weights / weights.sum()
    tp, wrong = (1 - rates[labels]).sum(), rates.sum()
    return float(2 * tp / (2 * tp + wrong))


def simulated_counts(
    label_set: LabelSet, questions: list[Question], generator: np.random.Generator
) -> NDArray[np.float64]:
    """[images, models, variants, outcomes]: a model gives one answer to a question, in whichever variants."""
    images = {image: place for place, image in enumerate(labelled_images([label_set]))}
    image_of = np.array([images[question.image] for question in questions])
    effects = generator.standard_normal((MODELS_AT_ONCE, len(images)))[:, image_of]
    chances = generator.random((MODELS_AT_ONCE, len(questions)))
    places = {question: place for place, question in enumerate(questions)}
    counts = np.zeros((len(images), MODELS_AT_ONCE, len(label_set.variants), len(OUTCOMES)))
    for variant, labels in enumerate(label_set.variants.values()):
        columns = np.array([places[question] for question in labels])
        label = np.array(list(labels.values()))
        errs = chances[:, columns] < error_rates(label, effects[:, columns])
        for outcome, met in (
            ("tp", label & ~errs),
            ("fp", ~label & errs),
            ("tn", ~label & ~errs),
            ("fn", label & errs),
        ):
            in_image = np.zeros((len(images), MODELS_AT_ONCE))
            np.add.at(in_image, image_of[columns], met.T)
            counts[:, :, variant, OUTCOMES.index(outcome)] = in_image
    return counts


def test_percentiles_hold_the_true_f1_of_95_of_100_models(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the questions of RePOPE as they are."""
    monkeypatch.setattr(bootstrap, "REPLICATES", 1000)
    label_set = real_structure(shared)
    questions = list(dict.fromkeys(question for labels in label_set.variants.values() for question in labels))
    true = np.array([true_f1(np.array(list(labels.values()))) for labels in label_set.variants.values()])
    generator = np.random.default_rng(11)
    held = {variant: 0 for _, variant, _ in variant_cells([label_set])}
    for _ in range(MODELS // MODELS_AT_ONCE):
        counts = simulated_counts(label_set, questions, generator)
        values = replicated(counts, PROTOCOLS["repope"], ["f1"])["f1"]
        for _, variant, places in variant_cells([label_set]):
            of_variant, truth = mean_over(values, places), true[list(places)].mean()
            for model in range(MODELS_AT_ONCE):
                interval = interval_of(of_variant[:, model])
                assert interval is not None
                held[variant] += interval[0] <= truth <= interval[1]
    shares = {variant: n / MODELS for variant, n in held.items()}
    assert len(shares) == 4
    assert all(0.93 <= share <= 0.97 for share in shares.values()), shares


COVERAGES = (
    ("mild", "8", "0.98"),
    ("mild", "100", "1"),
    ("clustered", "100", "0.85"),
    ("halves", "500", "0.85"),
    ("unequal", "20", "0.95"),
)


@pytest.mark.perf
@pytest.mark.parametrize(("kind", "n_images", "f1"), COVERAGES)
def test_intervals_hold_the_truth_however_errors_come_together(kind: str, n_images: str, f1: str) -> None:
    """As `perf/coverage.py` simulates it, whose table has more models: 0.93 or more in all of its rows of these kinds.

    Of 150 models, a share of 0.93 has a standard error of 0.021.
    """
    words = ("--models", "150", "--kinds", kind, "--images", n_images, "--f1", f1)
    ended = warm_commands.run(*words, program="perf/coverage.py", folder=PROJECT)
    assert ended.returncode == 0, ended.stderr
    _, row = [re.split(r"\s{2,}", line) for line in ended.stdout.splitlines()]
    assert row[:3] == [kind, n_images, f1]
    *shares, name, _, gamma = row[3:]
    assert min(map(float, shares)) >= 0.93 - 2 * 0.021, (shares, name)
    assert float(gamma) == 1 or int(n_images) >= 100


@pytest.mark.perf
def test_intervals_of_captions_hold_the_truth() -> None:
    """As `perf/caption_coverage.py` simulates it, whose table has more models."""
    words = ("--models", "150", "--kinds", "long", "--images", "50", "500", "--chair-i", "0.02", "0.15")
    ended = warm_commands.run(*words, program="perf/caption_coverage.py", folder=PROJECT)
    assert ended.returncode == 0, ended.stderr
    _, *rows = [re.split(r"\s{2,}", line) for line in ended.stdout.splitlines()]
    assert [(row[1], round(float(row[2]), 2)) for row in rows] == [
        ("50", 0.02), ("50", 0.15), ("500", 0.02), ("500", 0.15)
    ]  # fmt: skip
    for _, images, _, *shares, with_change, change, _, gamma in rows:
        assert len(shares) == 3
        assert min(map(float, shares)) >= 0.93 - 2 * 0.021, shares
        assert float(with_change) == (images == "500")
        assert images == "50" or float(change) >= 0.93 - 2 * 0.021
        assert images == "500" or float(gamma) == 1


@pytest.mark.perf
def test_intervals_for_other_objects_hold_the_truth() -> None:
    """As `perf/object_coverage.py` simulates it: 0.93 or more, where percentiles would hold as few as 0.8."""
    ended = warm_commands.run("--models", "150", program="perf/object_coverage.py", folder=PROJECT)
    assert ended.returncode == 0, ended.stderr
    _, *rows = [re.split(r"\s{2,}", line) for line in ended.stdout.splitlines()]
    assert len(rows) == 5
    for name, *shares, percentiles in rows:
        assert min(map(float, shares)) >= 0.93 - 2 * 0.021, (name, shares)
        assert float(percentiles) < 0.95
