"""What is never shown or stored: secrets of this process, and the values of environment variables in settings.

A server may send a secret back in an error, a header or an answer, as it is or in another form.

The value of an environment variable may be a password in an address, and the files of a run are passed on.
"""

import base64
import dataclasses
import html
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from repope_eval.errors import RepopeError

LONG = 8
"""Characters of a secret that is found wherever it stands; a shorter one is found as a word of its own."""
LEAST_OF_ANSWERS = 4
"""Characters of a secret that is looked for in answers."""
HALVED = 24
"""Characters of a secret that is found by either half, too: what a server quotes may be cut."""

_ESCAPES = r"(?<!\\)\\{1,64}"
"""Backslashes of a JSON text in a text in a text, from the first one on: so the search stays linear."""


@dataclass(frozen=True, slots=True)
class _Secret:
    pattern: re.Pattern[str]
    name: str
    is_word: bool
    """Whether it may stand in a text for something else: many servers are given a key such as `EMPTY` or `x`."""


_known: dict[str, _Secret] = {}


def hide(secret: str, name: str) -> None:
    """Has `masked` put a name in the place of a secret from now on."""
    if secret not in _known:
        is_word = len(secret) < LEAST_OF_ANSWERS or (len(secret) < LONG and secret.isalpha())
        _known[secret] = _Secret(re.compile(_secret_pattern(secret)), name, is_word)


def masked(text: str, *, even_words: bool = False) -> str:
    """A text without secrets, whether they stand there plainly or as JSON, addresses, HTML or base64 write them.

    Args:
        text: what is shown or stored.
        even_words: whether secrets are left out that may be words of any text. In answers that would change what
            a model says.
    """
    for secret in _known.values():
        if even_words or not secret.is_word:
            text = secret.pattern.sub(lambda _, name=secret.name: name, text)  # type: ignore[misc]
    return text


def hide_passwords(address: str) -> str:
    """How messages show an address that may hold a password or a key, before its host or in its query.

    Other texts stay as they are.
    """
    return re.sub(r"(?s)(?<=://).*(?=@)|(?<=[?#]).+", "...", address) if "://" in address else address


def _secret_pattern(secret: str) -> str:
    whole = _escaped_pattern(secret)
    if len(secret) < LONG:
        return rf"(?<!\w){whole}(?!\w)"
    if len(secret) >= HALVED:
        first, second = (
            _escaped_pattern(half) for half in (secret[: len(secret) // 2], secret[len(secret) // 2 :])
        )
        whole = f"{first}(?:{second})?|{second}"
    return "|".join([whole, *(_base64_pattern(secret, before) for before in range(3))])


def _escaped_pattern(text: str) -> str:
    """What finds a text, each character of which may be escaped as in JSON, in an address, or in HTML."""
    return "".join(map(_character_pattern, text))


def _character_pattern(character: str) -> str:
    code = ord(character)
    escaped = rf"{_ESCAPES}u00{code:02x}|%(?:25){{0,4}}{code:02x}|&#0{{0,4}}{code};|&#x0{{0,4}}{code:02x};"
    named = re.escape(html.escape(character)) if html.escape(character) != character else None
    slashed = _ESCAPES + re.escape(character) if not character.isalnum() else None
    return f"(?:{'|'.join(filter(None, (re.escape(character), slashed, named, f'(?i:{escaped})')))})"


def _base64_pattern(text: str, before: int) -> str:
    """What finds a text in base64 behind so many bytes of another: `Basic` has a name before the password."""
    content = b"\0" * before + text.encode()
    whole = base64.b64encode(content).decode()[-(-before * 8 // 6) : len(content) * 8 // 6]
    other = {"+": "-", "/": "_"}  # in addresses
    return "".join(
        f"(?:{_character_pattern(each)}|{other[each]})" if each in other else each for each in whole
    )


SHORTEST_HIDDEN = 4
"""Characters of a value that is looked for in messages: shorter ones are parts of many words."""

_VARIABLE = re.compile(r"\$\{oc\.env:([^{}]*)\}")
"""An interpolation of an environment variable, with or without a default."""

_typed: dict[str, str] = {}
"""The texts of this process's settings that contain an environment variable's value, each as it was typed."""


class EnvironmentText(str):
    """A text that contains an environment variable's value; `written` names the variable: `${oc.env:NAME}`."""

    written: str


def mark_environment_text(value: str, written: str) -> EnvironmentText:
    """Marks a text that contains an environment variable's value, and keeps it out of messages from now on."""
    marked = EnvironmentText(value)
    marked.written = _typed[value] = written
    return marked


def variables_in(written: str) -> list[str]:
    """The names of the environment variables in a text of a setting."""
    return [match[1].partition(",")[0] for match in _VARIABLE.finditer(written)]


def as_written(value: Any) -> Any:
    """A setting in the form in which files hold it; a record of settings becomes a mapping."""
    if isinstance(value, EnvironmentText):
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

    def value(match: re.Match[str]) -> str:
        name, comma, default = match[1].partition(",")
        if name not in os.environ and not comma:
            raise RepopeError(f"{where} is {written}, and there is no {name} in this environment; set it")
        return os.environ.get(name, default)

    if not isinstance(written, str):
        return written
    here = _VARIABLE.sub(value, written)
    return mark_environment_text(here, written) if os.environ.keys() & set(variables_in(written)) else here


def hide_environment(message: str) -> str:
    """A message with the variables' names in place of their values; values of very few characters are left."""
    for value in sorted(_typed, key=len, reverse=True):
        if len(value) >= SHORTEST_HIDDEN:
            written = _typed[value].replace("\\", r"\\")
            message = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", written, message)
    return message


def values_by_dotted_key(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested values by dotted key: `{"model": {"name": 1}}` becomes `{"model.name": 1}`."""
    by_key: dict[str, Any] = {}
    for key, value in values.items():
        by_key |= (
            values_by_dotted_key(value, f"{prefix}{key}.")
            if isinstance(value, Mapping)
            else {prefix + key: value}
        )
    return by_key
