"""Intervals of a real model's answers: against a bootstrap in plain loops, and over images against questions."""

import random
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import real_answers
from counts import n_answered_images, percentiles

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.bootstrap import Interval

PLAIN_REPLICATES = 600
"""A 2.5 % quantile of so many has a standard error of 0.0064 / 0.058 = 0.11 standard deviations, which is 2.8 % of
the interval's width, for normal values; with what 10,000 replicates add, 20 % of the width are seven of them."""


@pytest.fixture
def answered(shared: Path) -> tuple[tuple[LabelSet, ...], dict[Question, Answer]]:
    benchmark = real_answers.benchmark(shared)
    return benchmark.label_sets, dict(real_answers.joined(shared, benchmark).answers)


def test_a_bootstrap_in_plain_loops_agrees(
    answered: tuple[tuple[LabelSet, ...], dict[Question, Answer]],
) -> None:
    label_sets, answers = answered
    intervals = percentiles(label_sets, answers)["repope"]
    labels_of = next(label_set.variants for label_set in label_sets if label_set.name == "repope")
    images = sorted({question.image for question in answers})
    tallies = {image: {variant: [0, 0, 0, 0] for variant in labels_of} for image in images}
    for variant, labels in labels_of.items():
        for question, label in labels.items():
            if question in answers:
                said = "yes" in answers[question].response.lower()
                tallies[question.image][variant][2 * (not label) + (not said)] += 1  # TP, FN, FP, TN
    generator = random.Random(12)
    values: dict[tuple[str, str], list[float]] = {}
    for _ in range(PLAIN_REPLICATES):
        drawn = generator.choices(images, k=len(images))
        f1_of = {}
        for variant in labels_of:
            tp, fn, fp, tn = (sum(tallies[image][variant][place] for image in drawn) for place in range(4))
            f1_of[variant] = 2 * tp / (2 * tp + fp + fn)
            of_variant = {"f1": f1_of[variant], "precision": tp / (tp + fp), "tnr": tn / (tn + fp), "tp": tp}
            for figure, value in of_variant.items():
                values.setdefault((variant, figure), []).append(value)
        values.setdefault(("mean", "f1"), []).append(sum(f1_of.values()) / len(f1_of))
    assert len(values) == 3 * 4 + 1
    for (variant, figure), of_replicates in values.items():
        low, high = np.percentile(of_replicates, (2.5, 97.5))
        assert intervals[variant][figure] == pytest.approx((low, high), abs=0.2 * (high - low))


def test_questions_alone_would_give_ratios_the_same_intervals_and_counts_wider_ones(
    answered: tuple[tuple[LabelSet, ...], dict[Question, Answer]],
) -> None:
    """This model's errors hardly cluster, and each image has 3 questions of either label in each variant.

    The last is why counts are surer than if questions were drawn: the number of positives hardly varies.
    """
    label_sets, answers = answered
    over_images = percentiles(label_sets, answers)
    alone = {
        question: Question(f"{question.image} {question.text}", question.text, question.object)
        for label_set in label_sets
        for labels in label_set.variants.values()
        for question in labels
    }
    apart = [
        LabelSet(
            label_set.name,
            {
                variant: {alone[question]: label for question, label in labels.items()}
                for variant, labels in label_set.variants.items()
            },
        )
        for label_set in label_sets
    ]
    said = {alone[question]: Answer(alone[question], answer.response) for question, answer in answers.items()}
    over_questions = percentiles(apart, said)
    assert n_answered_images(label_sets, answers) == 500
    assert n_answered_images(apart, said) == 4885
    for name in ("pope", "repope"):
        for variant in ("random", "popular", "adversarial", "mean"):
            for figure in ("f1", "precision", "recall", "tnr", "accuracy", "balanced_accuracy"):
                assert 0.9 < _width_ratio(over_images, over_questions, name, variant, figure) < 1.12
            assert _width_ratio(over_images, over_questions, name, variant, "tp") < 0.75


def _width_ratio(
    one: Mapping[str, Mapping[str, Mapping[str, Interval]]],
    other: Mapping[str, Mapping[str, Mapping[str, Interval]]],
    name: str,
    variant: str,
    figure: str,
) -> float:
    first, second = (found[name][variant][figure] for found in (one, other))
    assert first is not None
    assert second is not None
    return (first[1] - first[0]) / (second[1] - second[0])
