"""The help pages, written from the settings records, so that they cannot fall behind."""

import dataclasses
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from repope_eval.settings.fields import fields_of, groups_of, is_settings, literals
from repope_eval.settings.shipped_files import choices

WIDTH = 98
KEY_COLUMN = 28
LONGEST_DEFAULT = 60

INTRODUCTION = """\
repope_eval asks a vision-language model whether objects are in images, and scores its answers
under POPE's labels and under RePOPE's corrected ones.

A demo, offline, on the CPU, in seconds:
  python -m repope_eval

What this machine has and lacks, and which models fit it:
  python -m repope_eval doctor

A model on RePOPE: its first 32 images; all of them, with images that are there already:
  python -m repope_eval model=internvl2_5_1b bench=repope limit=32
  python -m repope_eval model=internvl2_5_8b bench=repope bench.images=/datasets/coco/val2014

Several models, one run after another:
  python -m repope_eval -m model=internvl2_5_1b,internvl2_5_2b bench=repope

Answers from elsewhere, without a model:
  python -m repope_eval score answers=FILE bench=repope

Results go to the run folder, runs/BENCH/MODEL: report.html to read, scores.json for programs. The
same command goes on with a run that was interrupted.
"""

ENDING = """\
HYDRA_FULL_ERROR=1 before the command shows where an error came from. --cfg job prints the settings
that are composed instead of running, --version the version, --hydra-help Hydra's own options.
"""

OWN_FILES = """\
Configuration files of your own: DIR/{example}/NAME.yaml, named with --config-dir DIR {example}=NAME.
"""


def help_page(command: str, commands: Mapping[str, type]) -> str:
    """The page of one command; the page of `run` introduces the program too.

    Args:
        command: one of `commands`.
        commands: all commands, each with its settings record.
    """
    record = commands[command]
    if command == "run":
        parts = [INTRODUCTION, _command_list(commands)]
    else:
        parts = [f"{_usage(command, record)}\n\n{record.__doc__}\n"]
    groups = groups_of(record)
    for group, choice in groups.items():
        parts.append(
            f"{group}=NAME [{_default(choice)}]\n" + _wrapped(", ".join(choices(group)), indent=2) + "\n"
        )
    parts.append("Settings, given as key=value [default]\n" + "\n".join(_key_lines(record)) + "\n")
    if groups:
        parts.append(OWN_FILES.format(example=next(iter(groups))))
    return "\n".join([*parts, ENDING])


def _usage(command: str, record: type) -> str:
    required = [f"{item.name}=..." for item, _ in fields_of(record) if _is_required(item)]
    return " ".join(["python -m repope_eval", command, *required, "[key=value ...]"])


def _is_required(item: dataclasses.Field[Any]) -> bool:
    return item.default is dataclasses.MISSING and "choice" not in item.metadata


def _command_list(commands: Mapping[str, type]) -> str:
    lines = [f"  {name:<10}{record.__doc__}" for name, record in commands.items() if name != "run"]
    title = "Commands: python -m repope_eval help COMMAND (without a command, a model is asked)"
    return "\n".join([title, *lines, ""])


def _key_lines(record: type, group: str = "") -> Iterator[str]:
    for item, annotation in fields_of(record):
        if is_settings(annotation):
            yield from _key_lines(annotation, item.name)
        else:
            yield _key_line(group, item, annotation)


def _key_line(group: str, item: dataclasses.Field[Any], annotation: Any) -> str:
    """The entry of a setting: its key, what it means, what it may be if the meaning does not say that, its default."""
    text = item.metadata["help"]
    allowed = literals(annotation)
    if not all(re.search(rf"\b{word}\b", text) for word in allowed):
        text += f" ({', '.join(allowed)})"
    if not _is_required(item):
        text += f" [{_default(item.default)}]"
    else:
        text += f" [set by {group}=NAME]" if group else " [required]"
    key = f"{group}.{item.name}" if group else item.name
    return f"  {key:<{KEY_COLUMN}}" + _wrapped(text, indent=KEY_COLUMN + 2).lstrip()


def _default(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    text = str(value)
    return text if len(text) <= LONGEST_DEFAULT else f"{text[: LONGEST_DEFAULT - 3]}..."


def _wrapped(text: str, indent: int) -> str:
    margin = " " * indent
    return textwrap.fill(
        text,
        width=WIDTH,
        initial_indent=margin,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )
