"""Which labels are doubted."""

import random
from collections.abc import Mapping

import pytest

from repope_eval.records import Question
from repope_eval.relabelling.doubt import label_doubts


def question(number: int, thing: str = "cup") -> Question:
    return Question(f"{number:04}.jpg", f"Is there a {thing} in the image?", thing)


def simulated(
    n: int = 2000, wrong_labels: float = 0.05, errors: tuple[float, ...] = (0.05, 0.1, 0.3)
) -> tuple[dict[Question, bool], dict[str, dict[Question, float]], set[Question]]:
    """Labels some of which are wrong, models that err by themselves, and the questions with a wrong label."""
    generator = random.Random(1)
    truth = {question(number): generator.random() < 0.5 for number in range(n)}
    wrong = {each for each in truth if generator.random() < wrong_labels}
    labels = {each: label != (each in wrong) for each, label in truth.items()}
    models = {
        f"model {error}": {
            each: float(label != (generator.random() < error)) for each, label in truth.items()
        }
        for error in errors
    }
    return labels, models, wrong


def test_wrong_labels_come_first() -> None:
    labels, models, wrong = simulated()
    doubts = label_doubts(labels, models)
    first = sorted(doubts.scores, key=lambda each: -doubts.scores[each])[: len(wrong)]
    assert len(wrong.intersection(first)) > 0.8 * len(wrong)


def test_error_rates_are_found_without_the_truth_and_weigh_the_models() -> None:
    labels, models, _ = simulated()
    trust = {each.model: each for each in label_doubts(labels, models).trust}
    for error in (0.05, 0.1, 0.3):
        assert trust[f"model {error}"].sensitivity == pytest.approx(1 - error, abs=0.05)
        assert trust[f"model {error}"].specificity == pytest.approx(1 - error, abs=0.05)
    assert trust["model 0.05"].weight > trust["model 0.1"].weight > trust["model 0.3"].weight


def test_models_that_err_alike_share_a_weight() -> None:
    labels, models, _ = simulated(errors=(0.1, 0.1001))
    one, other = models.values()
    trust = label_doubts(labels, {"a": one, "a again": dict(one), "another": other}).trust
    assert trust[0].independence == pytest.approx(trust[1].independence)
    assert trust[0].independence < 0.5 < trust[2].independence


def found(scores: Mapping[Question, float], wrong: set[Question]) -> float:
    """The share of the wrong labels among as many questions, the most doubtful."""
    first = sorted(scores, key=lambda each: -scores[each])[: len(wrong)]
    return len(wrong.intersection(first)) / len(wrong)


def test_a_weak_model_that_answers_all_adds_no_harm_to_a_good_one_that_answers_a_part() -> None:
    """Where the weak one alone answered, its word weighs no more than it is worth."""
    labels, models, wrong = simulated(errors=(0.05, 0.4))
    good, weak = models.values()
    part = {each: said for number, (each, said) in enumerate(good.items()) if number % 5 < 3}
    alone = found(label_doubts(labels, {"good": part}).scores, wrong)
    assert found(label_doubts(labels, {"good": part, "weak": weak}).scores, wrong) > alone - 0.02


def test_where_a_copy_says_nothing_its_original_keeps_its_weight() -> None:
    labels, models, _ = simulated(errors=(0.1, 0.1001))
    one, other = models.values()
    copy = {each: said for number, (each, said) in enumerate(one.items()) if number % 2}
    before = label_doubts(labels, {"one": one, "other": other}).scores
    after = label_doubts(labels, {"one": one, "other": other, "copy": copy}).scores
    for each in labels.keys() - copy.keys():
        assert after[each] == pytest.approx(before[each], abs=0.01)


def test_one_voice_weighs_less_than_two_that_agree() -> None:
    """Both models are against one question, and one is against another that the second did not answer."""
    labels, models, _ = simulated(errors=(0.1, 0.1001))
    one, other = models.values()
    both, single = question(0), question(1)
    for each in (both, single):
        one[each] = other[each] = 1.0 - labels[both]
        labels[each] = labels[both]
    del other[single]
    scores = label_doubts(labels, {"one": one, "other": other}).scores
    assert scores[both] > scores[single] > sorted(scores.values())[len(scores) // 2]


def test_a_disagreement_counts_more_where_the_object_has_others() -> None:
    """One model, which says no to half of the cups and to one of the dogs."""
    labels = {question(number, thing): True for thing in ("cup", "dog") for number in range(20)}
    said = {
        each: float(not (index % 2 == 0 if each.object == "cup" else each.image == "0000.jpg"))
        for index, each in enumerate(labels)
    }
    scores = label_doubts(labels, {"m": said}).scores
    assert scores[question(0, "cup")] > scores[question(0, "dog")] > scores[question(1, "cup")]
    assert scores[question(1, "cup")] > scores[question(1, "dog")]


def test_labels_of_either_side_stand_by_themselves() -> None:
    """The model misses cups; that says nothing of where it is said that there is none."""
    labels = {question(number): number < 10 for number in range(20)}
    scores = label_doubts(labels, {"m": dict.fromkeys(labels, 0.0)}).scores
    assert {round(scores[question(number)], 6) for number in range(10, 20)} == {0}
    assert min(scores[question(number)] for number in range(10)) > 1.5


def test_a_question_that_no_model_answered_is_as_doubtful_as_its_side_is() -> None:
    labels = {question(number): True for number in range(10)}
    said = {question(number): float(number > 3) for number in range(1, 10)}
    scores = label_doubts(labels, {"m": said}).scores
    assert min(scores.values()) < scores[question(0)] < max(scores.values())


def test_a_probability_is_a_part_of_a_vote() -> None:
    labels = {question(number): True for number in range(10)}
    said = {question(number): 1 - number / 10 for number in range(10)}
    scores = label_doubts(labels, {"m": said}).scores
    assert sorted(scores, key=lambda each: scores[each]) == list(labels)


def test_without_models_or_questions_nothing_is_doubted() -> None:
    assert set(label_doubts({question(1): True}, {}).scores.values()) == {0}
    assert label_doubts({}, {}).scores == {}
