"""How figures, their intervals and label sets are written on pages, on the console and in files."""

from collections.abc import Callable, Mapping

from repope_eval.scoring.estimates import Interval
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


def count_text(value: float | None, interval: Interval = None) -> str:
    """A count, `1150 [1002, 1288]`, with one decimal where it is a mean that is no whole number."""
    if value is None:
        return UNDEFINED
    return _with_bracketed_interval(value, interval, ".0f" if value == int(value) else ".1f")


def ratio_text(value: float | None, interval: Interval = None) -> str:
    """A ratio with four decimals, `0.8732 [0.8512, 0.8933]`."""
    return UNDEFINED if value is None else _with_bracketed_interval(value, interval, ".4f")


def figure_text(name: str, value: float | None, interval: Interval = None) -> str:
    """A field of `Figures`: a count or a ratio."""
    return (count_text if name in COUNT_TITLES else ratio_text)(value, interval)


def change_text(name: str, difference: float | None, interval: Interval = None) -> str:
    """A difference of a field of `Figures` with its sign, and without one where it rounds to zero."""
    if difference is None:
        return UNDEFINED
    text = figure_text(name, abs(difference))
    if float(text) == 0:
        text = "0" if name in COUNT_TITLES else text
    else:
        text = ("+" if difference > 0 else "−") + text
    if interval is None:
        return text
    return f"{text} [{', '.join(change_text(name, end) for end in interval)}]"


def interval_text(
    interval: Interval, text: Callable[[float], str] = ratio_text, between: str = " to "
) -> str:
    """An interval in a cell of its own, `0.8512 to 0.8933`."""
    return UNDEFINED if interval is None else between.join(text(end) for end in interval)


def clipped(text: str, length: int = 300) -> str:
    """The text, cut to what a page has room for; the characters that are left out are counted."""
    return text if len(text) <= length else f"{text[:length]}… ({len(text) - length} more characters)"


def number_text(value: float, form: str) -> str:
    """A number in that format, such as `.4f`, with a minus sign where it is below zero after rounding."""
    return f"{value:z{form}}".replace("-", "−")


def _with_bracketed_interval(value: float, interval: Interval, form: str) -> str:
    ends = "" if interval is None else f" [{', '.join(number_text(end, form) for end in interval)}]"
    return f"{number_text(value, form)}{ends}"


def reading_text(reading: Reading) -> str:
    """What was read of an answer: yes, no or neither."""
    return "neither" if reading is None else "yes" if reading else "no"
