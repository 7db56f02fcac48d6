"""F1 over what ambiguous questions might be, and over what unread ones might have been answered."""

import itertools
from pathlib import Path

import pytest
import real_answers

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.protocol_scores import AmbiguityBounds, UnansweredBounds, missing, resolutions, score
from repope_eval.scoring.relabelling_effect import verdicts_of
from repope_eval.settings import config

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
