"""What is wrong with a user's own configuration file, in one line, before Hydra reads it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from repope_eval.errors import RepopeError
from repope_eval.files.texts import read_text

MOST_BYTES = 100_000
"""Of a file: shipped ones have hundreds, and a parser takes seconds for millions."""

DEEPEST = 20
"""Mappings and lists within each other: settings have two, and a parser fails at some hundreds."""


def file_mistake(path: Path) -> str | None:
    """What is wrong with a YAML file, whatever its keys are; None where nothing is, or there is no such file."""
    if not path.exists():
        return None
    if not path.is_file():
        return f"{path}: is no file"
    if (size := path.stat().st_size) > MOST_BYTES:
        return f"{path}: has {size:,} bytes; a configuration file has {MOST_BYTES:,} at most"
    try:
        reason = _text_mistake(read_text(path))
    except RepopeError as error:
        return str(error)
    return reason and f"{path}: {reason}"


def _text_mistake(text: str) -> str | None:
    """Looks for deep and repeated nodes in the stream of events first, before anything is built of them."""
    try:
        if reason := _structure_mistake(yaml.parse(text, Loader=yaml.SafeLoader)):
            return reason
        composed = OmegaConf.create(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        return f"{place}{' '.join(str(error.problem or error.context).split())}"
    except (yaml.YAMLError, OmegaConfBaseException, ValueError) as error:
        # ValueError is of a number of thousands of digits.
        return " ".join(str(error).split())
    if not composed:
        return "is empty; its settings are expected, key: value in each line"
    defaults = OmegaConf.select(composed, "defaults")
    return None if defaults is None or OmegaConf.is_list(defaults) else "its defaults are no list"


def _structure_mistake(events: Iterable[Any]) -> str | None:
    depth = n_documents = 0
    for event in events:
        line = f"line {event.start_mark.line + 1}"
        if isinstance(event, yaml.DocumentStartEvent):
            n_documents += 1
            if n_documents > 1:
                return f"{line}: begins a second document; one is expected"
        elif isinstance(event, yaml.AliasEvent):
            return f"{line}: repeats a node by *{event.anchor}; write it out, or refer to a key with ${{KEY}}"
        elif (
            isinstance(event, yaml.NodeEvent) and depth == 0 and not isinstance(event, yaml.MappingStartEvent)
        ):
            return f"{line}: key: value is expected, in each line"
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            return f"{line}: is nested deeper than {DEEPEST} levels; settings have two"
    return None
