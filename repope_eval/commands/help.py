"""The help pages, written from the settings records, so that they cannot fall behind."""

import re
import textwrap
from collections.abc import Mapping
from typing import Any

from repope_eval.settings.fields import Field, fields_of, groups_of, own_fields, told_fields, typed
from repope_eval.settings.named_files import choices

WIDTH = 98
KEY_COLUMN = 28
LONGEST_DEFAULT = 60

INTRODUCTION = """\
repope_eval asks a vision-language model whether objects are in images, and scores its answers
under POPE's labels and under RePOPE's corrected ones.

A demo, offline, on the CPU, in half a minute:
  python -m repope_eval

What this machine has and lacks, and which models fit it:
  python -m repope_eval doctor

A model on RePOPE: its first 32 images; all of them, with images that are there already:
  python -m repope_eval model=internvl2_5_1b bench=repope limit=32
  python -m repope_eval model=internvl2_5_8b bench=repope bench.images=/datasets/coco/val2014

Several models, one run after another:
  python -m repope_eval -m model=internvl2_5_1b,internvl2_5_2b bench=repope

Several benchmarks, each asked and scored for itself with the model loaded once:
  python -m repope_eval model=internvl2_5_1b bench=[repope,pope_aokvqa]

Yes/no questions of your own in any table (columns.*= and labels.*= name what it calls them):
  python -m repope_eval bench=table bench.questions=FILE bench.images=FOLDER

Answers from elsewhere, without a model:
  python -m repope_eval score answers=FILE bench=repope

Results go to the run folder, runs/BENCH/MODEL: report.html to read, scores.json for programs. The
same command goes on with a run that was interrupted.
"""

COMMANDS_TITLE = "Commands: python -m repope_eval help COMMAND (without a command, a model is asked)\n"

SETTINGS_TITLE = "Settings, given as key=value [default]"

ENDING = """\
Options, before or behind the command: -m makes a run of each value (KEY=A,B), --cfg job prints the
settings that are composed instead of running, --version prints the version. HYDRA_FULL_ERROR=1
before all of it shows where an error came from.
"""

OWN_FILES = """\
Configuration files of your own: DIR/{example}/NAME.yaml, named with --config-dir DIR {example}=NAME.
"""


def help_page(command: str, commands: Mapping[str, type]) -> str:
    """The page of one command: its own keys first, then those of the model and the benchmark.

    The page of `run` introduces the program too.

    Args:
        command: one of `commands`.
        commands: all commands, each with its settings record.
    """
    record = commands[command]
    groups = [field for field in fields_of(record) if field.name in groups_of(record)]
    own = own_fields(record)
    if command == "run":
        others = [f"  {name:<10}{other.__doc__}\n" for name, other in commands.items() if name != "run"]
        parts = [INTRODUCTION, COMMANDS_TITLE + "".join(others)]
    else:
        required = [f"{field.key}=..." for field in own if field.is_required]
        usage = " ".join(["python -m repope_eval", command, *required, "[key=value ...]"])
        parts = [f"{usage}\n\n{record.__doc__}\n"]
    parts.append("\n".join([SETTINGS_TITLE, *map(_group_line, groups), *map(_key_line, own), ""]))
    parts += [_group_section(record, group) for group in groups]
    if groups:
        parts.append(OWN_FILES.format(example=groups[0].name))
    return "\n".join([*parts, ENDING])


def _group_section(record: type, group: Field) -> str:
    """The names of a group's configuration files, and its keys."""
    names = _wrapped_text(", ".join(choices(group.name)), indent=2)
    keys = [_key_line(field) for field in told_fields(record) if field.key.startswith(f"{group.key}.")]
    choice = _default_text(group.metadata["choice"])
    return "\n".join([f"{group.key}=NAME [{choice}]", names, "", *keys, ""])


def _group_line(group: Field) -> str:
    """The entry of a group itself."""
    help, choice = group.metadata["help"], group.metadata["choice"]
    return _entry(group.key, f"{help}; names are below [{_default_text(choice)}]")


def _key_line(field: Field) -> str:
    """The entry of a setting: its key, what it means, what it may be if the meaning does not say that, its default."""
    text = field.metadata["help"]
    group = field.key.rpartition(".")[0]
    if not all(re.search(rf"\b{word}\b", text) for word in field.allowed):
        text += f" ({', '.join(field.allowed)})"
    if field.is_required:
        text += f" [set by {group}=NAME]" if group else " [required]"
    else:
        text += f" [{_default_text(field.default)}]"
    return _entry(field.key, text)


def _entry(key: str, text: str) -> str:
    return f"  {key:<{KEY_COLUMN}}" + _wrapped_text(text, indent=KEY_COLUMN + 2).lstrip()


def _default_text(value: Any) -> str:
    text = typed(value)
    return text if len(text) <= LONGEST_DEFAULT else f"{text[: LONGEST_DEFAULT - 3]}..."


def _wrapped_text(text: str, indent: int) -> str:
    margin = " " * indent
    return textwrap.fill(
        text,
        width=WIDTH,
        initial_indent=margin,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )
