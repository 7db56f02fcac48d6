"""Scores under true labels, from the part that was looked at: exact where all was, and right on average else."""

import math
import random
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import product

import numpy as np
import pytest

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.relabelling.design import design, question_effects
from repope_eval.relabelling.estimation import (
    FIGURES,
    EstimatedDifference,
    Place,
    Tally,
    estimate_runs,
    leading_estimates,
    outcome_figures,
    outcome_tallies,
    places,
)
from repope_eval.relabelling.sampled_labels import WIDEST, FigureEstimate, Looked, Sample
from repope_eval.scoring.protocol_scores import score
from repope_eval.scoring.protocols import PROTOCOLS

REPOPE = PROTOCOLS["repope"]
QUESTIONS = [Question(f"{number:04}.jpg", "Is there a cup in the image?", "cup") for number in range(1500)]


def estimate(
    variants: Mapping[str, Mapping[Question, bool]],
    looked: Mapping[Question, Looked],
    probabilities: Mapping[Question, float],
    answers: Mapping[Question, Answer],
) -> Mapping[str, Mapping[str, FigureEstimate]]:
    """The figures of one run."""
    old = LabelSet("old", variants).distinct
    runs = {"m": outcome_tallies(variants, list(old), answers, REPOPE)}
    sample = Sample.of(old, looked, probabilities)
    return estimate_runs(runs, sample, outcome_figures(REPOPE)).figures["m"]


@cache
def made_up(seed: int = 0) -> tuple[LabelSet, LabelSet, dict[Question, Answer], dict[Question, float]]:
    """Old labels in two variants that share questions, true ones, a model's answers, and doubts that know something."""
    generator = random.Random(seed)
    truth = {each: generator.random() < 0.4 for each in QUESTIONS}
    wrong = {each: generator.random() < 0.06 for each in QUESTIONS}
    ambiguous = {each: generator.random() < 0.05 for each in QUESTIONS}
    old = {each: truth[each] != wrong[each] for each in QUESTIONS}
    true = {each: label for each, label in truth.items() if not ambiguous[each]}
    answers = {
        each: Answer(each, "Yes" if truth[each] != (generator.random() < 0.1) else "No")
        for each in QUESTIONS[20:]
    }
    scores = {
        each: generator.random() / 3 + (wrong[each] or ambiguous[each]) * generator.random()
        for each in QUESTIONS
    }
    parts = {"a": QUESTIONS[:900], "b": QUESTIONS[600:]}
    before, after = (
        LabelSet(
            name, {part: {each: of[each] for each in among if each in of} for part, among in parts.items()}
        )
        for name, of in (("pope", old), ("repope", true))
    )
    return before, after, answers, scores


def estimated(seed: int, sizes: tuple[int, int]) -> Mapping[str, Mapping[str, FigureEstimate]]:
    before, after, answers, scores = made_up()
    true = after.distinct
    chances = design(scores, *sizes, seed)
    looked = {
        each: Looked(true.get(each), chance.probability)
        for each, chance in chances.items()
        if chance.is_drawn
    }
    probabilities = {each: chance.probability for each, chance in chances.items()}
    return estimate(before.variants, looked, probabilities, answers)


@pytest.fixture(scope="module")
def truth() -> dict[str, dict[str, float]]:
    _, after, answers, _ = made_up()
    cells = score("m", "b", [after], answers, "repope").cells["repope"]
    return {
        variant: {figure: getattr(cell.figures, figure) for figure in FIGURES}
        for variant, cell in cells.items()
    }


def test_where_all_was_looked_at_the_scores_are_exact(truth: dict[str, dict[str, float]]) -> None:
    found = estimated(0, (len(QUESTIONS), 0))
    for variant, figures in truth.items():
        for figure, value in figures.items():
            assert found[variant][figure].value == pytest.approx(value, abs=1e-12)
            assert found[variant][figure].ci95 == pytest.approx((value, value), abs=1e-12)


@pytest.mark.parametrize("sizes", [(0, 300), (150, 150)])
def test_estimates_are_right_on_average_and_intervals_hold_the_truth(
    sizes: tuple[int, int], truth: dict[str, dict[str, float]]
) -> None:
    repetitions = 60
    found = [estimated(seed, sizes) for seed in range(repetitions)]
    for variant in ("a", "mean"):
        for figure in FIGURES:
            each = [one[variant][figure] for one in found]
            values = np.array([one.value for one in each], dtype=float)
            error = values.mean() - truth[variant][figure]
            assert abs(error) < 4 * values.std() / repetitions**0.5 + 0.002
            ends = [one.ci95 for one in each if one.ci95 is not None]
            holds = np.mean([low <= truth[variant][figure] <= high for low, high in ends])
            assert holds > 0.88  # of 60, where 95 % is meant
            widths = np.mean([high - low for low, high in ends])
            if (
                sizes[0] == 0
            ):  # else most samples hold no wrong label, and the width is for one that was missed
                assert widths < 6 * values.std()


def test_what_further_labels_would_do_is_what_they_do() -> None:
    found = estimated(0, (0, 300))["a"]["accuracy"]
    assert found.width is not None
    assert found.growth is not None
    assert found.width_with(0) == pytest.approx(found.width)
    assert found.width_with(len(QUESTIONS) - 300) == 0
    for n_labels in (450, 600, 900):
        widths = [estimated(seed, (0, n_labels))["a"]["accuracy"].width or 0 for seed in range(20)]
        foretold = [
            estimated(seed, (0, 300))["a"]["accuracy"].width_with(n_labels - 300) or 0 for seed in range(20)
        ]
        assert np.mean(foretold) == pytest.approx(np.mean(widths), rel=0.12)
    for width in (0.01, 0.02, 0.03):
        n_labels = found.growth.labels_for(width)
        assert n_labels is not None
        assert found.growth.width_with(n_labels) <= width < found.growth.width_with(n_labels - 2)


def test_the_interval_holds_every_label_of_what_is_in_dispute() -> None:
    """Of all that were looked at, six are in dispute: each way to settle them, and the least interval around these."""
    before, after, answers, _ = made_up()
    true = after.distinct
    looked = {each: Looked(true.get(each), 1.0) for each in QUESTIONS}
    disputed = [*QUESTIONS[18:22], *QUESTIONS[700:702]]
    certain = dict.fromkeys(QUESTIONS, 1.0)

    def found(labels: Sequence[bool | None], *, is_open: bool = False) -> dict[str, FigureEstimate]:
        resolved = {each: Looked(label, 1.0, is_open) for each, label in zip(disputed, labels, strict=True)}
        return estimate(before.variants, looked | resolved, certain, answers)["mean"]

    settled = [found(labels) for labels in product((False, True), repeat=len(disputed))]
    settled += [found(labels * 3) for labels in product((False, True, None), repeat=2)]
    widened, unsettled = found([None] * len(disputed), is_open=True), found([None] * len(disputed))
    for figure in FIGURES:
        values = [each[figure].value for each in settled]
        open_one = widened[figure]
        assert open_one.ci95 == pytest.approx((min(values), max(values)), abs=1e-12)
        assert open_one.ci95[0] < open_one.value < open_one.ci95[1]
        assert open_one.value == pytest.approx(unsettled[figure].value)


def test_disputes_among_the_wrong_labels_bias_no_interval() -> None:
    """Two in a hundred sound labels and four in ten wrong ones are disputed and stay so."""
    before, after, answers, _ = made_up()
    old, true = before.distinct, after.distinct
    truth = score("m", "b", [after], answers, "repope").cells["repope"]["mean"].figures.f1
    generator = random.Random(5)
    disputed = {each for each in true if generator.random() < (0.02 if true[each] == old[each] else 0.4)}
    holds = []
    for seed in range(20):
        chances = design(dict.fromkeys(QUESTIONS, 0.0), 0, 700, seed)
        looked = {
            each: Looked(None, chance.probability, is_open=True)
            if each in disputed
            else Looked(true.get(each), chance.probability)
            for each, chance in chances.items()
            if chance.is_drawn
        }
        probabilities = {each: chance.probability for each, chance in chances.items()}
        found = estimate(before.variants, looked, probabilities, answers)["mean"]["f1"]
        holds.append(found.ci95[0] <= truth <= found.ci95[1])
    assert sum(holds) >= 19


def test_further_labels_do_not_narrow_what_is_in_dispute() -> None:
    before, after, answers, _ = made_up()
    true = after.distinct
    looked = {
        each: Looked(None, 0.2, is_open=True) if index < 10 else Looked(true.get(each), 0.2)
        for index, each in enumerate(QUESTIONS[20:320])
    }
    equal = dict.fromkeys(QUESTIONS, 0.2)
    found = estimate(before.variants, looked, equal, answers)["a"]["accuracy"]
    settled = (
        estimate(before.variants, looked | resolved, equal, answers)["a"]["accuracy"].value
        for resolved in ({each: Looked(label, 0.2) for each in QUESTIONS[20:30]} for label in (False, True))
    )
    assert found.growth is not None
    left_open = abs(next(settled) - next(settled))
    assert found.width_with(1000) >= left_open > 0
    assert found.growth.labels_for(left_open / 2) is None


def test_an_interval_has_a_width_where_no_wrong_label_was_found() -> None:
    labels = {each: index % 2 == 0 for index, each in enumerate(QUESTIONS)}
    answers = {each: Answer(each, "Yes" if label else "No") for each, label in labels.items()}
    looked = {each: Looked(labels[each], 0.02) for each in QUESTIONS[:30]}
    found = estimate({"only": labels}, looked, dict.fromkeys(QUESTIONS, 0.02), answers)
    assert list(found) == ["only"]
    assert found["only"]["f1"].value == 1
    assert found["only"]["f1"].ci95 is not None
    low, high = found["only"]["f1"].ci95
    assert 0.8 < low < 0.99
    assert high == 1


def test_a_figure_that_is_undefined_stays_so() -> None:
    labels = dict.fromkeys(QUESTIONS[:10], False)
    answers = {each: Answer(each, "No") for each in labels}
    looked = {each: Looked(False, 1.0) for each in labels}
    found = estimate({"only": labels}, looked, dict.fromkeys(labels, 1.0), answers)["only"]
    assert (found["f1"].value, found["f1"].ci95, found["accuracy"].value) == (None, None, 1)


@pytest.mark.parametrize(("n_wrong", "n_looked"), [(0, 2), (1, 10), (7, 10)])
def test_too_few_labels_give_no_figure_but_how_many_it_takes(n_wrong: int, n_looked: int) -> None:
    """Of ten labels of a thousand, one wrong label stands for a hundred: F1 of 0 came of that, from 0 to 1."""
    labels = {each: index % 2 == 0 for index, each in enumerate(QUESTIONS[:1000])}
    answers = {each: Answer(each, "Yes" if label else "No") for each, label in labels.items()}

    def found(number: int, of_ten: int) -> FigureEstimate:
        chosen = list(labels)[:number]
        looked = {
            each: Looked(labels[each] != (index % 10 < of_ten), number / 1000)
            for index, each in enumerate(chosen)
        }
        chances = dict.fromkeys(labels, number / 1000)
        return estimate({"only": labels}, looked, chances, answers)["only"]["f1"]

    few = found(n_looked, n_wrong)
    assert (few.value, few.ci95, few.growth) == (None, None, None)
    assert few.n_needed is not None
    assert few.reason == f"too few labels: about {few.n_needed:,} are needed"
    enough = found(10 * math.ceil(few.n_needed / 10), n_wrong)  # with the same share of wrong ones
    assert (enough.n_needed, enough.reason) == (None, "")
    assert enough.width is not None
    assert enough.width_with(200) <= enough.width <= WIDEST


def test_too_few_labels_are_told_of_what_is_in_dispute_too() -> None:
    labels = dict.fromkeys(QUESTIONS[:1000], True)
    answers = {each: Answer(each, "Yes") for each in labels}
    looked = {each: Looked(True, 0.004) for each in QUESTIONS[:3]}
    looked[QUESTIONS[3]] = Looked(None, 0.004, is_open=True)
    found = estimate({"only": labels}, looked, dict.fromkeys(labels, 0.004), answers)["only"]
    assert found["f1"].value is None
    assert found["f1"].n_needed is not None
    assert 4 < found["f1"].n_needed <= 1000


def both_runs() -> tuple[dict[str, dict[str, Tally]], dict[Question, bool]]:
    """The made-up model, and one that answers 3 % of the questions otherwise."""
    before, _, answers, _ = made_up()
    generator = random.Random(9)
    other = {
        each: Answer(each, "No" if answer.response == "Yes" else "Yes")
        if generator.random() < 0.03
        else answer
        for each, answer in answers.items()
    }
    old = before.distinct
    tallies = {
        name: outcome_tallies(before.variants, list(old), of_run, REPOPE)
        for name, of_run in (("m", answers), ("other", other))
    }
    return tallies, old


def drawn_sample(seed: int, n_labels: int, effects: dict[Question, float] | None = None) -> Sample:
    before, after, _, scores = made_up()
    true = after.distinct
    chances = design(scores, 0, n_labels, seed, effects)
    looked = {q: Looked(true.get(q), each.probability) for q, each in chances.items() if each.is_drawn}
    probabilities = {q: each.probability for q, each in chances.items()}
    return Sample.of(before.distinct, looked, probabilities)


def test_a_difference_is_that_of_the_figures_and_surer_than_these() -> None:
    tallies, old = both_runs()
    _, after, _, _ = made_up()
    figures = outcome_figures(REPOPE)
    everything = Sample.of(
        old,
        {each: Looked(after.distinct.get(each), 1.0) for each in old},
        dict.fromkeys(old, 1.0),
    )
    exact = estimate_runs(tallies, everything, figures)
    for among in ("a", "b", "mean"):
        (difference,) = exact.differences[among]
        first, second = (exact.figures[name][among]["f1"].value for name in ("m", "other"))
        assert difference.estimate.value == pytest.approx(first - second)
        assert difference.estimate.width == pytest.approx(0)
        assert difference.is_sure
    truth = exact.differences["mean"][0].estimate.value
    effects = question_effects(tallies, old, figures["f1"])
    found = [estimate_runs(tallies, drawn_sample(seed, 300, effects), figures) for seed in range(60)]
    each = [one.differences["mean"][0].estimate for one in found]
    assert np.mean([one.value for one in each]) == pytest.approx(truth, abs=0.003)
    assert np.mean([one.ci95[0] <= truth <= one.ci95[1] for one in each]) > 0.88
    width = np.mean([one.width for one in each])
    assert width < np.mean([one.figures["m"]["mean"]["f1"].width for one in found]) / 2


def test_the_leading_figures_alone_are_those_of_all() -> None:
    tallies, _ = both_runs()
    figures, sample = outcome_figures(REPOPE), drawn_sample(0, 200)
    leads, every = leading_estimates(tallies, sample, figures), estimate_runs(tallies, sample, figures)
    assert leads.keys() == {"m", "other"}
    for name, lead in leads.items():
        same = every.figures[name]["mean"]["f1"]
        assert (lead.value, lead.ci95) == (same.value, same.ci95)
        assert lead.width


def test_a_fitted_weight_of_old_labels_narrows_what_chance_leaves_open() -> None:
    tallies, _ = both_runs()
    figures = {"f1": outcome_figures(REPOPE)["f1"]}
    spread, weights = {}, []
    for weight in (0.0, 1.0, None):
        found = [estimate_runs(tallies, drawn_sample(seed, 200), figures, weight) for seed in range(60)]
        spread[weight] = np.std([one.figures["m"]["mean"]["f1"].value for one in found])
        weights = [one.old_weight for one in found]
    assert spread[None] < min(spread[0.0], spread[1.0])
    assert all(0.2 < weight < 1 for weight in weights)


def test_old_labels_that_are_all_right_count_as_much_as_new_ones() -> None:
    tallies, old = both_runs()
    looked = {each: Looked(label, 0.1) for each, label in list(old.items())[:150]}
    found = estimate_runs(tallies, Sample.of(old, looked, dict.fromkeys(old, 0.1)), outcome_figures(REPOPE))
    assert found.old_weight == pytest.approx(1)


def difference(first: str, second: str, value: float, is_sure: bool) -> EstimatedDifference:
    return EstimatedDifference(first, second, FigureEstimate(value, (value - 0.01, value + 0.01)), is_sure)


@pytest.mark.parametrize("lower_is_better", [False, True])
def test_places_hold_every_run_that_is_not_surely_better_or_worse(lower_is_better: bool) -> None:
    sign = -1 if lower_is_better else 1
    values = {"worst": 0.5 - sign * 0.2, "good": 0.5, "best": 0.5 + sign * 0.01}
    pairs = [
        difference("worst", "good", -0.2 * sign, is_sure=True),
        difference("worst", "best", -0.21 * sign, is_sure=True),
        difference("good", "best", -0.01 * sign, is_sure=False),
    ]
    assert list(places(values, pairs, lower_is_better=lower_is_better).items()) == [
        ("best", Place(1, 1, 2)),
        ("good", Place(2, 1, 2)),
        ("worst", Place(3, 3, 3)),
    ]


def test_equal_runs_share_the_better_place() -> None:
    found = places({"one": 0.9, "two": 0.9}, [difference("one", "two", 0.0, is_sure=False)])
    assert found == {"one": Place(1, 1, 2), "two": Place(1, 1, 2)}


def test_the_interval_of_a_difference_holds_every_label_of_what_is_in_dispute() -> None:
    tallies, old = both_runs()
    true = made_up()[1].distinct
    answers = made_up()[2]
    disputed = [each for each in old if each in answers][100:106]
    figures = {"f1": outcome_figures(REPOPE)["f1"]}

    def found(labels: Sequence[bool | None], *, is_open: bool = False) -> FigureEstimate:
        looked = {each: Looked(true.get(each), 1.0) for each in old}
        looked |= {each: Looked(label, 1.0, is_open) for each, label in zip(disputed, labels, strict=True)}
        runs = estimate_runs(tallies, Sample.of(old, looked, dict.fromkeys(old, 1.0)), figures)
        return runs.differences["mean"][0].estimate

    values = [found(labels).value for labels in product((False, True, None), repeat=len(disputed))]
    widened = found([None] * len(disputed), is_open=True)
    assert widened.ci95 == pytest.approx((min(values), max(values)), abs=1e-9)
