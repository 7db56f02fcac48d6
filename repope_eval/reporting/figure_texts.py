"""How figures, their intervals and label sets are written on pages, on the console and in files."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import floor, log10

from repope_eval.scoring.estimates import Interval, Method
from repope_eval.scoring.protocols import Reading

UNDEFINED = "–"
"""Stands for a figure that is undefined."""

PARTIAL = "†"
"""Follows an F1 that leaves out more than 1 % of the questions, for want of an answer that can be read."""

COUNT_TITLES: Mapping[str, str] = {"tp": "TP", "fp": "FP", "tn": "TN", "fn": "FN"}
BALANCED_TITLES: Mapping[str, str] = {
    "f1_balanced": "F1 at 50 % yes",
    "balanced_accuracy": "balanced accuracy",
    "mcc": "MCC",
}
"""Figures beside F1, which depends on the share of questions with label yes; so does MCC, and the first two do not."""
FIGURE_TITLES: Mapping[str, str] = {
    **COUNT_TITLES,
    "precision": "precision",
    "recall": "recall",
    "f1": "F1",
    "accuracy": "accuracy",
    "tnr": "TNR",
    "yes_ratio": "yes ratio",
    **BALANCED_TITLES,
}
"""Titles of the fields of `Figures`."""

F1_PART_TITLES: Mapping[str, str] = {
    "corrected": "corrected labels",
    "left_out": "questions left out",
    "prevalence": "prevalence",
}
"""Titles of what F1's change is made of (see `relabelling_effect.PARTS`)."""


METHOD_TITLES: Mapping[Method, str] = {
    "bootstrap": "bootstrap over images",
    "gamma": "gamma where few images have errors",
}
"""How an interval was made, in words."""

_ROUNDING = 1e-9
"""What is nearer to a whole number is one: means are computed."""

COEFFICIENTS = ("mcc",)
"""The fields of `Figures` that are no shares of anything, so that they have three decimals and are no percentages."""

MOST_FURTHER_DECIMALS = 3
"""So many more than others have, at most, where an end of the interval of a change would round to zero."""


@dataclass(frozen=True, slots=True)
class _Form:
    """How numbers of a kind are written."""

    decimals: int
    unit: float = 1
    """How many of what is written the number 1 is: 100 percent."""

    def __call__(self, value: float, further: int = 0) -> str:
        """The number, with so many decimals more."""
        return number_text(self.unit * value, f".{self.decimals + further}f")


_WHOLE, _TENTHS, _TENTHS_OF_PERCENT, _HUNDREDTHS_OF_PERCENT, _THOUSANDTHS = (
    _Form(0),
    _Form(1),
    _Form(1, 100),
    _Form(2, 100),
    _Form(3),
)


def count_text(value: float | None, interval: Interval = None) -> str:
    """A count, `1150 (1002–1288)`; a mean that is no whole number counts nothing, so it is not shown.

    A mean over draws does count something (see `mean_count_text`).
    """
    if value is None or value != int(value):
        return UNDEFINED
    return _text_with_interval(value, interval, _WHOLE)


def about_text(number: int) -> str:
    """A number that is known roughly, with three digits: `1,840`."""
    return f"{float(f'{number:.3g}'):,.0f}"


def mean_count_text(value: float | None, *, is_change: bool = False) -> str:
    """A count or its mean over draws, `1150` or `1150.3`; a difference has its sign."""
    if value is None:
        return UNDEFINED
    form = _WHOLE if abs(value - round(value)) < _ROUNDING else _TENTHS
    return _signed(form, value) if is_change else form(value)


def percent_text(value: float | None, interval: Interval = None) -> str:
    """A share in percent, as papers print it: `87.3 (85.1–89.3)`."""
    return _text_with_interval(value, interval, _TENTHS_OF_PERCENT)


def coefficient_text(value: float | None, interval: Interval = None) -> str:
    """A figure that is no share, such as a correlation: `0.832 (0.801–0.860)`."""
    return _text_with_interval(value, interval, _THOUSANDTHS)


def method_text(methods: Collection[Method | None]) -> str:
    """How several intervals were made, such as `bootstrap over images, or gamma where few images have errors`."""
    return ", or ".join(title for method, title in METHOD_TITLES.items() if method in methods)


def p_text(p: float | None) -> str:
    """A p value: `0.034`, `< 0.001`."""
    if p is None:
        return UNDEFINED
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def threshold_text(threshold: float) -> str:
    """A threshold on a confidence: `0.413`, or `0.00021` and `0.99979` near an end, where digits go on telling."""
    distance = min(threshold, 1 - threshold)
    if distance <= 0:
        return "0" if threshold <= 0 else "above 1"
    return f"{threshold:.{max(3, 1 - floor(log10(distance)))}f}"


def figure_text(name: str, value: float | None, interval: Interval = None) -> str:
    """A field of `Figures`: a count, a share in percent, or a coefficient."""
    if name in COUNT_TITLES:
        return count_text(value, interval)
    return _text_with_interval(value, interval, _form(name))


def figure_interval_text(name: str, interval: Interval) -> str:
    """The interval of a field of `Figures`, `85.1–89.3`."""
    return interval_text(interval, _form(name))


def change_text(name: str, difference: float | None, interval: Interval = None) -> str:
    """A difference of a field of `Figures` with its sign, and without one where it rounds to zero.

    A difference of two shares is in points: `−1.2 (−1.8 to −0.6)`.
    """
    if difference is None or (name in COUNT_TITLES and difference != int(difference)):
        return UNDEFINED
    text = _signed(_form(name), difference)
    return text if interval is None else f"{text} ({change_interval_text(name, interval)})"


def change_interval_text(name: str, interval: Interval) -> str:
    """The interval of a difference, `−1.8 to −0.6`.

    Whether it holds zero says whether the change may be chance. So an end that is none, and would round to it, has
    further decimals: `+0.04 to +6.5`.
    """
    return interval_text(interval, partial(_signed_end, _form(name)))


def share_text(value: float | None) -> str:
    """A share in percent with two decimals: two results that are compared may be the same but for a few answers."""
    return UNDEFINED if value is None else _HUNDREDTHS_OF_PERCENT(value)


def points_text(difference: float | None) -> str:
    """The difference of two such shares in points, `+0.62`."""
    return UNDEFINED if difference is None else _signed(_HUNDREDTHS_OF_PERCENT, difference)


def points_interval_text(interval: Interval) -> str:
    """The interval of such a difference, `+0.11 to +1.20`, with ends as in `change_interval_text`."""
    return interval_text(interval, partial(_signed_end, _HUNDREDTHS_OF_PERCENT))


def margin_text(margin: float) -> str:
    """A margin of F1 in points, `0.50`."""
    return _HUNDREDTHS_OF_PERCENT(margin)


def rough_count_text(count: int) -> str:
    """A number that is known roughly, rounded up to two digits: `2,800`."""
    unit = 10 ** max(0, len(str(count)) - 2)
    return f"{-(-count // unit) * unit:,}"


def interval_text(interval: Interval, text: Callable[[float], str]) -> str:
    """An interval, `85.1–89.3`; where an end has a sign, `−1.8 to −0.6`."""
    if interval is None:
        return UNDEFINED
    ends = [text(end) for end in interval]
    return (" to " if any(end.startswith(("+", "−")) for end in ends) else "–").join(ends)


LONGEST_TEXT = 300
"""So many characters of a model's or a person's text are shown on a page."""


def clipped(text: str, length: int = LONGEST_TEXT) -> str:
    """The text, cut to what a page has room for; the characters that are left out are counted."""
    return text if len(text) <= length else f"{text[:length]}… ({len(text) - length} more characters)"


def shortened(text: str, length: int = 18) -> str:
    """A name on one line, without its middle where there is no room for it: names often differ at their ends."""
    line = " ".join(text.split())
    if len(line) <= length:
        return line
    n_last = (length - 1) // 3
    return f"{line[: length - 1 - n_last]}…{line[len(line) - n_last :]}"


def shortened_names(names: Sequence[str], length: int) -> list[str]:
    """Names of several things, shortened; those that would be alike then end in their numbers."""
    short = [shortened(name, length) for name in names]
    return [f"{name} ({index})" if short.count(name) > 1 else name for index, name in enumerate(short, 1)]


def number_text(value: float, form: str) -> str:
    """A number in that format, such as `.4f`, with a minus sign where it is below zero after rounding."""
    return f"{value:z{form}}".replace("-", "−")


def _form(name: str) -> _Form:
    """How a field of `Figures` is written."""
    if name in COUNT_TITLES:
        return _WHOLE
    return _THOUSANDTHS if name in COEFFICIENTS else _TENTHS_OF_PERCENT


def _signed(form: _Form, value: float, further: int = 0) -> str:
    text = form(abs(value), further)
    return text if float(text) == 0 else f"{'+' if value > 0 else '−'}{text}"


def _signed_end(form: _Form, end: float) -> str:
    """An end of an interval, with as few decimals as show that it is not zero; what is left is of rounding."""
    texts = [_signed(form, end, further) for further in range(MOST_FURTHER_DECIMALS + 1)]
    return next((text for text in texts if float(text.replace("−", "-"))), texts[0])


def _text_with_interval(value: float | None, interval: Interval, form: Callable[[float], str]) -> str:
    if value is None:
        return UNDEFINED
    return form(value) if interval is None else f"{form(value)} ({interval_text(interval, form)})"


def reading_text(reading: Reading) -> str:
    """What was read of an answer: yes, no or neither."""
    return "neither" if reading is None else "yes" if reading else "no"
