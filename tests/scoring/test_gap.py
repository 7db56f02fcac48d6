"""The gap between two results by cause, on examples that are computed by hand."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.bootstrap import MEAN
from repope_eval.scoring.gap import CAUSES, Result, gaps, paired_differences

ONE, TWO, THREE, FOUR, FIVE, SIX = (
    Question(f"{number}.jpg", "Is there a dog?", "dog") for number in range(6)
)

OLD = LabelSet("pope", {"random": {ONE: True, TWO: True, THREE: False, FOUR: False, FIVE: True, SIX: True}})
NEW = LabelSet("repope", {"random": {ONE: True, TWO: False, THREE: False, FIVE: True, SIX: True}})


def answers(said: Mapping[Question, str]) -> dict[Question, Answer]:
    return {question: Answer(question, response) for question, response in said.items()}


FIRST = Result(
    answers=answers({ONE: "Yes", TWO: "Yes", THREE: "Yes", FOUR: "Yes", SIX: "No"}),
    labels=OLD,
    protocol="repope",
)
SECOND = Result(
    answers=answers({ONE: "Yes.", TWO: "no", THREE: "Yes, two", FIVE: "no", SIX: "yes"}),
    labels=NEW,
    protocol="lmms_eval",
)


def test_each_cause_is_worth_what_it_changes_and_the_parts_add_up() -> None:
    """Every cause is at work; `FOUR` and `FIVE` have one answer each.

    a: TP 2, FP 2, FN 1 on its own; without `FOUR` FP 1; under the new labels TP 1, FP 2, FN 1.
    b: TP 1, FN 1 on its own, since lmms_eval reads neither of two answers; without `FIVE` FN 0; read by repope
    TP 2, FP 1.
    """
    gap = gaps(FIRST, SECOND, NEW, "repope")["random"]["f1"]
    a, b = gap.a, gap.b
    assert [a.own, a.shared, a.read_alike, a.common] == pytest.approx([4 / 7, 2 / 3, 2 / 3, 2 / 5])
    assert [b.own, b.shared, b.read_alike, b.common] == pytest.approx([2 / 3, 1, 4 / 5, 4 / 5])
    assert gap.value == pytest.approx(-2 / 21)
    assert gap.parts == pytest.approx(
        {"questions": 5 / 21, "reading": -1 / 5, "labels": 4 / 15, "answers": -2 / 5}
    )
    assert sum(part or 0 for part in gap.parts.values()) == pytest.approx(-2 / 21, abs=1e-15)


def test_accuracy_is_taken_apart_too() -> None:
    """a: 2 of 5 right, 2 of the shared 4, under new labels 1 of 4. b: 2 of 5, 2 of 4, read by repope 3 of 4."""
    gap = gaps(FIRST, SECOND, NEW, "repope")["random"]["accuracy"]
    assert gap.parts == pytest.approx(
        {"questions": (2 / 5 - 2 / 4) - (2 / 5 - 2 / 4), "reading": 1 / 4, "labels": 1 / 4, "answers": -1 / 2}
    )
    assert gap.value == pytest.approx(0)


def test_results_that_change_places_turn_every_sign() -> None:
    there, back = gaps(FIRST, SECOND, NEW, "repope"), gaps(SECOND, FIRST, NEW, "repope")
    for figure in ("f1", "accuracy", "yes_ratio"):
        parts, turned = there["random"][figure].parts, back["random"][figure].parts
        assert [parts[cause] for cause in CAUSES] == pytest.approx(
            [-(turned[cause] or 0) for cause in CAUSES]
        )


def test_the_parts_of_the_mean_are_the_means_of_the_parts() -> None:
    def doubled(labels: LabelSet) -> LabelSet:
        fewer = {
            question: label for question, label in labels.variants["random"].items() if question != THREE
        }
        return replace(labels, variants={**labels.variants, "popular": fewer})

    first, second = replace(FIRST, labels=doubled(OLD)), replace(SECOND, labels=doubled(NEW))
    found = gaps(first, second, doubled(NEW), "repope")
    assert list(found) == ["random", "popular", MEAN]
    for cause in CAUSES:
        of_variants = [found[variant]["f1"].parts[cause] or 0 for variant in ("random", "popular")]
        assert found[MEAN]["f1"].parts[cause] == pytest.approx(sum(of_variants) / 2)


def test_what_is_undefined_has_no_parts() -> None:
    """b never says yes, so its F1 is undefined wherever it counts."""
    silent = replace(SECOND, answers=answers({ONE: "no", TWO: "no"}))
    gap = gaps(FIRST, silent, NEW, "repope")["random"]["f1"]
    assert gap.value is None
    assert gap.parts == dict.fromkeys(CAUSES)


def test_one_result_has_no_gap_to_itself() -> None:
    gap = gaps(FIRST, FIRST, OLD, "repope")["random"]["f1"]
    assert gap.value == 0
    assert set(gap.parts.values()) == {0}


def test_chance_is_of_the_shared_questions_and_needs_enough_images() -> None:
    found = paired_differences(FIRST.answers, SECOND.answers, NEW, "repope")["random"]
    assert (found.first, found.second) == ("a", "b")
    assert found.n_questions == 4
    assert found.value == pytest.approx(-2 / 5)
    assert found.interval is None
    assert found.reason == "4 images, and it takes 100"


def test_chance_is_a_less_b_whoever_is_better() -> None:
    many = [Question(f"{number}.jpg", "Is there a cat?", "cat") for number in range(300)]
    labels = LabelSet("pope", {"random": {question: index % 2 == 0 for index, question in enumerate(many)}})
    good = answers({question: "Yes" if index % 2 == 0 else "No" for index, question in enumerate(many)})
    poor = answers({question: "Yes" if index % 3 else "No" for index, question in enumerate(many)})
    ahead, behind = (
        paired_differences(one, other, labels, "repope")["random"]
        for one, other in ((good, poor), (poor, good))
    )
    assert ahead.interval is not None
    assert behind.interval is not None
    assert ahead.interval[0] > 0 > behind.interval[1]
    assert ahead.interval == pytest.approx([-end for end in reversed(behind.interval)])
