"""How far the errors of two models coincide, and the questions that most miss, against counts made by hand."""

import numpy as np
import pytest
from model_examples import LABELS, answered, asked, labelled, one_label_set, three_models

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring import shared_errors
from repope_eval.scoring.shared_errors import (
    ErrorOverlap,
    MissedQuestions,
    error_kappas,
    error_overlaps,
    find_errors,
    missed_questions,
)
from repope_eval.settings.config import Protocol

QUESTIONS = [Question(f"{number}.jpg", f"Is there a {number}?", str(number)) for number in range(10)]
ALL_YES = LabelSet("repope", {"random": dict.fromkeys(QUESTIONS, True)})


def says(responses: str) -> dict[Question, Answer]:
    """An answer to each question: y, n, ? for neither, and a blank for none."""
    words = {"y": "Yes", "n": "No", "?": "It may be."}
    return {
        question: Answer(question, words[letter])
        for question, letter in zip(QUESTIONS, responses, strict=True)
        if letter != " "
    }


def overlap_of(first: str, second: str, protocol: Protocol = "repope") -> ErrorOverlap:
    (overlap,) = error_overlaps(find_errors({"a": says(first), "b": says(second)}, ALL_YES, protocol))
    return overlap


def missed_by(*responses: str) -> MissedQuestions:
    models = {str(number): says(each) for number, each in enumerate(responses)}
    missed = missed_questions(find_errors(models, ALL_YES, "repope"), models, "repope", models)
    assert missed is not None
    return missed


def test_kappa_is_that_of_cohens_formula() -> None:
    overlap = overlap_of("nnnnyyyyyy", "nnnynnyyyy")
    # 4 and 5 errors of 10, of which 3 are shared: both alike on 7; by chance .4 * .5 + .6 * .5 = .5.
    assert (overlap.n_errors_first, overlap.n_errors_second, overlap.n_shared) == (4, 5, 3)
    assert overlap.kappa.value == pytest.approx((0.7 - 0.5) / (1 - 0.5))
    assert overlap.n_expected == pytest.approx(2)
    assert overlap.kappa.interval is None
    assert overlap.kappa.reason == "10 images, and an interval takes 100"


def test_the_same_errors_have_kappa_one_and_none_in_common_are_below_chance() -> None:
    assert overlap_of("nnyyyyyyyy", "nnyyyyyyyy").kappa.value == 1
    assert overlap_of("nnnnnyyyyy", "yyyyynnnnn").kappa.value == -1
    # 2 of 10 and 5 of 10, of which 1 is shared: just what chance gives.
    assert overlap_of("nnyyyyyyyy", "nyyyyynnnn").kappa.value == pytest.approx(0)


def test_kappa_is_undefined_where_neither_errs_or_nothing_is_shared() -> None:
    for first, second, reason in (
        ("yyyyyyyyyy", "yyyyyyyyyy", "neither errs"),
        ("nnnnnnnnnn", "nnnnnnnnnn", "both err throughout"),
        ("yyyyy     ", "     nnnnn", "no question that both answered"),
    ):
        kappa = overlap_of(first, second).kappa
        assert (kappa.value, kappa.interval, kappa.reason) == (None, None, reason)
    assert overlap_of("yyyyy     ", "     nnnnn").n_expected is None
    assert np.isnan(error_kappas(np.zeros(4)))


def test_only_questions_that_both_answered_count() -> None:
    overlap = overlap_of("nnnnyy    ", "  nnynyyyy")
    assert (overlap.n_questions, overlap.n_images) == (4, 4)
    assert (overlap.n_errors_first, overlap.n_errors_second, overlap.n_shared) == (2, 3, 2)


@pytest.mark.parametrize(
    ("protocol", "n_questions", "n_errors"), [("repope", 8, 3), ("vlmevalkit", 10, 5), ("lmms_eval", 10, 5)]
)
def test_unparsed_answers_are_left_out_or_errors_as_the_protocol_says(
    protocol: Protocol, n_questions: int, n_errors: int
) -> None:
    overlap = overlap_of("nnn??yyyyy", "nnnnnyyyyy", protocol)
    assert (overlap.n_questions, overlap.n_errors_first) == (n_questions, n_errors)


def test_a_question_of_several_variants_counts_once() -> None:
    several = LabelSet("repope", dict.fromkeys(("random", "popular"), ALL_YES.variants["random"]))
    models = {"a": says("nnyyyyyyyy"), "b": says("nyyyyyyyyy")}
    (overlap,) = error_overlaps(find_errors(models, several, "repope"))
    assert (overlap.n_questions, overlap.n_shared) == (10, 1)


def test_kappa_has_an_interval_over_images_where_these_and_the_errors_are_enough() -> None:
    labels = labelled(asked(300))
    (label_set,) = one_label_set(labels)
    models = {str(seed): answered(labels, 0.1, seed) for seed in (1, 2)}
    (overlap,) = error_overlaps(find_errors(models, label_set, "repope"))
    low, high = overlap.kappa.interval or (1, 0)
    assert overlap.kappa.value is not None
    assert (
        0 < low < overlap.kappa.value < high < 1
    )  # errors are in the same images, but on questions of their own
    alike = {"1": models["1"], "2": {**models["1"], **dict(list(models["2"].items())[:60])}}
    (near,) = error_overlaps(find_errors(alike, label_set, "repope"))
    assert near.kappa.value is not None
    assert near.kappa.interval is None
    assert near.kappa.reason.startswith("one errs alone in ")


def test_pairs_are_the_same_however_many_are_counted_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    (label_set,) = one_label_set(LABELS)
    errors = find_errors(three_models(), label_set, "repope")
    whole = error_overlaps(errors)
    assert [(pair.first, pair.second) for pair in whole] == [
        ("middling", "poor"),
        ("middling", "good"),
        ("poor", "good"),
    ]
    monkeypatch.setattr(shared_errors, "_CELLS_AT_ONCE", 1)
    assert error_overlaps(errors) == whole
    assert error_overlaps(find_errors({}, label_set, "repope")) == ()


def test_the_questions_that_most_miss_come_in_their_order() -> None:
    missed = missed_by("nnnnyyyyy?", "nnnyyyyyyn", "nnyny ny n")
    assert (missed.n_models, missed.n_questions) == (3, 10)
    told = [(one.question.object, one.n_wrong, one.n_answered) for one in missed.questions]
    assert told == [("0", 3, 3), ("1", 3, 3), ("9", 2, 2), ("2", 2, 3), ("3", 2, 3)]
    assert [one.question.object for one in missed.by_all] == ["0", "1", "9"]
    assert missed.questions[0].responses == {"No": 3}
    assert missed.questions[0].label is True


def test_a_question_that_one_model_answered_says_nothing_of_several() -> None:
    assert missed_by("nyyyyyyyyy", " yyyyyyyyy").questions == ()
    models = {"a": says("nyyyyyyyyy")}
    assert missed_questions(find_errors(models, ALL_YES, "repope"), models, "repope", models) is None


def test_models_that_are_not_named_are_not_looked_at() -> None:
    models = {"a": says("nnyyyyyyyy"), "b": says("nnyyyyyyyy"), "c": says("nyyyyyyyyy")}
    errors = find_errors(models, ALL_YES, "repope")
    missed = missed_questions(errors, models, "repope", {"a", "b"})
    assert missed is not None
    assert [(one.n_wrong, one.n_answered) for one in missed.by_all] == [(2, 2), (2, 2)]


def test_the_most_frequent_wrong_response_comes_first() -> None:
    question = QUESTIONS[0]
    labels = LabelSet("repope", {"random": {question: True}})
    texts = ("Yes", "No.", "No, there is none.", "No.")
    models = {str(number): {question: Answer(question, text)} for number, text in enumerate(texts)}
    missed = missed_questions(find_errors(models, labels, "repope"), models, "repope", models)
    assert missed is not None
    assert list(missed.questions[0].responses.items()) == [("No.", 2), ("No, there is none.", 1)]
