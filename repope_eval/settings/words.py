"""The words of a command line, `key=value`, as Hydra's grammar reads them; no other module uses the grammar."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from os import PathLike, fspath
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Quote, QuotedString, RangeSweep
from hydra.errors import HydraException

from repope_eval.errors import RepopeError
from repope_eval.settings.composition import choices_in_words, config_loader
from repope_eval.settings.fields import Field, fields_by_key, typed
from repope_eval.wording import first_unwritable, shown_word

MOST_RUNS = 1_000
"""The most runs of a sweep: each is composed before the first begins, which takes Hydra some milliseconds."""

TOO_MANY_RUNS = f"a sweep of more than {MOST_RUNS:,} runs; no more can be started at once"

_PLAIN_TEXT = re.compile(r"[A-Za-z_./][A-Za-z0-9_./-]*")
"""A text that Hydra's grammar reads as itself, unless it is one of the following words."""
_NO_TEXTS = ("null", "true", "false", "nan", "inf")

_UNREADABLE = (HydraException, ValueError, RecursionError)
"""What Hydra raises for an unreadable word: ValueError for thousands of digits, RecursionError for as many brackets."""


def key_of(word: str) -> str:
    """The key in a word, with any `+` or `~` before it."""
    return word.partition("=")[0]


def is_hydras(word: str) -> bool:
    """Whether a word sets something of Hydra's own, such as its search path or its launcher."""
    return re.match(r"[+~]*hydra[./]", word) is not None


def quoted_texts(record: type, words: Sequence[str], *, multirun: bool) -> list[str]:
    """The words, quoted for Hydra where a field of text would otherwise not get exactly what stands behind the `=`.

    Outer spaces belong to a text, and so does what Hydra's grammar cannot read (`LLaVA (7B).jsonl`). Sweeps with -m,
    `null`, interpolations and quoted texts are left as they are.

    Args:
        record: the settings that the words are of.
        words: `key=value`.
        multirun: whether several values are a sweep.
    """
    texts = {key: tuple in field.kinds for key, field in fields_by_key(record).items() if field.is_any_text}
    return [_quoted_text(word, texts, multirun=multirun) for word in words]


def words_of(record: type, values: Mapping[str, Any]) -> list[str]:
    """Values as a program gives them, in words that Hydra reads as the same values.

    Args:
        record: the settings that the values are of.
        values: by key, dotted or in mappings within each other: `{"model.revision": "main"}`, `{"model": {...}}`.
    """
    fields = fields_by_key(record)
    return [
        f"{key}={_typed_value(value, is_text=key in fields and _takes_any_text(fields[key]))}"
        for key, value in _flat_values(fields, values, "")
    ]


def _flat_values(
    fields: Mapping[str, Field], values: Mapping[str, Any], prefix: str
) -> Iterator[tuple[str, Any]]:
    """The values by dotted key; names with values that nobody lists are one value."""
    for name, value in values.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping) and not (key in fields and fields[key].is_mapping):
            yield from _flat_values(fields, value, f"{key}.")
        else:
            yield key, value


def _takes_any_text(field: Field) -> bool:
    """Whether a text stands for itself there, and for no name, number or word of a few."""
    return (field.is_any_text or tuple in field.kinds or field.is_mapping) and field.record is None


def _typed_value(value: Any, *, is_text: bool) -> str:
    """A value as Hydra's grammar has it; a text is quoted where it would be read as something else."""
    if isinstance(value, Mapping):
        return (
            f"{{{','.join(f'{name}:{_typed_value(each, is_text=is_text)}' for name, each in value.items())}}}"
        )
    if isinstance(value, list | tuple):
        return f"[{','.join(_typed_value(each, is_text=is_text) for each in value)}]"
    text = fspath(value) if isinstance(value, PathLike) else value
    if is_text and isinstance(text, str) and (not _PLAIN_TEXT.fullmatch(text) or text.lower() in _NO_TEXTS):
        return str(QuotedString(text, Quote.single).with_quotes())
    return typed(text)


def single_words(record: type, word: str, *, multirun: bool) -> list[str]:
    """The word itself, or one for each value of a sweep; none where only a sweeper can list the values.

    Hydra must be ready to compose.
    """
    typed = shown_word(word)
    try:
        override = _parsed_word(word)
    except _UNREADABLE as error:
        reason = (
            "cannot be read as key=value; a value with special characters goes into quotes: 'key=\"value\"'"
        )
        if "=" not in word:
            reason = "a setting is key=value, and a command goes first"
        raise RepopeError(f"{typed or repr(word)}: {reason}") from error
    if (character := first_unwritable(word)) and is_hydras(word):
        raise RepopeError(f"{typed}: holds the character {character}, which no setting of Hydra's needs")
    if not override.is_sweep_override():
        return [word]
    key = key_of(word)
    if not multirun:
        field = fields_by_key(record).get(key)
        as_list = f"; a list is written {key}=[A,B]" if field and tuple in field.kinds else ""
        raise RepopeError(f"{typed}: several values, which need -m: one run for each{as_list}")
    if not override.is_discrete_sweep():
        return []
    sweep = override.value()
    if isinstance(sweep, RangeSweep):
        sweep.shuffle = False  # for a shuffled range, Hydra lists all of its numbers at once
    try:
        values = list(islice(override.sweep_string_iterator(), MOST_RUNS + 1))
    except (HydraException, ValueError) as error:  # a step of 0
        raise RepopeError(f"{typed}: {error}") from error
    if len(values) > MOST_RUNS:
        raise RepopeError(f"{typed}: {TOO_MANY_RUNS}")
    if not values:
        raise RepopeError(f"{typed}: matches nothing; {choices_in_words(key)}")
    return [f"{key}={value}" for value in values]


def value_of(word: str) -> Any:
    """The value that Hydra reads in a word that can be read."""
    return _parsed_word(word).value()


def _parsed_word(word: str) -> Override:
    (override,) = OverridesParser.create(config_loader=config_loader()).parse_overrides([word])
    return override


def _quoted_text(word: str, texts: dict[str, bool], *, multirun: bool) -> str:
    key, equals, value = word.partition("=")
    if not equals or key not in texts or _is_read_as_typed(word, value, texts[key], multirun):
        return word
    return f"{key}={QuotedString(value, Quote.single).with_quotes()}"


def _is_read_as_typed(word: str, value: str, may_be_list: bool, multirun: bool) -> bool:
    try:
        override = OverridesParser.create().parse_override(word)
    except _UNREADABLE:  # what is meant as a list is Hydra's to refuse
        return may_be_list and value.startswith("[") and value.endswith("]")
    if override.is_sweep_override():
        return multirun
    read = override.value()
    if isinstance(read, list):
        return may_be_list
    if read is None or value.strip().startswith(("'", '"')):
        return True
    if isinstance(read, str):
        return value == value.strip()
    return str(read) == value  # a commit such as 12e4567 is no number
