"""AMBER's own figures, by hand: "no" is the positive class, each figure is rounded, and F1 is made of rounded ones."""

import pytest

from repope_eval.records import Answer, Question
from repope_eval.scoring.own_figures import AmberFigures, amber_figures, read_exactly
from repope_eval.scoring.protocols import read_repope

VARIANTS = ("existence", "state", "number", "action", "relation")


def asked(said: dict[str, list[tuple[bool, str | None]]]) -> tuple[dict, dict, dict]:
    """Ids, labels and answers of one question for each label and response; None is no answer."""
    ids: dict[str, dict[int | str, Question]] = {variant: {} for variant in said}
    labels: dict[str, dict[Question, bool]] = {variant: {} for variant in said}
    answers = {}
    for variant, rows in said.items():
        for number, (label, response) in enumerate(rows):
            question = Question(f"AMBER_{number}.jpg", f"Is it {variant}?", variant)
            ids[variant][number], labels[variant][question] = question, label
            if response is not None:
                answers[question] = Answer(question, response)
    return ids, labels, answers


STATE = [(True, "Yes")] * 5 + [(True, "No")] * 1 + [(False, "No")] * 4 + [(False, "Yes")] * 3
"""5 noes are said, of which 4 are right; 7 are due."""


def test_the_figures_of_a_dimension_are_these() -> None:
    found = amber_figures(*asked({"state": STATE}), read_exactly)
    assert set(found) == {"state"}  # other dimensions lack a variant
    # 9 of 13 right; 4 / 5; 4 / 7 = .5714; 2 * .8 * .571 / (.8 + .571 + .0001) = .66632
    assert found["state"] == AmberFigures(n=13, accuracy=69.2, precision=80.0, recall=57.1, f1=66.6)


def test_f1_is_made_of_rounded_figures_and_existence_has_more_added() -> None:
    rows = [(False, "No")] * 2 + [(False, "Yes")] * 1
    existence = amber_figures(*asked({"existence": rows}), read_exactly)["existence"]
    # 2 * 1 * .667 / (1.667 + .001) = .79976, where 2 * 1 * .6667 / 1.6667 is .80002
    assert existence == AmberFigures(n=3, accuracy=66.7, precision=100.0, recall=66.7, f1=80.0)
    few = amber_figures(*asked({"existence": [(False, "No")] + [(False, "Yes")] * 199}), read_exactly)[
        "existence"
    ]
    # .5 %: 2 * .005 / (1.005 + .001) = .00994
    assert few.f1 == 1.0
    certain = amber_figures(*asked({"existence": [(False, "No")], "relation": [(False, "No")]}), read_exactly)
    assert certain["existence"].f1 == 100.0  # 2 / 2.001 = .9995, rounded
    assert certain["relation"].f1 == 100.0


def test_a_response_counts_only_if_it_is_exactly_yes_or_no_unless_a_protocol_reads_it() -> None:
    ids, labels, answers = asked(
        {"number": [(False, "No."), (False, "no"), (True, "Yes, it is"), (True, "Yes")]}
    )
    assert amber_figures(ids, labels, answers, read_exactly)["number"] == AmberFigures(
        n=4, accuracy=25.0, precision=None, recall=0.0, f1=None
    )
    assert amber_figures(ids, labels, answers, read_repope)["number"] == AmberFigures(
        n=4, accuracy=100.0, precision=100.0, recall=100.0, f1=100.0
    )


def test_questions_without_an_answer_are_in_no_figure_and_rows_that_stand_twice_count_twice() -> None:
    ids, labels, answers = asked({"action": [(False, "No"), (False, None)]})
    ids["action"][7] = ids["action"][0]
    assert amber_figures(ids, labels, answers, read_exactly)["action"].n == 2


def test_attribute_is_its_three_types_and_all_is_all() -> None:
    found = amber_figures(*asked(dict.fromkeys(VARIANTS, STATE)), read_exactly)
    assert {name: each.n for name, each in found.items()} == {
        "all": 65,
        "existence": 13,
        "attribute": 39,
        **dict.fromkeys(("state", "number", "action", "relation"), 13),
    }
    assert found["attribute"].f1 == found["all"].f1 == pytest.approx(66.6)


def test_what_has_nothing_to_divide_by_is_none() -> None:
    found = amber_figures(*asked({"relation": [(True, "Yes")]}), read_exactly)["relation"]
    assert (found.accuracy, found.precision, found.recall, found.f1) == (100.0, None, None, None)
    assert found.reasons == {
        "precision": "nothing was answered no",
        "recall": "no answered row has the label no",
        "f1": "no answered row has the label no",
    }
    nothing = amber_figures(*asked({"relation": [(True, None)]}), read_exactly)["relation"]
    assert nothing == AmberFigures(n=0, accuracy=None, precision=None, recall=None, f1=None)
    assert set(nothing.reasons.values()) == {"no row has an answer"}
    assert amber_figures(*asked({"state": STATE}), read_exactly)["state"].reasons == {}
