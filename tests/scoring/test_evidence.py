"""Scores that need no threshold, against brute force, and how sure they are."""

import math
import random
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring import evidence as module
from repope_eval.scoring.calibration import ECE_REASON
from repope_eval.scoring.evidence import DrawnLevels, Evidence, evidence, level_figures, level_starts

Labels = dict[Question, bool]
Answers = dict[Question, Answer]
Pairs = list[tuple[float, bool]]
"""Confidence and label."""


def of_confidences(pairs: Pairs, each: int = 1, total: float = 0.9) -> tuple[Labels, Answers]:
    """Questions of known confidence, so many about each image; both probabilities sum to `total`."""
    labels: Labels = {}
    answers: Answers = {}
    for number, (confidence, label) in enumerate(pairs):
        question = Question(f"{number // each}.jpg", f"{number}?", "")
        labels[question] = label
        answers[question] = Answer(question, "", 1, confidence * total, (1 - confidence) * total)
    return labels, answers


def found(labels: Labels, answers: Answers) -> Evidence:
    return evidence([LabelSet("pope", {"random": labels})], answers)["pope"]["random"]


def simulated(n: int, seed: int, levels: int | None = None) -> Pairs:
    """A fair model, its confidences rounded to so many levels."""
    generator = random.Random(seed)
    pairs = []
    for _ in range(n):
        label = generator.random() < 0.4
        confidence = generator.betavariate(4, 2) if label else generator.betavariate(2, 4)
        pairs.append((confidence if levels is None else round(confidence * levels) / levels, label))
    return pairs


def brute_auroc(pairs: Pairs) -> float:
    yes, no = ([c for c, label in pairs if label is side] for side in (True, False))
    return sum((a > b) + (a == b) / 2 for a in yes for b in no) / (len(yes) * len(no))


def brute_average_precision(pairs: Pairs) -> float:
    n_yes = sum(label for _, label in pairs)
    area = last_recall = 0.0
    for threshold in sorted({c for c, _ in pairs}, reverse=True):
        read = [label for c, label in pairs if c >= threshold]
        area += (sum(read) / n_yes - last_recall) * sum(read) / len(read)
        last_recall = sum(read) / n_yes
    return area


def brute_ece(pairs: Pairs) -> float:
    bins: dict[int, Pairs] = {}
    for confidence, label in pairs:
        bins.setdefault(min(9, math.floor(confidence * 10)), []).append((confidence, label))
    gaps = [abs(sum(c for c, _ in inside) - sum(label for _, label in inside)) for inside in bins.values()]
    return sum(gaps) / len(pairs)


def brute_brier(pairs: Pairs) -> float:
    return sum((confidence - label) ** 2 for confidence, label in pairs) / len(pairs)


def brute_best_f1(pairs: Pairs) -> float:
    n_yes = sum(label for _, label in pairs)
    reads = [[label for c, label in pairs if c >= threshold] for threshold in {c for c, _ in pairs}]
    return max(2 * sum(read) / (len(read) + n_yes) for read in reads)


FIGURES: dict[str, Callable[[Pairs], float]] = {
    "auroc": brute_auroc,
    "average_precision": brute_average_precision,
    "ece": brute_ece,
    "brier": brute_brier,
    "best_f1": brute_best_f1,
}


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize(("levels", "seed"), [(None, 1), (1, 1), (7, 2)])
def test_the_figures_are_those_of_brute_force(name: str, levels: int | None, seed: int) -> None:
    labels, answers = of_confidences(simulated(150, seed, levels))
    pairs = [
        ((answer.p_yes or 0) / ((answer.p_yes or 0) + (answer.p_no or 0)), labels[question])
        for question, answer in answers.items()
    ]
    assert found(labels, answers).estimates[name].value == pytest.approx(FIGURES[name](pairs))


def test_by_hand() -> None:
    cell = found(*of_confidences([(0.9, True), (0.8, False), (0.8, True), (0.3, False)], total=1.0))
    assert cell.n == 4
    assert cell.estimates["auroc"].value == pytest.approx((1 + 1 + 0.5 + 1) / 4)
    assert cell.estimates["average_precision"].value == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)
    assert (cell.estimates["best_f1"].value, cell.best_threshold) == (pytest.approx(0.8), pytest.approx(0.8))
    assert cell.estimates["ece"].value == pytest.approx((0.1 + 0.6 + 0.3) / 4)
    filled = [part for part in cell.reliability if part.n]
    assert len(cell.reliability) == 10
    assert [(part.low, part.high, part.n, part.yes_share) for part in filled] == [
        (0.3, 0.4, 1, 0),
        (0.8, 0.9, 2, 0.5),
        (0.9, 1.0, 1, 1),
    ]
    assert [part.confidence for part in filled] == pytest.approx([0.3, 0.8, 0.9])


def test_the_last_bin_holds_certainty() -> None:
    cell = found(*of_confidences([(1.0, True), (0.0, False)]))
    assert [part.n for part in cell.reliability] == [1, *[0] * 8, 1]
    assert (cell.estimates["auroc"].value, cell.estimates["ece"].value, cell.estimates["best_f1"].value) == (
        1,
        0,
        1,
    )
    assert [part.confidence for part in cell.reliability[1:9]] == [None] * 8


@pytest.mark.parametrize("name", ["auroc", "average_precision", "brier"])
def test_intervals_are_about_those_of_a_bootstrap_in_plain_loops(name: str) -> None:
    pairs = simulated(240, 3, levels=30)
    interval = found(*of_confidences(pairs, each=2)).estimates[name].interval
    by_image = [pairs[start : start + 2] for start in range(0, 240, 2)]
    generator = random.Random(5)
    values = []
    for _ in range(400):
        drawn = generator.choices(by_image, k=len(by_image))
        values.append(FIGURES[name]([pair for image in drawn for pair in image]))
    low, high = np.percentile(values, (2.5, 97.5))
    # A 2.5 % quantile of 400 has a standard error of 3.4 % of the width; the tolerance is about six of them.
    assert interval == pytest.approx((low, high), abs=0.2 * (high - low))


def test_many_confidences_share_levels_in_replicates_with_little_effect(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    labels, answers = of_confidences(simulated(2400, 6), each=6)
    exact = found(labels, answers)
    monkeypatch.setattr(module, "MOST_LEVELS", 200)
    merged = found(labels, answers)
    for name in ("auroc", "average_precision"):
        assert merged.estimates[name].value == exact.estimates[name].value
        ends, exact_ends = merged.estimates[name].interval, exact.estimates[name].interval
        assert ends != exact_ends
        assert ends == pytest.approx(exact_ends, abs=0.05 * (exact_ends[1] - exact_ends[0]))


def test_merged_levels_keep_equal_confidences_together() -> None:
    confidences = -np.sort(-np.random.default_rng(1).integers(0, 50, 1000) / 50)
    starts = level_starts(confidences, 20)
    assert 1 < len(starts) <= 20
    assert starts[0] == 0
    assert all(confidences[start - 1] > confidences[start] for start in starts[1:])
    assert len(level_starts(confidences)) == len(set(confidences))


@pytest.mark.parametrize("most", [module.MOST_LEVELS, 40])
def test_questions_drawn_on_each_level_are_those_counted_one_by_one(most: int) -> None:
    generator = np.random.default_rng(2)
    images = generator.integers(50, size=300)
    confidences = -np.sort(-generator.integers(0, 90, 300) / 90)
    labels = generator.integers(2, size=300).astype(np.float64)
    (weights,) = module.drawn_weights(50, 8)
    starts = level_starts(confidences, most)
    levels = np.searchsorted(starts, np.arange(300), side="right") - 1
    yes, no = np.zeros((2, 8, len(starts)))
    for row in range(8):
        for image, level, label in zip(images, levels, labels, strict=True):
            (yes if label else no)[row, level] += weights[row, image]
    expected = level_figures(yes, no)
    drawn = DrawnLevels(images, confidences, labels, most).figures(weights.astype(np.uint8))
    assert all(np.array_equal(drawn[name], expected[name]) for name in expected)


def test_labels_and_variants_have_each_their_own() -> None:
    labels, answers = of_confidences(simulated(60, 7))
    opposite = {question: not label for question, label in labels.items()}
    sets = [
        LabelSet("pope", {"random": labels, "popular": opposite}),
        LabelSet("repope", {"random": opposite}),
    ]
    cells = evidence(sets, answers)
    assert {name: list(variants) for name, variants in cells.items()} == {
        "pope": ["random", "popular"],
        "repope": ["random"],
    }
    assert cells["pope"]["popular"] == cells["repope"]["random"]
    assert cells["pope"]["random"].estimates["auroc"].value == pytest.approx(
        1 - (cells["repope"]["random"].estimates["auroc"].value or 0)
    )


def test_answers_without_a_confidence_are_left_out() -> None:
    labels, answers = of_confidences(simulated(60, 8))
    first, second, *_ = answers
    lacking = {first: Answer(first, "yes", 1, None, None), second: Answer(second, "yes", 1, 0.0, 0.0)}
    rest = {question: label for question, label in labels.items() if question not in lacking}
    assert found(labels, answers | lacking) == found(rest, answers)
    assert found(labels, answers | lacking).n == 58
    assert evidence([LabelSet("pope", {"random": labels})], lacking) == {}
    assert evidence([LabelSet("pope", {"random": labels})], {}) == {}


@pytest.mark.parametrize(
    ("p_yes", "p_no", "confidence"),
    [
        (0.6, 0.2, 0.75),
        (0.6, 0.0, 1.0),
        (0.0, 0.0, None),
        (None, None, None),
        (0.999, None, 0.999),  # no may have what is left, and not more
        (None, 0.999, 0.001),
        (1.004, None, 1.0),  # within rounding
        (None, 1.004, 0.0),
    ],
)
def test_the_confidence_of_an_answer(
    p_yes: float | None, p_no: float | None, confidence: float | None
) -> None:
    answer = Answer(next(iter(of_confidences([(0.5, True)])[0])), "yes", 1, p_yes, p_no)
    assert answer.confidence == (None if confidence is None else pytest.approx(confidence))


def test_sure_answers_keep_their_order_where_one_word_is_unknown() -> None:
    """A server that lists 20 tokens may list no spelling of the other word: the ranking stays what it was."""
    labels, answers = of_confidences(simulated(200, 9), total=1.0)
    sure = {
        question: replace(answer, p_no=None if (answer.p_yes or 0) > 0.9 else answer.p_no)
        for question, answer in answers.items()
    }
    assert any(answer.p_no is None for answer in sure.values())
    one, other = found(labels, answers), found(labels, sure)
    assert other.n == one.n
    assert other.estimates["auroc"].value == pytest.approx(one.estimates["auroc"].value)
    assert other.estimates["brier"].value == pytest.approx(one.estimates["brier"].value)


@pytest.mark.parametrize("label", [True, False])
def test_one_label_alone(label: bool) -> None:
    cell = found(*of_confidences([(0.2, label), (0.8, label), (0.8, label)] * 40))
    assert (cell.estimates["auroc"].value, cell.estimates["auroc"].interval) == (None, None)
    assert cell.estimates["auroc"].reason == "only questions of one label have a confidence"
    assert (cell.estimates["average_precision"].value, cell.estimates["best_f1"].value) == (
        (1, 1) if label else (None, None)
    )
    assert (cell.best_threshold is not None) == label
    assert cell.estimates["ece"].value is not None
    assert cell.estimates["brier"].interval is not None


def test_a_figure_that_is_the_same_in_every_replicate_has_no_interval() -> None:
    cell = found(*of_confidences([(0.9, True), (0.2, False)] * 60))
    assert (cell.estimates["auroc"].value, cell.estimates["auroc"].interval) == (1, None)
    assert cell.estimates["auroc"].reason.startswith("the same in every replicate")


def test_few_images_have_figures_and_no_intervals() -> None:
    cell = found(*of_confidences(simulated(99, 9)))
    assert cell.estimates["ece_debiased"].value is not None
    assert {one.interval for one in cell.estimates.values()} == {None}
    assert {one.reason for one in cell.estimates.values()} == {"fewer than 100 images have a confidence"}
    of_more = found(*of_confidences(simulated(100, 9))).estimates
    assert {name for name, one in of_more.items() if one.reason} == {"ece", "best_f1"}


def test_neither_the_best_f1_nor_the_plain_calibration_error_has_an_interval() -> None:
    """Both are too high on average, and replicates of them are higher still."""
    cell = found(*of_confidences(simulated(600, 9), each=6)).estimates
    assert (cell["best_f1"].interval, cell["best_f1"].reason) == (None, module.BEST_F1_REASON)
    assert (cell["ece"].interval, cell["ece"].reason) == (None, ECE_REASON)
    assert cell["ece_debiased"].interval is not None


def test_few_misordered_questions_are_too_few_for_an_interval() -> None:
    """Three questions of 600 are misordered: another hundred images may have none of them, or eight."""
    pairs = [(0.9, True), (0.1, False)] * 297 + [(0.05, True)] * 2 + [(0.95, False)] * 1 + [(0.9, True)] * 3
    random.Random(3).shuffle(pairs)
    cell = found(*of_confidences(pairs, each=6)).estimates
    assert 0.98 < (cell["auroc"].value or 0) < 1
    assert (cell["auroc"].interval, cell["average_precision"].interval) == (None, None)
    assert cell["auroc"].reason.startswith("a few questions decide it")


@pytest.mark.parametrize(("label", "name"), [(True, "yes"), (False, "no")])
def test_images_with_either_label_have_to_be_enough(label: bool, name: str) -> None:
    generator = random.Random(4)
    few = [(generator.random(), label) for _ in range(19)]
    pairs = few + [(generator.random(), not label) for _ in range(581)]
    cell = found(*of_confidences(pairs, each=1)).estimates
    assert (cell["auroc"].interval, cell["average_precision"].interval) == (None, None)
    assert cell["auroc"].reason == f"fewer than 20 images have a question of label {name}"
    assert cell["brier"].interval is not None


def test_a_single_image_has_figures_and_no_intervals() -> None:
    cell = found(*of_confidences(simulated(30, 9), each=30))
    assert cell.estimates["auroc"].value is not None
    assert (
        cell.estimates["auroc"].interval,
        cell.estimates["ece"].interval,
        cell.estimates["best_f1"].interval,
    ) == (None, None, None)


def test_a_variant_that_no_answer_is_about() -> None:
    labels, answers = of_confidences(simulated(30, 10))
    other = {Question("z.jpg", "?", ""): True}
    cell = evidence([LabelSet("pope", {"random": labels, "popular": other})], answers)["pope"]["popular"]
    assert (
        cell.n,
        cell.estimates["auroc"].value,
        cell.estimates["ece"].value,
        cell.estimates["best_f1"].value,
        cell.best_threshold,
    ) == (0, None, None, None, None)
    assert (cell.estimates["auroc"].interval, cell.estimates["ece"].interval) == (None, None)


def test_a_benchmark_as_large_as_popes_takes_a_second_or_so() -> None:
    labels, answers = of_confidences(simulated(3000, 11), each=6)
    variants = {"random": labels, "popular": labels, "adversarial": labels}
    started = time.process_time()
    evidence([LabelSet("pope", variants), LabelSet("repope", variants)], answers)
    assert time.process_time() - started < 5
