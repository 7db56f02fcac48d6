"""Settings records to Hydra schemas, and composed configurations back to records.

Hydra needs mutable dataclasses and refuses `Literal`, so the schema is derived from the frozen record;
what a record allows beyond its types (`Literal` choices and the limits in a field's metadata: `minimum`,
`pattern`, `length`) is checked here when the configuration is turned back.
"""

import dataclasses
import difflib
import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, get_args, get_origin

from omegaconf import MISSING, DictConfig, OmegaConf

from repope_eval.errors import RepopeError

Settings = TypeVar("Settings")


def schema_of(record: type) -> type:
    """A mutable dataclass with the fields of a settings record; `Literal` becomes `str`."""
    fields: list[tuple[str, Any, Any]] = []
    for item, annotation in fields_of(record):
        if is_settings(annotation):
            fields.append((item.name, schema_of(annotation), dataclasses.field(default=MISSING)))
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


def problems(record: type, composed: DictConfig, prefix: str = "") -> Iterator[str]:
    """One line for each value that is missing, or outside what its field allows."""
    for item, annotation in fields_of(record):
        key = prefix + item.name
        if OmegaConf.is_missing(composed, item.name):
            yield f"{key} is required: give {key}=..."
        elif is_settings(annotation):
            yield from problems(annotation, composed[item.name], f"{key}.")
        elif composed[item.name] is not None:
            yield from _value_problems(key, annotation, item.metadata, composed[item.name])


def keys_of(record: type, prefix: str = "") -> Iterator[str]:
    """All keys of a settings record, dotted: `model`, `model.checkpoint`, ..."""
    for item, annotation in fields_of(record):
        yield prefix + item.name
        if is_settings(annotation):
            yield from keys_of(annotation, f"{prefix}{item.name}.")


def fields_of(record: type) -> Iterator[tuple[dataclasses.Field[Any], Any]]:
    """The fields of a settings record, each with its resolved annotation."""
    hints = typing.get_type_hints(record)
    for item in dataclasses.fields(record):
        yield item, hints[item.name]


def is_settings(annotation: Any) -> bool:
    """Whether a field holds settings of its own."""
    return isinstance(annotation, type) and dataclasses.is_dataclass(annotation)


def nearest(word: str, possible: Sequence[str]) -> str:
    """A ` (did you mean X?)` where one of the possible words is close, else nothing."""
    close = difflib.get_close_matches(word, possible, n=1, cutoff=0.6)
    return f" (did you mean {close[0]}?)" if close else ""


def _mutable_default(default: Any) -> Any:
    if default is dataclasses.MISSING:
        return dataclasses.field(default=MISSING)
    if isinstance(default, tuple):
        return dataclasses.field(default_factory=lambda: list(default))
    return dataclasses.field(default=default)


def _without_literals(annotation: Any) -> Any:
    if get_origin(annotation) is typing.Literal:
        return str
    if get_origin(annotation) in (typing.Union, types.UnionType):
        members = {_without_literals(member) for member in get_args(annotation)}
        (plain,) = members - {type(None)}
        return plain | None if type(None) in members else plain
    return annotation


def _value_problems(key: str, annotation: Any, limits: Mapping[str, Any], value: Any) -> Iterator[str]:
    allowed = literals(annotation)
    if allowed and value not in allowed:
        yield f"{key}={value}: allowed are {', '.join(allowed)}{nearest(str(value), allowed)}"
    if "minimum" in limits and value < limits["minimum"]:
        yield f"{key}={value}: must be at least {limits['minimum']}"
    if "pattern" in limits and not re.fullmatch(limits["pattern"], str(value)):
        yield f"{key}={value}: {limits['form']} is expected"
    if "length" in limits and len(value) != limits["length"]:
        yield f"{key}: {limits['length']} are expected, not {len(value)}"


def literals(annotation: Any) -> list[str]:
    """The values an annotation of `Literal`s allows; none where it allows any."""
    if get_origin(annotation) is typing.Literal:
        return [str(choice) for choice in get_args(annotation)]
    if get_origin(annotation) in (typing.Union, types.UnionType):
        return [choice for member in get_args(annotation) for choice in literals(member)]
    return []


def _record(record: type, values: dict[str, Any]) -> Any:
    converted: dict[str, Any] = {}
    for item, annotation in fields_of(record):
        value = values[item.name]
        if is_settings(annotation):
            converted[item.name] = _record(annotation, value)
        else:
            converted[item.name] = tuple(value) if isinstance(value, list) else value
    return record(**converted)
