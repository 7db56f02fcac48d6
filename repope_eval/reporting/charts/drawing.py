"""Draws a chart as SVG, as PDF and as a part of a page, alike on every machine: colours, marks, legends.

Figures are made through matplotlib's object interface; settings hold inside one drawing only, start from
matplotlib's own defaults (not from the user's files), and no date or random id goes into a file.
"""

import io
import re
import warnings
from collections.abc import (
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unicodedata import east_asian_width
from xml.etree import ElementTree

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import text_to_path
from matplotlib.ticker import PercentFormatter

from repope_eval.benchmarks.sources import label_set_title
from repope_eval.reporting.charts.fonts import OWN_FONT, fonts_of_all_letters
from repope_eval.reporting.figure_texts import shortened
from repope_eval.reporting.templates import printable
from repope_eval.scoring.bootstrap import MEAN
from repope_eval.scoring.estimates import Interval

INK = "#1c1e21"
QUIET = "#5d6470"
LINE = "#d8dbe0"
MUTED = "#aab1bc"
PAPER = "#ffffff"
FIRST = "#a85a14"
SECOND = "#1f6fb0"
THIRD = "#35803a"
FOURTH = "#8553b3"
SERIES = (FIRST, SECOND, THIRD, FOURTH)
"""The colours of label sets in their order: POPE, RePOPE, and further ones."""

PAGE_COLORS: Mapping[str, str] = {
    INK: "currentColor",
    QUIET: "var(--quiet)",
    LINE: "var(--line)",
    MUTED: "var(--muted)",
    PAPER: "var(--paper)",
    FIRST: "var(--first)",
    SECOND: "var(--second)",
    THIRD: "var(--third)",
    FOURTH: "var(--fourth)",
}
"""The name in a page's style sheet of each colour; charts use no other colours."""


WIDTH = 5.5
"""The width in inches: 396 units of the SVG, about the pixels of a phone, so that letters keep their size there."""

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
    "font.sans-serif": [OWN_FONT],
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


_KEPT_OF_ROOT = ("viewBox",)
_LEFT_OUT = ("metadata", "style")
"""Elements that are left out: matplotlib's metadata, and a style sheet that would apply to the whole page."""
_LOOK_OF_ALL = "stroke-linejoin: round; stroke-linecap: butt"
"""The content of that style sheet."""
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_COLOR = re.compile("|".join(PAGE_COLORS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One finished drawing."""

    name: str
    """The name of its files without extension; no two charts of a page share one."""
    title: str
    description: str
    """What the chart shows, for the caption and for screen readers."""
    svg: bytes
    """A file that stands alone, dark on white."""
    pdf: bytes

    @property
    def inline(self) -> Markup:
        """The drawing as a part of a page, in the page's colours; wider than the window, it scrolls by itself."""
        drawing = _inline_svg(self.svg, self.name, self.title, self.description)
        scrolled = Markup('<div class="wide drawing" tabindex="0" role="group" aria-label="{}">{}</div>')
        return scrolled.format(printable(self.title), drawing)


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
        description: for the caption and for screen readers.
        height: in inches.
        paint: puts all there is into an empty figure, in the colours of `palette`.
        width: in inches.
    """
    style: Any = {**_STYLE, "svg.hashsalt": name}
    with mpl.rc_context(), warnings.catch_warnings():
        # A browser finds letters in other fonts by itself; for the PDF `fonts_of_all_letters` looks for them.
        warnings.filterwarnings("ignore", message=r"Glyph \d+ .* missing from font")
        mpl.rcdefaults()
        mpl.rcParams.update(style)
        figure = Figure(figsize=(width, height))
        paint(figure)
        svg, pdf = io.BytesIO(), io.BytesIO()
        figure.savefig(svg, format="svg", metadata={"Date": None})
        with fonts_of_all_letters(figure), _fonts_without_layout_tables():
            figure.savefig(pdf, format="pdf", metadata={"CreationDate": None})
    return Chart(name=name, title=title, description=description, svg=svg.getvalue(), pdf=pdf.getvalue())


@contextmanager
def _fonts_without_layout_tables() -> Iterator[None]:
    """Has fonts embedded without the tables that say how letters combine, since a PDF holds text that is laid out.

    fontTools would read and cut those tables for each figure, which takes two thirds of the time of drawing. Its list
    of tables to leave out has no public name; under another name, drawing takes longer and is the same otherwise.
    """
    from fontTools.subset import Options

    tables = getattr(Options, "_drop_tables_default", [])
    before = list(tables)
    tables += ["GDEF", "GPOS", "GSUB"]
    try:
        yield
    finally:
        tables[:] = before


def add_axes(figure: Figure, left: float, bottom: float, right: float, top: float) -> Axes:
    """Adds axes at a distance in inches from each edge of the figure; `bottom` and `top` are measured from below."""
    width, height = figure.get_size_inches()
    return figure.add_axes(
        (left / width, bottom / height, (width - left - right) / width, (top - bottom) / height)
    )


def write_in_percent(axis: Axis) -> None:
    """Has the ticks of an axis of shares say them in percent."""
    axis.set_major_formatter(PercentFormatter(xmax=1, symbol=None))


def label(text: str) -> str:
    """A name on one line, without characters that no drawing may hold."""
    return printable(" ".join(text.split()))


def _inline_svg(svg: bytes, name: str, title: str, description: str) -> Markup:
    """The markup of a drawing inside a page."""
    root = ElementTree.fromstring(svg)
    _localize(root, name)
    kept = {key: root.attrib[key] for key in _KEPT_OF_ROOT}
    names = {"title": f"{name}-title", "desc": f"{name}-description"}
    root.attrib.clear()
    root.attrib |= {**kept, "role": "img", "aria-labelledby": " ".join(names.values()), "style": _LOOK_OF_ALL}
    for index, (tag, text) in enumerate((("title", title), ("desc", description))):
        told = ElementTree.Element(tag, id=names[tag])
        told.text = printable(text)
        root.insert(index, told)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _localize(element: ElementTree.Element, name: str) -> None:
    """Removes namespaces, which HTML does not need, and prefixes ids and the references to them."""
    element.tag = _local_name(element.tag)
    element.attrib = {_local_name(key): value for key, value in element.attrib.items()}
    for key, value in element.attrib.items():
        if key == "id":
            element.attrib[key] = f"{name}-{value}"
        elif key == "href":
            element.attrib[key] = f"#{name}-{value.removeprefix('#')}"
        else:
            in_page = _REFERENCE.sub(rf"url(#{name}-\1)", value)
            element.attrib[key] = _COLOR.sub(lambda match: PAGE_COLORS[match[0]], in_page)
    for child in list(element):
        if _local_name(child.tag) in _LEFT_OUT:
            element.remove(child)
        else:
            _localize(child, name)


def _local_name(name: str) -> str:
    return name.rpartition("}")[2]


_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
"""The shapes of variants in their order."""

_MOST_LETTERS = 60
"""The most letters of a text that is cut to a width, however narrow they are."""


def series_color(index: int) -> str:
    """The colour of the label set with that index."""
    return SERIES[index % len(SERIES)]


def _mark_look(index: int) -> dict[str, Any]:
    """The marks of the first label set are hollow, so that they are told apart without colours, too."""
    color = series_color(index)
    return {"color": color, "markerfacecolor": PAPER if index == 0 else color}


def mark(axes: Axes, x: float, y: float, index: int, size: float, shape: str = "o", **look: Any) -> None:
    """Draws the mark of the label set with that index: its size in points, and its shape that of a variant."""
    axes.plot([x], [y], shape, markersize=size, zorder=3, **_mark_look(index), **look)


def mark_with_interval(
    axes: Axes, x: float, interval: Interval, y: float, index: int, size: float, width: float
) -> None:
    """Draws a mark and, where there is an interval, a horizontal line of that width in points through it."""
    if interval is not None:
        axes.plot(interval, (y, y), color=series_color(index), linewidth=width, zorder=2)
    mark(axes, x, y, index, size)


def label_set_handles(names: Iterable[str], **look: Any) -> list[Line2D]:
    """The entries of a legend of label sets."""
    return [
        Line2D([], [], marker="o", label=label(label_set_title(name)), **_mark_look(index), **look)
        for index, name in enumerate(names)
    ]


def label_set_legend(figure: Figure, names: Iterable[str], room: float, **look: Any) -> None:
    """Draws a legend of label sets into the upper right corner, with that room around it."""
    handles = label_set_handles(names, **look)
    figure.legend(handles=handles, loc="upper right", ncols=len(handles), borderaxespad=room)


def variant_handles(variants: Sequence[str]) -> list[Line2D]:
    """The entries of a legend of variants."""
    return [
        Line2D(
            [], [], linestyle="", color=QUIET, marker=variant_shape(index), label=label(shortened(variant))
        )
        for index, variant in enumerate(variants)
    ]


def variant_shape(index: int) -> str:
    """The shape of the marks of the variant with that index."""
    return _MARKERS[index % len(_MARKERS)]


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Gives the axes a row for each name, from the top down."""
    axes.set_ylim(max(1, len(names)) - 0.5, -0.5)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")


def part_rows(axes: Axes, n_rows: int, width: float) -> None:
    """Draws lines of that width in points between rows, in place of the vertical axis."""
    axes.spines["left"].set_visible(False)
    for row in range(1, n_rows):
        axes.axhline(row - 0.5, color=LINE, linewidth=width)


def fitting(text: str, room: float, size: float, weight: str) -> str:
    """A text on one line, cut to a width.

    Args:
        room: its largest width in inches.
        size: of its letters in points.
        weight: `normal` or `bold`.
    """
    lengths = range(min(len(text), _MOST_LETTERS), 1, -1)
    cut = (shortened(text, length) for length in lengths)
    return next((short for short in cut if width_of(short, size, weight) <= room), shortened(text, 1))


def width_of(text: str, size: float, weight: str) -> float:
    """The width in inches of a text in letters of that size in points, and of that weight."""
    font = FontProperties(size=size, weight=weight)
    # A browser takes letters of East Asia from another font, where each is as wide as it is high; so is a W, about.
    in_browser = "".join("W" if east_asian_width(letter) in "WF" else letter for letter in text)
    points = (
        text_to_path.get_text_width_height_descent(each, font, ismath=False)[0] for each in (text, in_browser)
    )
    return float(max(points)) / 72


def single_variants(variants: Mapping[str, object]) -> list[str]:
    """The variants without their mean."""
    return [variant for variant in variants if variant != MEAN]
