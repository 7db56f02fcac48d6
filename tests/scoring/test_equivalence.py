"""Whether two results are the same within a margin: intervals by hand, what is said, and how often that is wrong."""

from math import ceil, hypot, log

import numpy as np
import pytest
from scipy.stats import gamma

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.bootstrap import RareEvents, distances_of_difference, gamma_interval
from repope_eval.scoring.confusion import OUTCOMES, Values
from repope_eval.scoring.equivalence import Equivalence, Verdict, equivalence, equivalences
from repope_eval.scoring.protocols import PROTOCOLS

REPOPE = PROTOCOLS["repope"]
RULE_OF_THREE = -log(0.05)
"""So many events are expected at most, with 95 % confidence, where there is none."""


def counts(n_images: int, *wrong: tuple[int, str], each: int = 1) -> Values:
    """Right answers to so many questions of either label about each image but these: an image, and `fn` or `fp`."""
    found = np.zeros((n_images, 1, len(OUTCOMES)))
    found[:, 0, [OUTCOMES.index("tp"), OUTCOMES.index("tn")]] = each
    for image, outcome in wrong:
        found[image, 0, OUTCOMES.index(outcome)] += 1
        found[image, 0, OUTCOMES.index({"fn": "tp", "fp": "tn"}[outcome])] -= 1
    return found


def test_where_no_answer_differs_the_interval_reaches_as_far_as_three_further_images() -> None:
    """An answer that turns moves F1 by 1/2n of n images, and so do half of an image's two questions."""
    right = counts(100)
    found = equivalence(right, right, REPOPE, 0.015)
    assert found.interval == pytest.approx((-RULE_OF_THREE / 200, RULE_OF_THREE / 200))
    assert (found.value, found.verdict, found.images_needed) == (0.0, "same", None)
    missed = equivalence(right, right, REPOPE, 0.0149)
    assert missed.verdict == "not shown"
    assert missed.images_needed == ceil(100 * RULE_OF_THREE / 200 / 0.0149) == 101


def test_one_answer_that_differs_has_the_interval_of_gamma_quantiles() -> None:
    first, second = counts(100, (7, "fn")), counts(100)
    found = equivalence(first, second, REPOPE, 0.03)
    moved = 2 * 99 / 199 - 1
    assert found.value == pytest.approx(moved)
    low = gamma.ppf(0.05, 1, scale=-moved)
    high = gamma.ppf(0.95, 2, scale=-moved)  # with a further event that weighs as much
    assert found.interval == pytest.approx(
        (moved - (high + moved), moved + hypot(RULE_OF_THREE * -moved, -moved - low))
    )


def test_an_image_with_many_turned_answers_weighs_as_much_once_more() -> None:
    right, turned = counts(100, each=5), counts(100, *[(3, "fp")] * 5, *[(3, "fn")] * 5, each=5)
    spread = counts(100, *[(image, outcome) for image in range(5) for outcome in ("fp", "fn")], each=5)
    bundled, single = (equivalence(each, right, REPOPE, 0.02) for each in (turned, spread))
    assert bundled.value == pytest.approx(single.value)
    assert bundled.interval is not None
    assert single.interval is not None
    assert bundled.interval[0] < single.interval[0] - 0.01
    # Half of the image's questions had counted without it.
    assert equivalence(right, right, REPOPE, 0.02).interval == pytest.approx(
        (-RULE_OF_THREE / 200, RULE_OF_THREE / 200)
    )


def test_of_many_images_that_differ_the_largest_stands_for_a_further_one() -> None:
    """From 30 on: half of the ten questions about an image would weigh five times as much."""

    def reach(n_differing: int) -> float:
        wrong = [(image, "fp") for image in range(n_differing)]
        missed = [(200 + image, "fp") for image in range(n_differing)]
        found = equivalence(counts(400, *wrong, each=5), counts(400, *missed, each=5), REPOPE, 0.1)
        assert found.interval is not None
        assert found.interval[0] == pytest.approx(-found.interval[1])
        return found.interval[1]

    assert reach(15) < 0.8 * reach(14)
    assert reach(60) < 3 * reach(15)


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((-0.004, 0.0049), "same"),
        ((-0.004, 0.005), "not shown"),
        ((-0.005, 0.004), "not shown"),
        ((-0.001, 0.02), "not shown"),
        ((0.005, 0.02), "different"),
        ((-0.02, -0.005), "different"),
        ((-0.02, -0.0049), "not shown"),
        (None, "not shown"),
    ],
)
def test_the_interval_has_to_lie_inside_the_margin_or_beyond(
    interval: tuple[float, float] | None, verdict: Verdict
) -> None:
    assert Equivalence(margin=0.005, value=0.0, interval=interval).verdict == verdict


def test_results_that_differ_by_much_are_not_the_same() -> None:
    wrong = [(image, "fn") for image in range(60)]
    found = equivalence(counts(100), counts(100, *wrong), REPOPE, 0.1)
    assert (found.verdict, found.images_needed) == ("different", None)


def test_so_many_images_as_it_takes_show_it() -> None:
    """Twelve answers turn, as many each way; images like these are there more often."""
    n_images, margin = 100, 0.01
    first = counts(n_images, *[(image, "fn") for image in range(6)])
    second = counts(n_images, *[(image, "fn") for image in range(6, 12)])
    found = equivalence(first, second, REPOPE, margin)
    assert found.verdict == "not shown"
    assert found.images_needed is not None
    times = found.images_needed / n_images
    assert times > 2
    # The margin also has room for what the difference strays by, which it does not where both are repeated.
    enough = [np.tile(each, (ceil(times), 1, 1)) for each in (first, second)]
    shown = equivalence(*enough, REPOPE, margin)
    assert (shown.verdict, shown.value) == ("same", pytest.approx(0))
    fewer = equivalence(first, second, REPOPE, 2 * margin)
    assert fewer.images_needed is None or fewer.images_needed < found.images_needed / 2


def test_without_an_interval_the_reason_is_told() -> None:
    one = counts(1)
    assert equivalence(one, one, REPOPE, 0.1).reason == "both answered about a single image"
    none = counts(0)
    assert equivalence(none, none, REPOPE, 0.1).reason == "no question that both answered"
    without_yes = counts(5, *[(image, "fn") for image in range(5)])
    found = equivalence(without_yes, counts(5), REPOPE, 0.1)
    assert (found.value, found.reason) == (None, "F1 is undefined on the questions that both answered")


def asked(image: int, name: str) -> Question:
    return Question(f"{image}.jpg", f"Is there a {name}?", name)


def test_it_is_about_the_questions_that_both_answered_in_each_variant_and_their_mean() -> None:
    dogs, cats = ([asked(image, name) for image in range(50)] for name in ("dog", "cat"))
    truth = dict.fromkeys(dogs, True) | dict.fromkeys(cats, False)
    labels = LabelSet("pope", {"random": truth, "popular": truth})
    said = dict.fromkeys(dogs, "yes") | dict.fromkeys(cats, "no")
    one = {question: Answer(question, response) for question, response in said.items()}
    other = {**one, dogs[0]: Answer(dogs[0], "no"), dogs[1]: Answer(dogs[1], "who knows")}
    found = equivalences(one, other, labels, "repope", 0.05)
    assert list(found) == ["random", "popular", "mean"]
    assert found["mean"].value == pytest.approx(1 - 2 * 48 / 98)
    assert found["mean"].interval == found["random"].interval
    del other[dogs[0]], other[dogs[1]]
    assert equivalences(one, other, labels, "repope", 0.05)["mean"].value == 0
    assert equivalences(one, {}, labels, "repope", 0.05)["mean"].value is None


def test_results_that_differ_by_the_margin_are_seldom_shown_to_be_the_same() -> None:
    """A bootstrap over images would err in more than 5 of 100; 400 draws have a standard error of 1.1."""
    generator = np.random.default_rng(0)
    first = counts(500, *[(image, "fn") for image in range(6)], each=3)
    second = counts(500, each=3)
    hits = 3 * 500
    margin = 1 - 2 * (hits - 6) / (2 * hits - 6)
    n_wrong = 0
    for _ in range(400):
        drawn = generator.integers(500, size=500)
        n_wrong += equivalence(first[drawn], second[drawn], REPOPE, margin).verdict == "same"
    assert n_wrong <= 0.05 * 400
    drawn = generator.integers(500, size=500)
    assert equivalence(second[drawn], second[drawn], REPOPE, 0.005).verdict == "same"


def test_the_distances_of_a_difference_are_those_of_both_sums() -> None:
    raising, lowering = RareEvents(3, 3, 1), RareEvents(2, 1, 0.5)
    (up_low, up_high), (down_low, down_high) = (gamma_interval(*each, 0.9) for each in (raising, lowering))
    down, up = distances_of_difference(raising, lowering, 0.9)
    assert down == pytest.approx(hypot(3 - up_low, down_high - 2))
    assert up == pytest.approx(hypot(up_high - 3, 2 - down_low))
    assert distances_of_difference(lowering, raising, 0.9) == pytest.approx((up, down))
