"""Which interval a figure gets: percentiles of the replicates, a gamma one, or none and why."""

from collections.abc import Mapping

import pytest
from counts import percentiles
from estimate_parts import intervals_of, methods_of

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.bootstrap import MEAN
from repope_eval.scoring.intervals import COMPOSITES, COUNTS, INTERVAL_FIGURES, clustered_interval, sampled
from repope_eval.scoring.protocol_scores import ProtocolScores, score
from repope_eval.scoring.protocols import PROTOCOLS

Labels = dict[Question, bool]


def labelled(n_images: int, each: int = 6) -> Labels:
    return {
        Question(f"{image}.jpg", f"{number}?", ""): number % 2 == 0
        for image in range(n_images)
        for number in range(each)
    }


def answered(labels: Mapping[Question, bool], every: int) -> dict[Question, Answer]:
    """One answer in so many is wrong; 0: none is."""
    return {
        question: Answer(question, "yes" if label != (every > 0 and number % every == 0) else "no")
        for number, (question, label) in enumerate(labels.items())
    }


def scored(labels: Labels, every: int) -> ProtocolScores:
    return score(
        "a-model", "a-bench", [LabelSet("pope", {"random": labels})], answered(labels, every), "repope"
    )


def test_many_images_and_errors_have_the_percentiles_of_their_replicates() -> None:
    labels = labelled(100)
    estimates = scored(labels, 7).cells["pope"]["random"].estimates
    assert set(methods_of(estimates).values()) == {"bootstrap"}
    of_replicates = percentiles([LabelSet("pope", {"random": labels})], answered(labels, 7))
    assert intervals_of(estimates) == of_replicates["pope"]["random"]


@pytest.mark.parametrize(("n_images", "every"), [(99, 7), (100, 100), (100, 0), (8, 0)])
def test_few_images_or_errors_have_gamma_ones_with_a_width(n_images: int, every: int) -> None:
    cell = scored(labelled(n_images), every).cells["pope"]["random"]
    figures, intervals = cell.figures, intervals_of(cell.estimates)
    assert methods_of(cell.estimates) == dict.fromkeys(INTERVAL_FIGURES, "gamma")
    for figure in INTERVAL_FIGURES:
        low, high = intervals[figure] or (1, 0)
        assert low < high
        assert low <= getattr(figures, figure) <= high


def test_shares_are_those_of_their_images() -> None:
    labels = labelled(40)
    sample = sampled([LabelSet("pope", {"random": labels})], answered(labels, 11), PROTOCOLS["repope"])
    tp, fp, tn, fn, *_ = sample.counts[:, 0].T
    intervals = intervals_of(scored(labels, 11).cells["pope"]["random"].estimates)
    assert intervals["recall"] == clustered_interval(tp, tp + fn)
    assert intervals["accuracy"] == clustered_interval(tp + tn, tp + fp + tn + fn)
    low, high = clustered_interval(tp, tp + fp + fn, tp + fp + tn + fn) or (0, 0)
    assert intervals["f1"] == pytest.approx((2 * low / (1 + low), 2 * high / (1 + high)))
    low, high = intervals["tnr"] or (0, 0)
    assert intervals["tn"] == pytest.approx((120 * low, 120 * high))


@pytest.mark.parametrize("protocol", ["repope", "pope", "vlmevalkit", "lmms_eval"])
def test_composites_hold_their_figure_under_every_protocol(protocol: str) -> None:
    labels = labelled(20)
    answers = answered(labels, 9)
    for number, question in enumerate(labels):
        if number % 13 == 0:
            answers[question] = Answer(question, "perhaps")
    scores = score("a-model", "a-bench", [LabelSet("pope", {"random": labels})], answers, protocol)  # type: ignore[arg-type]
    for figure in (*COUNTS, *COMPOSITES):
        if figure != "harmonic_mean":
            low, high = scores.cells["pope"]["random"].estimates[figure].interval or (1, 0)
            assert low <= getattr(scores.cells["pope"]["random"].figures, figure) <= high


def test_the_mean_over_variants_lies_between_the_means_of_their_ends() -> None:
    one, other = labelled(20), labelled(20, each=4)
    answers = answered(one, 9)
    variants = LabelSet("pope", {"random": one, "popular": other})
    cells = score("a-model", "a-bench", [variants], answers, "repope").cells["pope"]
    intervals = {variant: intervals_of(cell.estimates) for variant, cell in cells.items()}
    for figure in INTERVAL_FIGURES:
        first, second = (intervals[variant][figure] or (0, 0) for variant in ("random", "popular"))
        middle = tuple((a + b) / 2 for a, b in zip(first, second, strict=True))
        assert intervals[MEAN][figure] == pytest.approx(middle)


def test_few_errors_of_each_variant_may_be_enough_in_the_mean() -> None:
    """Misses about 20 images in one variant, and about 20 others in the other."""
    one, other = (
        {
            Question(f"{image}.jpg", f"{name} {number}?", ""): number < 3
            for image in range(100)
            for number in range(6)
        }
        for name in ("cat", "dog")
    )
    answers = answered({**one, **other}, 0)
    for questions, first in ((list(one), 0), (list(other), 20)):
        for image in range(first, first + 20):
            answers[questions[6 * image]] = Answer(questions[6 * image], "no")
    variants = LabelSet("pope", {"random": one, "popular": other})
    cells = score("a-model", "a-bench", [variants], answers, "repope").cells["pope"]
    methods = {variant: cell.estimates["recall"].method for variant, cell in cells.items()}
    assert methods == {"random": "gamma", "popular": "gamma", MEAN: "bootstrap"}


def test_the_same_errors_in_several_variants_are_no_further_ones() -> None:
    labels = labelled(100)
    variants = LabelSet("pope", {"random": labels, "popular": labels})
    cells = score("a-model", "a-bench", [variants], answered(labels, 24), "repope").cells["pope"]
    assert {cell.estimates["recall"].method for cell in cells.values()} == {"gamma"}  # 25 misses
