"""The colours of charts, and the names they have in a page, which has a light and a dark side."""

from collections.abc import Mapping

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
"""The colours of label sets in their order: POPE, RePOPE, and further ones."""

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
"""The name in a page's style sheet of each colour; charts use no other colours."""
