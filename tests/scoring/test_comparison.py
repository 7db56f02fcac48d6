"""Several models ranked on the questions that all answered: ranks, intervals, taus, and how alike rankings are."""

import itertools
import math
import random
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import real_answers
from model_examples import (
    LABELS,
    Answers,
    answered,
    asked,
    image_number,
    labelled,
    one_label_set,
    three_models,
)

from repope_eval.records import Answer, LabelSet
from repope_eval.scoring.comparison import (
    NO_INTERVAL,
    RANKED_FIGURES,
    Agreement,
    Comparison,
    agreement,
    compare,
    kendall_tau,
    place_interval,
    places,
    places_by_name,
)
from repope_eval.scoring.differences import AIM, Difference
from repope_eval.scoring.protocol_scores import score
from repope_eval.scoring.published import published_scores
from repope_eval.scoring.shared_questions import Sampled


def test_the_best_is_first_and_its_figure_is_that_of_its_scores() -> None:
    models = three_models()
    found = compare(models, one_label_set(LABELS), "repope")
    assert (found.n_images, found.n_questions, found.agreements) == (100, 600, {})
    standings = found.standings["pope"]["random"]
    assert [(s.model, s.place, s.interval, s.joint_interval, s.reason) for s in standings] == [
        ("good", 1, (1, 1), (1, 1), None),
        ("middling", 2, (2, 2), (2, 2), None),
        ("poor", 3, (3, 3), (3, 3), None),
    ]
    for standing in standings:
        alone = score("m", "b", one_label_set(LABELS), models[standing.model], "repope")
        assert standing.value == alone.cells["pope"]["random"].figures.f1


def test_equal_models_share_a_rank() -> None:
    one = answered(LABELS, 0.1, 1)
    found = compare({"b": one, "a": dict(one)}, one_label_set(LABELS), "repope")
    assert [(s.model, s.place, s.interval, s.joint_interval) for s in found.standings["pope"]["random"]] == [
        ("b", 1, (1, 1), (1, 2)),
        ("a", 1, (1, 1), (1, 2)),
    ]


def test_ranks_of_models_that_cannot_be_told_apart() -> None:
    models = {f"m{n}": answered(LABELS, 0.1, 200 + n) for n in range(5)}
    standings = compare(models, one_label_set(LABELS), "repope").standings["pope"]["random"]
    assert [s.place for s in standings] == sorted(s.place or 0 for s in standings)
    for standing in standings:
        assert standing.interval is not None
        assert standing.joint_interval is not None
        assert standing.interval[0] <= (standing.place or 0) <= standing.interval[1]
        assert standing.interval[1] - standing.interval[0] >= 2
        assert standing.joint_interval[0] <= standing.interval[0]
        assert standing.interval[1] <= standing.joint_interval[1]


def test_models_are_ranked_on_the_questions_that_all_ranked_ones_answered() -> None:
    """A model that lacks its wrong answers stood first with F1 = 1 on the same images."""
    models = three_models()
    right = {q: a for q, a in models["poor"].items() if (a.response == "yes") == LABELS[q] or q.object == "0"}
    models["poor"] = right
    found = compare(models, one_label_set(LABELS), "repope")
    assert (found.n_images, found.n_questions) == (100, len(right))
    common = {q: label for q, label in LABELS.items() if q in right}
    same = {name: {q: answers[q] for q in common} for name, answers in models.items()}
    assert found.standings == compare(same, one_label_set(common), "repope").standings
    without = compare(models, one_label_set(LABELS), "repope", ranked=["good", "middling"])
    assert without.n_questions == 600
    assert [s.model for s in without.standings["pope"]["random"]] == ["good", "middling"]
    assert len(without.differences["pope"]["random"]) == 3


def test_two_label_sets_and_several_variants() -> None:
    """The model that follows the flipped labels is behind under the old ones and ahead under the new."""
    questions = asked(100)
    before, after = labelled(questions), labelled(questions, flipped="2")
    label_sets = [
        LabelSet("pope", {"random": before, "popular": before}),
        LabelSet("repope", {"random": after, "popular": before}),
    ]
    models = {
        "old": answered(before, 0.03, 1),
        "new": answered(after, 0.03, 2),
        "poor": answered(before, 0.4, 3),
        "poorer": answered(before, 0.6, 4),
        "poorest": answered(before, 0.8, 5),
    }
    found = compare(models, label_sets, "repope")
    assert [list(found.standings[name]) for name in ("pope", "repope")] == [["random", "popular", "mean"]] * 2
    assert list(found.agreements) == ["random", "popular", "mean"]
    random_order = [[s.model for s in found.standings[name]["random"]] for name in ("pope", "repope")]
    others = ["poor", "poorer", "poorest"]
    assert random_order == [["old", "new", *others], ["new", "old", *others]]
    agreement = found.agreements["random"]
    assert agreement.taus["f1"].value == pytest.approx((9 - 1) / 10)
    (overtaking,) = agreement.overtakings
    assert (overtaking.model, overtaking.overtaken) == ("new", "old")
    assert overtaking.probability is not None
    assert overtaking.probability > 0.99
    same = found.agreements["popular"]
    assert {tau.value for tau in same.taus.values()} == {1}
    assert same.overtakings == ()
    mean = {s.model: s.value for s in found.standings["repope"]["mean"]}
    parts = [{s.model: s.value for s in found.standings["repope"][v]} for v in ("random", "popular")]
    assert mean["old"] == pytest.approx(sum(part["old"] or 0 for part in parts) / 2)


def two_label_sets(models: dict[str, Answers]) -> Comparison:
    return compare(models, [*one_label_set(LABELS), *one_label_set(LABELS, "repope")], "repope")


def test_no_model_and_one_model() -> None:
    nobody = two_label_sets({})
    assert (nobody.n_questions, nobody.n_images, nobody.standings["pope"]["random"]) == (0, 0, ())
    found = two_label_sets({"only": answered(LABELS, 0.1, 1)})
    assert [(s.place, s.interval, s.joint_interval) for s in found.standings["repope"]["random"]] == [
        (1, (1, 1), (1, 1))
    ]
    assert found.differences["pope"]["random"] == ()
    tau = found.agreements["random"].taus["f1"]
    assert (tau.value, tau.interval) == (None, None)


@pytest.mark.parametrize("n_images", [0, 1, 99])
def test_with_too_few_images_nothing_says_how_sure_a_rank_is(n_images: int) -> None:
    """A test of 8 images at 5 % errs in 10 of 100 cases."""
    models = {
        name: {q: a for q, a in answers.items() if image_number(q) < n_images}
        for name, answers in three_models().items()
    }
    found = two_label_sets(models)
    assert found.n_images == n_images
    for standing in found.standings["pope"]["random"]:
        assert (standing.interval, standing.joint_interval) == (None, None)
        assert standing.reason is not None
        assert n_images == 0 or "an interval takes 100" in standing.reason
    agreement = found.agreements["random"]
    assert all(each.probability is None for each in agreement.overtakings)


def test_a_model_that_is_not_ranked_is_compared_on_the_few_images_that_all_answered() -> None:
    """The ranked ones had no replicates there, the other one had: that ended in an error of numpy's."""
    models = {
        name: {q: a for q, a in answers.items() if image_number(q) < 5}
        for name, answers in three_models().items()
    }
    found = compare(models, one_label_set(LABELS), "repope", ranked=["good", "middling"])
    of_pairs = found.differences["pope"]["random"]
    assert [{d.first, d.second} for d in of_pairs] == [
        {"good", "middling"},
        {"middling", "poor"},
        {"good", "poor"},
    ]
    assert {(d.n_images, d.interval, d.reason) for d in of_pairs} == {
        (5, None, "5 images, and an interval takes 100")
    }


def test_a_model_whose_figure_is_undefined_stands_last() -> None:
    models = three_models() | {"silent": {q: Answer(q, "hm") for q in LABELS}}
    found = compare(models, one_label_set(LABELS), "repope")
    last = found.standings["pope"]["random"][-1]
    assert (last.model, last.value, last.place, last.interval, last.joint_interval, last.reason) == (
        *("silent", None, None, None, None),
        "F1 is undefined",
    )
    of_last = [d for d in found.differences["pope"]["random"] if d.second == "silent"]
    assert [(d.value, d.interval, d.p, d.p_adjusted) for d in of_last] == [(None, None, None, None)] * 3
    without = compare(three_models(), one_label_set(LABELS), "repope")
    assert found.standings["pope"]["random"][:3] == without.standings["pope"]["random"]


def test_seventeen_models_on_a_benchmark_as_large_as_popes_take_seconds() -> None:
    labels = labelled(asked(500))
    variants = {"random": labels, "popular": labels, "adversarial": labels}
    label_sets = [LabelSet("pope", variants), LabelSet("repope", variants)]
    models = {f"m{n}": answered(labels, 0.05 + 0.005 * n, n) for n in range(17)}
    started = time.process_time()
    found = compare(models, label_sets, "repope")
    assert time.process_time() - started < 10
    pairs = itertools.combinations(models, 2)
    assert len(found.differences["repope"]["mean"]) == len(list(pairs))


def counted(values: Sequence[float | None], replicates: Sequence[Sequence[float]] = ()) -> Sampled:
    array = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    drawn = np.array(replicates, dtype=np.float64).reshape(len(replicates), len(array))
    return Sampled(values=array, replicates=drawn, influences=drawn[:0])


def agreement_of(
    before: Sequence[float | None],
    after: Sequence[float | None],
    **by_other: tuple[Sequence[float], Sequence[float]],
) -> Agreement:
    """The same ranking by every figure, but for those that are given."""
    both = {figure: by_other.get(figure, (before, after)) for figure in RANKED_FIGURES}
    return agreement(
        [chr(ord("a") + place) for place in range(len(before))],
        {figure: counted(values) for figure, (values, _) in both.items()},
        {figure: counted(values) for figure, (_, values) in both.items()},
    )


def of_the_paper(variant: str) -> Agreement:
    models = published_scores()
    before, after = (
        {
            figure: counted([getattr(m.cells[name][variant].figures, figure) for m in models])
            for figure in RANKED_FIGURES
        }
        for name in ("pope", "repope")
    )
    return agreement([model.model for model in models], before, after)


@pytest.mark.parametrize(
    ("variant", "f1", "balanced", "balanced_accuracy"),
    [("random", 0.25, 0.46, 0.37), ("popular", 0.10, 0.32, 0.41), ("adversarial", 0.57, 0.62, 0.85)],
)
def test_of_the_papers_models_less_is_re_ranked_without_the_share_of_yes(
    variant: str, f1: float, balanced: float, balanced_accuracy: float
) -> None:
    found = of_the_paper(variant)
    taus = {figure: round(tau.value or 0, 2) for figure, tau in found.taus.items()}
    assert list(taus) == ["f1", "f1_balanced", "balanced_accuracy", "mcc"]
    assert (taus["f1"], taus["f1_balanced"], taus["balanced_accuracy"]) == (f1, balanced, balanced_accuracy)
    assert found.share_of_yes == pytest.approx((balanced - f1) / (1 - f1), abs=0.015)
    assert {(tau.interval, tau.reason) for tau in found.taus.values()} == {(None, NO_INTERVAL)}
    assert {pair.probability for pair in found.overtakings} == {None}


def test_tau_is_about_the_models_that_have_both_values() -> None:
    order = [0.1, 0.2, 0.3, 0.4, 0.5]
    assert agreement_of([*order, None], [*order, 0.1]).taus["f1"].value == 1


@pytest.mark.parametrize("n_models", range(5))
def test_of_fewer_than_five_models_there_is_no_tau_and_no_share(n_models: int) -> None:
    """Two models had a tau of 1, and four a share of prevalence."""
    order = [1.0, 2.0, 3.0, 4.0, 5.0][:n_models]
    found = agreement_of([*order, None], [*order[::-1], 0.1], f1_balanced=([*order, 0.1], [*order, None]))
    reasons = {tau.reason for tau in found.taus.values() if tau.value is None}
    assert reasons == {f"{n_models} model{'' if n_models == 1 else 's'}, and it takes 5"}
    assert found.share_of_yes is None
    assert len(found.overtakings) == n_models * (n_models - 1) / 2


def test_where_all_models_are_equal_there_is_no_tau() -> None:
    tau = agreement_of([0.5] * 5, [0.1, 0.2, 0.3, 0.4, 0.5]).taus["f1"]
    assert (tau.value, tau.reason) == (None, "all models are equal")


def test_overtakers_stand_strictly_behind_before_and_strictly_ahead_afterwards() -> None:
    found = agreement_of([0.1, 0.2, 0.2, None], [0.3, 0.2, 0.3, 0.9])
    assert [(pair.model, pair.overtaken, pair.probability) for pair in found.overtakings] == [
        ("a", "b", None)
    ]


def test_the_probability_is_the_share_of_replicates_and_the_most_probable_is_first() -> None:
    before = counted([1, 2, 3], [[1, 2, 3], [1, 2, 3], [1, 2, 3], [2, 1, 3]])
    after = counted([4, 3, 2], [[4, 3, 2], [4, 3, 2], [3, 2, 4], [4, 3, 2]])
    found = agreement(
        ["a", "b", "c"], dict.fromkeys(RANKED_FIGURES, before), dict.fromkeys(RANKED_FIGURES, after)
    )
    assert [(pair.model, pair.overtaken, pair.probability) for pair in found.overtakings] == [
        ("a", "b", 0.75),
        ("a", "c", 0.75),
        ("b", "c", 0.75),
    ]


@pytest.mark.parametrize(
    ("balanced_after", "share"),
    [([1, 2, 3, 4, 5], 1.0), ([2, 1, 3, 4, 5], 0.5), ([2, 1, 4, 3, 5], None), ([5, 4, 3, 2, 1], None)],
)
def test_what_is_gone_at_half_yes_is_the_share_of_yes(
    balanced_after: list[float], share: float | None
) -> None:
    """Where nothing is gone, that was told as 0 %: for certain, without any evidence."""
    order = [1.0, 2.0, 3.0, 4.0, 5.0]
    found = agreement_of(order, [2, 1, 4, 3, 5], f1_balanced=(order, balanced_after))
    assert found.share_of_yes == (share if share is None else pytest.approx(share))


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0.9, 0.8, 0.95], [2, 3, 1]), ([0.8, 0.9, 0.9, 0.7], [3, 1, 1, 4]), ([0.5], [1]), ([], [])],
)
def test_equal_values_share_the_better_rank(values: list[float], expected: list[int]) -> None:
    assert places(np.array(values)).tolist() == expected


def test_ranks_of_many_replicates() -> None:
    values = np.array([[1.0, 2.0, 3.0], [3.0, 3.0, 1.0], [np.nan, 1.0, 2.0]])
    assert places(values)[:2].tolist() == [[3, 2, 1], [1, 1, 3]]
    assert places(values)[2, 1:].tolist() == [2, 1], "what is undefined is ahead of nothing"


@pytest.mark.parametrize(
    ("first", "second", "tau"),
    [
        ([1, 2, 3, 4], [1, 2, 3, 4], 1.0),
        ([1, 2, 3, 4], [4, 3, 2, 1], -1.0),
        ([1, 2, 3, 4], [1, 2, 4, 3], (5 - 1) / 6),
        # Pairs: 1-2 tied in the first alone; 1-3, 2-3, 1-4, 2-4 in order; 3-4 tied in the second alone.
        ([1, 1, 2, 3], [1, 2, 3, 3], 4 / math.sqrt((6 - 1) * (6 - 1))),
        # One tie in the first; of the five other pairs three are in order and two are not.
        ([1, 2, 2, 3], [2, 1, 3, 4], (4 - 1) / math.sqrt(5 * 6)),
    ],
)
def test_tau_by_hand(first: list[float], second: list[float], tau: float) -> None:
    assert kendall_tau(np.array(first), np.array(second)) == pytest.approx(tau)


@pytest.mark.parametrize(
    ("first", "second"), [([], []), ([1], [2]), ([1, 1, 1], [1, 2, 3]), ([1, 2, math.nan], [1, 2, 3])]
)
def test_tau_is_undefined(first: list[float], second: list[float]) -> None:
    assert np.isnan(kendall_tau(np.array(first, dtype=float), np.array(second, dtype=float)))


def test_tau_of_many_replicates_by_counting_pairs() -> None:
    generator = random.Random(3)
    first, second = ([[generator.randrange(5) for _ in range(7)] for _ in range(50)] for _ in range(2))
    found = kendall_tau(np.array(first, dtype=float), np.array(second, dtype=float))
    for one, other, tau in zip(first, second, found, strict=True):
        in_order = opposite = tied_in_one = tied_in_other = 0
        for a, b in itertools.combinations(range(7), 2):
            product = (one[a] - one[b]) * (other[a] - other[b])
            in_order += product > 0
            opposite += product < 0
            tied_in_one += one[a] == one[b]
            tied_in_other += other[a] == other[b]
        assert tau == pytest.approx(
            (in_order - opposite) / math.sqrt((21 - tied_in_one) * (21 - tied_in_other))
        )


def test_ranks_by_name_leave_out_what_is_undefined() -> None:
    values = {"a": 0.5, "b": 0.9, "c": None, "d": 0.5, "e": 0.1}
    assert places_by_name(values) == {"a": 2, "b": 1, "c": None, "d": 2, "e": 4}


def test_the_ends_of_a_rank_interval_are_ranks_that_occurred() -> None:
    assert place_interval(np.array([1, 3] * 50)) == (1, 3)
    assert place_interval(np.array([2] * 96 + [1] * 2 + [7] * 2)) == (2, 2)
    assert place_interval(np.array([2] * 90 + [1] * 4 + [7] * 6)) == (1, 7)


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """LLaVA-1.5 7B and 13B, and the first 3,000 rows of the latter's file."""
    shared = Path(__file__).parents[3] / "shared"
    if not (shared / "annotations").is_dir():
        pytest.skip(f"{shared} is not there: it holds POPE's and RePOPE's files, which have no licence")
    benchmark = real_answers.benchmark(shared)
    models = {size: dict(real_answers.joined(shared, benchmark, size).answers) for size in ("7b", "13b")}
    return compare(models, benchmark.label_sets, "repope", ranked=[])


def pair(compared: Comparison, name: str, variant: str) -> Difference:
    (difference,) = compared.differences[name][variant]
    assert (difference.first, difference.second) == ("7b", "13b")
    return difference


def test_so_many_images_show_so_much(compared: Comparison) -> None:
    of_variants = [pair(compared, "repope", variant) for variant in ("random", "popular", "adversarial")]
    images = [found.images_for_one_point or 0 for found in of_variants]
    assert (min(images), max(images)) == (736, 974)
    points = [round(100 * (found.detectable or 0), 1) for found in of_variants]
    assert (min(points), max(points)) == (1.2, 1.4)


def test_the_interval_is_as_wide_as_its_standard_error_says(compared: Comparison) -> None:
    """What power is computed with, without drawing, and what the replicates show, are one."""
    for by_variant in compared.differences.values():
        for (found,) in by_variant.values():
            assert found.interval is not None
            assert found.detectable is not None
            width = 2 * 1.96 * found.detectable / AIM.errors
            assert np.ptp(found.interval) == pytest.approx(width, rel=0.05)
