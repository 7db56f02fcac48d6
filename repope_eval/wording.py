"""Words for people: texts of others as plain text, quantities as people say them, and the order of names."""

import re
import reprlib
from collections.abc import Sequence

LONGEST_WORD = 120
"""The most characters of a value of others in a message: names are shorter, and the sentence around stays readable."""

LONGEST_LINE = 4_000
"""The most characters of a line of a message: the names of all models fit, a value of megabytes does not."""

_BRIEFLY = reprlib.Repr()
_BRIEFLY.maxlevel = 3  # what is nested as deep as JSON can be is deeper than `repr` can go
_BRIEFLY.maxlist = _BRIEFLY.maxdict = _BRIEFLY.maxlong = _BRIEFLY.maxstring = _BRIEFLY.maxother = LONGEST_WORD

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but tab and line feed, characters that turn the direction of writing, and lone surrogates."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def visible(text: str) -> str:
    r"""The text with an escape, such as `\x1b`, for each character that a terminal would obey and not show.

    Line feeds and tabs stay.
    """
    return _UNSEEN.sub(_escape_of, text)


def message_text(text: str) -> str:
    """A message to users as it is written out: all characters visible, and the middle left out of overlong lines."""
    return "\n".join(_cut_line(visible(line)) for line in text.split("\n"))


def shown(value: object) -> str:
    """A value of others as a message shows it: in quotes, on one line, cut where it is long."""
    try:
        text = repr(value[:LONGEST_WORD]) if isinstance(value, str) else _BRIEFLY.repr(value)
    except ValueError:  # Python writes no number of that many digits
        return "a number of thousands of digits"
    is_cut = isinstance(value, str) and len(value) > LONGEST_WORD
    return _shortened_text(f"{text}..." if is_cut else text)


def shown_word(word: str) -> str:
    """A word of a command line as a message shows it: without added quotes, on one line, cut where it is long."""
    return _shortened_text(_CONTROL.sub(_escape_of, visible(word)))


def counted(number: float, noun: str, form: str = ".0f") -> str:
    """A number and its noun, in the singular where it is one: `1 question`, `2 questions`, `2 processes`.

    Args:
        number: a whole number.
        noun: the noun in the singular.
        form: the format of the number, as in an f-string: `,` separates thousands.
    """
    plural = "" if number == 1 else "es" if noun.endswith("s") else "s"
    return f"{number:{form}} {noun}{plural}"


def listed_words(words: Sequence[str]) -> str:
    """One or more words in a row: `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def part_of_images(number: int | None, total: int | None) -> str:
    """Which part of a benchmark's images is meant, `10 of 100 images`; empty where it is all, or not known."""
    if number is None or total is None or number == total:
        return ""
    return f"{number:,} of {counted(total, 'image', ',')}"


def first_few(names: Sequence[str], most: int = 3) -> str:
    """The first of some names, as examples: `a, b, c, ...`."""
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def first_unwritable(text: str, *, lines: bool = False) -> str | None:
    """The first character of a text that no name or path may hold, as an escape; None where there is none.

    Args:
        text: the text to be checked.
        lines: whether the text may have several lines, and tabs.
    """
    match = re.search("[\ud800-\udfff]", text) or next(
        (match for match in _CONTROL.finditer(text) if not (lines and match[0] in "\n\t")), None
    )
    return None if match is None else _escape_of(match)


def _shortened_text(text: str) -> str:
    return text if len(text) <= LONGEST_WORD else f"{text[: LONGEST_WORD - 3]}..."


def _escape_of(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


def _cut_line(line: str) -> str:
    half = LONGEST_LINE // 2
    more = len(line) - 2 * half
    return line if more <= 0 else f"{line[:half]} … ({more:,} characters) … {line[-half:]}"


def installing_extra(name: str) -> str:
    """How an extra of this program is installed, for messages: no package index has the program."""
    return f"pip install '.[{name}]' in a copy of this program's repository"


def parameters_text(number: float) -> str:
    """A number of parameters: `938 M`, `8.1 B`."""
    return f"{number / 1e9:.1f} B" if number >= 1e9 else f"{number / 1e6:.1f} M"


def memory_text(number: float) -> str:
    """A number of bytes: `16.2 GB`, `2.4 MB`, in powers of ten."""
    return f"{number / 1e9:.1f} GB" if number >= 1e8 else f"{number / 1e6:.1f} MB"


def hours_text(hours: float | None) -> str:
    """A rough duration: `seconds`, `20 min`, `3 h`, `4 days`; empty where it is unknown."""
    if hours is None:
        return ""
    if hours * 60 < 1:
        return "seconds"
    if hours < 1.5:
        return f"{hours * 60:.0f} min"
    return f"{hours:.0f} h" if hours < 48 else f"{hours / 24:.0f} days"


def duration_text(seconds: float) -> str:
    """A duration: `0.4 s`, `45 s`, `12 min`, `3 h 05 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def estimated_duration(seconds: float) -> str:
    """A duration that another can be compared with: `0.4 s`, `85 s`, `4.2 min`, `2.5 h`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5970 else f"{seconds / 3600:.1f} h"


def percentage(number: int, total: int) -> float:
    """A share in percent, rounded down to one decimal, so that what is not all is never 100; 0 of nothing."""
    return 1000 * number // total / 10 if total else 0.0


def natural_order(name: str) -> list[tuple[int, str]]:
    """A key for `sorted` by which the numbers in names are compared by value: `2b` stands before `26b`."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]
