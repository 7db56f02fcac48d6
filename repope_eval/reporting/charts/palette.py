"""The colours of charts, and what stands for each in a page that has a light and a dark side."""

from collections.abc import Mapping

from repope_eval.scoring.bootstrap import MEAN

INK = "#1c1e21"
QUIET = "#5d6470"
LINE = "#d8dbe0"
MUTED = "#aab1bc"
PAPER = "#ffffff"
FIRST = "#b8651b"
SECOND = "#1f6fb0"
THIRD = "#35803a"
FOURTH = "#8553b3"
SERIES = (FIRST, SECOND, THIRD, FOURTH)
"""Of label sets, in their order: POPE's, RePOPE's, and what others there may be."""

IN_PAGE: Mapping[str, str] = {
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
"""Colours of a drawing by what a page's style names them; charts use no others."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
"""Of variants, in their order."""


def series_color(place: int) -> str:
    """The colour of the label set at a place in their order."""
    return SERIES[place % len(SERIES)]


def marker_of(place: int) -> str:
    """The shape of the variant at a place in their order."""
    return MARKERS[place % len(MARKERS)]


def shortened(text: str, length: int = 18) -> str:
    """A name on one line, cut where a chart has no room for it."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def single_variants(variants: Mapping[str, object]) -> list[str]:
    """The variants themselves, without their mean."""
    return [variant for variant in variants if variant != MEAN]
