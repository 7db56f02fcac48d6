"""Which questions are looked at: with which probabilities, and drawn as often as these say."""

from collections import Counter

import numpy as np
import pytest

from repope_eval.records import Question
from repope_eval.relabelling.doubt import FLOOR, design, inclusion_probabilities

SCORES = {Question(f"{number:03}.jpg", "Is it?", "it"): number / 100 for number in range(100)}


def test_the_most_doubtful_are_certain_and_of_the_rest_so_many_are_drawn() -> None:
    chances = design(SCORES, budget=10, sample=20, seed=3)
    assert list(chances)[:10] == sorted(SCORES, key=lambda each: -SCORES[each])[:10]
    assert [chance.probability for chance in list(chances.values())[:10]] == [1.0] * 10
    drawn = [chance for chance in chances.values() if chance.is_drawn]
    assert len(drawn) == 30
    assert sum(chance.probability for chance in chances.values()) == pytest.approx(30)
    assert set(chances) == set(SCORES)


def test_a_seed_draws_the_same_again_and_another_seed_others() -> None:
    assert design(SCORES, 10, 20, 3) == design(SCORES, 10, 20, 3)
    assert design(SCORES, 10, 20, 3) != design(SCORES, 10, 20, 4)


def test_each_question_is_drawn_as_often_as_its_probability_says() -> None:
    times: Counter[Question] = Counter()
    repetitions = 2000
    for seed in range(repetitions):
        times.update(each for each, chance in design(SCORES, 5, 20, seed).items() if chance.is_drawn)
    for each, chance in design(SCORES, 5, 20, 0).items():
        deviation = (chance.probability * (1 - chance.probability) / repetitions) ** 0.5
        assert times[each] / repetitions == pytest.approx(chance.probability, abs=5 * deviation + 1e-9)


def test_probabilities_grow_with_the_doubt_and_none_is_above_1() -> None:
    found = inclusion_probabilities(np.array([1.0, 1.0, 2.0, 50.0]), 2)
    assert found == pytest.approx([0.25, 0.25, 0.5, 1])
    chances = design(SCORES, 0, 20, 0)
    low, high = (chances[list(SCORES)[index]].probability for index in (0, 50))
    assert high / low == pytest.approx((0.5 + FLOOR) / FLOOR)


@pytest.mark.parametrize(("budget", "sample"), [(0, 0), (100, 0), (0, 100), (200, 50), (60, 100)])
def test_ends(budget: int, sample: int) -> None:
    chances = design(SCORES, budget, sample, 0)
    expected = min(100, budget) + min(sample, max(0, 100 - budget))
    assert sum(chance.is_drawn for chance in chances.values()) == expected
    assert all(chance.probability > 0 for chance in chances.values() if chance.is_drawn)
