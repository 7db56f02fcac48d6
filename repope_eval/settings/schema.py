"""Settings records to Hydra schemas, and composed configurations back to records.

Hydra needs mutable dataclasses and refuses `Literal`, so the schema is derived from the frozen record;
what a record allows beyond its types (`Literal` choices and the limits in a field's metadata: `minimum`,
`maximum`, `pattern`, `length`, `longest`, `is_public`, `has_lines`) is checked here when the configuration is turned
back. So is a field annotated `str | tuple[str, ...]`, which takes a text or a list of texts: OmegaConf has no
such union.
"""

import dataclasses
import difflib
import math
import os
import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, get_args, get_origin

from omegaconf import MISSING, DictConfig, ListConfig, OmegaConf
from omegaconf.errors import InterpolationResolutionError, InterpolationToMissingValueError

from repope_eval.errors import RepopeError
from repope_eval.settings.written import FromEnvironment, setting_value
from repope_eval.wording import LONGEST_WORD, first_unwritable, shown_word

Settings = TypeVar("Settings")


def schema_of(record: type) -> type:
    """A mutable dataclass with the fields of a settings record; `Literal` becomes `str`."""
    fields: list[tuple[str, Any, Any]] = []
    for item, annotation in fields_of(record):
        if is_settings(annotation):
            fields.append((item.name, *_nested_schema(schema_of(annotation), item.default)))
        else:
            fields.append((item.name, _schema_type(annotation), _mutable_default(item.default)))
    return dataclasses.make_dataclass(record.__name__, fields)


def settings_from(record: type[Settings], composed: DictConfig) -> Settings:
    """The settings record that was composed.

    Raises:
        RepopeError: values are missing or not allowed; a line for each.
    """
    found = list(problems(record, composed))
    if found:
        raise RepopeError("\n".join(found))
    return typing.cast(Settings, _record(record, composed))


def problems(record: type, composed: DictConfig, prefix: str = "", *, complete: bool = True) -> Iterator[str]:
    """One line for each value that is missing, or outside what its field allows.

    Args:
        record: whose fields are looked at.
        composed: their values.
        prefix: of the keys in the lines.
        complete: whether missing values are problems.
    """
    for item, annotation in fields_of(record):
        key = prefix + item.name
        if OmegaConf.is_missing(composed, item.name):
            if complete:
                yield f"{key} is required: give {key}=..."
        elif is_settings(annotation):
            if composed[item.name] is not None:
                yield from problems(annotation, composed[item.name], f"{key}.", complete=complete)
        else:
            yield from _field_problems(key, annotation, item, composed)


def keys_of(record: type, prefix: str = "") -> Iterator[str]:
    """All keys of a settings record, dotted: `model`, `model.checkpoint`, ..."""
    for item, annotation in fields_of(record):
        yield prefix + item.name
        if is_settings(annotation):
            yield from keys_of(annotation, f"{prefix}{item.name}.")


def fields_of(record: type) -> Iterator[tuple[dataclasses.Field[Any], Any]]:
    """The fields of a settings record, each with its resolved annotation; a record's own where it may be null."""
    hints = typing.get_type_hints(record)
    for item in dataclasses.fields(record):
        records = [member for member in _members(hints[item.name]) if is_settings(member)]
        yield item, records[0] if records else hints[item.name]


def annotation_of(record: type, key: str) -> Any:
    """The annotation of a dotted key."""
    first, _, rest = key.partition(".")
    annotation = {item.name: annotation for item, annotation in fields_of(record)}[first]
    return annotation_of(annotation, rest) if rest else annotation


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
        form = next((words for kind, words in forms.items() if kind in _members(annotation)), "a text")
    return f"{form} or null" if is_optional(annotation) else form


def is_optional(annotation: Any) -> bool:
    """Whether a field may be null."""
    return type(None) in _members(annotation)


def is_list(annotation: Any) -> bool:
    """Whether a field takes several values."""
    return any(get_origin(member) is tuple for member in _members(annotation))


def is_text_or_list(annotation: Any) -> bool:
    """Whether a field takes a text as well as several."""
    return is_list(annotation) and str in _members(annotation)


def is_any_text(annotation: Any) -> bool:
    """Whether a field takes whatever text there is."""
    return str in _members(annotation)


def is_settings(annotation: Any) -> bool:
    """Whether a field holds settings of its own."""
    return isinstance(annotation, type) and dataclasses.is_dataclass(annotation)


def nearest(word: str, possible: Sequence[str], most: int = 1) -> str:
    """A ` (did you mean X?)` where one of the possible words is close, else nothing; of several, the nearest first."""
    close = closest(word, possible, most)
    return (
        f" (did you mean {' or '.join(filter(None, (', '.join(close[:-1]), close[-1])))}?)" if close else ""
    )


def closest(word: str, possible: Sequence[str], most: int = 1) -> list[str]:
    """Those of the possible words that are close, the nearest first; how one is spelt counts, not its marks."""
    spelt = {_spelling(name): name for name in possible}
    matches = difflib.get_close_matches(_spelling(word[-LONGEST_WORD:]), spelt, n=most, cutoff=0.6)
    return [spelt[match] for match in matches]


def _spelling(word: str) -> str:
    """As the Hub's `OpenGVLab/InternVL2_5-1B` is spelt here."""
    return re.sub(r"[^a-z0-9.]+", "_", word.rpartition("/")[2].lower())


def _nested_schema(nested: type, default: Any) -> tuple[Any, Any]:
    """The type and the default of a field that holds settings of its own."""
    if default is None:
        return nested | None, dataclasses.field(default=None)
    if default is dataclasses.MISSING:
        return nested, dataclasses.field(default=MISSING)
    return nested, dataclasses.field(default_factory=nested)


def _mutable_default(default: Any) -> Any:
    if default is dataclasses.MISSING:
        return dataclasses.field(default=MISSING)
    if isinstance(default, tuple):
        return dataclasses.field(default_factory=lambda: list(default))
    return dataclasses.field(default=default)


def _members(annotation: Any) -> tuple[Any, ...]:
    """The types a union is of; a type itself where it is none."""
    return (
        get_args(annotation) if get_origin(annotation) in (typing.Union, types.UnionType) else (annotation,)
    )


def _schema_type(annotation: Any) -> Any:
    """The type that OmegaConf checks a field by."""
    if is_text_or_list(annotation):
        return Any
    members = {str if get_origin(member) is typing.Literal else member for member in _members(annotation)}
    (plain,) = members - {type(None)}
    return plain | None if type(None) in members else plain


def _field_problems(
    key: str, annotation: Any, item: dataclasses.Field[Any], composed: DictConfig
) -> Iterator[str]:
    try:
        value = _value(composed, item.name)
    except InterpolationToMissingValueError:
        return  # the value that is missing is a problem of its own
    except InterpolationResolutionError as error:
        written = OmegaConf.to_container(composed, resolve=False)
        typed = shown_word(str(typing.cast(dict[str, Any], written)[item.name]))
        yield f"{key}={typed}: {_reason(error)}"
        return
    texts = [text for text in (value if isinstance(value, tuple) else (value,)) if isinstance(text, str)]
    if wrong := next(filter(None, (_text_problem(key, item.metadata, text) for text in texts)), None):
        yield wrong
        return
    if is_text_or_list(annotation):
        yield from _text_or_list_problems(key, annotation, value)
    elif value is not None:
        yield from _value_problems(key, annotation, item.metadata, value)


def _reason(error: Exception) -> str:
    """What an interpolation lacks, without the words of the library around it."""
    missing = re.search(r"Environment variable '[^']*' not found", str(error))
    return f"{missing[0]}; set it" if missing else str(error).strip().splitlines()[0]


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


def _value_problems(key: str, annotation: Any, limits: Mapping[str, Any], value: Any) -> Iterator[str]:
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


def literals(annotation: Any) -> list[str]:
    """The values an annotation of `Literal`s allows; none where it allows any."""
    return [
        str(choice)
        for member in _members(annotation)
        if get_origin(member) is typing.Literal
        for choice in get_args(member)
    ]


def _record(record: type, composed: DictConfig) -> Any:
    converted: dict[str, Any] = {}
    for item, annotation in fields_of(record):
        if is_settings(annotation):
            nested = composed[item.name]
            converted[item.name] = None if nested is None else _record(annotation, nested)
            continue
        value = _value(composed, item.name)
        if isinstance(value, FromEnvironment) and (literals(annotation) or "pattern" in item.metadata):
            value = str(value)  # one of a few words is no secret
        if is_text_or_list(annotation) and value is not None:
            value = tuple(map(_text, value)) if isinstance(value, tuple) else _text(value)
        converted[item.name] = value
    return record(**converted)


def _value(composed: DictConfig, name: str) -> Any:
    """A field's value; a list as a tuple."""
    value = setting_value(composed, name)
    if not isinstance(value, ListConfig):
        return value
    return tuple(setting_value(value, place) for place in range(len(value)))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)
