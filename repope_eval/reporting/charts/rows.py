"""Axes of horizontal bars: a row a name."""

from collections.abc import Sequence

from matplotlib.axes import Axes


def name_rows(axes: Axes, titles: Sequence[str]) -> None:
    """Names the rows from the top down, and has whole numbers along the axis below."""
    axes.set_yticks(range(len(titles)), titles)
    axes.set_ylim(max(1, len(titles)) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    axes.margins(x=0.03)
    axes.set_xlim(left=0)
    axes.locator_params(axis="x", integer=True, nbins=6)
