"""What changes between two label sets: the differences, and how sure they are."""

from pathlib import Path

import numpy as np
import pytest
import real_answers
from estimate_parts import intervals_of, reasons_of

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.bootstrap import counts_by_image, labelled_images, replicated
from repope_eval.scoring.protocol_scores import DISTINCT, ProtocolScores, score
from repope_eval.scoring.protocols import PROTOCOLS

Labels = dict[Question, bool]


def relabelled(n_images: int, n_flipped: int) -> tuple[Labels, Labels]:
    """Four questions an image; the first one's label yes is wrong in the first images."""
    before = {
        Question(f"{image}.jpg", f"{number}?", ""): number < 2
        for image in range(n_images)
        for number in range(4)
    }
    flipped = {Question(f"{image}.jpg", "0?", "") for image in range(n_flipped)}
    return before, {question: label and question not in flipped for question, label in before.items()}


def scored(before: Labels, after: Labels) -> ProtocolScores:
    answers = {
        question: Answer(question, "yes" if label != (number % 9 == 0) else "no")
        for number, (question, label) in enumerate(before.items())
    }
    label_sets = [LabelSet("pope", {"random": before}), LabelSet("repope", {"random": after})]
    return score("a-model", "a-bench", label_sets, answers, "repope")


def test_a_change_is_the_difference_and_its_interval_that_of_each_replicates_own() -> None:
    before, after = relabelled(150, 60)
    scores = scored(before, after)
    change = scores.changes["random"]
    old, new = (scores.cells[name]["random"].figures for name in ("pope", "repope"))
    assert change.estimates["tp"].value == new.tp - old.tp
    assert change.estimates["f1"].value == (new.f1 or 0) - (old.f1 or 0)
    label_sets = [LabelSet("pope", {"random": before}), LabelSet("repope", {"random": after})]
    answers = {
        question: Answer(question, "yes" if label != (number % 9 == 0) else "no")
        for number, (question, label) in enumerate(before.items())
    }
    counts = counts_by_image(label_sets, labelled_images(label_sets), answers, PROTOCOLS["repope"])
    f1 = replicated(counts, PROTOCOLS["repope"], ["f1"])["f1"]
    assert change.estimates["f1"].interval == pytest.approx(
        tuple(np.percentile(f1[:, 1] - f1[:, 0], (2.5, 97.5)))
    )
    # One label set's interval is wider: what makes an image hard cancels out.
    low, high = change.estimates["tnr"].interval or (0, 0)
    own = scores.cells["repope"]["random"].estimates["tnr"].interval or (0, 0)
    assert low <= change.estimates["tnr"].value <= high  # type: ignore[operator]
    assert own[0] < own[1]


def test_the_share_of_yes_is_that_of_what_f1_counts() -> None:
    before, after = relabelled(150, 60)
    assert scored(before, after).changes["random"].yes_shares == (0.5, (2 * 150 - 60) / 600)
    unread = {question: Answer(question, "yes" if label else "maybe") for question, label in before.items()}
    label_sets = [LabelSet("pope", {"random": before}), LabelSet("repope", {"random": after})]
    found = score("a-model", "a-bench", label_sets, unread, "repope").changes["random"]
    assert found.yes_shares == (1, (2 * 150 - 60) / 300)


def test_few_images_have_no_interval_of_a_change() -> None:
    change = scored(*relabelled(99, 60)).changes["random"]
    assert set(intervals_of(change.estimates).values()) == {None}
    assert set(reasons_of(change.estimates).values()) == {"fewer than 100 images have answers"}


def test_few_changes_have_no_interval() -> None:
    change = scored(*relabelled(150, 19)).changes["random"]
    assert change.estimates["f1"].interval is None
    assert change.estimates["f1"].reason == "relabelling changes its counts in fewer than 20 images"


def test_what_is_undefined_under_one_label_set_has_no_change() -> None:
    before, _ = relabelled(150, 0)
    change = scored(before, dict.fromkeys(before, True)).changes["random"]
    assert (change.estimates["tnr"].value, change.estimates["tnr"].interval) == (None, None)
    assert change.estimates["tnr"].reason == "undefined under one of the label sets"


def test_a_real_models_change(shared: Path) -> None:
    benchmark = real_answers.benchmark(shared)
    answers = dict(real_answers.joined(shared, benchmark).answers)
    scores = score("llava", "repope", benchmark.label_sets, answers, "repope")
    assert list(scores.changes) == ["random", "popular", "adversarial", "mean"]
    change = scores.changes["random"]
    assert round(change.estimates["f1"].value or 0, 4) == 0.0461
    assert change.estimates["f1"].interval == pytest.approx((0.0349, 0.0572), abs=0.001)
    assert change.estimates["tp"].interval == pytest.approx((-172, -124), abs=2)
    assert change.yes_shares == (1456 / 2772, 1129 / 2553)
    assert scores.distinct is not None
    distinct = scores.distinct.cells["repope"][DISTINCT].figures
    assert (distinct.tp, distinct.fp, distinct.n_answered) == (1012, 143, 4544)
