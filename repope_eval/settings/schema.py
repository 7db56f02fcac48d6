"""Turning settings records into Hydra schemas, and composed configurations back into records.

Hydra needs mutable dataclasses and refuses `Literal`, so the schema is derived from the frozen record. OmegaConf knows
neither a union of a text and a list of texts (`str | tuple[str, ...]`) nor the limits in a field's metadata. Both are
checked when the configuration is turned back.
"""

import dataclasses
import os
import re
from functools import cache
from types import NoneType
from typing import Any, TypeVar, cast

from omegaconf import MISSING, DictConfig, ListConfig, OmegaConf
from omegaconf.errors import (
    InterpolationResolutionError,
    InterpolationToMissingValueError,
    OmegaConfBaseException,
)
from omegaconf.resolvers import oc

from repope_eval.errors import RepopeError
from repope_eval.settings.fields import Field, fields_of
from repope_eval.settings.quick_checks import value_problems
from repope_eval.system.secrets import EnvironmentText, mark_environment_text, variables_in
from repope_eval.wording import shown_word

Settings = TypeVar("Settings")


@cache
def schema_of(record: type) -> type:
    """A mutable dataclass with the fields of a settings record; `Literal` becomes `str`.

    No field has a factory of defaults: a launcher that pickles the class would have OmegaConf take the mark of a
    missing default, which is another object then, for the default. OmegaConf copies what defaults hold.
    """
    fields: list[tuple[str, Any, Any]] = []
    for item in fields_of(record):
        kind, default = _schema_type(item), item.default
        if default is dataclasses.MISSING:
            default = MISSING
        elif item.record and default is not None:
            default = kind()
        fields.append((item.name, kind, dataclasses.field(default=default)))
    return dataclasses.make_dataclass(record.__name__, fields, eq=False)


def merged(record: type, *contents: Any) -> DictConfig:
    """The defaults of a settings record, and in their place what mappings say; of two mappings the later one counts.

    Raises:
        OmegaConfBaseException: a key or a value is not the record's.
    """
    return cast(DictConfig, OmegaConf.merge(OmegaConf.structured(schema_of(record)), *contents))


def settings_from(record: type[Settings], composed: DictConfig) -> Settings:
    """The settings record that was composed.

    Raises:
        RepopeError: values are missing or not allowed; a line for each.
    """
    values, mistakes = _read_values(record, composed)
    if mistakes:
        raise RepopeError("\n".join(mistakes))
    return record(**values)


def problems(record: type, composed: DictConfig, *, complete: bool = True) -> list[str]:
    """One line for each value that is missing, or outside what its field allows.

    Args:
        record: whose fields are looked at.
        composed: their values.
        complete: whether missing values are problems.
    """
    return _read_values(record, composed, complete=complete)[1]


def setting_value(composed: DictConfig | ListConfig, key: str | int) -> Any:
    """The value of a setting; a text is marked where an environment variable has a part in it, however indirectly.

    Args:
        composed: holds the setting.
        key: the setting's name, or its index in a list.

    Raises:
        OmegaConfBaseException: it refers to something that is not there.
    """
    value = composed[key]  # type: ignore[index]  # of a list by its index
    if not isinstance(value, str) or not OmegaConf.is_interpolation(composed, key):
        return value
    OmegaConf.register_new_resolver("oc.env", _environment_interpolation, replace=True)
    try:
        written = str(composed[key])  # type: ignore[index]
    except OmegaConfBaseException:  # what it makes of a variable cannot be made of its name
        typed: Any = OmegaConf.to_container(composed, resolve=False)
        written = str(typed[key])
    finally:
        OmegaConf.register_new_resolver("oc.env", oc.env, replace=True)
    if written == value or not any(name in os.environ for name in variables_in(written)):
        return value  # a default is nobody's secret
    return mark_environment_text(value, written)


def _environment_interpolation(*words: Any) -> str:
    """The interpolation of an environment variable as it is typed, with or without a default."""
    return f"${{oc.env:{','.join('null' if word is None else str(word) for word in words)}}}"


def _schema_type(item: Field) -> Any:
    """The type that OmegaConf checks a field by."""
    if item.is_text_or_list or item.is_mapping:
        return Any
    (kind,) = item.kinds - {NoneType}
    kind = schema_of(kind) if item.record else list[str] if kind is tuple else kind
    return kind | None if NoneType in item.kinds else kind


def _read_values(
    record: type, composed: DictConfig, prefix: str = "", *, complete: bool = True
) -> tuple[dict[str, Any], list[str]]:
    """The values of a record's fields by name, None where one is missing or wrong; and a line for each of these."""
    values: dict[str, Any] = {}
    mistakes: list[str] = []
    for item in fields_of(record, prefix):
        values[item.name] = None
        if OmegaConf.is_missing(composed, item.name):
            mistakes += [f"{item.key} is required: give {item.key}=..."] if complete else []
        elif not item.record:
            try:
                value = _field_value(composed, item.name)
            except InterpolationToMissingValueError:
                continue  # the value that is missing is a problem of its own
            except InterpolationResolutionError as error:
                mistakes.append(_unresolved_line(item, composed, error))
                continue
            mistakes += value_problems(item, value)
            values[item.name] = _settled_value(item, value)
        elif composed[item.name] is not None:
            is_whole = complete and not item.is_partial
            nested, wrong = _read_values(item.record, composed[item.name], f"{item.key}.", complete=is_whole)
            mistakes += wrong
            values[item.name] = item.record(**nested)
    return values, mistakes


def _unresolved_line(item: Field, composed: DictConfig, error: Exception) -> str:
    typed: Any = OmegaConf.to_container(composed, resolve=False)
    variable = re.search(r"Environment variable '[^']*' not found", str(error))
    reason = f"{variable[0]}; set it" if variable else str(error).strip().splitlines()[0]
    return f"{item.key}={shown_word(str(typed[item.name]))}: {reason}"


def _settled_value(item: Field, value: Any) -> Any:
    """A value as the record holds it: one of a few words is no secret, and a number is as good as its text.

    A prompt's `\\n` is a line break, as everybody means who types it in a shell; `\\\\n` is a backslash and an n.
    """
    if isinstance(value, str) and item.metadata.get("has_lines"):
        return re.sub(r"(\\?)\\n", lambda match: "\\n" if match[1] else "\n", value)
    if isinstance(value, EnvironmentText) and (item.allowed or "pattern" in item.metadata):
        return str(value)
    if item.is_text_or_list and isinstance(value, tuple):
        return tuple(text if isinstance(text, str) else str(text) for text in value)
    return str(value) if item.is_text_or_list and isinstance(value, int | float) else value


def _field_value(composed: DictConfig, name: str) -> Any:
    """A field's value; a list as a tuple, and names with values as a dictionary."""
    value = setting_value(composed, name)
    if isinstance(value, DictConfig):
        return {key: setting_value(value, key) for key in map(str, value)}
    if not isinstance(value, ListConfig):
        return value
    return tuple(setting_value(value, index) for index in range(len(value)))
