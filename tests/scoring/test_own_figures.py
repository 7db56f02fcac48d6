"""Own figures are found of the benchmark whose they are, and of no other."""

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
from repope_eval.scoring.own_figures import EXACT, KINDS, Percent, own_figures
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
            [("groups right under POPE", "0.0000")],
            "over 1 group",
            "All answers are right in 0 of 1 group",
        ),
        (NOES, [("F1 of “no”", "–")], "state, 4 rows", "Answers count that are exactly Yes or No"),
    ],
)
def test_what_stands_first_is_said_by_the_benchmark(
    section: OwnSection,
    values: list[tuple[str, str]],
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
    assert headline(after).values == [("F1 under POPE", "0.6667")]
    assert after.sentence.startswith("F1 66.7 ")
    found = headline(first)
    assert (found.values, found.about) == (values, about)
    assert found.sentence.startswith(sentence)
    assert first.sentence.startswith(values[0][0].removesuffix(" under POPE"))
