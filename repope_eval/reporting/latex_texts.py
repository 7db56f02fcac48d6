"""Texts in LaTeX: with nothing in them that it would take for a command, and broken into lines where they are long."""

import re
from collections.abc import Iterator
from unicodedata import east_asian_width

from repope_eval.reporting.templates import one_line

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "−": "$-$",
    "–": r"\textendash{}",
    "…": r"\ldots{}",
    "†": r"$\dagger$",  # \textdagger would be a bitmap where the fonts cm-super are missing
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\symbol{34}",
    # Behind the end of a row or a rule, these would be its options.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
}
_LIGATURE = re.compile(r"([-'`,])(?=\1)|[?!](?=`)")
"""The first of two characters that LaTeX would set as one."""
_UNKNOWN = re.compile("[^\x00-\x7e¡-ž‘’“”‡•×±→]|[«»ÐÞðþĄąĐđĘęĦħĮįĸĿŀŉŊŋŦŧŲų]")
"""What pdflatex has no letter for, with the packages that it loads by itself."""
_LONG_WORD = 20
"""Longer words of a caption may be broken into lines."""
_MOST_UNKNOWN = 10
"""How many of such letters a comment names."""


def latex_text(text: str) -> str:
    """A text on one line, with nothing in it that LaTeX would take for a command."""
    apart = _LIGATURE.sub("\\g<0>\0", one_line(text))
    return "".join(_ESCAPES.get(letter, letter) for letter in apart).replace("\0", "{}")


def caption_text(caption: str) -> str:
    """A caption, in which long words may be broken into lines, and a number is not parted from its %."""
    words = one_line(caption).split(" ")
    broken = [
        breakable_text(word, _LONG_WORD) if len(word) > _LONG_WORD else latex_text(word) for word in words
    ]
    return " ".join(broken).replace(r" \%", r"~\%")


def breakable_text(name: str, letters: int) -> str:
    """A name that may be broken into lines behind its marks, and anywhere where a line has hardly room for that.

    Args:
        letters: how many of them a line has room for.
    """
    words = re.split(r"(?<=[-_/.:@+])", one_line(name))
    steps = [len(word) if 3 * len(word) <= 2 * letters else letters // 3 for word in words]
    pieces = [
        word[start : start + step]
        for word, step in zip(words, steps, strict=True)
        for start in range(0, len(word), max(1, step))
    ]
    return r"\allowbreak{}".join(map(latex_text, pieces))


def width_in_letters(name: str) -> int:
    """The width of a name in letters; those of East Asia are twice as wide."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in name)


def unknown_comments(body: str) -> Iterator[str]:
    """What to do about letters that pdflatex does not know."""
    letters = list(dict.fromkeys(_UNKNOWN.findall(body)))
    if letters:
        more = ", ..." if len(letters) > _MOST_UNKNOWN else ""
        yield f"pdflatex may not know {', '.join(letters[:_MOST_UNKNOWN])}{more}: compile with lualatex or xelatex and"
        yield "a font that has them (\\usepackage{fontspec}\\setmainfont{...}), or write these names in Latin letters."
