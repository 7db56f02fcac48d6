"""Intervals by a bootstrap over images."""

import random

import numpy as np
import pytest
from counts import n_answered_images, percentiles

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.bootstrap import REPLICATES, SEED, drawn_totals, drawn_weights, strata_by_label


def label_set(labels: dict[Question, bool], name: str = "pope") -> LabelSet:
    return LabelSet(name, {"random": labels})


def questions(images: int, each: int) -> list[Question]:
    return [
        Question(f"{image}.jpg", f"Is there a {number} in the image?", f"{number}")
        for image in range(images)
        for number in range(each)
    ]


def simulated(images: int, each: int, seed: int) -> tuple[dict[Question, bool], dict[Question, Answer]]:
    """Labels, half of them yes, and answers whose errors come in clusters: some images are hard."""
    generator = random.Random(seed)
    labels: dict[Question, bool] = {}
    answers: dict[Question, Answer] = {}
    hard: dict[str, float] = {}
    for number, question in enumerate(questions(images, each)):
        labels[question] = number % 2 == 0
        errs = generator.random() < hard.setdefault(question.image, generator.choice((0.02, 0.4)))
        answers[question] = Answer(question, "yes" if labels[question] != errs else "no")
    return labels, answers


def plain_bootstrap_of_f1(
    labels: dict[Question, bool], answers: dict[Question, Answer], replicates: int
) -> tuple[float, float]:
    """The same interval by loops over images and their questions."""
    generator = random.Random(7)
    by_image: dict[str, list[tuple[bool, bool]]] = {}
    for question, label in labels.items():
        said = answers[question].response == "yes"
        by_image.setdefault(question.image, []).append((label, said))
    images = list(by_image)
    values = []
    for _ in range(replicates):
        tp = wrong = 0
        for image in generator.choices(images, k=len(images)):
            for label, said in by_image[image]:
                tp += label and said
                wrong += label != said
        values.append(2 * tp / (2 * tp + wrong))
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)


def test_the_interval_is_that_of_an_independent_bootstrap_in_plain_loops() -> None:
    labels, answers = simulated(images=60, each=6, seed=1)
    interval = percentiles([label_set(labels)], answers)["pope"]["random"]["f1"]
    assert interval is not None
    low, high = plain_bootstrap_of_f1(labels, answers, replicates=2000)
    width = high - low
    assert abs(interval[0] - low) < 0.2 * width
    assert abs(interval[1] - high) < 0.2 * width


def test_the_same_answers_give_the_same_percentiles() -> None:
    labels, answers = simulated(images=20, each=4, seed=2)
    first = percentiles([label_set(labels)], answers)
    assert first == percentiles([label_set(labels)], answers)


def test_label_sets_and_variants_share_the_drawn_images() -> None:
    labels, answers = simulated(images=30, each=6, seed=4)
    both = [
        LabelSet("pope", {"random": labels, "popular": labels}),
        LabelSet("repope", {"random": labels, "popular": labels}),
    ]
    found = percentiles(both, answers)
    cells = [found[name][variant] for name in found for variant in found[name]]
    assert list(found["pope"]) == ["random", "popular", "mean"]
    assert all(cell["f1"] == pytest.approx(cells[0]["f1"]) for cell in cells)


def test_an_undefined_figure_has_no_interval_and_the_others_do() -> None:
    asked = questions(images=5, each=4)
    labels = dict.fromkeys(asked, True)
    answers = {question: Answer(question, "yes" if question.object != "0" else "no") for question in asked}
    found = percentiles([label_set(labels)], answers)["pope"]["random"]
    assert found["tnr"] is None
    assert found["balanced_accuracy"] is None
    assert found["recall"] == (0.75, 0.75)


@pytest.mark.parametrize("images", [0, 1])
def test_fewer_than_two_images_give_no_interval(images: int) -> None:
    labels, answers = simulated(images=images, each=4, seed=5)
    found = percentiles([label_set(labels)], answers)["pope"]["random"]
    assert set(found.values()) == {None}


def test_replicates_are_drawn_in_parts_without_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    labels, answers = simulated(images=12, each=4, seed=6)
    whole = percentiles([label_set(labels)], answers)
    monkeypatch.setattr("repope_eval.scoring.bootstrap._WEIGHTS_AT_ONCE", 12 * (REPLICATES // 3))
    assert percentiles([label_set(labels)], answers) == whole


@pytest.mark.parametrize("n_images", [2, 7, 500])
def test_replicates_drawn_one_by_one_are_those_drawn_all_at_once(n_images: int) -> None:
    (weights,) = drawn_weights(n_images, 9)
    drawn = np.random.default_rng(SEED).integers(n_images, size=(9, n_images))
    assert np.array_equal(weights, [np.bincount(row, minlength=n_images) for row in drawn])


@pytest.mark.parametrize(("replicates", "images", "columns"), [(40, 3000, 42), (3, 1, 2), (2000, 70, 11)])
def test_totals_of_some_images_at_a_time_are_those_of_all_at_once(
    replicates: int, images: int, columns: int
) -> None:
    generator = np.random.default_rng(3)
    weights = generator.integers(5, size=(replicates, images)).astype(np.float64)
    values = generator.integers(9, size=(images, columns)).astype(np.float64)
    assert np.array_equal(drawn_totals(weights, values), weights @ values)


def test_images_without_an_answer_are_not_drawn_from() -> None:
    labels, answers = simulated(images=40, each=6, seed=7)
    first = {question for question in labels if int(question.image.removesuffix(".jpg")) < 25}
    part = {question: answers[question] for question in labels if question in first}
    alone = percentiles([label_set({q: label for q, label in labels.items() if q in first})], part)
    assert percentiles([label_set(labels)], part) == alone
    assert alone["pope"]["random"]["f1"] is not None
    assert n_answered_images([label_set(labels)], part) == 25


def test_one_answer_about_an_image_makes_it_one_of_those_drawn_from() -> None:
    labels, answers = simulated(images=10, each=6, seed=8)
    one_each = {question: answer for question, answer in answers.items() if question.object == "0"}
    assert n_answered_images([label_set(labels)], one_each) == 10
    assert percentiles([label_set(labels)], one_each)["pope"]["random"]["accuracy"] is not None


def test_where_no_image_has_both_labels_images_of_either_are_drawn_apart() -> None:
    strata = strata_by_label(np.array([True, False, True, False]), np.array([False, True, False, True]))
    assert [places.tolist() for places in strata] == [[0, 2], [1, 3]]
    (weights,) = drawn_weights(4, 50, strata)
    assert (weights[:, [0, 2]].sum(axis=1) == 2).all()
    assert (weights[:, [1, 3]].sum(axis=1) == 2).all()
    assert len({tuple(row) for row in weights[:, [0, 2]]} - {(1, 1)}) == 2
    assert not np.array_equal(weights[:, [0, 2]], weights[:, [1, 3]])


def test_one_image_with_both_labels_makes_all_a_single_stratum() -> None:
    (places,) = strata_by_label(np.array([True, True]), np.array([False, True]))
    assert places.tolist() == [0, 1]
    (places,) = strata_by_label(np.array([True, True]), np.array([False, False]))
    assert places.tolist() == [0, 1]


def test_accuracy_is_surer_where_the_numbers_of_either_label_were_chosen() -> None:
    """All of one label are right and most of the other are wrong, so that accuracy goes with how many are drawn."""
    asked = questions(images=400, each=1)
    labels = {question: number % 2 == 0 for number, question in enumerate(asked)}
    answers = {
        question: Answer(question, "no" if number % 20 == 1 else "yes")
        for number, question in enumerate(asked)
    }
    interval = percentiles([label_set(labels)], answers)["pope"]["random"]["accuracy"]
    assert interval is not None
    assert interval[1] - interval[0] == pytest.approx(2 * 1.96 * (0.1 * 0.9 / 200) ** 0.5 / 2, rel=0.1)
