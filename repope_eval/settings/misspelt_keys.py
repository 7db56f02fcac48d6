"""Misspelt keys, told without Hydra, whose import takes longer than everything else that such a mistake needs."""

import re
from collections.abc import Sequence

from repope_eval.settings.fields import (
    field_of,
    groups_of,
    is_optional,
    is_settings,
    keys_of,
    literals,
    members_of,
    no_such_key,
)
from repope_eval.settings.limits import value_problems
from repope_eval.settings.shipped_files import choices

_PLAIN_WORD = re.compile(r"(?!hydra\.)[A-Za-z_]+(\.[A-Za-z_]+)*=[A-Za-z0-9_./-]{1,100}")
"""A word that Hydra's grammar reads as a key and one value."""


def misspelt_keys(record: type, words: Sequence[str]) -> list[str]:
    """A line for each word whose key a record does not have, where there is certainly no other mistake.

    Where there may be one, nothing is found here: every mistake is told at once, and the others need Hydra.

    Args:
        record: the settings that the words are of.
        words: of a command line, its options among them.
    """
    known = set(keys_of(record))
    found = []
    for word in words:
        key, _, value = word.partition("=")
        if not _PLAIN_WORD.fullmatch(word):
            return []
        if key not in known:
            found.append(no_such_key(word, record))
        elif not _is_right(record, key, value):
            return []
    return list(dict.fromkeys(found))


def _is_right(record: type, key: str, value: str) -> bool:
    """Whether a plain value is certainly right; many of the values that are right are not recognised."""
    item, annotation = field_of(record, key)
    group = key.partition(".")[0]
    if is_settings(annotation):
        return value in choices(key)
    if groups_of(record).get(group, group) is None:  # there may be no model to set something of
        return False
    if value == "null":
        return is_optional(annotation)
    members = members_of(annotation)
    if bool in members:
        return value in ("true", "false")
    if int in members:
        return value.isdecimal() and not list(value_problems(key, annotation, item.metadata, int(value)))
    is_text = str in members or bool(literals(annotation))
    return is_text and not list(value_problems(key, annotation, item.metadata, value))
