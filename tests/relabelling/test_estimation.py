"""Scores under true labels, from the part that was looked at: exact where all was, and right on average else."""

import math
import random
from collections.abc import Sequence
from functools import cache
from itertools import product

import numpy as np
import pytest

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.relabelling.doubt import design
from repope_eval.relabelling.estimation import FIGURES, WIDEST, FigureEstimate, Looked, estimate
from repope_eval.scoring.protocol_scores import score
from repope_eval.scoring.protocols import PROTOCOLS

REPOPE = PROTOCOLS["repope"]
QUESTIONS = [Question(f"{number:04}.jpg", "Is there a cup in the image?", "cup") for number in range(1500)]


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


def estimated(seed: int, sizes: tuple[int, int], more: int = 0) -> dict[str, dict[str, FigureEstimate]]:
    before, after, answers, scores = made_up()
    true = after.distinct
    chances = design(scores, *sizes, seed)
    looked = {
        each: Looked(true.get(each), chance.probability)
        for each, chance in chances.items()
        if chance.is_drawn
    }
    probabilities = {each: chance.probability for each, chance in chances.items()}
    return estimate(before.variants, looked, probabilities, answers, REPOPE, more)


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


def test_further_labels_narrow_it_by_the_root() -> None:
    found = estimated(0, (0, 300), more=900)["a"]["accuracy"]
    assert found.ci95 is not None
    assert found.more == pytest.approx((found.ci95[1] - found.ci95[0]) / 2)


def test_the_interval_holds_every_label_of_what_is_in_dispute() -> None:
    """Of all that were looked at, six are in dispute: each way to settle them, and the least interval around these."""
    before, after, answers, _ = made_up()
    true = after.distinct
    looked = {each: Looked(true.get(each), 1.0) for each in QUESTIONS}
    disputed = [*QUESTIONS[18:22], *QUESTIONS[700:702]]
    certain = dict.fromkeys(QUESTIONS, 1.0)

    def found(labels: Sequence[bool | None], *, is_open: bool = False) -> dict[str, FigureEstimate]:
        resolved = {each: Looked(label, 1.0, is_open) for each, label in zip(disputed, labels, strict=True)}
        return estimate(before.variants, looked | resolved, certain, answers, REPOPE)["mean"]

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
        found = estimate(before.variants, looked, probabilities, answers, REPOPE)["mean"]["f1"]
        holds.append(found.ci95[0] <= truth <= found.ci95[1])
    assert sum(holds) >= 19


def test_further_labels_do_not_narrow_what_is_in_dispute() -> None:
    before, after, answers, _ = made_up()
    true = after.distinct
    looked = {
        each: Looked(None, 0.2, is_open=True) if index < 10 else Looked(true.get(each), 0.2)
        for index, each in enumerate(QUESTIONS[:300])
    }
    equal = dict.fromkeys(QUESTIONS, 0.2)
    found = estimate(before.variants, looked, equal, answers, REPOPE, more=10**9)["a"]["accuracy"]
    settled = (
        estimate(before.variants, looked | resolved, equal, answers, REPOPE)["a"]["accuracy"].value
        for resolved in ({each: Looked(label, 0.2) for each in QUESTIONS[:10]} for label in (False, True))
    )
    assert found.more > 0
    assert found.more >= abs(next(settled) - next(settled))


def test_an_interval_has_a_width_where_no_wrong_label_was_found() -> None:
    labels = {each: index % 2 == 0 for index, each in enumerate(QUESTIONS)}
    answers = {each: Answer(each, "Yes" if label else "No") for each, label in labels.items()}
    looked = {each: Looked(labels[each], 0.02) for each in QUESTIONS[:30]}
    found = estimate({"only": labels}, looked, dict.fromkeys(QUESTIONS, 0.02), answers, REPOPE)
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
    found = estimate({"only": labels}, looked, dict.fromkeys(labels, 1.0), answers, REPOPE)["only"]
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
        return estimate({"only": labels}, looked, chances, answers, REPOPE, 200)["only"]["f1"]

    few = found(n_looked, n_wrong)
    assert (few.value, few.ci95, few.more) == (None, None, None)
    assert few.n_needed is not None
    assert few.reason == f"too few labels: about {few.n_needed} are needed"
    enough = found(10 * math.ceil(few.n_needed / 10), n_wrong)  # with the same share of wrong ones
    assert (enough.n_needed, enough.reason) == (None, "")
    assert enough.width is not None
    assert enough.more is not None
    assert enough.more <= enough.width <= WIDEST


def test_too_few_labels_are_told_of_what_is_in_dispute_too() -> None:
    labels = dict.fromkeys(QUESTIONS[:1000], True)
    answers = {each: Answer(each, "Yes") for each in labels}
    looked = {each: Looked(True, 0.004) for each in QUESTIONS[:3]}
    looked[QUESTIONS[3]] = Looked(None, 0.004, is_open=True)
    found = estimate({"only": labels}, looked, dict.fromkeys(labels, 0.004), answers, REPOPE)["only"]
    assert found["f1"].value is None
    assert found["f1"].n_needed is not None
    assert 4 < found["f1"].n_needed <= 1000
