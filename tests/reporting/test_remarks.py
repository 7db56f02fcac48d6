"""Sentences about figures: what they say, and that they say nothing where there is nothing to say."""

import dataclasses

import pytest
from run_examples import RESOLUTION
from score_examples import CELL, RELABELLED, scores_of

from repope_eval.records import Answer, Question
from repope_eval.reporting.headline import (
    ambiguity_remark,
    clustering_remark,
    f1_parts_remark,
    readings_remark,
    unread_remark,
)
from repope_eval.scoring.estimates import Estimate


def test_f1s_change_is_told_by_its_parts() -> None:
    remark = f1_parts_remark(scores_of({"random": CELL}, {"random": RELABELLED}))
    assert remark == (
        "From POPE to RePOPE, F1 changes by +0.0461: +0.0294 by corrected labels (95 %: +0.0208 to +0.0382), +0.0215 "
        "by questions left out, which may be the harder ones (no interval), and −0.0048 by prevalence "
        "(95 %: −0.0065 to −0.0033), since 52.5 % of the answered questions that F1 counts have label yes before, and "
        "44.2 % after."
    )
    of_mean = scores_of({"random": CELL, "mean": CELL}, {"random": CELL, "mean": RELABELLED})
    assert "+0.0461 in the mean over variants: +0.0294 by" in (f1_parts_remark(of_mean) or "")


def test_a_part_that_is_nothing_is_not_spoken_of() -> None:
    def remark(**values: float | None) -> str | None:
        scores = scores_of({"random": CELL}, {"random": RELABELLED})
        parts = {part: Estimate(value=value) for part, value in values.items()}
        change = dataclasses.replace(scores.changes["random"], f1_parts=parts)
        return f1_parts_remark(dataclasses.replace(scores, changes={"random": change}))

    assert remark(corrected=0.0461, left_out=0.0, prevalence=0.0) == (
        "From POPE to RePOPE, F1 changes by +0.0461: +0.0461 by corrected labels (no interval)."
    )
    assert "(no interval), and +0.0001 by prevalence" in (
        remark(corrected=0.046, left_out=0.0, prevalence=0.0001) or ""
    )
    assert remark(corrected=0.0, left_out=0.0, prevalence=0.0) is None
    assert remark(corrected=0.1, left_out=None, prevalence=0.0) is None
    assert f1_parts_remark(scores_of({"random": CELL})) is None


def test_ambiguous_questions() -> None:
    remark = ambiguity_remark({"random": RESOLUTION})
    assert remark is not None
    assert "F1 is 0.9193 without them, 0.8687 if all of them are taken for no, 0.8939 if for yes" in remark
    assert ambiguity_remark({"random": dataclasses.replace(RESOLUTION, n_ambiguous=0)}) is None
    assert ambiguity_remark({}) is None


@pytest.mark.parametrize(
    ("ratios", "verdict"),
    [((0.95, 1.03), "hardly come together"), ((1, 2), "come together in some variants")],
)
def test_errors_about_one_image(ratios: tuple[float, ...], verdict: str) -> None:
    assert (clustering_remark(ratios) or "").endswith(f"the errors about one image {verdict}.")
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
