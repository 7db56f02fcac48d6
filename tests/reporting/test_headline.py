"""What a page says first: the figure, what became of errors, and how much is answered."""

import dataclasses
from typing import Any

import pytest
from run_examples import EFFECT
from score_examples import CELL, RELABELLED, UNDEFINED_CELL, scores_of

from repope_eval.benchmarks.dash_b import DETECTIONS
from repope_eval.records import Answer, Question
from repope_eval.reporting.headline import headline
from repope_eval.scoring.detection import ALL_OBJECTS, detection
from repope_eval.scoring.own_figures import shown_detections
from repope_eval.scoring.protocol_scores import mean
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.scores import Scores
from repope_eval.settings.config import Protocol

BOTH = scores_of({"random": CELL}, {"random": RELABELLED})


def answered(n_answered: int, n_unparsed: int = 0, **fields: Any) -> Scores:
    unread = Answer(Question("a.png", "Is there a dog?", "dog"), "Perhaps")
    return dataclasses.replace(BOTH, n_answered=n_answered, unparsed=(unread,) * n_unparsed, **fields)


def test_f1_before_and_after_what_changed_and_how_complete_the_run_is() -> None:
    found = headline(dataclasses.replace(BOTH, object_effects=[EFFECT, EFFECT]))
    assert found.values == [("F1 under POPE", "0.8732"), ("F1 under RePOPE", "0.9193")]
    assert found.about == "random; change +0.0461 (95 % interval +0.0349 to +0.0572)"
    assert found.is_change
    assert found.sentence == (
        "F1 rises from 0.8732 under POPE to 0.9193 under RePOPE; of 40 errors under POPE, 14 were the label's, "
        "2 are removed as ambiguous, and 24 remain; 6 new errors come up; all 1,026 questions are answered."
    )


def test_the_mean_over_variants_stands_first() -> None:
    pope, repope = {"random": CELL, "popular": CELL}, {"random": RELABELLED, "popular": CELL}
    scores = scores_of({**pope, "mean": mean([CELL, CELL])}, {**repope, "mean": mean([RELABELLED, CELL])})
    found = headline(dataclasses.replace(scores, object_effects=[EFFECT]))
    assert "; of 20 errors under POPE (each question counted once), 7 were the label's, " in found.sentence
    assert found.values == [("F1 under POPE", "0.8732"), ("F1 under RePOPE", f"{(0.9193 + 0.8732) / 2:.4f}")]
    assert found.about.startswith("mean over 2 variants; change +0.02")


def test_where_the_mean_is_undefined_all_questions_stand_together() -> None:
    scores = scores_of({"pos": CELL, "neg": UNDEFINED_CELL, "mean": dataclasses.replace(CELL, f1=None)})
    scores = dataclasses.replace(scores, distinct=scores_of({"distinct": CELL}))
    found = headline(scores)
    assert found.values == [("F1 under POPE", "0.8732")]
    assert found.about == "all questions, each counted once"
    assert found.sentence == "F1 is 0.8732 under POPE; all 1,026 questions are answered."
    assert not found.is_change


def test_where_f1_is_undefined_the_true_negative_rate_stands() -> None:
    found = headline(scores_of({"existence": UNDEFINED_CELL}))
    assert found.values == [("TNR under POPE", "0.9787")]


def test_what_is_undefined_everywhere_is_a_dash() -> None:
    nothing = dataclasses.replace(UNDEFINED_CELL, tnr=None)
    scores = scores_of({"random": nothing}, {"random": nothing})
    found = headline(dataclasses.replace(scores, n_answered=0))
    assert [value for _, value in found.values] == ["–", "–"]
    assert (
        found.sentence
        == "F1 is – under POPE and under RePOPE; only 0 of 1,026 questions are answered (0.0 %)."
    )


@pytest.mark.parametrize(("f1", "verb"), [(0.9, "rises from 0.8732"), (0.8, "falls from 0.8732")])
def test_how_f1_changes(f1: float, verb: str) -> None:
    scores = scores_of({"random": CELL}, {"random": dataclasses.replace(CELL, f1=f1)})
    assert headline(scores).sentence.startswith(f"F1 {verb} ")


@pytest.mark.parametrize(
    ("scores", "clause"),
    [
        (answered(1025), "only 1,025 of 1,026 questions are answered (99.9 %)."),
        (answered(1026, 1), "all 1,026 questions are answered; 1 answer reads as neither yes nor no."),
        (answered(1026, 2), "2 answers read as neither yes nor no."),
    ],
)
def test_how_complete_a_run_is(scores: Scores, clause: str) -> None:
    assert headline(scores).sentence.endswith(f"; {clause}")


@pytest.mark.parametrize(
    ("scores", "clause"),
    [
        (answered(1026, 10), ""),
        (answered(900, 100), "; of the 800 of 1,026 questions (77.9 %) with a readable answer"),
    ],
)
def test_a_figure_of_few_questions_says_of_which_beside_it(scores: Scores, clause: str) -> None:
    about = "random; change +0.0461 (95 % interval +0.0349 to +0.0572)"
    assert headline(scores).about == f"{about}{clause}"


def test_a_figure_of_a_part_of_the_images_says_so_beside_it() -> None:
    found = headline(dataclasses.replace(BOTH, part="10 of 1,100 images"))
    assert found.about.endswith("(95 % interval +0.0349 to +0.0572); 10 of 1,100 images")
    questions = [Question("a.png", "Can you see a dog?", "dog")]
    answers = {each: Answer(each, "yes") for each in questions}
    of_dogs = detection(dict.fromkeys(questions, True), answers, PROTOCOLS["repope"])
    own = [shown_detections(DETECTIONS, {ALL_OBJECTS: of_dogs})]
    scores = dataclasses.replace(scores_of({"all": CELL}), own=own, part="1 of 2 images")
    assert headline(scores).about == "over all answered questions; 1 of 2 images"


@pytest.mark.parametrize("protocol", ["repope", "vlmevalkit"])
def test_where_no_answer_is_read_there_is_no_figure(protocol: Protocol) -> None:
    unread = dataclasses.replace(CELL, f1=0.0, n_answered=1026, n_unparsed=1026)
    found = headline(
        answered(
            1026,
            1026,
            cells=scores_of({"random": unread}, {"random": unread}).cells,
            protocol=protocol,
            object_effects=[EFFECT],
        )
    )
    assert found.values == [("F1 under POPE", "–"), ("F1 under RePOPE", "–")]
    assert found.about == "random; none of 1,026 answers reads as yes or no"
    assert found.sentence == "All 1,026 questions are answered; no answer reads as yes or no."


def test_unread_answers_that_count_as_wrong_leave_no_question_out() -> None:
    scores = dataclasses.replace(BOTH, protocol="vlmevalkit")
    assert "readable" not in headline(dataclasses.replace(scores, n_answered=1026)).about


def test_dash_b_tells_how_often_the_object_is_seen() -> None:
    questions = [Question(f"{place}.png", "Can you see a dog?", "dog") for place in range(8)]
    labels = {question: place < 4 for place, question in enumerate(questions)}
    answers = {q: Answer(q, "yes" if place != 7 else "no") for place, q in enumerate(questions)}
    own = [shown_detections(DETECTIONS, {ALL_OBJECTS: detection(labels, answers, PROTOCOLS["repope"])})]
    found = headline(dataclasses.replace(scores_of({"all": CELL}), own=own))
    assert found.values == [
        ("ACC", "0.6250"),
        ("TNR", "0.2500"),
        ("TPR", "1.0000"),
        ("harmonic mean", "0.4000"),
    ]
    assert found.sentence == (
        "The model sees the object in 100.0 % of the images that show it and in 75.0 % of the images that lack it; "
        "all 1,026 questions are answered."
    )
