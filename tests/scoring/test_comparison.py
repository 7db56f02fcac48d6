"""Several models on the same drawn images: differences, their p values, rank intervals, tau, overtakings."""

import itertools
import random
import time

import numpy as np
import pytest
from counts import percentiles

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.bootstrap import REPLICATES, drawn_weights
from repope_eval.scoring.comparison import Comparison, compare
from repope_eval.scoring.ranking import holm

Answers = dict[Question, Answer]


def asked(images: int, each: int = 6) -> list[Question]:
    return [Question(f"{image}.jpg", f"{n}?", str(n)) for image in range(images) for n in range(each)]


def labelled(questions: list[Question], flipped: str = "") -> dict[Question, bool]:
    """Half yes and half no, those about one object flipped."""
    return {q: (int(q.object) % 2 == 0) != (q.object == flipped) for q in questions}


def answered(labels: dict[Question, bool], error_rate: float, seed: int) -> Answers:
    """Errors in clusters that are the same images for all models, so that differences are surer than figures."""
    generator, hard = random.Random(seed), random.Random(0)
    difficulty = {question.image: hard.choice((0.3, 3.0)) for question in labels}
    return {
        q: Answer(q, "yes" if label != (generator.random() < error_rate * difficulty[q.image]) else "no")
        for q, label in labels.items()
    }


def one_label_set(labels: dict[Question, bool], name: str = "pope") -> list[LabelSet]:
    return [LabelSet(name, {"random": labels})]


LABELS = labelled(asked(80))


def three_models() -> dict[str, Answers]:
    return {name: answered(LABELS, rate, seed) for seed, (name, rate) in enumerate(RATES.items())}


RATES = {"middling": 0.08, "poor": 0.2, "good": 0.02}


def test_the_best_is_first_and_its_figures_are_those_of_its_scores() -> None:
    models = three_models()
    found = compare(models, one_label_set(LABELS), "repope")
    assert (found.figure, found.n_images, found.agreements) == ("f1", 80, {})
    standings = found.standings["pope"]["random"]
    assert [(s.model, s.rank, s.ranks) for s in standings] == [
        ("good", 1, (1, 1)),
        ("middling", 2, (2, 2)),
        ("poor", 3, (3, 3)),
    ]
    for standing in standings:
        alone = percentiles(one_label_set(LABELS), models[standing.model])
        assert standing.interval == alone["pope"]["random"]["f1"]


def test_differences_are_of_the_same_drawn_images() -> None:
    """Against the same replicates in plain loops."""
    models = three_models()
    (difference, *_) = compare(models, one_label_set(LABELS), "repope").differences["pope"]["random"]
    assert (difference.first, difference.second) == ("good", "middling")

    def f1(answers: Answers, weights: dict[str, float]) -> float:
        tp = wrong = 0.0
        for question, label in LABELS.items():
            said = answers[question].response == "yes"
            tp += weights[question.image] * (label and said)
            wrong += weights[question.image] * (label != said)
        return 2 * tp / (2 * tp + wrong)

    images = list(dict.fromkeys(question.image for question in LABELS))
    drawn = np.concatenate(list(drawn_weights(len(images), 200)))
    values = [
        f1(models["good"], weights) - f1(models["middling"], weights)
        for weights in (dict(zip(images, row, strict=True)) for row in drawn)
    ]
    low, high = np.percentile(values, (2.5, 97.5))
    assert difference.interval is not None
    assert difference.interval[0] == pytest.approx(low, abs=0.25 * (high - low))
    assert difference.interval[1] == pytest.approx(high, abs=0.25 * (high - low))
    even = dict.fromkeys(images, 1.0)
    assert difference.value == pytest.approx(f1(models["good"], even) - f1(models["middling"], even))


def test_a_difference_is_surer_than_its_two_figures() -> None:
    """What makes an image hard for both cancels out."""
    models = {"one": answered(LABELS, 0.15, 1)}
    few = set(random.Random(5).sample(list(LABELS), 6))
    models["other"] = {q: Answer(q, "no") if q in few else answer for q, answer in models["one"].items()}
    found = compare(models, one_label_set(LABELS), "repope")
    (difference,) = found.differences["pope"]["random"]
    widths = [s.interval[1] - s.interval[0] for s in found.standings["pope"]["random"] if s.interval]
    assert difference.interval is not None
    assert difference.interval[1] - difference.interval[0] < 0.5 * min(widths)


def test_p_values_go_with_the_intervals() -> None:
    """The 95 % interval leaves 0 out just where p is below 5 %; p of all pairs are adjusted together."""
    models = {f"m{n}": answered(LABELS, 0.05 + 0.01 * n, n) for n in range(8)}
    differences = compare(models, one_label_set(LABELS), "repope").differences["pope"]["random"]
    assert len(differences) == 8 * 7 / 2
    assert {(d.p is not None and d.p < 0.05) for d in differences} == {True, False}
    for difference in differences:
        assert difference.interval is not None
        assert difference.p is not None
        assert 1 / REPLICATES <= difference.p <= 1
        if abs(difference.p - 0.05) > 0.001:  # closer, it is the rounding of the percentile that decides
            assert (difference.interval[0] > 0 or difference.interval[1] < 0) == (difference.p < 0.05)
    assert [d.p_holm for d in differences] == holm([d.p for d in differences])


def test_p_is_never_nothing() -> None:
    perfect = {q: Answer(q, "yes" if label else "no") for q, label in LABELS.items()}
    wrong = {q: Answer(q, "yes") for q in LABELS}
    (difference,) = compare({"p": perfect, "w": wrong}, one_label_set(LABELS), "repope").differences["pope"][
        "random"
    ]
    assert difference.p == difference.p_holm == 1 / REPLICATES


def test_p_is_about_uniform_where_there_is_no_difference() -> None:
    """Of all pairs of equally good models about one in twenty is below 5 %."""
    models = {f"m{n}": answered(LABELS, 0.1, 100 + n) for n in range(40)}
    found = compare(models, one_label_set(LABELS), "repope").differences["pope"]["random"]
    p_of = {frozenset((d.first, d.second)): d.p for d in found}
    below = [p for p in p_of.values() if p is not None and p < 0.05]
    # Not independent: each model is in 39 pairs, so the tolerance is wide.
    assert 0.01 < len(below) / len(p_of) < 0.12


def test_equal_models_share_a_rank_and_do_not_differ() -> None:
    one = answered(LABELS, 0.1, 1)
    found = compare({"b": one, "a": dict(one)}, one_label_set(LABELS), "repope")
    assert [(s.model, s.rank, s.ranks) for s in found.standings["pope"]["random"]] == [
        ("b", 1, (1, 1)),
        ("a", 1, (1, 1)),
    ]
    (difference,) = found.differences["pope"]["random"]
    assert (difference.value, difference.interval, difference.p) == (0, (0, 0), 1)


def test_ranks_of_models_that_cannot_be_told_apart() -> None:
    models = {f"m{n}": answered(LABELS, 0.1, 200 + n) for n in range(5)}
    standings = compare(models, one_label_set(LABELS), "repope").standings["pope"]["random"]
    assert sorted(s.rank or 0 for s in standings) == [1, 2, 3, 4, 5]
    assert all(s.ranks is not None and s.ranks[0] <= (s.rank or 0) <= s.ranks[1] for s in standings)
    assert all(s.ranks is not None and s.ranks[1] - s.ranks[0] >= 2 for s in standings)


def test_only_images_that_all_have_answers_for_are_compared() -> None:
    models = three_models()
    models["poor"] = {q: a for q, a in models["poor"].items() if int(q.image.removesuffix(".jpg")) >= 30}
    found = compare(models, one_label_set(LABELS), "repope")
    within = {q: label for q, label in LABELS.items() if int(q.image.removesuffix(".jpg")) >= 30}
    assert found.n_images == 50
    assert found == compare(models, one_label_set(within), "repope")


def test_two_label_sets_and_several_variants() -> None:
    """The model that follows the flipped labels is behind under the old ones and ahead under the new."""
    questions = asked(60)
    before, after = labelled(questions), labelled(questions, flipped="2")
    label_sets = [
        LabelSet("pope", {"random": before, "popular": before}),
        LabelSet("repope", {"random": after, "popular": before}),
    ]
    models = {
        "old": answered(before, 0.03, 1),
        "new": answered(after, 0.03, 2),
        "poor": answered(before, 0.6, 3),
    }
    found = compare(models, label_sets, "repope")
    assert [list(found.standings[name]) for name in ("pope", "repope")] == [["random", "popular", "mean"]] * 2
    assert list(found.agreements) == ["random", "popular", "mean"]
    random_order = [[s.model for s in found.standings[name]["random"]] for name in ("pope", "repope")]
    assert random_order == [["old", "new", "poor"], ["new", "old", "poor"]]
    agreement = found.agreements["random"]
    assert agreement.tau == pytest.approx((2 - 1) / 3)
    assert agreement.interval is not None
    assert -1 <= agreement.interval[0] <= agreement.tau <= agreement.interval[1] <= 1
    (overtaking,) = agreement.overtakings
    assert (overtaking.model, overtaking.overtaken) == ("new", "old")
    assert overtaking.share > 0.99
    same = found.agreements["popular"]
    assert (same.tau, same.interval, same.overtakings) == (1, (1, 1), ())
    mean = {s.model: s.value for s in found.standings["repope"]["mean"]}
    parts = [{s.model: s.value for s in found.standings["repope"][v]} for v in ("random", "popular")]
    assert mean["old"] == pytest.approx(sum(part["old"] or 0 for part in parts) / 2)


def degenerate(models: dict[str, Answers]) -> Comparison:
    label_sets = [*one_label_set(LABELS), *one_label_set(LABELS, "repope")]
    return compare(models, label_sets, "repope")


def test_no_model_and_one_model() -> None:
    assert degenerate({}).standings["pope"]["random"] == ()
    found = degenerate({"only": answered(LABELS, 0.1, 1)})
    assert [(s.rank, s.ranks) for s in found.standings["repope"]["random"]] == [(1, (1, 1))]
    assert found.differences["pope"]["random"] == ()
    assert (found.agreements["random"].tau, found.agreements["random"].interval) == (None, None)


@pytest.mark.parametrize("n_shared", [0, 1])
def test_hardly_an_image_that_all_have_answers_for(n_shared: int) -> None:
    one = {q: a for q, a in answered(LABELS, 0.1, 1).items() if int(q.image.removesuffix(".jpg")) < 40}
    other = {
        q: a
        for q, a in answered(LABELS, 0.1, 2).items()
        if int(q.image.removesuffix(".jpg")) >= 40 - n_shared
    }
    found = degenerate({"one": one, "other": other})
    assert found.n_images == n_shared
    (difference,) = found.differences["pope"]["random"]
    assert (difference.interval, difference.p, difference.p_holm) == (None, None, None)
    assert all(s.interval is None and s.ranks is None for s in found.standings["pope"]["random"])
    assert found.agreements["random"].interval is None


def test_a_model_whose_figure_is_undefined_stands_last() -> None:
    models = three_models() | {"silent": {q: Answer(q, "hm") for q in LABELS}}
    found = compare(models, one_label_set(LABELS), "repope")
    last = found.standings["pope"]["random"][-1]
    assert (last.model, last.value, last.interval, last.rank, last.ranks) == (
        "silent",
        None,
        None,
        None,
        None,
    )
    of_last = [d for d in found.differences["pope"]["random"] if d.second == "silent"]
    assert [(d.value, d.interval, d.p, d.p_holm) for d in of_last] == [(None, None, None, None)] * 3
    without = compare(three_models(), one_label_set(LABELS), "repope")
    assert found.standings["pope"]["random"][:3] == without.standings["pope"]["random"]


def test_another_figure() -> None:
    found = compare(three_models(), one_label_set(LABELS), "repope", figure="accuracy")
    alone = percentiles(one_label_set(LABELS), three_models()["good"])
    assert found.figure == "accuracy"
    assert found.standings["pope"]["random"][0].interval == alone["pope"]["random"]["accuracy"]


def test_seventeen_models_on_a_benchmark_as_large_as_popes_take_seconds() -> None:
    labels = labelled(asked(500))
    variants = {"random": labels, "popular": labels, "adversarial": labels}
    label_sets = [LabelSet("pope", variants), LabelSet("repope", variants)]
    models = {f"m{n}": answered(labels, 0.05 + 0.005 * n, n) for n in range(17)}
    started = time.process_time()
    found = compare(models, label_sets, "repope")
    assert time.process_time() - started < 10
    pairs = itertools.combinations(models, 2)
    assert len(found.differences["repope"]["mean"]) == len(list(pairs))
