"""What the value of a setting must be beyond its type: one of some words, within limits, a text that can be written."""

import math
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from repope_eval.settings.fields import expected, is_list, is_optional, is_text_or_list, literals, nearest
from repope_eval.settings.written import FromEnvironment
from repope_eval.wording import first_unwritable, shown_word


def value_problems(key: str, annotation: Any, limits: Mapping[str, Any], value: Any) -> Iterator[str]:
    """One line for each thing that is wrong with a value whose type is right.

    Args:
        key: of the setting.
        annotation: of its field.
        limits: the metadata of its field, as `setting` takes them.
        value: to be looked at; a list as a tuple.
    """
    texts = [text for text in (value if isinstance(value, tuple) else (value,)) if isinstance(text, str)]
    if wrong := next(filter(None, (_text_problem(key, limits, text) for text in texts)), None):
        yield wrong
    elif is_text_or_list(annotation):
        yield from _text_or_list_problems(key, annotation, value)
    elif value is not None:
        yield from _limit_problems(key, annotation, limits, value)


def _text_problem(key: str, limits: Mapping[str, Any], text: str) -> str | None:
    """What is wrong with a text, whatever else is expected of it."""
    if found := first_unwritable(text, lines=limits.get("has_lines", False)):
        return f"{key}={shown_word(text)}: holds the character {found}, which no name or path may hold"
    if limits.get("is_public") and isinstance(text, FromEnvironment):
        return (
            f"{key}={shown_word(text.written)}: stands in the files of a run as it is, and values of environment "
            "variables are kept out of them; write it out"
        )
    if not limits.get("has_lines") and text.startswith("~") and os.path.expanduser(text) == text:  # noqa: PTH111  # pathlib's raises
        return f"{key}={shown_word(text)}: there is no such user, whose folder could be meant; write the path out"
    return None


def _limit_problems(key: str, annotation: Any, limits: Mapping[str, Any], value: Any) -> Iterator[str]:
    allowed = literals(annotation)
    if allowed and value not in allowed:
        yield f"{key}={value}: allowed are {', '.join(allowed)}{nearest(str(value), allowed)}"
    elif "pattern" in limits and not re.fullmatch(limits["pattern"], str(value)):
        yield f"{key}={value}: {limits['form']} is expected"
    elif isinstance(value, str) and not (value if limits.get("has_lines") else value.strip()):
        yield f"{key}= is empty: give it a value{' or null' if is_optional(annotation) else ''}, or leave it out"
    if isinstance(value, float) and math.isnan(value):
        yield f"{key}={value}: a number is expected"
    if "longest" in limits and len(value) > limits["longest"]:
        yield f"{key} has {len(value):,} characters: at most {limits['longest']:,} are expected"
    if "minimum" in limits and value < limits["minimum"]:
        yield f"{key}={value}: must be at least {limits['minimum']}"
    if "maximum" in limits and value > limits["maximum"]:
        yield f"{key}={value}: must be at most {limits['maximum']}"
    if is_list(annotation) and not all(isinstance(text, str) for text in value):
        yield f"{key}={value}: a list of texts is expected"
    if "length" in limits and len(value) != limits["length"]:
        yield f"{key}: {limits['length']} are expected, not {len(value)}"


def _text_or_list_problems(key: str, annotation: Any, value: Any) -> Iterator[str]:
    shown = list(value) if isinstance(value, tuple) else value
    texts = shown if isinstance(shown, list) else [shown]
    if value is None and is_optional(annotation):
        return
    if not all(isinstance(text, str | int | float) for text in texts):  # 7 is as good as "7"
        yield f"{key}={shown}: {expected(annotation)} is expected"
    elif not texts or "" in texts:
        yield f"{key}={shown}: holds nothing; {expected(annotation)} is expected"
