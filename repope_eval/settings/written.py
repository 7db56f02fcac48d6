"""Values of environment variables in settings: a run uses them, and what it writes has the settings as they were typed.

Such a value may be a password in an address, and the files of a run are passed on.
"""

import dataclasses
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from omegaconf.resolvers import oc

from repope_eval.errors import RepopeError

SHORTEST_HIDDEN = 4
"""Characters of a value that is looked for in messages: shorter ones are parts of many words."""

_VARIABLE = re.compile(r"\$\{oc\.env:([^{}]*)\}")
"""An interpolation of an environment variable, with or without a default."""

_known: dict[str, str] = {}
"""Texts of this process's settings that an environment variable has a part in -> as they were typed."""


class FromEnvironment(str):
    """A text that an environment variable has a part in; `written` has the variable by its name: `${oc.env:NAME}`."""

    written: str


def setting_value(composed: Any, key: str | int) -> Any:
    """The value of a setting; a text is marked where it is, in part or by way of other settings, the environment's.

    Args:
        composed: the `DictConfig` or `ListConfig` that holds it.
        key: its name, or its place in a list.

    Raises:
        OmegaConfBaseException: it refers to something that is not there.
    """
    value = composed[key]
    if not isinstance(value, str) or not OmegaConf.is_interpolation(composed, key):
        return value
    with _variables_by_name():
        try:
            written = str(composed[key])
        except OmegaConfBaseException:  # what it makes of a variable cannot be made of its name
            typed: Any = OmegaConf.to_container(composed, resolve=False)
            written = str(typed[key])
    names = [found[1].partition(",")[0] for found in _VARIABLE.finditer(written)]
    if written == value or not any(name in os.environ for name in names):  # a default is nobody's secret
        return value
    marked = FromEnvironment(value)
    marked.written = _known[value] = written
    return marked


def as_written(value: Any) -> Any:
    """A setting, or a record of settings as a mapping, as files are to hold it."""
    if isinstance(value, FromEnvironment):
        return value.written
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: as_written(getattr(value, item.name)) for item in dataclasses.fields(value)}
    return tuple(map(as_written, value)) if isinstance(value, tuple) else value


def place_here(written: str | None, where: str) -> str | None:
    """What a place of a manifest is in this environment.

    Raises:
        RepopeError: a variable is not set here; says where it is needed.
    """

    def value(found: re.Match[str]) -> str:
        name, comma, default = found[1].partition(",")
        if name not in os.environ and not comma:
            raise RepopeError(f"{where} is {written}, and there is no {name} in this environment; set it")
        return os.environ.get(name, default)

    return _VARIABLE.sub(value, written) if isinstance(written, str) else written


def without_environment(message: str) -> str:
    """A message in which no such text stands as it is; those too short to be told from other words are left."""
    for value in sorted(_known, key=len, reverse=True):
        if len(value) >= SHORTEST_HIDDEN:
            written = _known[value].replace("\\", r"\\")
            message = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", written, message)
    return message


@contextmanager
def _variables_by_name() -> Iterator[None]:
    """Within it, an environment variable in a setting is its own interpolation, as text; all else has its value."""

    def typed(*words: Any) -> str:
        return f"${{oc.env:{','.join('null' if word is None else str(word) for word in words)}}}"

    OmegaConf.register_new_resolver("oc.env", typed, replace=True)
    try:
        yield
    finally:
        OmegaConf.register_new_resolver("oc.env", oc.env, replace=True)
