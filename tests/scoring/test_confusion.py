"""Counts and figures of small tables, worked by hand."""

import dataclasses
from collections.abc import Mapping, Sequence
from math import sqrt

import pytest
from counts import count

from repope_eval.records import Answer, Question
from repope_eval.scoring.confusion import Confusion, Figures, figures
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.settings import config

EVERY_PROTOCOL: tuple[config.Protocol, ...] = ("repope", "pope", "vlmevalkit", "lmms_eval")

#   label, response             repope   pope   vlmevalkit   lmms_eval
TABLE: Sequence[tuple[bool, str | None]] = (
    (True, "Yes"),  #            TP       TP     TP           TP
    (True, "yes, it is"),  #     TP       TP     TP           unparsed
    (True, "no"),  #             FN       FN     FN           FN
    (True, "a dog"),  #          unparsed TP     unparsed     unparsed
    (True, None),  #             unanswered
    (False, "yes"),  #           FP       FP     FP           FP
    (False, "no"),  #            TN       TN     TN           TN
    (False, "No."),  #           TN       TN     TN           unparsed
    (False, "a snowboard"),  #   TN       FP     unparsed     unparsed
    (False, "perhaps"),  #       unparsed FP     unparsed     unparsed
)


def question(number: int) -> Question:
    return Question(f"{number}.jpg", "Is there a dog in the image?", "dog")


def scored(table: Sequence[tuple[bool, str | None]], protocol: config.Protocol) -> Figures:
    labels = {question(number): label for number, (label, _) in enumerate(table)}
    answers = {
        question(number): Answer(question(number), response)
        for number, (_, response) in enumerate(table)
        if response is not None
    }
    return figures(count(labels, answers, PROTOCOLS[protocol]), PROTOCOLS[protocol])


def balanced(recall: float, tnr: float) -> float:
    """F1 of as many questions of either label."""
    precision = recall / 2 / (recall / 2 + (1 - tnr) / 2)
    return 2 * precision * recall / (precision + recall)


def rounded(cell: Figures) -> Mapping[str, float | None]:
    """Figures to twelve places, so that 2/3 may be written as such."""
    fields = dataclasses.asdict(cell)
    return {name: None if value is None else round(value, 12) for name, value in fields.items()}


def same(cell: Figures, expected: Mapping[str, float | None]) -> bool:
    return rounded(cell) == rounded(Figures(**expected))  # type: ignore[arg-type]


def test_repope_drops_unparsed_answers_from_every_figure() -> None:
    assert same(
        scored(TABLE, "repope"),
        {
            "tp": 2,
            "fp": 1,
            "tn": 3,
            "fn": 1,
            "precision": 2 / (2 + 1),
            "recall": 2 / (2 + 1),
            "f1": 2 * 2 / (2 * 2 + 1 + 1),
            "accuracy": (2 + 3) / (2 + 1 + 3 + 1),
            "balanced_accuracy": (2 / 3 + 3 / 4) / 2,
            "tnr": 3 / (3 + 1),
            "yes_ratio": (2 + 1) / (2 + 1 + 3 + 1),
            "f1_balanced": balanced(2 / 3, 3 / 4),
            "mcc": (2 * 3 - 1 * 1) / sqrt(3 * 3 * 4 * 4),
            "n_questions": 10,
            "n_answered": 9,
            "n_unparsed": 2,
        },
    )


def test_pope_leaves_nothing_unparsed() -> None:
    assert same(
        scored(TABLE, "pope"),
        {
            "tp": 3,
            "fp": 3,
            "tn": 2,
            "fn": 1,
            "precision": 3 / (3 + 3),
            "recall": 3 / (3 + 1),
            "f1": 2 * 3 / (2 * 3 + 3 + 1),
            "accuracy": (3 + 2) / 9,
            "balanced_accuracy": (3 / 4 + 2 / 5) / 2,
            "tnr": 2 / (2 + 3),
            "yes_ratio": (3 + 3) / 9,
            "f1_balanced": balanced(3 / 4, 2 / 5),
            "mcc": (3 * 2 - 3 * 1) / sqrt(6 * 4 * 5 * 3),
            "n_questions": 10,
            "n_answered": 9,
            "n_unparsed": 0,
        },
    )


def test_vlmevalkit_counts_an_unparsed_answer_as_no_yes_and_as_wrong() -> None:
    assert same(
        scored(TABLE, "vlmevalkit"),
        {
            "tp": 2,
            "fp": 1,
            "tn": 2,
            "fn": 1 + 1,  # the unparsed answer to a yes is a missed yes
            "precision": 2 / (2 + 1),
            "recall": 2 / (2 + 2),
            "f1": 2 * 2 / (2 * 2 + 1 + 2),
            "accuracy": (2 + 2) / 9,  # all answers, the three unparsed among them
            "balanced_accuracy": (2 / 4 + 2 / 5) / 2,
            "tnr": 2 / (2 + 1 + 2),  # the two unparsed answers to a no are wrong
            "yes_ratio": (2 + 1) / 9,
            "f1_balanced": balanced(2 / 4, 4 / 5),
            "mcc": (2 * 4 - 1 * 2) / sqrt(3 * 4 * 5 * 6),
            "n_questions": 10,
            "n_answered": 9,
            "n_unparsed": 3,
        },
    )


def test_lmms_eval_counts_an_unparsed_answer_as_wrong_for_accuracy_alone() -> None:
    assert same(
        scored(TABLE, "lmms_eval"),
        {
            "tp": 1,
            "fp": 1,
            "tn": 1,
            "fn": 1,
            "precision": 1 / (1 + 1),
            "recall": 1 / (1 + 1),
            "f1": 2 * 1 / (2 * 1 + 1 + 1),
            "accuracy": (1 + 1) / 9,
            "balanced_accuracy": (1 / 2 + 1 / 2) / 2,
            "tnr": 1 / (1 + 1),
            "yes_ratio": 4 / 9,  # four of the nine answered questions have label yes
            "f1_balanced": balanced(1 / 2, 1 / 2),
            "mcc": 0.0,
            "n_questions": 10,
            "n_answered": 9,
            "n_unparsed": 5,
        },
    )


def test_answers_to_questions_without_a_label_count_nowhere() -> None:
    answers = {question(number): Answer(question(number), "yes") for number in range(3)}
    assert count({question(1): True}, answers, PROTOCOLS["repope"]) == Confusion(tp=1)


def test_an_object_name_does_not_part_a_question_from_its_answer() -> None:
    other = dataclasses.replace(question(1), object="")
    answers = {other: Answer(other, "yes")}
    assert count({question(1): True}, answers, PROTOCOLS["repope"]) == Confusion(tp=1)


@pytest.mark.parametrize("protocol", EVERY_PROTOCOL)
def test_all_yes(protocol: config.Protocol) -> None:
    cell = scored([(True, "yes"), (True, "yes"), (False, "yes")], protocol)
    assert (cell.tp, cell.fp, cell.tn, cell.fn) == (2, 1, 0, 0)
    assert (cell.precision, cell.recall, cell.tnr) == (2 / 3, 1.0, 0.0)
    assert (cell.f1, cell.accuracy, cell.balanced_accuracy) == (4 / 5, 2 / 3, 1 / 2)
    assert cell.yes_ratio == (2 / 3 if protocol == "lmms_eval" else 1.0)


@pytest.mark.parametrize("protocol", EVERY_PROTOCOL)
def test_all_no_leaves_precision_and_f1_undefined(protocol: config.Protocol) -> None:
    cell = scored([(True, "no"), (True, "no"), (False, "no")], protocol)
    assert (cell.tp, cell.fp, cell.tn, cell.fn) == (0, 0, 1, 2)
    assert (cell.precision, cell.recall, cell.tnr, cell.f1) == (None, 0.0, 1.0, None)
    assert (cell.accuracy, cell.balanced_accuracy) == (1 / 3, 1 / 2)
    assert cell.yes_ratio == (2 / 3 if protocol == "lmms_eval" else 0.0)


@pytest.mark.parametrize("protocol", EVERY_PROTOCOL)
def test_every_answer_wrong_is_a_defined_zero(protocol: config.Protocol) -> None:
    cell = scored([(True, "no"), (False, "yes")], protocol)
    assert (cell.precision, cell.recall, cell.f1, cell.tnr) == (0.0, 0.0, 0.0, 0.0)
    assert (cell.accuracy, cell.balanced_accuracy) == (0.0, 0.0)


ALL_UNPARSED = [(True, "perhaps"), (True, ""), (False, "perhaps")]
RATIOS = (
    *("precision", "recall", "f1", "accuracy", "balanced_accuracy", "tnr", "yes_ratio"),
    *("f1_balanced", "mcc"),
)


def ratios(cell: Figures) -> tuple[float | None, ...]:
    return tuple(getattr(cell, name) for name in RATIOS)


def test_all_unparsed_by_repope_defines_nothing() -> None:
    cell = scored(ALL_UNPARSED, "repope")
    assert ratios(cell) == (None,) * len(RATIOS)
    assert (cell.n_questions, cell.n_answered, cell.n_unparsed) == (3, 3, 3)


def test_all_unparsed_by_vlmevalkit_is_wrong_but_leaves_precision_undefined() -> None:
    cell = scored(ALL_UNPARSED, "vlmevalkit")
    assert (cell.tp, cell.fp, cell.tn, cell.fn) == (0, 0, 0, 2)
    assert ratios(cell) == (None, 0 / 2, None, 0 / 3, (0 / 2 + 0 / 1) / 2, 0 / 1, 0 / 3, None, None)


def test_all_unparsed_by_lmms_eval_defines_accuracy_and_the_ratio_of_labels() -> None:
    assert ratios(scored(ALL_UNPARSED, "lmms_eval")) == (
        None,
        None,
        None,
        0 / 3,
        None,
        None,
        2 / 3,
        None,
        None,
    )


@pytest.mark.parametrize("protocol", EVERY_PROTOCOL)
def test_no_answer_at_all_defines_nothing(protocol: config.Protocol) -> None:
    cell = scored([(True, None), (False, None)], protocol)
    assert ratios(cell) == (None,) * len(RATIOS)
    assert (cell.n_questions, cell.n_answered, cell.n_unparsed) == (2, 0, 0)


@pytest.mark.parametrize("protocol", EVERY_PROTOCOL)
def test_no_labels_define_nothing(protocol: config.Protocol) -> None:
    cell = scored([], protocol)
    assert ratios(cell) == (None,) * len(RATIOS)
    assert (cell.tp, cell.fp, cell.tn, cell.fn, cell.n_questions) == (0, 0, 0, 0, 0)


@pytest.mark.parametrize("protocol", EVERY_PROTOCOL)
def test_labels_of_one_kind_leave_the_other_kinds_figures_undefined(protocol: config.Protocol) -> None:
    only_yes = scored([(True, "yes"), (True, "no")], protocol)
    assert (only_yes.recall, only_yes.tnr, only_yes.balanced_accuracy) == (1 / 2, None, None)
    only_no = scored([(False, "yes"), (False, "no")], protocol)
    assert (only_no.recall, only_no.f1, only_no.tnr, only_no.balanced_accuracy) == (None, None, 1 / 2, None)
    assert only_no.precision is None  # it would be 0 whatever the model said
