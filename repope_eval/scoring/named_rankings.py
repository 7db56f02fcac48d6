"""Rankings of models by name, of values alone: without answers there is nothing to draw from."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from repope_eval.scoring.ranking import kendall_tau, ranks

Values = Mapping[str, float | None]
"""A figure by model; None where it is undefined."""


def ranks_of(values: Values) -> dict[str, int | None]:
    """The place of each, 1 for the highest; equal values share the better one, undefined ones have none."""
    places = ranks(_array(values))
    return {
        name: None if value is None else int(place)
        for (name, value), place in zip(values.items(), places, strict=True)
    }


def agreement_of(before: Values, after: Values) -> float | None:
    """Kendall's tau-b of two rankings, of the models that have both values; None where undefined."""
    both = [name for name, value in before.items() if value is not None and after[name] is not None]
    tau = kendall_tau(
        _array({name: before[name] for name in both}), _array({name: after[name] for name in both})
    )
    return None if np.isnan(tau) else float(tau)


def overtakers_of(before: Values, after: Values) -> list[tuple[str, str]]:
    """Who is behind whom before and ahead afterwards: (overtaker, overtaken), in the order of `before`."""
    return [
        (model, overtaken)
        for model in before
        for overtaken in before
        if _is_below(before[model], before[overtaken]) and _is_below(after[overtaken], after[model])
    ]


def _is_below(value: float | None, other: float | None) -> bool:
    return value is not None and other is not None and value < other


def _array(values: Values) -> NDArray[np.float64]:
    return np.array([np.nan if value is None else value for value in values.values()], dtype=np.float64)
