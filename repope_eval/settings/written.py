"""Values of environment variables in settings: a run uses them, while its files hold the variables' names.

Such a value may be a password in an address, and the files of a run are passed on.
"""

import dataclasses
import os
import re
from collections.abc import Mapping
from typing import Any

from repope_eval.errors import RepopeError

SHORTEST_HIDDEN = 4
"""Characters of a value that is looked for in messages: shorter ones are parts of many words."""

_VARIABLE = re.compile(r"\$\{oc\.env:([^{}]*)\}")
"""An interpolation of an environment variable, with or without a default."""

_known: dict[str, str] = {}
"""The texts of this process's settings that contain an environment variable's value, each as it was typed."""


class FromEnvironment(str):
    """A text that contains an environment variable's value; `written` names the variable: `${oc.env:NAME}`."""

    written: str


def from_environment(value: str, written: str) -> FromEnvironment:
    """Marks a text that contains an environment variable's value, and keeps it out of messages from now on.

    Args:
        value: the text.
        written: the text with the variable's name in place of its value.
    """
    marked = FromEnvironment(value)
    marked.written = _known[value] = written
    return marked


def variables_in(written: str) -> list[str]:
    """The names of the environment variables in a text of a setting."""
    return [found[1].partition(",")[0] for found in _VARIABLE.finditer(written)]


def as_written(value: Any) -> Any:
    """A setting in the form in which files hold it; a record of settings becomes a mapping."""
    if isinstance(value, FromEnvironment):
        return value.written
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: as_written(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {key: as_written(each) for key, each in value.items()}
    return tuple(map(as_written, value)) if isinstance(value, tuple) else value


def place_here(written: str | None, where: str) -> str | None:
    """The path that a manifest's setting means in this environment.

    Args:
        written: the setting as the manifest holds it.
        where: the manifest and the setting's name, for the message.

    Raises:
        RepopeError: a variable is not set here.
    """

    def value(found: re.Match[str]) -> str:
        name, comma, default = found[1].partition(",")
        if name not in os.environ and not comma:
            raise RepopeError(f"{where} is {written}, and there is no {name} in this environment; set it")
        return os.environ.get(name, default)

    if not isinstance(written, str):
        return written
    here = _VARIABLE.sub(value, written)
    return from_environment(here, written) if os.environ.keys() & set(variables_in(written)) else here


def without_environment(message: str) -> str:
    """A message with the variables' names in place of their values; values of very few characters are left."""
    for value in sorted(_known, key=len, reverse=True):
        if len(value) >= SHORTEST_HIDDEN:
            written = _known[value].replace("\\", r"\\")
            message = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", written, message)
    return message


def by_dotted_key(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested values by dotted key: `{"model": {"name": 1}}` becomes `{"model.name": 1}`."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        found |= (
            by_dotted_key(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
        )
    return found
