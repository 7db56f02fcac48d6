"""The fields of settings records: their keys, what each takes, and how that is said. Hydra is not imported here."""

import dataclasses
import difflib
import re
import types
import typing
from collections.abc import Iterator, Sequence
from typing import Any, get_args, get_origin

from repope_eval.wording import LONGEST_WORD, shown_word


def fields_of(record: type) -> Iterator[tuple[dataclasses.Field[Any], Any]]:
    """The fields of a settings record, each with its resolved annotation.

    The annotation of a field that holds a record or null is the record.
    """
    hints = typing.get_type_hints(record)
    for item in dataclasses.fields(record):
        records = [member for member in members_of(hints[item.name]) if is_settings(member)]
        yield item, records[0] if records else hints[item.name]


def keys_of(record: type, prefix: str = "") -> Iterator[str]:
    """All keys of a settings record, dotted: `model`, `model.checkpoint`, ..."""
    for item, annotation in fields_of(record):
        yield prefix + item.name
        if is_settings(annotation):
            yield from keys_of(annotation, f"{prefix}{item.name}.")


def groups_of(record: type) -> dict[str, str | None]:
    """The groups among a record's fields, each with the choice that is taken when none is named; null: no choice."""
    return {
        item.name: item.metadata["choice"] for item in dataclasses.fields(record) if "choice" in item.metadata
    }


def field_of(record: type, key: str) -> tuple[dataclasses.Field[Any], Any]:
    """The field of a dotted key, with its annotation."""
    first, _, rest = key.partition(".")
    item, annotation = next(found for found in fields_of(record) if found[0].name == first)
    return field_of(annotation, rest) if rest else (item, annotation)


def annotation_of(record: type, key: str) -> Any:
    """The annotation of a dotted key."""
    return field_of(record, key)[1]


def members_of(annotation: Any) -> tuple[Any, ...]:
    """The types of a union; a type that is no union is its own only member."""
    is_union = get_origin(annotation) in (typing.Union, types.UnionType)
    return get_args(annotation) if is_union else (annotation,)


def literals(annotation: Any) -> list[str]:
    """The values that an annotation of `Literal`s allows; none where it allows any."""
    return [
        str(choice)
        for member in members_of(annotation)
        if get_origin(member) is typing.Literal
        for choice in get_args(member)
    ]


def is_optional(annotation: Any) -> bool:
    """Whether a field may be null."""
    return type(None) in members_of(annotation)


def is_list(annotation: Any) -> bool:
    """Whether a field takes several values."""
    return any(get_origin(member) is tuple for member in members_of(annotation))


def is_text_or_list(annotation: Any) -> bool:
    """Whether a field takes one text as well as several."""
    return is_list(annotation) and str in members_of(annotation)


def is_any_text(annotation: Any) -> bool:
    """Whether a field takes any text."""
    return str in members_of(annotation)


def is_settings(annotation: Any) -> bool:
    """Whether a field holds a settings record."""
    return isinstance(annotation, type) and dataclasses.is_dataclass(annotation)


def expected(annotation: Any) -> str:
    """What a field takes, in words."""
    if allowed := literals(annotation):
        form = f"one of {', '.join(allowed)}"
    elif is_text_or_list(annotation):
        form = "a text or a list such as [A,B]"
    elif is_list(annotation):
        form = "a list such as [A,B]"
    else:
        forms = {bool: "true or false", int: "a whole number", float: "a number"}
        form = next((words for kind, words in forms.items() if kind in members_of(annotation)), "a text")
    return f"{form} or null" if is_optional(annotation) else form


def no_such_key(word: str, record: type) -> str:
    """What to say of a word, `key=value`, whose key a record does not have."""
    key = word.partition("=")[0]
    return (
        f"{shown_word(key or word)}: no such key{nearest(key, list(keys_of(record)))} (--help lists the keys)"
    )


def nearest(word: str, possible: Sequence[str], most: int = 1) -> str:
    """` (did you mean X?)`, with the possible words that are close, the nearest first; nothing where none is."""
    *firsts, last = closest(word, possible, most) or [""]
    words = f"{', '.join(firsts)} or {last}" if firsts else last
    return f" (did you mean {words}?)" if words else ""


def closest(word: str, possible: Sequence[str], most: int = 1) -> list[str]:
    """Those of the possible words whose letters and digits are close, the nearest first."""
    spelt = {_spelling(name): name for name in possible}
    matches = difflib.get_close_matches(_spelling(word[-LONGEST_WORD:]), spelt, n=most, cutoff=0.6)
    return [spelt[match] for match in matches]


def _spelling(word: str) -> str:
    """The form in which words are compared: the Hub's `OpenGVLab/InternVL2_5-1B` is `internvl2_5_1b` here."""
    return re.sub(r"[^a-z0-9.]+", "_", word.rpartition("/")[2].lower())
