"""The parts of estimates by figure."""

from collections.abc import Mapping

from repope_eval.scoring.estimates import Estimate, Interval, Method

Estimates = Mapping[str, Estimate]


def intervals_of(estimates: Estimates) -> dict[str, Interval]:
    return {figure: one.interval for figure, one in estimates.items()}


def methods_of(estimates: Estimates) -> dict[str, Method | None]:
    return {figure: one.method for figure, one in estimates.items()}


def reasons_of(estimates: Estimates) -> dict[str, str]:
    """The reasons there are; a figure that lacks nothing has none."""
    return {figure: one.reason for figure, one in estimates.items() if one.reason}
