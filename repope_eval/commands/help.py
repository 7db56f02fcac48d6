"""The help pages, written from the settings records, so that they cannot fall behind."""

import dataclasses
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from repope_eval.composition import choices, groups_of
from repope_eval.schema import fields_of, is_settings, literals

INTRODUCTION = """\
repope_eval asks a vision-language model whether objects are in images, and scores its answers
under POPE's labels and under RePOPE's corrected ones.

  python -m repope_eval                                        a demo: offline, on the CPU, in seconds
  python -m repope_eval model=internvl2_5_1b bench=repope limit=32
  python -m repope_eval model=internvl2_5_8b bench=repope bench.images=/datasets/coco/val2014
  python -m repope_eval -m model=internvl2_5_1b,internvl2_5_2b bench=repope      one run after another
  python -m repope_eval score answers=FILE bench=repope        answers from elsewhere, no model
"""

ENDING = """\
Values are given as key=value. A configuration file of your own goes into DIR/model/NAME.yaml (or
DIR/bench/) and is named with --config-dir DIR model=NAME. HYDRA_FULL_ERROR=1 shows where an error
came from; --hydra-help lists Hydra's own options.
"""


def help_page(command: str, commands: Mapping[str, str]) -> str:
    """The page of one command; the page of `run` introduces the program too."""
    record = import_module(commands[command]).SETTINGS
    parts = []
    if command == "run":
        parts += [INTRODUCTION, _command_list(commands)]
    else:
        parts += [f"python -m repope_eval {command} key=value ...\n\n{record.__doc__}\n"]
    for group in groups_of(record):
        parts.append(f"{group}=NAME\n" + _wrapped(", ".join(choices(group))))
    parts.append("Keys (default in brackets)\n" + "\n".join(_key_lines(record)) + "\n")
    parts.append(ENDING)
    return "\n".join(parts)


def _command_list(commands: Mapping[str, str]) -> str:
    lines = [
        f"  {name:<10}{import_module(module).SETTINGS.__doc__}"
        for name, module in commands.items()
        if name != "run"
    ]
    return "\n".join(["Commands (each has --help; without one, a model is asked)", *lines, ""])


def _key_lines(record: type, prefix: str = "") -> Iterator[str]:
    for item, annotation in fields_of(record):
        if is_settings(annotation):
            yield from _key_lines(annotation, f"{prefix}{item.name}.")
        else:
            yield _key_line(prefix + item.name, item, annotation)


def _key_line(key: str, item: dataclasses.Field[Any], annotation: Any) -> str:
    allowed = literals(annotation)
    text = item.metadata["help"] + (f": {', '.join(allowed)}" if allowed else "")
    if item.default is dataclasses.MISSING:
        return f"  {key:<28}{text}"
    default = {None: "null", True: "true", False: "false"}.get(item.default, item.default)
    return f"  {key:<28}{text} [{default}]"


def _wrapped(text: str) -> str:
    import textwrap

    return textwrap.fill(text, width=96, initial_indent="  ", subsequent_indent="  ") + "\n"
