"""Fonts for the letters that matplotlib's own font lacks: those of this machine, and what none of them has.

A browser finds such letters by itself, so only PDFs need this: a PDF has its fonts in it, and shows a box for a letter
that they lack.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

log = logging.getLogger(__name__)

OWN_FONT = "DejaVu Sans"
"""The font that comes with matplotlib; it has Latin, Greek, Cyrillic, Hebrew and some Arabic letters."""

_MATPLOTLIB_LOG = logging.getLogger("matplotlib.font_manager")


@contextmanager
def fonts_of_all_letters(figure: Figure) -> Iterator[None]:
    """Has the texts of a figure drawn in fonts that have their letters, as far as this machine has such fonts.

    Where it has none, a line says which letters will be boxes, and what to do.
    """
    texts = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    wanted = frozenset(letter for text in texts for letter in text.get_text() if not letter.isspace())
    lacking = wanted - _letters_of(font_manager.findfont(OWN_FONT))
    if not lacking:
        yield
        return
    families, missing = _families_for(lacking, tuple(system_fonts()))
    if missing:
        _warn_of("".join(sorted(missing)))
    level = _MATPLOTLIB_LOG.level
    _MATPLOTLIB_LOG.setLevel(logging.ERROR)  # it tells of every weight that one of these fonts does not have
    try:
        for text in texts:
            text.set_fontfamily([OWN_FONT, *families])
        yield
    finally:
        _MATPLOTLIB_LOG.setLevel(level)


def system_fonts() -> Sequence[str]:
    """The files of the fonts that are installed now; matplotlib's own list of them may be older."""
    return sorted(font_manager.findSystemFonts())


@cache
def _families_for(letters: frozenset[str], paths: tuple[str, ...]) -> tuple[tuple[str, ...], frozenset[str]]:
    """The families that together have most of some letters, and the letters that none has."""
    left, families = set(letters), []
    while left:
        best = max(paths, key=lambda path: len(left & _letters_of(path)), default="")
        found = left & _letters_of(best)
        if not found:
            break
        font_manager.fontManager.addfont(best)
        families.append(FT2Font(best).family_name)
        left -= found
    return tuple(families), frozenset(left)


@cache
def _letters_of(path: str) -> frozenset[str]:
    """The letters of a font file; none where it cannot be read, or has pictures in place of outlines."""
    if not Path(path).is_file():
        return frozenset()
    try:
        font = FT2Font(path)
        return _as_letters(font.get_charmap()) if font.scalable else frozenset()
    except (OSError, RuntimeError, ValueError):  # what FreeType cannot open, or matplotlib cannot read
        return frozenset()


def _as_letters(codes: Iterable[int]) -> frozenset[str]:
    return frozenset(map(chr, codes))


@cache
def _warn_of(letters: str) -> None:
    """Says once which letters are boxes in PDFs."""
    shown = letters if len(letters) <= 20 else f"{letters[:20]}…"
    log.warning(
        "charts as PDF have boxes for %s: no font on this machine has these letters; install one that does, as in "
        "Debian's fonts-noto-core and fonts-noto-cjk, or use the SVG files",
        shown,
    )
