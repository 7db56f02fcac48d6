"""Several models ranked on the questions that all of them answered, with rank intervals, taus and overtakings."""

import itertools
import time

import pytest
from model_examples import (
    LABELS,
    Answers,
    answered,
    asked,
    image_number,
    labelled,
    one_label_set,
    three_models,
)

from repope_eval.records import Answer, LabelSet
from repope_eval.scoring.comparison import Comparison, compare
from repope_eval.scoring.protocol_scores import score


def test_the_best_is_first_and_its_figure_is_that_of_its_scores() -> None:
    models = three_models()
    found = compare(models, one_label_set(LABELS), "repope")
    assert (found.n_images, found.n_questions, found.agreements) == (100, 600, {})
    standings = found.standings["pope"]["random"]
    assert [(s.model, s.place, s.interval, s.joint_interval, s.reason) for s in standings] == [
        ("good", 1, (1, 1), (1, 1), None),
        ("middling", 2, (2, 2), (2, 2), None),
        ("poor", 3, (3, 3), (3, 3), None),
    ]
    for standing in standings:
        alone = score("m", "b", one_label_set(LABELS), models[standing.model], "repope")
        assert standing.value == alone.cells["pope"]["random"].figures.f1


def test_equal_models_share_a_rank() -> None:
    one = answered(LABELS, 0.1, 1)
    found = compare({"b": one, "a": dict(one)}, one_label_set(LABELS), "repope")
    assert [(s.model, s.place, s.interval, s.joint_interval) for s in found.standings["pope"]["random"]] == [
        ("b", 1, (1, 1), (1, 2)),
        ("a", 1, (1, 1), (1, 2)),
    ]


def test_ranks_of_models_that_cannot_be_told_apart() -> None:
    models = {f"m{n}": answered(LABELS, 0.1, 200 + n) for n in range(5)}
    standings = compare(models, one_label_set(LABELS), "repope").standings["pope"]["random"]
    assert [s.place for s in standings] == sorted(s.place or 0 for s in standings)
    for standing in standings:
        assert standing.interval is not None
        assert standing.joint_interval is not None
        assert standing.interval[0] <= (standing.place or 0) <= standing.interval[1]
        assert standing.interval[1] - standing.interval[0] >= 2
        assert standing.joint_interval[0] <= standing.interval[0]
        assert standing.interval[1] <= standing.joint_interval[1]


def test_models_are_ranked_on_the_questions_that_all_ranked_ones_answered() -> None:
    """A model that lacks its wrong answers stood first with F1 = 1 on the same images."""
    models = three_models()
    right = {q: a for q, a in models["poor"].items() if (a.response == "yes") == LABELS[q] or q.object == "0"}
    models["poor"] = right
    found = compare(models, one_label_set(LABELS), "repope")
    assert (found.n_images, found.n_questions) == (100, len(right))
    common = {q: label for q, label in LABELS.items() if q in right}
    same = {name: {q: answers[q] for q in common} for name, answers in models.items()}
    assert found.standings == compare(same, one_label_set(common), "repope").standings
    without = compare(models, one_label_set(LABELS), "repope", ranked=["good", "middling"])
    assert without.n_questions == 600
    assert [s.model for s in without.standings["pope"]["random"]] == ["good", "middling"]
    assert len(without.differences["pope"]["random"]) == 3


def test_two_label_sets_and_several_variants() -> None:
    """The model that follows the flipped labels is behind under the old ones and ahead under the new."""
    questions = asked(100)
    before, after = labelled(questions), labelled(questions, flipped="2")
    label_sets = [
        LabelSet("pope", {"random": before, "popular": before}),
        LabelSet("repope", {"random": after, "popular": before}),
    ]
    models = {
        "old": answered(before, 0.03, 1),
        "new": answered(after, 0.03, 2),
        "poor": answered(before, 0.4, 3),
        "poorer": answered(before, 0.6, 4),
        "poorest": answered(before, 0.8, 5),
    }
    found = compare(models, label_sets, "repope")
    assert [list(found.standings[name]) for name in ("pope", "repope")] == [["random", "popular", "mean"]] * 2
    assert list(found.agreements) == ["random", "popular", "mean"]
    random_order = [[s.model for s in found.standings[name]["random"]] for name in ("pope", "repope")]
    others = ["poor", "poorer", "poorest"]
    assert random_order == [["old", "new", *others], ["new", "old", *others]]
    agreement = found.agreements["random"]
    assert agreement.taus["f1"].value == pytest.approx((9 - 1) / 10)
    (overtaking,) = agreement.overtakings
    assert (overtaking.model, overtaking.overtaken) == ("new", "old")
    assert overtaking.probability is not None
    assert overtaking.probability > 0.99
    same = found.agreements["popular"]
    assert {tau.value for tau in same.taus.values()} == {1}
    assert same.overtakings == ()
    mean = {s.model: s.value for s in found.standings["repope"]["mean"]}
    parts = [{s.model: s.value for s in found.standings["repope"][v]} for v in ("random", "popular")]
    assert mean["old"] == pytest.approx(sum(part["old"] or 0 for part in parts) / 2)


def two_label_sets(models: dict[str, Answers]) -> Comparison:
    return compare(models, [*one_label_set(LABELS), *one_label_set(LABELS, "repope")], "repope")


def test_no_model_and_one_model() -> None:
    nobody = two_label_sets({})
    assert (nobody.n_questions, nobody.n_images, nobody.standings["pope"]["random"]) == (0, 0, ())
    found = two_label_sets({"only": answered(LABELS, 0.1, 1)})
    assert [(s.place, s.interval, s.joint_interval) for s in found.standings["repope"]["random"]] == [
        (1, (1, 1), (1, 1))
    ]
    assert found.differences["pope"]["random"] == ()
    tau = found.agreements["random"].taus["f1"]
    assert (tau.value, tau.interval) == (None, None)


@pytest.mark.parametrize("n_images", [0, 1, 99])
def test_with_too_few_images_nothing_says_how_sure_a_rank_is(n_images: int) -> None:
    """A test of 8 images at 5 % errs in 10 of 100 cases."""
    models = {
        name: {q: a for q, a in answers.items() if image_number(q) < n_images}
        for name, answers in three_models().items()
    }
    found = two_label_sets(models)
    assert found.n_images == n_images
    for standing in found.standings["pope"]["random"]:
        assert (standing.interval, standing.joint_interval) == (None, None)
        assert standing.reason is not None
        assert n_images == 0 or "an interval takes 100" in standing.reason
    agreement = found.agreements["random"]
    assert all(each.probability is None for each in agreement.overtakings)


def test_a_model_that_is_not_ranked_is_compared_on_the_few_images_that_all_answered() -> None:
    """The ranked ones had no replicates there, the other one had: that ended in an error of numpy's."""
    models = {
        name: {q: a for q, a in answers.items() if image_number(q) < 5}
        for name, answers in three_models().items()
    }
    found = compare(models, one_label_set(LABELS), "repope", ranked=["good", "middling"])
    of_pairs = found.differences["pope"]["random"]
    assert [{d.first, d.second} for d in of_pairs] == [
        {"good", "middling"},
        {"middling", "poor"},
        {"good", "poor"},
    ]
    assert {(d.n_images, d.interval, d.reason) for d in of_pairs} == {
        (5, None, "5 images, and an interval takes 100")
    }


def test_a_model_whose_figure_is_undefined_stands_last() -> None:
    models = three_models() | {"silent": {q: Answer(q, "hm") for q in LABELS}}
    found = compare(models, one_label_set(LABELS), "repope")
    last = found.standings["pope"]["random"][-1]
    assert (last.model, last.value, last.place, last.interval, last.joint_interval, last.reason) == (
        *("silent", None, None, None, None),
        "F1 is undefined",
    )
    of_last = [d for d in found.differences["pope"]["random"] if d.second == "silent"]
    assert [(d.value, d.interval, d.p, d.p_adjusted) for d in of_last] == [(None, None, None, None)] * 3
    without = compare(three_models(), one_label_set(LABELS), "repope")
    assert found.standings["pope"]["random"][:3] == without.standings["pope"]["random"]


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
