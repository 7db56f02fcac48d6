"""Sentences about figures: what they say, and that they say nothing where there is nothing to say."""

import dataclasses

import pytest
from run_examples import RESOLUTION
from score_examples import CELL, RELABELLED, scores_of

from repope_eval.reporting.remarks import (
    ambiguity_remark,
    clustering_remark,
    detection_remark,
    prevalence_remark,
)


def test_prevalence_and_labels_make_f1s_change() -> None:
    after = dataclasses.replace(RELABELLED, f1_balanced=0.9)
    remark = prevalence_remark(scores_of({"random": CELL}, {"random": after}))
    assert remark == (
        "From POPE to RePOPE, F1 changes by +0.0461: +0.0500 by the labels, as F1 at 50 % yes shows, and −0.0039 by "
        "prevalence, since 52.5 % of the questions have label yes before, and 44.2 % after."
    )
    of_mean = scores_of({"random": CELL, "mean": CELL}, {"random": CELL, "mean": after})
    assert "+0.0461 in the mean over variants" in (prevalence_remark(of_mean) or "")


def test_where_as_many_have_label_yes_nothing_is_prevalence() -> None:
    scores = scores_of({"random": CELL}, {"random": RELABELLED})
    same = dataclasses.replace(scores.changes["random"], yes_shares=(0.5, 0.5))
    assert prevalence_remark(dataclasses.replace(scores, changes={"random": same})) is None
    assert prevalence_remark(scores_of({"random": CELL})) is None


def test_ambiguous_questions() -> None:
    remark = ambiguity_remark({"random": RESOLUTION})
    assert remark is not None
    assert "F1 is 0.9193 without them, 0.8687 if all of them are taken for no, 0.8939 if for yes" in remark
    assert ambiguity_remark({"random": dataclasses.replace(RESOLUTION, n_ambiguous=0)}) is None
    assert ambiguity_remark({}) is None


@pytest.mark.parametrize(
    ("ratios", "verdict"),
    [
        ((0.95, 1.03), "hardly come together"),
        ((1.2, 2), "come together"),
        ((1, 2), "come together in some variants"),
    ],
)
def test_errors_about_one_image(ratios: tuple[float, ...], verdict: str) -> None:
    assert (clustering_remark(ratios) or "").endswith(f"the errors about one image {verdict}.")
    assert clustering_remark(()) is None


def test_one_kind_of_interval_needs_no_words() -> None:
    assert detection_remark({}) is None
