"""Checks that need no Hydra, whose import takes long: limits of values, and misspelt keys."""

import math
import os
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import pairwise
from types import NoneType
from typing import Any

from repope_eval.settings.fields import Field, fields_by_key, groups_of, nearest
from repope_eval.settings.named_files import choices
from repope_eval.system.secrets import EnvironmentText, hide_passwords
from repope_eval.wording import first_unwritable, shown_word

_PLAIN_WORD = re.compile(r"(?!hydra\.)[A-Za-z_]+(\.[A-Za-z_]+)*=[A-Za-z0-9_./-]{1,100}")
"""A word that Hydra's grammar reads as a key and one value."""


def value_problems(field: Field, value: Any) -> Iterator[str]:
    """One line for each thing that is wrong with a value whose type is right; a list is given as a tuple."""
    texts = [text for text in (value if isinstance(value, tuple) else (value,)) if isinstance(text, str)]
    if wrong := next(filter(None, (_text_problem(field, text) for text in texts)), None):
        yield wrong
    elif field.is_mapping:
        yield from _mapping_problems(field, value)
    elif field.is_text_or_list:
        yield from _text_or_list_problems(field, value)
    elif value is not None:
        yield from _limit_problems(field, value)


def misspelt_keys(record: type, words: Sequence[str]) -> list[str]:
    """A line for each word whose key a record does not have, where there is certainly no other mistake.

    Where there may be another, none is told here: all mistakes are told at once, and the others need Hydra.

    Args:
        record: the settings that the words are of.
        words: of a command line, its options among them.
    """
    fields = fields_by_key(record)
    mistakes = []
    for word in words:
        key, _, value = word.partition("=")
        if not _PLAIN_WORD.fullmatch(word):
            return []
        if mistake := key_mistake(fields, word):
            mistakes.append(mistake)
        elif not _is_right(fields[key], value, groups_of(record)):
            return []
    return list(dict.fromkeys(mistakes))


def dashed_settings(record: type, words: Sequence[str]) -> list[str]:
    """A line for each setting that is given as an option, as other programs have it: `--model=tiny`, `--model tiny`."""
    fields = fields_by_key(record)
    mistakes = []
    for word, following in pairwise([*words, ""]):
        name, _, value = word.partition("=")
        key = name.removeprefix("--").replace("-", "_")
        if name.startswith("--") and key in fields:
            if "=" not in word:
                value = "VALUE" if "=" in following or following.startswith("-") else following or "VALUE"
            mistakes.append(f"{shown_word(word)}: settings have no dashes; give {key}={shown_word(value)}")
    return mistakes


def key_mistake(known: Collection[str], word: str) -> str | None:
    """What is wrong with the key of a word, `key=value`; None where it is among those known.

    With Hydra and without it, this alone says which keys there are.
    """
    key = word.partition("=")[0]
    if marks := re.match(r"[+~]+", key):
        mend = f"write {shown_word(key[marks.end() :])}=... without the {marks[0]}"
        return f"{shown_word(word)}: every key has a value already, {mend}"
    if key in known:
        return None
    return f"{shown_word(key or word)}: no such key{nearest(key, list(known))} (--help lists the keys)"


def _is_right(field: Field, value: str, groups: Mapping[str, str | None]) -> bool:
    """Whether a plain value is certainly right; many of the values that are right are not recognised."""
    if field.record:
        return value in choices(field.key)
    group = field.key.partition(".")[0]
    if groups.get(group, group) is None:  # there may be no model to set something of
        return False
    if value == "null":
        return NoneType in field.kinds
    if bool in field.kinds:
        return value in ("true", "false")
    if int in field.kinds:
        return value.isdecimal() and not list(value_problems(field, int(value)))
    return str in field.kinds and not list(value_problems(field, value))


def _text_problem(field: Field, text: str) -> str | None:
    """What is wrong with a text, whatever else is expected of it."""
    has_lines = field.metadata.get("has_lines", False)
    typed = f"{field.key}={shown_word(text)}"
    if character := first_unwritable(text, lines=has_lines):
        return f"{typed}: holds the character {character}, which no name or path may hold"
    if field.metadata.get("is_public") and isinstance(text, EnvironmentText):
        return (
            f"{field.key}={shown_word(text.written)}: stands in the files of a run as it is, and values of "
            "environment variables are kept out of them; write it out"
        )
    if not has_lines and text.startswith("~") and os.path.expanduser(text) == text:  # noqa: PTH111  # pathlib's raises
        return f"{typed}: there is no such user, whose folder could be meant; write the path out"
    return None


def _limit_problems(field: Field, value: Any) -> Iterator[str]:
    limits, typed = field.metadata, f"{field.key}={value}"
    if field.allowed and value not in field.allowed:
        yield f"{typed}: allowed are {', '.join(field.allowed)}{nearest(str(value), field.allowed)}"
    elif "pattern" in limits and not re.fullmatch(limits["pattern"], str(value)):
        yield f"{field.key}={hide_passwords(str(value))}: {limits['form']} is expected"
    elif isinstance(value, str) and not (value if limits.get("has_lines") else value.strip()):
        yield f"{field.key}= is empty: give it a value{' or null' if NoneType in field.kinds else ''}, or leave it out"
    if isinstance(value, float) and math.isnan(value):
        yield f"{typed}: a number is expected"
    if "longest" in limits and len(value) > limits["longest"]:
        yield f"{field.key} has {len(value):,} characters: at most {limits['longest']:,} are expected"
    if "minimum" in limits and value < limits["minimum"]:
        yield f"{typed}: must be at least {limits['minimum']}"
    if "maximum" in limits and value > limits["maximum"]:
        yield f"{typed}: must be at most {limits['maximum']}"
    if tuple in field.kinds and not all(isinstance(text, str) for text in value):
        yield f"{typed}: a list of texts is expected"
    if "length" in limits and len(value) != limits["length"]:
        yield f"{field.key}: {limits['length']} are expected, not {len(value)}"


def _mapping_problems(field: Field, value: Any) -> Iterator[str]:
    plain = (bool, int, float, str, NoneType)
    if value is None and NoneType in field.kinds:
        return
    if not isinstance(value, dict) or not all(isinstance(each, plain) for each in value.values()):
        yield f"{field.key}={value}: {field.expected} is expected, each value a text, a number, true, false or null"


def _text_or_list_problems(field: Field, value: Any) -> Iterator[str]:
    shown = list(value) if isinstance(value, tuple) else value
    texts = shown if isinstance(shown, list) else [shown]
    if value is None and NoneType in field.kinds:
        return
    if not all(isinstance(text, str | int | float) for text in texts):  # 7 is as good as "7"
        yield f"{field.key}={shown}: {field.expected} is expected"
    elif not texts or "" in texts:
        yield f"{field.key}={shown}: holds nothing; {field.expected} is expected"
