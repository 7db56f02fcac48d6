"""Settings records to Hydra schemas, and composed configurations back to records.

Hydra needs mutable dataclasses and refuses `Literal`, so the schema is derived from the frozen record;
what a record allows beyond its types (`Literal` choices and the limits in a field's metadata: `minimum`,
`maximum`, `pattern`, `length`, `longest`) is checked here when the configuration is turned back.
"""

import dataclasses
import difflib
import math
import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, get_args, get_origin

from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import InterpolationResolutionError, InterpolationToMissingValueError

from repope_eval.errors import RepopeError

Settings = TypeVar("Settings")


def schema_of(record: type) -> type:
    """A mutable dataclass with the fields of a settings record; `Literal` becomes `str`."""
    fields: list[tuple[str, Any, Any]] = []
    for item, annotation in fields_of(record):
        if is_settings(annotation):
            fields.append((item.name, *_nested_schema(schema_of(annotation), item.default)))
        else:
            fields.append((item.name, _without_literals(annotation), _mutable_default(item.default)))
    return dataclasses.make_dataclass(record.__name__, fields)


def settings_from(record: type[Settings], composed: DictConfig) -> Settings:
    """The settings record that was composed.

    Raises:
        RepopeError: values are missing or not allowed; a line for each.
    """
    found = list(problems(record, composed))
    if found:
        raise RepopeError("\n".join(found))
    values = OmegaConf.to_container(composed, resolve=True)
    return typing.cast(Settings, _record(record, typing.cast(dict[str, Any], values)))


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
    return get_origin(annotation) is tuple


def is_settings(annotation: Any) -> bool:
    """Whether a field holds settings of its own."""
    return isinstance(annotation, type) and dataclasses.is_dataclass(annotation)


def nearest(word: str, possible: Sequence[str]) -> str:
    """A ` (did you mean X?)` where one of the possible words is close, else nothing."""
    close = difflib.get_close_matches(word, possible, n=1, cutoff=0.6)
    return f" (did you mean {close[0]}?)" if close else ""


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


def _without_literals(annotation: Any) -> Any:
    members = {str if get_origin(member) is typing.Literal else member for member in _members(annotation)}
    (plain,) = members - {type(None)}
    return plain | None if type(None) in members else plain


def _field_problems(
    key: str, annotation: Any, item: dataclasses.Field[Any], composed: DictConfig
) -> Iterator[str]:
    try:
        value = composed[item.name]
    except InterpolationToMissingValueError:
        return  # the value that is missing is a problem of its own
    except InterpolationResolutionError as error:
        written = OmegaConf.to_container(composed, resolve=False)
        reason = str(error).strip().splitlines()[0]
        yield f"{key}={typing.cast(dict[str, Any], written)[item.name]}: {reason}"
        return
    if value is not None:
        yield from _value_problems(key, annotation, item.metadata, value)


def _value_problems(key: str, annotation: Any, limits: Mapping[str, Any], value: Any) -> Iterator[str]:
    allowed = literals(annotation)
    if allowed and value not in allowed:
        yield f"{key}={value}: allowed are {', '.join(allowed)}{nearest(str(value), allowed)}"
    elif "pattern" in limits and not re.fullmatch(limits["pattern"], str(value)):
        yield f"{key}={value}: {limits['form']} is expected"
    elif value == "":
        yield f"{key}= is empty: give it a value{' or null' if is_optional(annotation) else ''}, or leave it out"
    if isinstance(value, float) and math.isnan(value):
        yield f"{key}={value}: a number is expected"
    if "longest" in limits and len(value) > limits["longest"]:
        yield f"{key} has {len(value):,} characters: at most {limits['longest']:,} are expected"
    if "minimum" in limits and value < limits["minimum"]:
        yield f"{key}={value}: must be at least {limits['minimum']}"
    if "maximum" in limits and value > limits["maximum"]:
        yield f"{key}={value}: must be at most {limits['maximum']}"
    if "length" in limits and len(value) != limits["length"]:
        yield f"{key}: {limits['length']} are expected, not {len(value)}"


def literals(annotation: Any) -> list[str]:
    """The values an annotation of `Literal`s allows; none where it allows any."""
    return [
        str(choice)
        for member in _members(annotation)
        if get_origin(member) is typing.Literal
        for choice in get_args(member)
    ]


def _record(record: type, values: dict[str, Any]) -> Any:
    converted: dict[str, Any] = {}
    for item, annotation in fields_of(record):
        value = values[item.name]
        if is_settings(annotation):
            converted[item.name] = None if value is None else _record(annotation, value)
        else:
            converted[item.name] = tuple(value) if isinstance(value, list) else value
    return record(**converted)
