"""How alike two rankings are, by several figures: by hand, and of the paper's models to the digit."""

from collections.abc import Sequence

import numpy as np
import pytest

from repope_eval.scoring.comparison import NO_INTERVAL, RANKED_FIGURES, Agreement, agreement
from repope_eval.scoring.published import published_scores
from repope_eval.scoring.shared_questions import Sampled


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
