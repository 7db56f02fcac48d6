"""Draws a chart as SVG, as PDF and as a part of a page, alike on every machine and in every process.

Figures are made through matplotlib's object interface; settings hold inside one drawing only, start from
matplotlib's own defaults (not from the user's files), and no date or random id goes into a file.
"""

import io
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repope_eval.reporting.charts.palette import IN_PAGE, INK, LINE, PAPER, QUIET
from repope_eval.reporting.templates import printable

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


_KEPT_OF_ROOT = ("viewBox",)
_LEFT_OUT = ("metadata", "style")
"""Elements that are left out: matplotlib's metadata, and a style sheet that would apply to the whole page."""
_LOOK_OF_ALL = "stroke-linejoin: round; stroke-linecap: butt"
"""The content of that style sheet."""
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_COLOR = re.compile("|".join(IN_PAGE))


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
        """The drawing as a part of a page, in the page's colours."""
        return _inline_svg(self.svg, self.name, self.title, self.description)


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
        with _fonts_without_layout_tables():
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


def label(text: str) -> str:
    """A name on one line, without characters that no drawing may hold."""
    return printable(" ".join(text.split()))


def _inline_svg(svg: bytes, name: str, title: str, description: str) -> Markup:
    """The markup of a drawing inside a page.

    Args:
        svg: a file by matplotlib.
        name: begins its ids, so that several drawings can stand in one page.
        title: its name for those who hear the page read.
        description: what there is to see, for the same.
    """
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
    element.tag = _local(element.tag)
    element.attrib = {_local(key): value for key, value in element.attrib.items()}
    for key, value in element.attrib.items():
        if key == "id":
            element.attrib[key] = f"{name}-{value}"
        elif key == "href":
            element.attrib[key] = f"#{name}-{value.removeprefix('#')}"
        else:
            in_page = _REFERENCE.sub(rf"url(#{name}-\1)", value)
            element.attrib[key] = _COLOR.sub(lambda found: IN_PAGE[found[0]], in_page)
    for child in list(element):
        if _local(child.tag) in _LEFT_OUT:
            element.remove(child)
        else:
            _localize(child, name)


def _local(name: str) -> str:
    return name.rpartition("}")[2]
