"""How alike two rankings of the same models are, by several figures, and who overtakes whom by F1.

F1 falls with the share of questions with label yes, and RePOPE has fewer of them than POPE. F1 at 50 % yes and balanced
accuracy do not depend on it; the correlation (MCC) does, and is ranked by as well since it is often reported.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from repope_eval.scoring.confusion import Values, ratio
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.shared_questions import Sampled
from repope_eval.wording import counted

RANKED_FIGURES = ("f1", "f1_balanced", "balanced_accuracy", "mcc")
"""Fields of `Figures` by which models are ranked before and after; the first is the leaderboard's."""

FEWEST_MODELS = 5
"""With fewer models there is no tau: four have six pairs, so that one pair in another order moves it by 1/3."""

NO_INTERVAL = "no interval that was tried holds the true tau often enough where models are nearly alike"
"""`perf/rank_agreement.py` has the figures: figures in replicates differ by chance twice, in the answers and in what is
drawn, so that models which are nearly alike change places in them that they have kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overtaking:
    """A model that is behind another under the first label set and ahead of it under the second, by F1."""

    model: str
    overtaken: str
    probability: float | None
    """The share of the replicates in which it overtakes; None without replicates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How alike the rankings of one variant under two label sets are."""

    taus: Mapping[str, Estimate]
    """Kendall's tau-b by figure, for those of `RANKED_FIGURES`, without an interval (see `NO_INTERVAL`); None with
    fewer than `FEWEST_MODELS` models that have the figure under both label sets, and where all of these are equal."""
    overtakings: tuple[Overtaking, ...]
    """The most probable first."""

    @property
    def share_of_yes(self) -> float | None:
        """How much of the re-ranking by F1 is gone at 50 % yes, and so due to the share of yes alone: an estimate.

        (tau of `f1_balanced` - tau of `f1`) / (1 - tau of `f1`); the rest is due to corrected labels and to questions
        that are left out. None without either tau, and where F1 at 50 % yes is re-ranked as much or more, which is no
        evidence of a share, nor that there is none.
        """
        by_f1, balanced = self.taus["f1"].value, self.taus["f1_balanced"].value
        if by_f1 is None or balanced is None or balanced <= by_f1:
            return None
        return (balanced - by_f1) / (1 - by_f1)


def agreement(
    models: Sequence[str], before: Mapping[str, Sampled], after: Mapping[str, Sampled]
) -> Agreement:
    """The agreement over the models whose figure is defined under both label sets.

    Args:
        models: their names.
        before: each of `RANKED_FIGURES` under the first label set.
        after: the same under the second.
    """
    return Agreement(
        taus={figure: _tau(before[figure], after[figure]) for figure in RANKED_FIGURES},
        overtakings=_overtakings(models, before[RANKED_FIGURES[0]], after[RANKED_FIGURES[0]]),
    )


def kendall_tau(first: Values, second: Values) -> Values:
    """Kendall's tau-b of two rankings of the same things, along the last axis; NaN where undefined.

    tau-b = (C - D) / sqrt((n - t) (n - u)), with C and D the numbers of pairs in the same and in opposite
    order, n that of all pairs, and t and u those of pairs tied in the first and in the second ranking.
    It is undefined where all are tied in one of them, with fewer than two things, and where a value is NaN.
    Source: M. Kendall, "The Treatment of Ties in Ranking Problems", Biometrika 33 (1945), 239-251.

    Args:
        first: values that one ranking goes by, [..., things].
        second: the other's, of the same shape.
    """
    in_order, untied_first, untied_second = np.zeros((3, *first.shape[:-1]))
    for thing in range(first.shape[-1] - 1):
        order_first = np.sign(first[..., thing : thing + 1] - first[..., thing + 1 :])
        order_second = np.sign(second[..., thing : thing + 1] - second[..., thing + 1 :])
        in_order += (order_first * order_second).sum(axis=-1)
        untied_first += np.abs(order_first).sum(axis=-1)
        untied_second += np.abs(order_second).sum(axis=-1)
    return ratio(in_order, np.sqrt(untied_first * untied_second))


def _tau(before: Sampled, after: Sampled) -> Estimate:
    defined = ~np.isnan(before.values + after.values)
    n_models = int(defined.sum())
    if n_models < FEWEST_MODELS:
        return Estimate(reason=f"{counted(n_models, 'model')}, and it takes {FEWEST_MODELS}")
    tau = float(kendall_tau(before.values[defined], after.values[defined]))
    return (
        Estimate(reason="all models are equal") if np.isnan(tau) else Estimate(value=tau, reason=NO_INTERVAL)
    )


def _overtakings(models: Sequence[str], before: Sampled, after: Sampled) -> tuple[Overtaking, ...]:
    found = []
    for one, model in enumerate(models):
        overtaken = (before.values[one] < before.values) & (after.values[one] > after.values)
        for other in np.flatnonzero(overtaken).tolist():
            met = (before.replicates[:, one] < before.replicates[:, other]) & (
                after.replicates[:, one] > after.replicates[:, other]
            )
            probability = float(met.mean()) if len(met) else None
            found.append(Overtaking(model=model, overtaken=models[other], probability=probability))
    return tuple(sorted(found, key=lambda overtaking: -(overtaking.probability or 0)))
