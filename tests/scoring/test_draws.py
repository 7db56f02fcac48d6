"""Figures over several draws of the same answers: their mean, its interval, the draws' part of it, and what changes."""

import random
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

import numpy as np
import pytest

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.bootstrap import MEAN
from repope_eval.scoring.draws import DrawSpread, answers_by_draw, changing_answers
from repope_eval.scoring.protocol_scores import score
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.scores import Scores, score_benchmark

N_DRAWS = 4
N_IMAGES = 120
OBJECTS = ("dog", "cat", "cup", "car", "bed", "tie")


def labels_of(n_images: int = N_IMAGES) -> dict[str, dict[Question, bool]]:
    """Two variants, which share the questions with label yes."""
    names = [f"{number}.jpg" for number in range(n_images)]
    asked = {
        image: [Question(image, f"Is there a {name} in the image?", name) for name in OBJECTS]
        for image in names
    }
    return {
        variant: {
            question: place < 2
            for image in names
            for place, question in enumerate(asked[image])
            if place < 2 or place in negatives
        }
        for variant, negatives in {"a": (2, 3), "b": (4, 5)}.items()
    }


def drawn_answers(
    variants: dict[str, dict[Question, bool]], spread: Sequence[float], n_draws: int, seed: int
) -> dict[Question, Answer]:
    """Answers whose probability of being wrong is drawn from `spread` for each question, and then for each draw."""
    generator = random.Random(seed)
    labels = {question: label for of_variant in variants.values() for question, label in of_variant.items()}
    wrong = {question: generator.choice(spread) for question in labels}
    answers = {}
    for draw in range(n_draws):
        for question, label in labels.items():
            says_yes = label != (generator.random() < wrong[question])
            asked = replace(question, draw=draw)
            answers[asked] = Answer(asked, "Yes" if says_yes else "No")
    return answers


def scored(spread: Sequence[float], n_draws: int = N_DRAWS, seed: int = 0) -> Scores:
    variants = labels_of()
    before = LabelSet("pope", variants)
    after = LabelSet("repope", {name: dict(list(of.items())[40:]) for name, of in variants.items()})
    ids = {name: dict(enumerate(labels)) for name, labels in variants.items()}
    benchmark = Benchmark("made-up", (before, after), ids, {}, n_draws=n_draws)
    return score_benchmark(benchmark, drawn_answers(variants, spread, n_draws, seed), "mine")


SCORES = scored((0.1, 0.3))


def test_each_figure_is_the_mean_of_what_each_draw_comes_to() -> None:
    variants = labels_of()
    answers = drawn_answers(variants, (0.1, 0.3), N_DRAWS, 0)
    single = [
        score("mine", "made-up", [LabelSet("pope", variants)], of_draw, "repope")
        for of_draw in answers_by_draw(answers, N_DRAWS)
    ]
    for variant in ("a", "b", MEAN):
        for name in ("f1", "precision", "accuracy", "mcc", "tp"):
            each = [getattr(of_draw.cells["pope"][variant].figures, name) for of_draw in single]
            assert getattr(SCORES.cells["pope"][variant].figures, name) == pytest.approx(fmean(each))
    f1 = [of_draw.cells["pope"][MEAN].figures.f1 for of_draw in single]
    assert SCORES.draws["pope"][MEAN].f1 == pytest.approx(f1)
    distinct = [of_draw.parts[1].cells["pope"]["distinct"].figures.f1 or 0 for of_draw in single]
    assert SCORES.parts[1].cells["pope"]["distinct"].figures.f1 == pytest.approx(fmean(distinct))


def test_what_is_left_out_is_bounded_in_the_mean_over_draws() -> None:
    each = [scored_draw.resolutions[MEAN] for scored_draw in (_single_draw(draw) for draw in range(N_DRAWS))]
    assert SCORES.resolutions[MEAN].lowest == pytest.approx(fmean(one.lowest or 0 for one in each))
    assert SCORES.resolutions[MEAN].n_ambiguous == each[0].n_ambiguous > 0
    removed = SCORES.cells["repope"][MEAN].figures.f1
    assert SCORES.resolutions[MEAN].removed == pytest.approx(removed)


def _single_draw(draw: int) -> Scores:
    variants = labels_of()
    answers = answers_by_draw(drawn_answers(variants, (0.1, 0.3), N_DRAWS, 0), N_DRAWS)[draw]
    after = LabelSet("repope", {name: dict(list(of.items())[40:]) for name, of in variants.items()})
    ids = {name: dict(enumerate(labels)) for name, labels in variants.items()}
    return score_benchmark(
        Benchmark("made-up", (LabelSet("pope", variants), after), ids, {}), answers, "mine"
    )


def test_a_single_draw_has_no_spread() -> None:
    single = scored((0.1, 0.3), n_draws=1)
    assert single.draws == {}
    assert single.changing == ()
    assert "draws" not in single.to_dict()


def test_the_document_has_the_draws() -> None:
    document = SCORES.to_dict()
    assert document["n_draws"] == N_DRAWS
    assert document["n_changing"] == len(SCORES.changing)
    assert len(document["draws"]["repope"]["mean"]["f1"]) == N_DRAWS
    assert 0 < document["draws"]["repope"]["mean"]["variance_share"] < 1


def test_all_of_the_variance_is_the_draws_where_questions_are_equally_hard() -> None:
    """Each answer is wrong with probability .2, so that images differ by chance in the draws alone."""
    shares = [scored((0.2,), seed=seed).draws["pope"][MEAN].variance_share or 0 for seed in range(8)]
    assert fmean(shares) == pytest.approx(1, abs=0.15)


def test_none_of_it_is_where_answers_do_not_change() -> None:
    of_pope = scored((0.0, 0.0, 1.0)).draws["pope"][MEAN]
    assert of_pope.variance_share == 0
    assert len(set(of_pope.f1)) == 1
    assert scored((0.0, 0.0, 1.0)).changing == ()


def test_no_share_of_the_variance_is_told_of_few_images() -> None:
    few = drawn_f1(99)
    assert few.variance_share is None
    assert len(few.f1) == N_DRAWS
    assert drawn_f1(100).variance_share is not None


def drawn_f1(n_images: int) -> DrawSpread:
    variants = labels_of(n_images)
    answers = drawn_answers(variants, (0.1, 0.3), N_DRAWS, 0)
    return score("mine", "", [LabelSet("pope", variants)], answers, "repope", N_DRAWS).draws["pope"][MEAN]


def test_more_draws_narrow_the_interval_by_their_part_alone() -> None:
    def width(n_draws: int) -> float:
        interval = scored((0.05, 0.5), n_draws).cells["pope"][MEAN].estimates["f1"].interval
        assert interval is not None
        return interval[1] - interval[0]

    widths = [width(n_draws) for n_draws in (1, 4, 16)]
    assert widths[0] > widths[1] > widths[2] > 0.5 * widths[0]


def test_intervals_hold_the_expected_figure_over_images_and_draws() -> None:
    """The expected F1 is that of very many images and draws, whose questions are drawn as these."""
    large = [scored_f1((0.05, 0.4), 1, seed, 4000)[0] for seed in range(3)]
    truth = fmean(large)
    held = []
    for seed in range(60):
        _, interval = scored_f1((0.05, 0.4), 3, seed + 100, 120)
        held.append(interval is not None and interval[0] <= truth <= interval[1])
    assert np.mean(held) >= 0.9


def scored_f1(
    spread: Sequence[float], n_draws: int, seed: int, n_images: int
) -> tuple[float, tuple[float, float] | None]:
    variants = labels_of(n_images)
    answers = drawn_answers(variants, spread, n_draws, seed)
    cell = score("mine", "", [LabelSet("pope", variants)], answers, "repope", n_draws).cells["pope"][MEAN]
    return cell.figures.f1 or 0, cell.estimates["f1"].interval


def test_questions_that_are_not_answered_alike_are_listed() -> None:
    question, other, lacking = (Question(f"{name}.jpg", "Is there a cup?", "cup") for name in "abc")
    said = {question: ("Yes", "No", "Maybe"), other: ("Yes.", "yes", "Yes"), lacking: ("Yes", "No")}
    by_draw = answers_by_draw(
        {
            replace(each, draw=draw): Answer(replace(each, draw=draw), response)
            for each, responses in said.items()
            for draw, response in enumerate(responses)
        },
        3,
    )
    (changing,) = changing_answers(by_draw, PROTOCOLS["repope"])
    assert changing.question == question
    assert changing.readings == (True, False, None)
    assert [answer.response for answer in changing.answers] == ["Yes", "No", "Maybe"]
