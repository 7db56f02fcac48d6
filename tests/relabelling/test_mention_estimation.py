"""CHAIRi under true labels: exact where all was looked at, right on average else, bounds where something is open."""

import random
from functools import cache

import pytest
from mention_examples import CAPTIONS, FIRST, SECOND, TRUTH, answers_of, mention_view

from repope_eval.captions.truth import CaptionTruth
from repope_eval.records import Answer, Label, Question
from repope_eval.relabelling.design import design
from repope_eval.relabelling.estimation import estimate_runs
from repope_eval.relabelling.mention_doubt import mention_question, unjudged_mentions
from repope_eval.relabelling.mention_estimation import (
    CAPTION_VARIANT,
    FIGURE,
    QueuedMentions,
    chair_of,
    mention_tally,
    old_chair,
    queued_mentions,
    truth_before,
)
from repope_eval.relabelling.sampled_labels import FigureEstimate, Looked, Sample

QUEUE = {each.question: each.label for each in mention_view().queue}
ONE = answers_of(CAPTIONS["one"])
NAMES = ("dog", "cat", "cup", "clock", "kite", "boat", "car", "bench", "vase", "book")


def estimate_chair(
    mentioned: QueuedMentions,
    labels: dict[Question, bool],
    looked: dict[Question, Looked],
    probabilities: dict[Question, float],
) -> FigureEstimate:
    """CHAIRi of one run under true labels."""
    runs = {"m": {CAPTION_VARIANT: mention_tally(mentioned, list(labels))}}
    found = estimate_runs(runs, Sample.of(labels, looked, probabilities), {FIGURE: chair_of})
    return found.figures["m"][CAPTION_VARIANT][FIGURE]


def certain(labels: dict[Question, bool | None]) -> dict[Question, Looked]:
    """All of a queue was looked at."""
    return {question: Looked(label, 1.0) for question, label in labels.items()}


def all_of(labels: dict[Question, bool]) -> dict[Question, float]:
    return dict.fromkeys(labels, 1.0)


def test_mentions_are_those_of_the_queue_and_those_that_are_known() -> None:
    mentioned = queued_mentions(ONE, TRUTH, QUEUE)
    assert mentioned.queued == {
        mention_question(FIRST, "dog"): 1,
        mention_question(FIRST, "cat"): 2,
        mention_question(SECOND, "cup"): 1,
    }
    assert (mentioned.hallucinated, mentioned.counted, mentioned.strange) == (0, 1, ())


def test_what_the_queue_does_not_ask_about_is_named() -> None:
    without = {question for question in QUEUE if question.object != "cat"}
    assert queued_mentions(ONE, TRUTH, without).strange == (mention_question(FIRST, "cat"),)


def test_verdicts_on_the_queue_are_what_people_found_later() -> None:
    later = CaptionTruth(TRUTH.objects, {FIRST: {"couch": "yes", "cat": "yes"}, SECOND: {"cup": "no"}})
    assert truth_before(later, QUEUE).verdicts == TRUTH.verdicts
    assert queued_mentions(ONE, truth_before(later, QUEUE), QUEUE) == queued_mentions(ONE, TRUTH, QUEUE)


def test_the_old_figure_has_couch_from_people_and_all_else_from_coco() -> None:
    assert old_chair(ONE, TRUTH).value == 2 / 5  # both cats, of dog, couch, cat, cat and cup


def test_where_all_was_looked_at_the_estimate_is_the_figure_of_the_corrected_truth() -> None:
    found: dict[Question, bool | None] = dict(QUEUE)
    found |= {mention_question(FIRST, "cat"): True, mention_question(FIRST, "dog"): None}
    estimated = estimate_chair(queued_mentions(ONE, TRUTH, QUEUE), QUEUE, certain(found), all_of(QUEUE))
    verdicts: dict[str, dict[str, Label]] = {
        FIRST: {"couch": "yes", "cat": "yes", "dog": "ambiguous"},
        SECOND: {"cup": "yes"},
    }
    truth = CaptionTruth(TRUTH.objects, verdicts)
    assert estimated.value == old_chair(ONE, truth).value == 0
    assert estimated.ci95 == (0, 0)


def test_an_open_object_counts_nowhere_and_the_interval_holds_either_label() -> None:
    looked = certain(dict(QUEUE))
    cat = mention_question(FIRST, "cat")
    looked[cat] = Looked(None, 1.0, is_open=True)
    estimated = estimate_chair(queued_mentions(ONE, TRUTH, QUEUE), QUEUE, looked, all_of(QUEUE))
    assert estimated.value == 0  # dog, couch and cup are there
    assert estimated.ci95 == (0, pytest.approx(2 / 5))


@cache
def made_up() -> tuple[list[Answer], CaptionTruth, CaptionTruth, dict[Question, bool], dict[Question, float]]:
    """Captions, COCO's truth and the true one, and the queue of all that is mentioned with its doubts."""
    generator = random.Random(5)
    answers, coco, verdicts = [], {}, {}
    for number in range(400):
        image = f"{number:03}.jpg"
        there = set(generator.sample(NAMES, 4))
        hallucinated = [name for name in NAMES if name not in there and generator.random() < 0.08]
        words = [name for name in NAMES if name in there and generator.random() < 0.8] + hallucinated
        words += [name for name in words if generator.random() < 0.3]
        answers += answers_of({image: " ".join(f"A {name}." for name in words)})
        wrong = {name for name in NAMES if generator.random() < 0.06}
        coco[image] = frozenset(there ^ wrong)
        labels: dict[str, Label] = {name: "yes" if name in there else "no" for name in NAMES}
        verdicts[image] = labels | {name: "ambiguous" for name in NAMES if generator.random() < 0.05}
    truth = CaptionTruth(coco)
    mentioned = unjudged_mentions({"one": answers}, truth).objects
    labels_of = {each.question: each.is_there for each in mentioned}
    doubts = {each.question: each.doubt for each in mentioned}
    return answers, truth, CaptionTruth(coco, verdicts), labels_of, doubts


def estimated(seed: int, sizes: tuple[int, int], mentioned: QueuedMentions) -> FigureEstimate:
    _, _, true, labels, doubts = made_up()
    chances = design(doubts, *sizes, seed)
    found = {"yes": True, "no": False, "ambiguous": None}
    looked = {
        question: Looked(found[true.verdicts[question.image][question.object]], chance.probability)
        for question, chance in chances.items()
        if chance.is_drawn
    }
    probabilities = {question: chance.probability for question, chance in chances.items()}
    return estimate_chair(mentioned, labels, looked, probabilities)


def test_drawn_labels_are_right_on_average_and_their_intervals_hold_the_truth() -> None:
    answers, truth, true, labels, _ = made_up()
    corrected, by_coco = (old_chair(answers, each).value for each in (true, truth))
    assert corrected is not None
    assert by_coco is not None
    assert by_coco - corrected > 0.03  # that labels are needed at all
    mentioned = queued_mentions(answers, truth, labels)
    drawn = [estimated(seed, (100, 200), mentioned) for seed in range(150)]
    values = [each.value or 0 for each in drawn]
    held = [each.ci95 is not None and each.ci95[0] <= corrected <= each.ci95[1] for each in drawn]
    assert sum(values) / len(values) == pytest.approx(corrected, abs=0.004)
    assert sum(held) / len(held) >= 0.93
    assert all(
        each.width is not None and (narrowed := each.width_with(200)) is not None and narrowed < each.width
        for each in drawn
    )
