"""How often a model errs about each object: rates that one wrong answer of two does not throw off.

Of an object, k of n questions with one label are answered wrongly. Each is about another image, so k is binomial, of
an unknown true rate; that objects share images matters nothing to the interval of one. k / n ranks the objects with
the fewest questions first and last. So the true rates of a run's objects are taken to come from one beta distribution.
With its parameters a and b, an object's rate would be

    (k + a) / (n + a + b)    with m = a / (a + b), v = 1 / a + 1 / b,

where m is the mean of the true rates, and v about the variance of their log odds. It lies between k / n and m; the
fewer the questions, the nearer to m. With v near 0 objects do not differ, and all rates are m. With m and v set to
their likeliest values, as in C. N. Morris, "Parametric Empirical Bayes Inference: Theory and Applications", Journal of
the American Statistical Association 78 (1983), 47-55, intervals are too short where objects or errors are few. So a
rate is a mean over all m and v by their posterior, on a grid. Beforehand, v / (1 + v) is as likely anywhere from 0 to
1, and m is by Jeffreys' prior, with density 1 / sqrt(m (1 - m)). The interval is that of the beta distribution with
the mean and the variance of the posterior of the object's rate: H. Tak, J. Kelly and C. N. Morris, "Rgbp: An R Package
for Gaussian, Poisson, and Binomial Random Effects Models with Frequency Coverage Evaluations", Journal of Statistical
Software 78 (2017), 5, 1-33. `perf/object_rates.py` measures what this gains, and how often the intervals hold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from repope_eval.scoring.confusion import Values
from repope_eval.scoring.estimates import CONFIDENCE, Estimate
from repope_eval.scoring.relabelling_effect import Effect

ObjectError = Literal["hallucinated", "missed"]
"""A yes to label no, and a no to label yes."""
OBJECT_ERRORS: tuple[ObjectError, ...] = get_args(ObjectError)

_GRID, _ZOOMS = 24, 3
"""Values of either parameter of the beta distribution, and how often the grid closes in on what is likely."""
_LIKELY = 1e-4
"""Points of the grid less likely than this, compared with the likeliest one, are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRate:
    """How often the answers about one object are one kind of error."""

    n_wrong: int
    n: int
    """Parsed answers that could be such an error; each distinct question counts once."""
    rate: Estimate
    """The object's true rate as far as it is known; not n_wrong / n. Undefined where n is 0."""


ObjectRates = Mapping[str, Mapping[ObjectError, Mapping[str, ObjectRate]]]
"""By label set, kind of error, and object."""


def object_rates(effects: Sequence[Effect], label_sets: Sequence[str]) -> ObjectRates:
    """The rates of each object under each label set, by kind of error.

    Args:
        effects: by object.
        label_sets: the name of that before the relabelling and, where there is a second, of that after it.
    """
    return {
        name: {
            error: _rates({effect.group: _wrong_and_right(effect, after, error) for effect in effects})
            for error in OBJECT_ERRORS
        }
        for after, name in enumerate(label_sets[:2])
    }


def worst_first(rates: ObjectRates, error: ObjectError) -> list[str]:
    """The objects by their rate under the last label set, the highest first, and those without one last."""
    of_last = list(rates.values())[-1][error]

    def rank(name: str) -> tuple[float, str]:
        value = of_last[name].rate.value
        return (1 if value is None else -value), name

    return sorted(of_last, key=rank)


def _wrong_and_right(effect: Effect, after: int, error: ObjectError) -> tuple[int, int]:
    tp, fp, tn, fn = effect.after if after else effect.before
    return (fp, tn) if error == "hallucinated" else (fn, tp)


def _rates(counts: Mapping[str, tuple[int, int]]) -> dict[str, ObjectRate]:
    asked = [name for name, of_object in counts.items() if sum(of_object)]
    wrong, right = np.array([counts[name] for name in asked], dtype=np.int64).reshape(-1, 2).T
    estimates = dict(zip(asked, shrunken_rates(wrong, wrong + right), strict=True))
    undefined = Estimate(reason="no answer could be such an error")
    return {
        name: ObjectRate(n_wrong=n_wrong, n=n_wrong + n_right, rate=estimates.get(name, undefined))
        for name, (n_wrong, n_right) in counts.items()
    }


def shrunken_rates(wrong: NDArray[np.int64], n: NDArray[np.int64]) -> list[Estimate]:
    """The error rate of each object, with the 95 % interval of its true rate.

    Args:
        wrong: the number of wrong answers about each object, [objects].
        n: the number of answers about it, [objects], all above 0.
    """
    from scipy.special import betaincinv  # slow to import

    if not len(n):
        return []
    of_wrong, of_right = posteriors(*likely_distributions(wrong, n), wrong, n)
    tail = (1 - CONFIDENCE) / 2
    ends = np.stack([betaincinv(of_wrong, of_right, end) for end in (tail, 1 - tail)], axis=1)
    values = of_wrong / (of_wrong + of_right)
    return [
        Estimate(value=value, interval=(low, high))
        for value, (low, high) in zip(values.tolist(), ends.tolist(), strict=True)
    ]


def posteriors(
    a: Values, b: Values, weights: Values, wrong: NDArray[np.int64], n: NDArray[np.int64]
) -> tuple[Values, Values]:
    """The parameters of a beta distribution of each object's true rate, both [objects].

    It has the mean and the variance of the posterior, which is a mixture.

    Args:
        a: the first parameter of each distribution that the rates may come from, [distributions].
        b: the second one.
        weights: the probability of each.
        wrong: the number of wrong answers about each object, [objects].
        n: the number of answers about it.
    """
    of_wrong, of_right = a[:, None] + wrong, b[:, None] + n - wrong
    means = of_wrong / (of_wrong + of_right)
    mean = weights @ means
    variance = weights @ (means * (1 - means) / (of_wrong + of_right + 1) + (means - mean) ** 2)
    number = mean * (1 - mean) / variance - 1
    return mean * number, (1 - mean) * number


def likely_distributions(wrong: NDArray[np.int64], n: NDArray[np.int64]) -> tuple[Values, Values, Values]:
    """The parameters a and b of the beta distributions that the objects' rates may come from, and their probabilities.

    The grid first has all of m and v / (1 + v), and then thrice what is likely of it and one step around that.
    """
    from scipy.special import betaln  # slow to import

    (each_wrong, each_n), n_objects = np.unique(np.stack([wrong, n]), axis=1, return_counts=True)
    low, high = np.zeros(2), np.ones(2)
    for _ in range(1 + _ZOOMS):
        step = (high - low) / _GRID
        angle, spread = low[:, None] + (np.arange(_GRID) + 0.5) * step[:, None]
        m = (
            np.sin(np.pi / 2 * angle)[:, None] ** 2
        )  # equal steps of the angle are equally likely by Jeffreys' prior
        v = spread / (1 - spread)
        a, b = 1 / (v * (1 - m)), 1 / (v * m)
        logs = betaln(a[..., None] + each_wrong, b[..., None] + each_n - each_wrong) - betaln(a, b)[..., None]
        likelihood = logs @ n_objects
        weights = np.exp(likelihood - likelihood.max())
        likely = weights > _LIKELY
        places = np.argwhere(likely)
        first, last = places.min(axis=0), places.max(axis=0)
        low, high = np.maximum(0, low + (first - 1) * step), np.minimum(1, low + (last + 2) * step)
    return a[likely], b[likely], weights[likely] / weights[likely].sum()
