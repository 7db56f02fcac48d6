"""What is wrong with a user's own configuration file that Hydra would say in no line of its own, or fail at."""

from pathlib import Path

import yaml  # type: ignore[import-untyped]

from repope_eval.errors import RepopeError
from repope_eval.files.texts import read_text

MOST_BYTES = 100_000
"""The most bytes of a file: shipped ones have hundreds, and a parser takes seconds for millions."""

DEEPEST = 20
"""Mappings and lists within each other: settings have two, and a parser fails at some hundreds."""


def file_mistake(folder: Path, name: str) -> str | None:
    """What is wrong with the file of a name in a group's folder, whatever its keys are.

    None where nothing is, where Hydra says it well, and where there is no such file. Deep and repeated nodes are looked
    for in the stream of events, before anything is built of them.
    """
    path = folder / f"{name.removesuffix('.yaml')}.yaml"
    try:
        if not path.exists():
            return None
        if not path.is_file():
            return f"{path}: is no file"
        if (size := path.stat().st_size) > MOST_BYTES:
            return f"{path}: has {size:,} bytes; a configuration file has {MOST_BYTES:,} at most"
        reason = _structure_mistake(read_text(path))
    except RepopeError as error:
        return str(error)
    except (
        OSError,
        yaml.YAMLError,
    ):  # the name is too long for a file; Hydra says where and why a text is no YAML
        return None
    return reason and f"{path}: {reason}"


def _structure_mistake(text: str) -> str | None:
    depth, is_empty = 0, True
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = f"line {event.start_mark.line + 1}"
        if isinstance(event, yaml.AliasEvent):
            return f"{line}: repeats a node by *{event.anchor}; write it out, or refer to a key with ${{KEY}}"
        if isinstance(event, yaml.NodeEvent) and depth == 0 and not isinstance(event, yaml.MappingStartEvent):
            return f"{line}: key: value is expected, in each line"
        is_empty = is_empty and not isinstance(event, yaml.NodeEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            return f"{line}: is nested deeper than {DEEPEST} levels; settings have two"
    return "is empty; its settings are expected, key: value in each line" if is_empty else None
