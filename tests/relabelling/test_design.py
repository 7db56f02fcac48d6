"""Which questions are looked at, and with which probabilities: the doubtful ones, and where a wrong label matters."""

from collections import Counter

import numpy as np
import pytest

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.relabelling.design import (
    FLOOR,
    LEAST_SHARE,
    design,
    inclusion_probabilities,
    question_effects,
)
from repope_eval.relabelling.estimation import outcome_figures, outcome_tallies
from repope_eval.scoring.protocol_scores import score
from repope_eval.scoring.protocols import PROTOCOLS

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
    least = LEAST_SHARE * np.mean([score + FLOOR for score in SCORES.values()])
    assert high / low == pytest.approx((0.5 + FLOOR + least) / (FLOOR + least))


@pytest.mark.parametrize(("budget", "sample"), [(0, 0), (100, 0), (0, 100), (200, 50), (60, 100)])
def test_ends(budget: int, sample: int) -> None:
    chances = design(SCORES, budget, sample, 0)
    expected = min(100, budget) + min(sample, max(0, 100 - budget))
    assert sum(chance.is_drawn for chance in chances.values()) == expected
    assert all(chance.probability > 0 for chance in chances.values() if chance.is_drawn)


def test_more_is_drawn_where_a_wrong_label_would_change_more() -> None:
    alike = dict.fromkeys(SCORES, 1.0)
    assert design(SCORES, 5, 20, 0, alike) == design(SCORES, 5, 20, 0)
    first, second, *others = SCORES
    chances = design(alike, 0, 20, 0, alike | {first: 2.0, second: 0.0})
    (of_others,) = {chances[question].probability for question in others}
    mean = (2 + len(others)) / len(SCORES)
    assert chances[first].probability / of_others == pytest.approx(
        (2 + LEAST_SHARE * mean) / (1 + LEAST_SHARE * mean)
    )
    assert chances[second].probability > 0
    assert design(SCORES, 0, 20, 0, dict.fromkeys(SCORES, 0.0)) == design(SCORES, 0, 20, 0)


def test_effects_are_those_of_a_wrong_label_on_scores() -> None:
    """The change of F1 if the label of one question of many were the opposite, or the question dropped, as scored."""
    protocol = PROTOCOLS["repope"]
    questions = [Question(f"{number:04}.jpg", "Is it?", "it") for number in range(1000)]
    labels = {each: number % 2 == 0 for number, each in enumerate(questions)}
    says = {
        "one": {each: (number % 10 < 4) for number, each in enumerate(questions)},
        "two": {each: (number % 7 < 3) for number, each in enumerate(questions)},
    }
    answers = {
        name: {each: Answer(each, "yes" if yes else "no") for each, yes in of_run.items()}
        for name, of_run in says.items()
    }
    parts = {"a": questions[:600], "b": questions[300:]}

    def f1_of(changed: dict[Question, bool | None]) -> np.ndarray:
        true = labels | changed
        label_set = LabelSet(
            "x", {name: {q: true[q] for q in among if true[q] is not None} for name, among in parts.items()}
        )
        return np.array(
            [score(n, "", [label_set], a, "repope").cells["x"]["mean"].figures.f1 for n, a in answers.items()]
        )

    variants = {name: {q: labels[q] for q in among} for name, among in parts.items()}
    old = LabelSet("x", variants).distinct
    tallies = {
        name: outcome_tallies(variants, list(old), of_run, protocol) for name, of_run in answers.items()
    }
    effects = question_effects(tallies, old, outcome_figures(protocol)["f1"])
    for question in (*questions[:3], *questions[400:403], *questions[900:903]):
        squares = 0.0
        for label in (not labels[question], None):
            one, two = f1_of({question: label}) - f1_of({})
            squares += (one**2 + two**2) / 2 + (one - two) ** 2
        assert effects[question] == pytest.approx(squares**0.5, rel=0.01, abs=1e-9)
