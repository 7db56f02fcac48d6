"""What a page says first: the figure, what became of errors, how much is answered, and remarks on figures."""

import dataclasses
from typing import Any

import pytest
from run_examples import EFFECT, RESOLUTION
from score_examples import CELL, RELABELLED, UNDEFINED_CELL, scores_of

from repope_eval.benchmarks.dash_b import DETECTIONS
from repope_eval.records import Answer, Question
from repope_eval.reporting.headline import (
    ambiguity_remark,
    clustering_remark,
    f1_parts_remark,
    headline,
    readings_remark,
    unread_remark,
)
from repope_eval.scoring.detection import ALL_OBJECTS, detection
from repope_eval.scoring.estimates import Estimate
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
    assert found.values == [
        ("F1 under POPE", "87.3", "85.1–89.3"),
        ("F1 under RePOPE", "91.9", "85.1–89.3"),
    ]
    assert found.about == "random; change +4.6 points (95 % interval +3.5 to +5.7)"
    assert found.is_change
    assert found.sentence == (
        "F1 rises from 87.3 % under POPE to 91.9 % under RePOPE; of 40 errors under POPE, 14 were label errors, "
        "2 are removed as ambiguous, and 24 remain; 6 answers become errors; all 1,026 questions are answered."
    )


def test_the_mean_over_variants_stands_first() -> None:
    pope, repope = {"random": CELL, "popular": CELL}, {"random": RELABELLED, "popular": CELL}
    scores = scores_of({**pope, "mean": mean([CELL, CELL])}, {**repope, "mean": mean([RELABELLED, CELL])})
    found = headline(dataclasses.replace(scores, object_effects=[EFFECT]))
    assert "; of 20 errors under POPE (each question counted once), 7 were label errors, " in found.sentence
    assert found.values == [
        ("F1 under POPE", "87.3", "85.1–89.3"),
        ("F1 under RePOPE", f"{100 * (0.9193 + 0.8732) / 2:.1f}", "85.1–89.3"),
    ]
    assert found.about.startswith("mean over 2 variants; change +2.3 points (")


def test_where_the_mean_is_undefined_all_questions_stand_together() -> None:
    scores = scores_of({"pos": CELL, "neg": UNDEFINED_CELL, "mean": dataclasses.replace(CELL, f1=None)})
    scores = dataclasses.replace(scores, distinct=scores_of({"distinct": CELL}))
    found = headline(scores)
    assert found.values == [("F1 under POPE", "87.3", "85.1–89.3")]
    assert found.about == "all questions, each counted once"
    assert found.sentence == "F1 is 87.3 % under POPE; all 1,026 questions are answered."
    assert not found.is_change


def test_where_f1_is_undefined_the_true_negative_rate_stands() -> None:
    found = headline(scores_of({"existence": UNDEFINED_CELL}))
    assert found.values == [("TNR under POPE", "97.9", "")]


def test_what_is_undefined_everywhere_is_a_dash() -> None:
    nothing = dataclasses.replace(UNDEFINED_CELL, tnr=None)
    scores = scores_of({"random": nothing}, {"random": nothing})
    found = headline(dataclasses.replace(scores, n_answered=0))
    assert [value for _, value, _ in found.values] == ["–", "–"]
    assert (
        found.sentence
        == "F1 is undefined under POPE and under RePOPE; only 0 of 1,026 questions are answered (0.0 %)."
    )


@pytest.mark.parametrize(("f1", "verb"), [(0.9, "rises from 87.3 %"), (0.8, "falls from 87.3 %")])
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
    about = "random; change +4.6 points (95 % interval +3.5 to +5.7)"
    assert headline(scores).about == f"{about}{clause}"


def test_a_figure_of_a_part_of_the_images_says_so_beside_it() -> None:
    found = headline(dataclasses.replace(BOTH, part="10 of 1,100 images"))
    assert found.about.endswith("(95 % interval +3.5 to +5.7); 10 of 1,100 images")
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
    assert found.values == [("F1 under POPE", "–", ""), ("F1 under RePOPE", "–", "")]
    assert found.about == "random; none of 1,026 answers reads as yes or no"
    assert found.sentence == "All 1,026 questions are answered; no answer reads as yes or no."


def test_unread_answers_that_count_as_wrong_leave_no_question_out() -> None:
    scores = dataclasses.replace(BOTH, protocol="vlmevalkit")
    assert "readable" not in headline(dataclasses.replace(scores, n_answered=1026)).about


def test_dash_b_tells_how_often_the_object_is_seen() -> None:
    questions = [Question(f"{place}.png", "Can you see a dog?", "dog") for place in range(8)]
    labels = {question: place < 4 for place, question in enumerate(questions)}
    answers = {q: Answer(q, "yes" if place != 7 else "no") for place, q in enumerate(questions)}
    whole = detection(labels, answers, PROTOCOLS["repope"])
    own = [shown_detections(DETECTIONS, {ALL_OBJECTS: whole})]
    found = headline(dataclasses.replace(scores_of({"all": CELL}), own=own))

    def interval(name: str) -> str:
        low, high = whole.estimates[name].interval or (0, 0)
        return f"{100 * low:.1f}–{100 * high:.1f}"

    assert found.values == [
        ("ACC", "62.5", interval("acc")),
        ("TNR", "25.0", interval("tnr")),
        ("TPR", "100.0", interval("tpr")),
        ("harmonic mean", "40.0", interval("harmonic_mean")),
    ]
    assert found.sentence == (
        "The model sees the object in 100.0 % of the images that show it and in 75.0 % of the images that lack it; "
        "all 1,026 questions are answered."
    )


def test_f1s_change_is_told_by_its_parts() -> None:
    remark = f1_parts_remark(scores_of({"random": CELL}, {"random": RELABELLED}))
    assert remark == (
        "From POPE to RePOPE, F1 changes by +4.6 points: +2.9 by corrected labels (95 %: +2.1 to +3.8), +2.1 "
        "by questions left out, which may be the harder ones (no interval), and −0.5 by prevalence "
        "(95 %: −0.7 to −0.3), since 52.5 % of the answered questions that F1 counts have label yes before, and "
        "44.2 % after."
    )
    of_mean = scores_of({"random": CELL, "mean": CELL}, {"random": CELL, "mean": RELABELLED})
    assert "+4.6 points in the mean over variants: +2.9 by" in (f1_parts_remark(of_mean) or "")


def test_a_part_that_is_nothing_is_not_spoken_of() -> None:
    def remark(**values: float | None) -> str | None:
        scores = scores_of({"random": CELL}, {"random": RELABELLED})
        parts = {part: Estimate(value=value) for part, value in values.items()}
        change = dataclasses.replace(scores.changes["random"], f1_parts=parts)
        return f1_parts_remark(dataclasses.replace(scores, changes={"random": change}))

    assert remark(corrected=0.0461, left_out=0.0, prevalence=0.0) == (
        "From POPE to RePOPE, F1 changes by +4.6 points: +4.6 by corrected labels (no interval)."
    )
    assert "(no interval), and +0.1 by prevalence" in (
        remark(corrected=0.046, left_out=0.0, prevalence=0.001) or ""
    )
    assert remark(corrected=0.0, left_out=0.0, prevalence=0.0) is None
    assert remark(corrected=0.1, left_out=None, prevalence=0.0) is None
    assert f1_parts_remark(scores_of({"random": CELL})) is None


def test_ambiguous_questions() -> None:
    remark = ambiguity_remark({"random": RESOLUTION})
    assert remark is not None
    assert "F1 is 91.9 % without them, 86.9 % if all of them are taken for no, 89.4 % if for yes" in remark
    assert ambiguity_remark({"random": dataclasses.replace(RESOLUTION, n_ambiguous=0)}) is None
    assert ambiguity_remark({}) is None


@pytest.mark.parametrize(
    ("ratios", "verdict"),
    [((0.95, 1.03), "are hardly correlated"), ((1, 2), "are correlated in some variants")],
)
def test_errors_about_one_image(ratios: tuple[float, ...], verdict: str) -> None:
    assert (clustering_remark(ratios) or "").endswith(f": errors about the same image {verdict}.")
    assert clustering_remark(()) is None


def test_what_other_protocols_read_is_always_said() -> None:
    assert (
        readings_remark({"pope": 0, "lmms_eval": 0}, "repope", 3) == "All protocols read every answer alike."
    )
    assert readings_remark({"pope": 2, "vlmevalkit": 0, "lmms_eval": 3000}, "repope", 3000) == (
        "Of 3,000 answers, other protocols read some otherwise than repope: pope 2, lmms_eval 3,000 (protocol=all "
        "shows which, and what becomes of the scores)."
    )


def unread(number: int, text: str = "A cat.") -> list[Answer]:
    return [Answer(Question(f"{each}.png", "Is it?", "cat"), text) for each in range(number)]


def test_unread_answers_are_told_with_what_becomes_of_them() -> None:
    assert unread_remark([], 3000, "repope", is_asked=True) is None
    assert unread_remark(unread(1210), 3000, "repope", is_asked=True) == (
        "1,210 of 3,000 answers are neither yes nor no by protocol repope, and no figure counts them."
    )
    assert unread_remark(unread(1), 3, "vlmevalkit", is_asked=False) == (
        "1 of 3 answers is neither yes nor no by protocol vlmevalkit, and figures count it as wrong."
    )


@pytest.mark.parametrize("number", [2, 4])
def test_where_half_the_answers_or_more_are_unread_it_is_said_what_to_try(number: int) -> None:
    answers = [*unread(number - 1), *unread(1, "Two\ncats.")]
    asked = unread_remark(answers, 4, "repope", is_asked=True) or ""
    assert asked.endswith(
        "They begin with 'A cat.', 'Two\\ncats.': try another protocol=, model.question_suffix='\\nAnswer yes or no.', "
        "or a larger model.max_new_tokens (with another out=)."
    )
    others = unread_remark(answers, 4, "repope", is_asked=False) or ""
    assert others.endswith("try another protocol=, or ask the model for yes or no.")
    assert "model." not in others
