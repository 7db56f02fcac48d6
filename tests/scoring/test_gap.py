"""The gap between two results by cause, on examples that are computed by hand."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring import bootstrap
from repope_eval.scoring.bootstrap import MEAN, drawn_weights
from repope_eval.scoring.gap import CAUSES, Cause, Gap, Gaps, Result, gaps, paired_differences
from repope_eval.settings import config

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


def taken_apart(a: Result, b: Result, labels: LabelSet, protocol: config.Protocol) -> Gaps:
    return gaps(a, b, labels, protocol, paired_differences(a.answers, b.answers, labels, protocol))


def parts(gap: Gap) -> dict[Cause, float | None]:
    return {cause: part.value for cause, part in gap.parts.items()}


def test_each_cause_is_worth_the_mean_over_the_orders_and_the_parts_add_up() -> None:
    """Every cause is at work; `FOUR` and `FIVE` have one answer each.

    a: TP 2, FP 2, FN 1 on its own (F1 4/7); on shared questions, without `FOUR`, FP 1 (2/3); under the new labels,
    which have no `FOUR` either, TP 1, FP 2, FN 1 (2/5), whatever the questions. The reading changes nothing.
    b: TP 1, FN 1 on its own, since lmms_eval reads neither of two answers (2/3); without `FIVE` FN 0 (1). Read by
    repope with `FIVE` TP 2, FP 1, FN 1 (2/3), without it FN 0 (4/5). Its labels are the common ones.
    So questions and labels depend on each other in a, and questions and reading in b.
    """
    gap = taken_apart(FIRST, SECOND, NEW, "repope")["random"]["f1"]
    a, b = gap.a, gap.b
    assert [a.own, a.shared, a.read_alike, a.common] == pytest.approx([4 / 7, 2 / 3, 2 / 3, 2 / 5])
    assert [b.own, b.shared, b.read_alike, b.common] == pytest.approx([2 / 3, 1, 4 / 5, 4 / 5])
    assert gap.value == pytest.approx(-2 / 21)
    of_a = {"questions": (4 / 7 - 2 / 3) / 2, "reading": 0, "labels": (4 / 7 - 2 / 5 + 2 / 3 - 2 / 5) / 2}
    of_b = {"questions": (2 / 3 - 1 + 2 / 3 - 4 / 5) / 2, "reading": (0 + 1 - 4 / 5) / 2, "labels": 0}
    expected = {cause: of_a[cause] - of_b[cause] for cause in of_a}
    assert parts(gap) == pytest.approx({**expected, "answers": -2 / 5})
    assert sum(part or 0 for part in parts(gap).values()) == pytest.approx(-2 / 21, abs=1e-15)
    assert gap.parts["reading"].order_bounds == pytest.approx((-1 / 5, 0))
    assert gap.parts["questions"].order_bounds == pytest.approx((4 / 7 - 2 / 3 + 2 / 15, 1 / 3))
    assert gap.parts["answers"].order_bounds == pytest.approx((-2 / 5, -2 / 5))


def test_results_that_change_places_turn_every_sign() -> None:
    there, back = taken_apart(FIRST, SECOND, NEW, "repope"), taken_apart(SECOND, FIRST, NEW, "repope")
    for figure in ("f1", "accuracy", "yes_ratio"):
        straight, turned = parts(there["random"][figure]), parts(back["random"][figure])
        assert [straight[cause] for cause in CAUSES] == pytest.approx(
            [-(turned[cause] or 0) for cause in CAUSES]
        )


def test_the_parts_of_the_mean_are_the_means_of_the_parts() -> None:
    def doubled(labels: LabelSet) -> LabelSet:
        fewer = {
            question: label for question, label in labels.variants["random"].items() if question != THREE
        }
        return replace(labels, variants={**labels.variants, "popular": fewer})

    first, second = replace(FIRST, labels=doubled(OLD)), replace(SECOND, labels=doubled(NEW))
    found = taken_apart(first, second, doubled(NEW), "repope")
    assert list(found) == ["random", "popular", MEAN]
    for cause in CAUSES:
        of_variants = [parts(found[variant]["f1"])[cause] or 0 for variant in ("random", "popular")]
        assert parts(found[MEAN]["f1"])[cause] == pytest.approx(sum(of_variants) / 2)


def test_what_is_undefined_has_no_parts() -> None:
    """b never says yes, so its F1 is undefined wherever it counts."""
    silent = replace(SECOND, answers=answers({ONE: "no", TWO: "no"}))
    gap = taken_apart(FIRST, silent, NEW, "repope")["random"]["f1"]
    assert gap.value is None
    assert parts(gap) == dict.fromkeys(CAUSES)


def test_one_result_has_no_gap_to_itself() -> None:
    gap = taken_apart(FIRST, FIRST, OLD, "repope")["random"]["f1"]
    assert gap.value == 0
    assert set(parts(gap).values()) == {0}


def test_chance_is_of_the_shared_questions_and_needs_enough_images() -> None:
    found = paired_differences(FIRST.answers, SECOND.answers, NEW, "repope")["random"]
    assert (found.first, found.second) == ("a", "b")
    assert found.n_questions == 4
    assert found.value == pytest.approx(-2 / 5)
    assert found.interval is None
    assert found.reason == "4 images, and an interval takes 100"


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


def many(n_images: int, n_answered: int) -> tuple[Result, Result]:
    """The same answers to two questions about each image, of which the second result lacks some of the first ones'."""
    asked = [
        Question(f"{n}.jpg", f"Is there a {name}?", name) for n in range(n_images) for name in ("cat", "dog")
    ]
    labels = LabelSet("pope", {"random": {q: q.object == "cat" for q in asked}})
    said = {q: "Yes" if (q.object == "cat") != (index % 7 == 0) else "No" for index, q in enumerate(asked)}
    fewer = {
        q: text for q, text in said.items() if q.object == "dog" or int(q.image[:-4]) >= n_images - n_answered
    }
    first, second = (
        Result(answers=answers(each), labels=labels, protocol="repope") for each in (said, fewer)
    )
    return first, second


def test_a_part_has_an_interval_from_the_same_drawn_images() -> None:
    """Against plain loops: the part is what F1 on all questions is more than on the shared ones."""
    first, second = many(120, 60)
    part = taken_apart(first, second, first.labels, "repope")["random"]["f1"].parts["questions"]
    assert part.reason == ""
    assert part.interval is not None
    of_image: dict[str, list[list[int]]] = {}
    for question, answer in first.answers.items():
        said, label = answer.response == "Yes", first.labels.variants["random"][question]
        of_image.setdefault(question.image, [[0, 0], [0, 0]])
        for counts, is_there in zip(
            of_image[question.image], (True, question in second.answers), strict=True
        ):
            counts[0] += 2 * (is_there and said and label)
            counts[1] += (is_there and said) + (is_there and label)
    drawn = np.concatenate(list(drawn_weights(120, bootstrap.REPLICATES)))
    totals = np.einsum("ri,ijk->rjk", drawn, np.array(list(of_image.values())))
    f1 = totals[..., 0] / totals[..., 1]
    # All of a's questions against the shared ones; b has the same answers to these.
    assert part.interval == pytest.approx(np.percentile(f1[:, 0] - f1[:, 1], (2.5, 97.5)))
    assert part.value is not None
    assert part.interval[0] < part.value < part.interval[1]


@pytest.mark.parametrize(
    ("n_images", "n_answered", "reason"),
    [
        (99, 50, "99 images, and an interval takes 100"),
        (120, 110, "it is at work in 10 images, and an interval takes 20"),
        (120, 120, "it changes nothing in any image"),
    ],
)
def test_a_part_without_evidence_has_a_reason_in_place_of_its_interval(
    n_images: int, n_answered: int, reason: str
) -> None:
    first, second = many(n_images, n_answered)
    part = taken_apart(first, second, first.labels, "repope")["random"]["f1"].parts["questions"]
    assert part.value is not None
    assert (part.interval, part.reason) == (None, reason)
