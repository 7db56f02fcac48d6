"""The same answers under label sets and variants: means, changes, coverage, and what ambiguous ones might be."""

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest
import real_answers
from estimate_parts import intervals_of, reasons_of

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.bootstrap import counts_by_image, labelled_images, replicated
from repope_eval.scoring.confusion import Confusion, Figures
from repope_eval.scoring.protocol_scores import (
    DISTINCT,
    MEAN,
    AmbiguityBounds,
    ProtocolScores,
    UnansweredBounds,
    coverage,
    include_distinct,
    mean,
    missing,
    resolutions,
    score,
)
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.relabelling_effect import verdicts_of
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


Labels = dict[Question, bool]


def relabelled(n_images: int, n_flipped: int) -> tuple[Labels, Labels]:
    """Four questions an image; the first one's label yes is wrong in the first images."""
    before = {
        Question(f"{image}.jpg", f"{number}?", ""): number < 2
        for image in range(n_images)
        for number in range(4)
    }
    flipped = {Question(f"{image}.jpg", "0?", "") for image in range(n_flipped)}
    return before, {question: label and question not in flipped for question, label in before.items()}


def scored(before: Labels, after: Labels) -> ProtocolScores:
    answers = {
        question: Answer(question, "yes" if label != (number % 9 == 0) else "no")
        for number, (question, label) in enumerate(before.items())
    }
    label_sets = [LabelSet("pope", {"random": before}), LabelSet("repope", {"random": after})]
    return score("a-model", "a-bench", label_sets, answers, "repope")


def test_a_change_is_the_difference_and_its_interval_that_of_each_replicates_own() -> None:
    before, after = relabelled(150, 60)
    scores = scored(before, after)
    change = scores.changes["random"]
    old, new = (scores.cells[name]["random"].figures for name in ("pope", "repope"))
    assert change.estimates["tp"].value == new.tp - old.tp
    assert change.estimates["f1"].value == (new.f1 or 0) - (old.f1 or 0)
    label_sets = [LabelSet("pope", {"random": before}), LabelSet("repope", {"random": after})]
    answers = {
        question: Answer(question, "yes" if label != (number % 9 == 0) else "no")
        for number, (question, label) in enumerate(before.items())
    }
    counts = counts_by_image(label_sets, labelled_images(label_sets), answers, PROTOCOLS["repope"])
    f1 = replicated(counts, PROTOCOLS["repope"], ["f1"])["f1"]
    assert change.estimates["f1"].interval == pytest.approx(
        tuple(np.percentile(f1[:, 1] - f1[:, 0], (2.5, 97.5)))
    )
    # One label set's interval is wider: what makes an image hard cancels out.
    low, high = change.estimates["tnr"].interval or (0, 0)
    own = scores.cells["repope"]["random"].estimates["tnr"].interval or (0, 0)
    assert low <= change.estimates["tnr"].value <= high  # type: ignore[operator]
    assert own[0] < own[1]


def test_the_share_of_yes_is_that_of_what_f1_counts() -> None:
    before, after = relabelled(150, 60)
    assert scored(before, after).changes["random"].yes_shares == (0.5, (2 * 150 - 60) / 600)
    unread = {question: Answer(question, "yes" if label else "maybe") for question, label in before.items()}
    label_sets = [LabelSet("pope", {"random": before}), LabelSet("repope", {"random": after})]
    found = score("a-model", "a-bench", label_sets, unread, "repope").changes["random"]
    assert found.yes_shares == (1, (2 * 150 - 60) / 300)


def test_few_images_have_no_interval_of_a_change() -> None:
    change = scored(*relabelled(99, 60)).changes["random"]
    assert set(intervals_of(change.estimates).values()) == {None}
    assert set(reasons_of(change.estimates).values()) == {"fewer than 100 images have answers"}


def test_few_changes_have_no_interval() -> None:
    change = scored(*relabelled(150, 19)).changes["random"]
    assert change.estimates["f1"].interval is None
    assert change.estimates["f1"].reason == "relabelling changes its counts in fewer than 20 images"


def test_what_is_undefined_under_one_label_set_has_no_change() -> None:
    before, _ = relabelled(150, 0)
    change = scored(before, dict.fromkeys(before, True)).changes["random"]
    assert (change.estimates["tnr"].value, change.estimates["tnr"].interval) == (None, None)
    assert change.estimates["tnr"].reason == "undefined under one of the label sets"


def test_a_real_models_change(shared: Path) -> None:
    benchmark = real_answers.benchmark(shared)
    answers = dict(real_answers.joined(shared, benchmark).answers)
    scores = score("llava", "repope", benchmark.label_sets, answers, "repope")
    assert list(scores.changes) == ["random", "popular", "adversarial", "mean"]
    change = scores.changes["random"]
    assert round(change.estimates["f1"].value or 0, 4) == 0.0461
    assert change.estimates["f1"].interval == pytest.approx((0.0349, 0.0572), abs=0.001)
    assert change.estimates["tp"].interval == pytest.approx((-172, -124), abs=2)
    assert change.yes_shares == (1456 / 2772, 1129 / 2553)
    assert scores.distinct is not None
    distinct = scores.distinct.cells["repope"][DISTINCT].figures
    assert (distinct.tp, distinct.fp, distinct.n_answered) == (1012, 143, 4544)


REPOPE = PROTOCOLS["repope"]
YES = {Question("1.jpg", f"{n}?", str(n)): True for n in range(100)}
NO = {Question("2.jpg", f"{n}?", str(n)): False for n in range(100)}


@pytest.mark.parametrize(("protocol", "yes"), [("repope", 0.7), ("lmms_eval", 0.7), ("vlmevalkit", 1.0)])
def test_answers_that_are_not_read_count_where_f1_counts_them(protocol: config.Protocol, yes: float) -> None:
    """A model that is silent where it is unsure would else stand first, all questions answered."""
    counts = Confusion(tp=50, fn=20, unparsed_yes=30, fp=30, tn=70)
    label_sets = [LabelSet("pope", {"random": YES | NO})]
    found = coverage({"pope": {"random": counts}}, label_sets, PROTOCOLS[protocol])["pope"]["random"]
    assert (found.yes, found.no, found.is_partial) == (yes, 1.0, yes < 1)


@pytest.mark.parametrize(
    ("n_no", "is_partial"), [(100, False), (99, False), (98, True), (4, True), (0, True)]
)
def test_f1_that_leaves_out_more_than_one_per_cent_is_partial(n_no: int, is_partial: bool) -> None:
    counts = Confusion(tp=100, tn=n_no, unanswered=100 - n_no)
    found = coverage({"pope": {"random": counts}}, [LabelSet("pope", {"random": YES | NO})], REPOPE)
    assert found["pope"]["random"].is_partial == is_partial


def test_the_mean_is_partial_where_a_variant_is() -> None:
    """Shares that lie apart in opposite ways are equal in the mean."""
    label_set = LabelSet("pope", {"random": YES | NO, "popular": YES | NO})
    confusions = {"random": Confusion(tp=100, tn=50), "popular": Confusion(tp=50, tn=100)}
    found = coverage({"pope": confusions}, [label_set], REPOPE)["pope"]["mean"]
    assert (found.yes, found.no, found.is_partial) == (0.75, 0.75, True)


def test_without_questions_of_a_label_there_is_no_share() -> None:
    label_set = LabelSet("pope", {"random": YES, "popular": YES | NO})
    confusions = {"random": Confusion(tp=10), "popular": Confusion(tp=10, tn=10)}
    found = coverage({"pope": confusions}, [label_set], REPOPE)["pope"]
    assert (found["random"].yes, found["random"].no, found["random"].is_partial) == (0.1, None, True)
    assert (found["mean"].yes, found["mean"].no) == (0.1, None)


QUESTIONS = [Question("1.jpg", f"{number}?", "") for number in range(9)]
BEFORE = {question: number < 5 for number, question in enumerate(QUESTIONS)}
AMBIGUOUS = QUESTIONS[2:6]
RESPONSES = ("yes", "no", "yes", "no", "perhaps", "yes", "no", "yes", "no")
ANSWERS = {question: Answer(question, said) for question, said in zip(QUESTIONS, RESPONSES, strict=True)}


def f1_of(labels: dict[Question, bool], answers: dict[Question, Answer], protocol: config.Protocol) -> float:
    scores = score("a-model", "a-bench", [LabelSet("repope", {"random": labels})], answers, protocol)
    return scores.cells["repope"]["random"].figures.f1 or 0.0


@pytest.mark.parametrize("protocol", ["repope", "pope", "vlmevalkit", "lmms_eval"])
def test_every_resolution_lies_between_the_two_ends_and_both_are_met(protocol: config.Protocol) -> None:
    after = {question: label for question, label in BEFORE.items() if question not in AMBIGUOUS}
    label_sets = [LabelSet("pope", {"random": BEFORE}), LabelSet("repope", {"random": after})]
    scores = score("a-model", "a-bench", label_sets, ANSWERS, protocol)
    verdicts = verdicts_of(label_sets, ANSWERS, protocol)
    found = resolutions(scores.confusions["repope"], verdicts, protocol)["random"]
    resolved = [
        f1_of(after | dict(zip(AMBIGUOUS, labels, strict=True)), ANSWERS, protocol)
        for labels in itertools.product((True, False), repeat=len(AMBIGUOUS))
    ]
    assert found == AmbiguityBounds(
        n_ambiguous=4,
        removed=f1_of(after, ANSWERS, protocol),
        all_no=resolved[-1],
        all_yes=resolved[0],
        lowest=min(resolved),
        highest=max(resolved),
    )


@pytest.mark.parametrize("protocol", ["repope", "vlmevalkit", "lmms_eval"])
def test_every_answer_to_what_is_missing_lies_between_the_two_ends(protocol: config.Protocol) -> None:
    answers = {question: answer for question, answer in ANSWERS.items() if question not in QUESTIONS[6:8]}
    label_set = LabelSet("pope", {"random": BEFORE})
    scores = score("a-model", "a-bench", [label_set], answers, protocol)
    found = missing(label_set, scores.confusions["pope"], protocol)["random"]
    lacking = [QUESTIONS[4], *QUESTIONS[6:8]]
    filled = [
        f1_of(
            BEFORE,
            answers
            | {question: Answer(question, said) for question, said in zip(lacking, said_all, strict=True)},
            protocol,
        )
        for said_all in itertools.product(("yes", "no"), repeat=3)
    ]
    assert found == UnansweredBounds(
        n_unanswered=2,
        n_unparsed=1,
        f1=f1_of(BEFORE, answers, protocol),
        lowest=min(filled),
        highest=max(filled),
    )


def test_of_several_variants_there_is_the_mean() -> None:
    after = {question: label for question, label in BEFORE.items() if question not in AMBIGUOUS}
    label_sets = [
        LabelSet("pope", {"random": BEFORE, "popular": BEFORE}),
        LabelSet("repope", {"random": after, "popular": BEFORE}),
    ]
    scores = score("a-model", "a-bench", label_sets, ANSWERS, "repope")
    found = resolutions(scores.confusions["repope"], verdicts_of(label_sets, ANSWERS, "repope"), "repope")
    assert list(found) == ["random", "popular", "mean"]
    assert found["popular"].lowest == found["popular"].highest == found["popular"].removed
    assert found["mean"].n_ambiguous == 2
    assert found["mean"].lowest == ((found["random"].lowest or 0) + (found["popular"].lowest or 0)) / 2


def test_without_a_hit_there_is_no_f1() -> None:
    label_set = LabelSet("pope", {"random": {QUESTIONS[0]: False}})
    scores = score("a-model", "a-bench", [label_set], {}, "repope")
    found = missing(label_set, scores.confusions["pope"], "repope")["random"]
    assert (found.f1, found.n_unanswered, found.highest) == (None, 1, None)


def test_a_real_model(shared: Path) -> None:
    benchmark = real_answers.benchmark(shared)
    answers = dict(real_answers.joined(shared, benchmark).answers)
    scores = score("llava", "repope", benchmark.label_sets, answers, "repope")
    verdicts = verdicts_of(benchmark.label_sets, answers, "repope")
    found = resolutions(scores.confusions["repope"], verdicts, "repope")
    cell = found["random"]
    figures = (cell.removed, cell.all_no, cell.all_yes, cell.lowest, cell.highest)
    assert [round(value or 0, 4) for value in figures] == [0.9193, 0.8687, 0.8939, 0.8353, 0.9277]
    cell = found["adversarial"]
    assert [round(value or 0, 4) for value in (cell.removed, cell.lowest, cell.highest)] == [
        0.8886,
        0.7810,
        0.9018,
    ]
