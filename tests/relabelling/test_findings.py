"""How many labels of a queue are wrong: exact where all was looked at, right on average where a part was drawn."""

import random

import numpy as np
import pytest

from repope_eval.records import Question
from repope_eval.relabelling.design import design
from repope_eval.relabelling.findings import CERTAIN, OTHERS, WHOLE, Finding, QueueRate, queue_rates
from repope_eval.relabelling.queue import Queued
from repope_eval.relabelling.view import queue_sentences

QUESTIONS = [Question(f"{number:04}.jpg", "Is there a cup in the image?", "cup") for number in range(1000)]
LABELS = {each: number % 3 == 0 for number, each in enumerate(QUESTIONS)}


def found() -> tuple[dict[Question, Finding], dict[Question, float]]:
    """What people find: 4 % are flipped and 5 % ambiguous, and the doubts know something of both."""
    generator = random.Random(2)
    findings: dict[Question, Finding] = {}
    scores = {}
    for question, label in LABELS.items():
        chance = generator.random()
        true: Finding = "yes" if label != (chance < 0.04) else "no"
        findings[question] = "ambiguous" if chance > 0.95 else true
        scores[question] = generator.random() + (chance < 0.04 or chance > 0.95) * generator.random()
    return findings, scores


def rates(
    sizes: tuple[int, int], seed: int, findings: dict[Question, Finding]
) -> dict[tuple[str, str], QueueRate]:
    chances = design(found()[1], *sizes, seed)
    queue = {
        question: Queued(
            question=question,
            label=LABELS[question],
            score=0.0,
            p_sampled=chance.probability,
            sampled=chance.is_drawn,
        )
        for question, chance in chances.items()
    }
    return {(each.part, each.label): each for each in queue_rates(queue, findings)}


def test_where_all_was_looked_at_the_rates_are_counts() -> None:
    findings, _ = found()
    of_all = rates((1000, 0), 0, findings)
    assert (OTHERS, "both") not in of_all
    for label, has_label in (("yes", True), ("no", False)):
        of_label = [findings[each] for each in QUESTIONS if LABELS[each] == has_label]
        rate = of_all[WHOLE, label]
        opposite = "no" if has_label else "yes"
        assert rate.flipped.value == pytest.approx(of_label.count(opposite) / len(of_label))
        assert rate.ambiguous.value == pytest.approx(of_label.count("ambiguous") / len(of_label))
        assert rate.flipped.interval == pytest.approx((rate.flipped.value,) * 2)


def test_chosen_questions_stand_apart_and_the_whole_is_right_on_average() -> None:
    findings, _ = found()
    n_flipped = sum(
        findings[each] not in ("ambiguous", "yes" if LABELS[each] else "no") for each in QUESTIONS
    )
    truth = n_flipped / 1000
    repeated = [rates((100, 150), seed, findings) for seed in range(60)]
    values = np.array([each[WHOLE, "both"].flipped.value for each in repeated])
    assert abs(values.mean() - truth) < 4 * values.std() / 60**0.5
    ends = [each[WHOLE, "both"].flipped.interval for each in repeated]
    assert np.mean([low <= truth <= high for low, high in ends]) >= 0.9
    doubtful, others = (repeated[0][part, "both"] for part in (CERTAIN, OTHERS))
    assert (doubtful.n_questions, doubtful.n_looked) == (100, 100)
    assert (others.n_questions, others.n_looked) == (900, 150)
    assert (
        doubtful.flipped.value
        > 2 * truth
        > 2 * np.mean([each[OTHERS, "both"].flipped.value for each in repeated])
    )


def test_a_dispute_may_be_a_flip_or_none_or_ambiguous() -> None:
    findings, _ = found()
    settled = rates((1000, 0), 0, findings)[WHOLE, "both"]
    sound = [each for each in QUESTIONS if findings[each] == ("yes" if LABELS[each] else "no")][:10]
    disputed = rates((1000, 0), 0, findings | dict.fromkeys(sound, "disputed"))[WHOLE, "both"]
    assert disputed.flipped.value == pytest.approx(settled.flipped.value + 0.005)
    assert disputed.flipped.interval == pytest.approx((settled.flipped.value, settled.flipped.value + 0.01))
    assert disputed.ambiguous.interval == pytest.approx(
        (settled.ambiguous.value, settled.ambiguous.value + 0.01)
    )


def test_a_label_of_which_nothing_was_drawn_has_a_reason() -> None:
    findings, _ = found()
    known = {each: finding for each, finding in findings.items() if not LABELS[each]}
    rate = rates((0, 300), 0, known)[WHOLE, "yes"]
    assert (rate.flipped.value, rate.n_looked) == (None, 0)
    assert rate.flipped.reason


def test_too_few_labels_give_no_rate_but_how_many_it_takes() -> None:
    findings, _ = found()
    of_all = rates((1, 3), 0, findings)
    assert of_all[CERTAIN, "both"].flipped.value is not None
    for part in (OTHERS, WHOLE):
        assert of_all[part, "both"].flipped.value is None
        assert of_all[part, "both"].flipped.interval is None
        assert of_all[part, "both"].flipped.reason.startswith("too few labels: about ")
    (sentence,) = [each for each in queue_sentences(list(of_all.values())) if "whole" in each]
    assert "–" not in sentence
    assert "is not known by the 3 drawn from the other 999 (too few labels: about " in sentence
