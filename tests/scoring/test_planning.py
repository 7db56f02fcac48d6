"""What a pilot tells of how much a difference varies: by hand, and beside the comparison of the same runs."""

from math import sqrt

import numpy as np
import pytest
from model_examples import LABELS, Answers, answered, asked, labelled, one_label_set, three_models

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.comparison import compare
from repope_eval.scoring.planning import (
    FEWEST_PILOT_IMAGES,
    Spread,
    deviation_bounds,
    spreads_of_one,
    spreads_of_pairs,
)
from repope_eval.scoring.power import Aim
from repope_eval.scoring.protocol_scores import score
from repope_eval.scoring.protocols import PROTOCOLS

REPOPE = PROTOCOLS["repope"]


def two_questions(images: int = 100) -> dict[Question, bool]:
    """One with label yes and one with label no about each image."""
    return {q: q.object == "0" for q in asked(images, each=2)}


def saying(labels: dict[Question, bool], missed: int = 0) -> Answers:
    """All right, but no to what is there in the first images."""
    yes = [question for question, label in labels.items() if label][missed:]
    return {question: Answer(question, "yes" if question in yes else "no") for question in labels}


def spread_of(models: dict[str, Answers], label_sets: list[LabelSet]) -> Spread:
    ((spread,),) = spreads_of_pairs(models, label_sets, REPOPE).values()
    return spread


def test_the_standard_error_of_a_pair_by_hand() -> None:
    """25 of 100 are missed: tp = 75, S = 2 tp + fn = 175, F1 = 6/7.

    An image without an error moves F1 by (2 - 2 F1) / S = 2/7 / S, and one with an error by -F1 / S = -6/7 / S. The
    other model's F1 is 1, which no image moves. So the sum of squares is (75 x 4 + 25 x 36) / 49 / S^2.
    """
    labels = two_questions()
    spread = spread_of({"all": saying(labels), "some": saying(labels, 25)}, one_label_set(labels))
    assert (spread.first, spread.second, spread.n_images, spread.reason) == ("all", "some", 100, None)
    assert spread.error == pytest.approx(sqrt(1200 / 49) / 175, rel=1e-4)
    # 100 x (2.8016 x 0.028278 / 0.05)^2 = 251.06
    assert spread.images(Aim(), 0.05) == 252
    assert spread.detectable(Aim(), 252) == pytest.approx(0.05, rel=0.005)
    assert spread.detectable(Aim(), 400) == pytest.approx(2.8016 * sqrt(1200 / 49) / 175 / 2, rel=1e-3)


def test_the_range_of_a_deviation_by_hand() -> None:
    """75 values of 2 and 25 of -6 have kurtosis 7/3, so 200 / (7/3 - 1) = 150 degrees of freedom.

    The chi-square quantiles of 2.5 and 97.5 % are 117.985 and 185.800 there.
    """
    moves = np.array([2.0] * 75 + [-6.0] * 25)
    expected = (sqrt(150 / 185.800), sqrt(150 / 117.985))
    assert deviation_bounds(moves, 100) == pytest.approx(expected, rel=1e-4)
    # Images that no question of a cell is about say nothing, and do not count.
    assert deviation_bounds(np.append(moves, [0.0] * 50), 100) == pytest.approx(expected, rel=1e-4)


def test_the_range_of_the_images_is_that_of_the_deviation_squared() -> None:
    labels = two_questions()
    spread = spread_of({"all": saying(labels), "some": saying(labels, 25)}, one_label_set(labels))
    low, high = spread.images_bounds(Aim(), 0.001) or (0, 0)
    images = spread.images(Aim(), 0.001) or 0
    assert low / images == pytest.approx(150 / 185.800, rel=1e-3)
    assert high / images == pytest.approx(150 / 117.985, rel=1e-3)


def test_a_plan_is_what_the_comparison_of_the_same_runs_says() -> None:
    labels = {**LABELS, **labelled(asked(50, each=8))}
    label_sets = [LabelSet("pope", {"random": LABELS, "popular": labels}), *one_label_set(LABELS, "repope")]
    models = three_models() | {"fourth": answered(labels, 0.15, 7)}
    found = compare(models, label_sets, "repope")
    spreads = spreads_of_pairs(models, label_sets, REPOPE)
    assert list(spreads) == [
        ("pope", "random"), ("pope", "popular"), ("pope", "mean"), ("repope", "random")
    ]  # fmt: skip
    for (name, variant), of_cell in spreads.items():
        by_pair = {frozenset((each.first, each.second)): each for each in found.differences[name][variant]}
        assert len(of_cell) == len(by_pair) == 6
        for spread in of_cell:
            difference = by_pair[frozenset((spread.first, spread.second or ""))]
            assert difference.detectable is not None
            assert spread.n_images == difference.n_images
            assert spread.images(Aim(), 0.01) == difference.images_for_one_point
            assert spread.detectable(Aim(), spread.n_images) == pytest.approx(difference.detectable)


@pytest.mark.parametrize(
    ("images", "missed", "reason"),
    [
        (FEWEST_PILOT_IMAGES - 1, 30, "49 images, and a plan takes 50"),
        (FEWEST_PILOT_IMAGES, 19, "their answers differ in 19 images, and a plan takes 20"),
        (100, 0, "their answers differ in 0 images, and a plan takes 20"),
    ],
)
def test_a_pilot_that_tells_too_little_has_a_reason(images: int, missed: int, reason: str) -> None:
    labels = two_questions(images)
    spread = spread_of({"all": saying(labels), "some": saying(labels, missed)}, one_label_set(labels))
    assert spread == Spread(first="all", second="some", n_images=images, reason=reason)
    assert spread.images(Aim(), 0.01) is spread.images_bounds(Aim(), 0.01) is None
    assert spread.detectable(Aim(), 500) is None


def test_twenty_images_that_differ_are_enough() -> None:
    labels = two_questions(FEWEST_PILOT_IMAGES)
    models = {"all": saying(labels), "some": saying(labels, 20)}
    assert spread_of(models, one_label_set(labels)).error is not None


def test_without_a_label_yes_there_is_no_f1_to_plan_for() -> None:
    labels = dict.fromkeys(two_questions(), False)
    spread = spread_of({"one": saying(labels), "other": saying(labels)}, one_label_set(labels))
    assert spread.reason == "F1 is undefined"


def one_run(labels: list[LabelSet], answers: Answers, flips: float, protocol: str = "repope") -> list[Spread]:
    found = spreads_of_one("run", answers, labels, PROTOCOLS[protocol], flips)
    return [spread for (spread,) in found.values()]


def test_the_standard_error_of_an_assumed_run_by_hand() -> None:
    """S = 175 and F1 = 6/7 as above: 100 moves of (2 - F1) / S and 100 of F1 / S, of which 5 % are made."""
    labels = two_questions()
    (spread,) = one_run(one_label_set(labels), saying(labels, 25), 0.05)
    assert (spread.first, spread.second, spread.bounds) == ("run", None, None)
    assert spread.error == pytest.approx(sqrt(0.05 * (100 * 64 + 100 * 36) / 49) / 175)
    (twice,) = one_run(one_label_set(labels), saying(labels, 25), 0.1)
    assert twice.images(Aim(), 0.01) == pytest.approx(2 * (spread.images(Aim(), 0.01) or 0), abs=1)
    assert spread.images_bounds(Aim(), 0.01) is None


def test_a_question_of_several_variants_moves_their_mean_as_often() -> None:
    """Positive questions are in both variants; a negative one is in one, and moves the mean by half."""
    labels = two_questions()
    others = {q if label else Question(q.image, "other?", "other"): label for q, label in labels.items()}
    every = labels | others
    label_sets = [LabelSet("pope", {"random": labels, "popular": others})]
    *_, mean = one_run(label_sets, saying(every, 25), 0.05)
    assert mean.error == pytest.approx(sqrt(0.05 * (100 * 64 + 200 * 9) / 49) / 175)


@pytest.mark.parametrize("label", [True, False])
def test_a_move_is_what_another_answer_does_to_f1(label: bool) -> None:
    """Of 1,000 images with one error each way, one answer more that is otherwise moves F1 as the formula has it."""
    labels = two_questions(1000)
    answers = saying(labels, 100)
    alone = {q: labels[q] for q in labels if labels[q] == label}
    (whole,) = one_run(one_label_set(labels), answers, 1.0)
    turned = next(q for q in reversed(labels) if labels[q] == label)
    other = answers | {turned: Answer(turned, "no" if label else "yes")}

    def f1(given: Answers) -> float:
        found = (
            score("run", "demo", one_label_set(labels), given, "repope").cells["pope"]["random"].figures.f1
        )
        assert found is not None
        return found

    move = abs(f1(other) - f1(answers))
    f = f1(answers)
    part = ((2 - f) if label else f) ** 2 / ((2 - f) ** 2 + f**2)
    assert len(alone) * move**2 == pytest.approx(part * (whole.error or 0) ** 2, rel=0.01)


def test_an_answer_that_counts_nowhere_is_not_answered_otherwise() -> None:
    """Where unread answers are dropped; as a miss, such an answer counts like another no."""
    labels = two_questions()
    answers = saying(labels, 25)
    unread = answers | {q: Answer(q, "perhaps") for q in list(labels)[1::2][:40]}
    assert all(not labels[q] for q in list(labels)[1::2])
    (dropped,) = one_run(one_label_set(labels), unread, 0.05, "lmms_eval")
    assert PROTOCOLS["lmms_eval"].unparsed != "not_yes"
    assert dropped.error == pytest.approx(sqrt(0.05 * (100 * 64 + 60 * 36) / 49) / 175)


def test_a_single_run_has_its_reasons_too() -> None:
    labels = two_questions(49)
    assert [each.reason for each in one_run(one_label_set(labels), saying(labels), 0.05)] == [
        "49 images, and a plan takes 50"
    ]
    labels = dict.fromkeys(two_questions(), False)
    (spread,) = one_run(one_label_set(labels), saying(labels), 0.05)
    assert (spread.error, spread.reason) == (None, "F1 is undefined")


def test_the_assumed_spread_is_that_of_answers_turned_at_random() -> None:
    """Errors of the other run lie elsewhere by chance, as many to the better as to the worse."""
    labels = labelled(asked(400))
    generator = np.random.default_rng(5)

    def turned(given: Answers, share: float) -> Answers:
        is_turned = dict(zip(given, (generator.random(len(given)) < share).tolist(), strict=True))
        return {
            q: Answer(q, {"yes": "no", "no": "yes"}[a.response]) if is_turned[q] else a
            for q, a in given.items()
        }

    said = turned({q: Answer(q, "yes" if label else "no") for q, label in labels.items()}, 0.5)
    (spread,) = one_run(one_label_set(labels), said, 0.1)
    found = [
        spread_of({"run": said, "other": turned(said, 0.1)}, one_label_set(labels)).error or 0
        for _ in range(10)
    ]
    assert np.mean(found) == pytest.approx(spread.error, rel=0.03)
