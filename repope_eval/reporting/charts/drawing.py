"""Drawing a chart: the same figure as SVG and as PDF, alike on every machine and in every process.

Figures are made through matplotlib's object interface; settings hold inside one drawing only, start from
matplotlib's own defaults (not from the user's files), and no date or random id goes into a file.
"""

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repope_eval.reporting.charts.inline_svg import inline_svg
from repope_eval.reporting.charts.palette import INK, LINE, PAPER, QUIET
from repope_eval.reporting.templates import printable

WIDTH = 5.5
"""Inches: 396 units of the SVG, about as many as a phone has pixels, so that letters keep their size there."""

_STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": LINE,
    "axes.facecolor": "none",
    "axes.labelcolor": INK,
    "axes.labelsize": 9.5,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "normal",  # a second font would have to be cut to size for each PDF, which takes longest
    "figure.facecolor": PAPER,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # the one that comes with matplotlib
    "font.size": 9.5,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "pdf.fonttype": 42,  # text stays text, also for editors
    "svg.fonttype": "none",  # the same
    "text.color": INK,
    "text.parse_math": False,  # a name may hold a dollar sign
    "text.usetex": False,
    "xtick.color": LINE,
    "xtick.labelcolor": QUIET,
    "xtick.labelsize": 8.5,
    "ytick.color": LINE,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 9.5,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One finished drawing."""

    name: str
    """Its files' name without extension; no two charts of a page share one."""
    title: str
    description: str
    """What is to be seen, for the caption and for those who hear the page read."""
    svg: bytes
    """Stands alone: dark on white."""
    pdf: bytes

    @property
    def inline(self) -> Markup:
        """The drawing as a part of a page, in the page's colours."""
        return inline_svg(self.svg, self.name, self.title, self.description)


def draw(
    name: str,
    title: str,
    description: str,
    height: float,
    paint: Callable[[Figure], None],
    width: float = WIDTH,
) -> Chart:
    """Draws a chart.

    Args:
        name: letters, digits and underscores; begins the ids of the SVG.
        title: of the chart, shown by its surroundings and not in it.
        description: what it shows.
        height: in inches.
        paint: puts all there is into an empty figure, in the colours of `palette`.
        width: in inches.
    """
    style: Any = {**_STYLE, "svg.hashsalt": name}
    with mpl.rc_context(), warnings.catch_warnings():
        # A letter that the font lacks is a box in the PDF; a browser finds it in another font.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from font")
        mpl.rcdefaults()
        mpl.rcParams.update(style)
        figure = Figure(figsize=(width, height))
        paint(figure)
        svg, pdf = io.BytesIO(), io.BytesIO()
        figure.savefig(svg, format="svg", metadata={"Date": None})
        figure.savefig(pdf, format="pdf", metadata={"CreationDate": None})
    return Chart(name=name, title=title, description=description, svg=svg.getvalue(), pdf=pdf.getvalue())


def add_axes(figure: Figure, left: float, bottom: float, right: float, top: float) -> Axes:
    """Axes that leave so many inches free at each edge of the figure, as `bottom` and `top` from below."""
    width, height = figure.get_size_inches()
    return figure.add_axes(
        (left / width, bottom / height, (width - left - right) / width, (top - bottom) / height)
    )


def label(text: str) -> str:
    """A name as a drawing can hold it."""
    return printable(" ".join(text.split()))
