"""The same answers under label sets and variants, and the means over variants."""

import dataclasses

import pytest

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.confusion import Figures
from repope_eval.scoring.protocol_scores import MEAN, ProtocolScores, include_distinct, mean, score
from repope_eval.settings import config

DOG, CAT, CUP = (
    Question("1.jpg", f"Is there a {name} in the image?", name) for name in ("dog", "cat", "cup")
)

BASE = Figures(
    tp=1,
    fp=2,
    tn=3,
    fn=4,
    precision=0.5,
    recall=0.25,
    f1=0.125,
    accuracy=0.5,
    balanced_accuracy=0.5,
    tnr=0.5,
    yes_ratio=0.5,
    f1_balanced=0.85,
    mcc=0.7,
    n_questions=10,
    n_answered=9,
    n_unparsed=1,
)


def scores_of(
    label_sets: list[LabelSet], responses: dict[Question, str], protocol: config.Protocol = "repope"
) -> ProtocolScores:
    answers = {question: Answer(question, response) for question, response in responses.items()}
    return score("a-model", "a-bench", label_sets, answers, protocol)


def test_the_mean_is_of_each_figure() -> None:
    other = dataclasses.replace(BASE, tp=2, precision=1.0, f1=0.375, n_questions=20)
    cell = mean([BASE, other])
    assert (cell.tp, cell.fp, cell.n_questions) == ((1 + 2) / 2, 2, (10 + 20) / 2)
    assert (cell.precision, cell.f1, cell.recall) == ((0.5 + 1.0) / 2, (0.125 + 0.375) / 2, 0.25)


def test_a_mean_is_undefined_where_one_variants_figure_is() -> None:
    cell = mean([BASE, dataclasses.replace(BASE, precision=None, f1=None), BASE])
    assert (cell.precision, cell.f1) == (None, None)
    assert (cell.recall, cell.accuracy) == (0.25, 0.5)


def test_a_zero_is_no_undefined_figure() -> None:
    assert mean([BASE, dataclasses.replace(BASE, precision=0.0)]).precision == (0.5 + 0.0) / 2


def test_f1_of_the_mean_is_the_mean_of_f1_and_not_f1_of_mean_counts() -> None:
    labels = LabelSet("pope", {"random": {DOG: True, CAT: False}, "popular": {DOG: True, CUP: True}})
    by_variant = {
        variant: cell.figures
        for variant, cell in scores_of([labels], {DOG: "yes", CAT: "yes", CUP: "no"}).cells["pope"].items()
    }
    assert by_variant["random"].f1 == 2 * 1 / (2 * 1 + 1 + 0)
    assert by_variant["popular"].f1 == 2 * 1 / (2 * 1 + 0 + 1)
    assert by_variant[MEAN].f1 == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert (by_variant[MEAN].fp, by_variant[MEAN].fn) == (0.5, 0.5)


def test_precision_of_a_variant_without_label_yes_is_in_no_mean() -> None:
    """A yes there is wrong whatever it is about: precision would be 0 for any model, so it is undefined."""
    labels = LabelSet("own", {"none": {CUP: False}, "both": {DOG: True, CAT: False}})
    scores = scores_of([labels], {CUP: "yes", DOG: "yes", CAT: "no"})
    cells = scores.cells["own"]
    assert (cells["none"].figures.precision, cells["both"].figures.precision) == (None, 1)
    assert cells["mean"].figures.precision is None
    assert cells["mean"].estimates["precision"].reason == "undefined in none"
    assert cells["mean"].figures.tnr == 0.5


def test_all_questions_together_are_a_variant_where_one_has_a_single_label() -> None:
    labels = LabelSet("own", {"none": {CUP: False}, "both": {DOG: True, CAT: False, CUP: False}})
    (found,) = include_distinct([labels])
    assert list(found.variants) == ["none", "both", "distinct"]
    assert found.variants["distinct"] == {DOG: True, CAT: False, CUP: False}
    assert list(score("m", "b", [found], {DOG: Answer(DOG, "yes")}, "repope").cells["own"]) == [
        "none",
        "both",
        "distinct",
    ]
    both_labels = LabelSet("own", {"a": {DOG: True, CAT: False}, "b": {DOG: True, CUP: False}})
    assert include_distinct([both_labels]) == (both_labels,)
    alone = LabelSet("own", {"none": {CUP: False}})
    assert include_distinct([alone]) == (alone,)


def test_a_question_of_several_variants_counts_in_each() -> None:
    labels = LabelSet("pope", {"random": {DOG: True, CAT: False}, "popular": {DOG: True, CUP: False}})
    by_variant = {
        variant: cell.figures
        for variant, cell in scores_of([labels], {DOG: "yes", CAT: "no"}).cells["pope"].items()
    }
    assert [by_variant[variant].tp for variant in ("random", "popular")] == [1, 1]
    assert [by_variant[variant].tn for variant in ("random", "popular")] == [1, 0]
    assert [by_variant[variant].n_answered for variant in ("random", "popular", MEAN)] == [2, 1, 1.5]


def test_the_same_answers_under_two_label_sets() -> None:
    label_sets = [
        LabelSet("pope", {"random": {DOG: True, CAT: False, CUP: True}}),
        LabelSet("repope", {"random": {DOG: True, CAT: True}}),  # one label flipped, one question removed
    ]
    scores = scores_of(label_sets, {DOG: "yes", CAT: "yes", CUP: "no"})
    before, after = (scores.cells[name]["random"].figures for name in ("pope", "repope"))
    assert (before.tp, before.fp, before.fn, before.n_questions) == (1, 1, 1, 3)
    assert (after.tp, after.fp, after.fn, after.n_questions) == (2, 0, 0, 2)


def test_distinct_questions_count_once_and_are_no_variant() -> None:
    label_sets = [
        LabelSet("pope", {"random": {DOG: True, CAT: False}, "popular": {DOG: True, CUP: False}}),
        LabelSet("repope", {"random": {CAT: False}, "popular": {DOG: True, CUP: True}}),
    ]
    scores = scores_of(label_sets, {DOG: "yes", CAT: "no", CUP: "yes"})
    assert list(scores.cells["pope"]) == ["random", "popular", MEAN]
    assert scores.distinct is not None
    before, after = (scores.distinct.cells[name]["distinct"].figures for name in ("pope", "repope"))
    assert (before.tp, before.fp, before.tn, before.n_questions) == (1, 1, 1, 3)
    assert (after.tp, after.fp, after.tn, after.n_questions) == (2, 0, 1, 3)
    assert scores.distinct.changes["distinct"].estimates["tp"].value == 1


def test_distinct_questions_of_a_single_variant_are_those_of_the_variant() -> None:
    assert scores_of([LabelSet("pope", {"random": {DOG: True}})], {DOG: "yes"}).distinct is None
