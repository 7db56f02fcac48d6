"""Own figures are found of the benchmark whose they are; AMBER's, and groups all right, by hand."""

from dataclasses import replace
from typing import Any

import pytest

from repope_eval.benchmarks.amber import NOES
from repope_eval.benchmarks.benchmark import GROUPS, Benchmark, OwnSection
from repope_eval.benchmarks.dash_b import DETECTIONS
from repope_eval.benchmarks.sources import SOURCES
from repope_eval.records import Answer, LabelSet, Question
from repope_eval.reporting.headline import headline
from repope_eval.scoring.detection import ALL_OBJECTS
from repope_eval.scoring.own_figures import (
    EXACT,
    KINDS,
    AmberFigures,
    Percent,
    amber_figures,
    groups_right,
    own_figures,
    read_exactly,
)
from repope_eval.scoring.protocols import PROTOCOLS, read_repope
from repope_eval.scoring.scores import score_benchmark

QUESTIONS = [Question(f"{place}.png", "Can you see a dog?", "dog") for place in range(4)]


def of_label_set(name: str, variant: str = "state", **fields: Any) -> Benchmark:
    """Two questions with label yes and two with label no."""
    labels = {question: place < 2 for place, question in enumerate(QUESTIONS)}
    return Benchmark(
        name, (LabelSet(name, {variant: labels}),), {variant: dict(enumerate(QUESTIONS))}, {}, **fields
    )


@pytest.fixture
def answers() -> dict[Question, Answer]:
    return {question: Answer(question, "Yes, there is") for question in QUESTIONS}


def test_dash_b_has_figures_of_all_objects_and_of_each(answers: dict[Question, Answer]) -> None:
    (found,) = own_figures(of_label_set("dash_b", own=(DETECTIONS,)), answers, "repope")
    assert list(found.detections) == [ALL_OBJECTS, "dog"]
    assert found.headline["ACC"].value == 0.5
    assert [row[:2] for row in found.table.rows] == [(ALL_OBJECTS, 4), ("dog", 4)]


def test_amber_has_figures_of_each_way_to_read_an_answer(answers: dict[Question, Answer]) -> None:
    (found,) = own_figures(of_label_set("amber", own=(NOES,)), answers, "vlmevalkit")
    assert list(found.document) == [EXACT, "vlmevalkit"]
    assert [found.document[way]["state"]["accuracy"] for way in found.document] == [0.0, 50.0]
    assert [row[:4] for row in found.table.rows] == [
        (EXACT, "state", 4, Percent(0.0, "")),
        ("vlmevalkit", "state", 4, Percent(50.0, "")),
    ]
    assert found.table.rows[0][4] == Percent(None, "nothing was answered no")


def test_others_have_none_and_no_part_of_the_document(answers: dict[Question, Answer]) -> None:
    """What a benchmark has follows from what it says of itself, not from what its label set is called."""
    for name in ("pope", "dash_b", "amber"):
        assert own_figures(of_label_set(name), answers, "repope") == ()
    benchmark = of_label_set("pope", groups=dict.fromkeys(QUESTIONS[1:3], "a"))
    document = score_benchmark(benchmark, answers, "m").to_dict()
    assert not {"dash_b", "amber"} & set(document)
    assert document["groups"]["pope"]["n_right"] == 0
    for section in (DETECTIONS, NOES):
        own = of_label_set("mine", own=(section,))
        assert section.kind in score_benchmark(own, answers, "m").to_dict()


@pytest.mark.parametrize("source", SOURCES)
def test_each_kind_that_a_benchmark_names_is_there(source: str) -> None:
    assert {section.kind for section in SOURCES[source].own} <= KINDS.keys()


@pytest.mark.parametrize(
    ("section", "values", "about", "sentence"),
    [
        (
            GROUPS,
            [("groups right under POPE", "0.0", "0.0–79.3")],
            "over 1 group",
            "All answers are right in 0 of 1 group",
        ),
        (NOES, [("F1 of “no”", "–", "")], "state, 4 rows", "Answers count that are exactly Yes or No"),
    ],
)
def test_what_stands_first_is_said_by_the_benchmark(
    section: OwnSection,
    values: list[tuple[str, str, str]],
    about: str,
    sentence: str,
    answers: dict[Question, Answer],
) -> None:
    groups = dict.fromkeys(QUESTIONS[1:3], "a")
    after = score_benchmark(
        of_label_set("pope", groups=groups, own=(replace(section, leads=False),)), answers, "m"
    )
    first = score_benchmark(
        of_label_set("pope", groups=groups, own=(replace(section, leads=True),)), answers, "m"
    )
    low, high = after.cells["pope"]["state"].estimates["f1"].interval or (0, 0)
    assert headline(after).values == [("F1 under POPE", "66.7", f"{100 * low:.1f}–{100 * high:.1f}")]
    assert after.sentence.startswith("F1 66.7 ")
    found = headline(first)
    assert (found.values, found.about) == (values, about)
    assert found.sentence.startswith(sentence)
    assert first.sentence.startswith(values[0][0].removesuffix(" under POPE"))


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


PAIRS = [
    (Question(f"{number}.jpg", "?", "?"), Question(f"{number}_altered.jpg", "?", "?")) for number in range(4)
]
PAIR_GROUPS = {question: str(number) for number, pair in enumerate(PAIRS) for question in pair}
LABELS = LabelSet(
    "labels", {"photograph": {pair[0]: True for pair in PAIRS}, "altered": {pair[1]: False for pair in PAIRS}}
)


def pair_answers(*said: tuple[str | None, str | None]) -> dict[Question, Answer]:
    return {
        question: Answer(question, response)
        for pair, responses in zip(PAIRS, said, strict=True)
        for question, response in zip(pair, responses, strict=True)
        if response is not None
    }


def test_a_pair_counts_where_both_answers_are_right() -> None:
    said = pair_answers(("Yes", "No"), ("Yes", "Yes"), ("No", "No"), ("Yes", "No."))
    found = groups_right(PAIR_GROUPS, (LABELS,), said, PROTOCOLS["repope"])["labels"]
    assert (found.n, found.n_right, found.share.value) == (4, 2, 0.5)
    # Wilson's interval of 2 of 4
    assert found.share.interval == pytest.approx((0.15004, 0.84996), abs=1e-5)


@pytest.mark.parametrize("always", ["Yes", "No", "perhaps"])
def test_always_saying_the_same_gets_no_pair(always: str) -> None:
    found = groups_right(PAIR_GROUPS, (LABELS,), pair_answers(*[(always, always)] * 4), PROTOCOLS["repope"])[
        "labels"
    ]
    assert (found.n, found.n_right) == (4, 0)


def test_a_pair_without_both_answers_is_in_no_count() -> None:
    said = pair_answers(("Yes", "No"), ("Yes", None), (None, "No"), (None, None))
    found = groups_right(PAIR_GROUPS, (LABELS,), said, PROTOCOLS["repope"])["labels"]
    assert (found.n, found.n_right) == (1, 1)
    nothing = groups_right(PAIR_GROUPS, (LABELS,), {}, PROTOCOLS["repope"])["labels"]
    assert nothing.share.value is None
    assert nothing.share.reason == "no group has an answer to all of its questions"


def test_questions_that_stand_alone_have_no_figure() -> None:
    assert groups_right({}, (LABELS,), pair_answers(*[("Yes", "No")] * 4), PROTOCOLS["repope"]) == {}
