"""Own figures are found of the benchmark whose they are, and of no other."""

from typing import Any

import pytest

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.own_figures import ALL_OBJECTS, EXACT, OwnFigures, own_figures
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
    found = own_figures(of_label_set("dash_b"), answers, "repope")
    assert list(found.detections) == [ALL_OBJECTS, "dog"]
    assert found.detections[ALL_OBJECTS].estimates["acc"].value == 0.5
    assert not found.amber


def test_amber_has_figures_of_each_way_to_read_an_answer(answers: dict[Question, Answer]) -> None:
    found = own_figures(of_label_set("amber"), answers, "vlmevalkit")
    assert list(found.amber) == [EXACT, "vlmevalkit"]
    assert [found.amber[way]["state"].accuracy for way in found.amber] == [0.0, 50.0]
    assert not found.detections


def test_others_have_none_and_no_part_of_the_document(answers: dict[Question, Answer]) -> None:
    benchmark = of_label_set("pope", groups=dict.fromkeys(QUESTIONS[1:3], "a"))
    assert own_figures(benchmark, answers, "repope") == OwnFigures()
    document = score_benchmark(benchmark, answers, "m").to_dict()
    assert not {"dash_b", "amber"} & set(document)
    assert document["groups"]["pope"]["n_right"] == 0
    for name in ("dash_b", "amber"):
        assert name in score_benchmark(of_label_set(name), answers, "m").to_dict()
