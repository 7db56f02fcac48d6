"""The reference pages of commands and models, from the settings records and the configuration files."""

import dataclasses
from collections.abc import Iterable, Iterator

from repope_eval.settings.commands import COMMANDS
from repope_eval.settings.composition import listed_models
from repope_eval.settings.fields import Field, fields_by_key, groups_of, own_fields, typed

MADE = "<!-- Made by `python -m docs_making` out of {source}: change these instead. -->\n"

COMMANDS_PAGE = """\
# Commands and keys

Every command is `python -m repope_eval COMMAND key=value ...`; without a command, a model is asked. `repope-eval` is
the same program. `python -m repope_eval help COMMAND` shows what stands here.

- Values are given as `key=value`. Every mistake is found, and all are listed, before a model is loaded.
- `model=NAME` and `bench=NAME` name configuration files. [Models](models.md) has those of models; files of your own are
  found with `--config-dir DIR`, where they are `DIR/model/NAME.yaml` and `DIR/bench/NAME.yaml`.
- A list is `[A,B,C]`, and `null` means no value.
- A text may have an environment variable in it (`'data_dir=${oc.env:SCRATCH}/data'`): the run uses the variable's
  value, and the files that it writes have the variable's name.
- Options stand before or behind the command. `--cfg job` prints the settings that are composed instead of running,
  `--version` the version. `-m` runs several models one after another: `-m model=A,B`. Of Hydra's other options,
  `--package` and `--resolve` go with `--cfg`, and `--info` shows what Hydra read; its tab completion is not offered.
- The exit status is 0 when all is answered and scored, 1 with a line that says what is wrong, 130 after Ctrl-C, 143
  after SIGTERM and 129 after a closed terminal. `HYDRA_FULL_ERROR=1` in the environment shows where an error came from.
"""

GROUP_TITLES = {"model": "Keys of a model", "bench": "Keys of a benchmark"}
"""The groups that several commands share, and where their keys are explained."""

NOTES = {
    "run": "Without a command, this one is meant.",
    "slurm": "`model=` and `out=` are refused: the list names the models, and each run has its folder in `runs`.",
}
"""What the settings of a command do not say of themselves."""

MODELS_PAGE = """\
# Models

`model=NAME` names one of these. `python -m repope_eval models` shows their sizes as well, `model=chat` asks
[any checkpoint of transformers](../how-to/chat-models.md), and `model=endpoint` asks
[a server](../how-to/ask-a-server.md). The number format is that of the published results (`model.dtype=auto`).

| `model=` | checkpoint | family | number format | longest answer | gated |
|---|---|---|---|---|---|
"""


def commands_page() -> str:
    """All commands with their keys; the keys of a model and of a benchmark once, at the end."""
    sections = [_command_section(command, record) for command, record in COMMANDS.items()]
    groups = [_group_section(group, title) for group, title in GROUP_TITLES.items()]
    made = MADE.format(source="the settings records, repope_eval/settings")
    return "\n".join([made, COMMANDS_PAGE, *sections, *groups])


def models_page() -> str:
    """The shipped models, one a row."""
    rows = [
        f"| `{model.name}` | {model.checkpoint} | {model.family} | {model.recipe_dtype} | {model.max_new_tokens} "
        f"| {'yes' if model.gated else ''} |\n"
        for model in listed_models()
    ]
    return "\n".join([MADE.format(source="configs/models"), MODELS_PAGE]) + "".join(rows)


def _command_section(command: str, record: type) -> str:
    groups = groups_of(record)
    own = own_fields(record)
    required = [f"{field.key}=..." for field in own if field.is_required]
    words = ["python -m repope_eval", *([] if command == "run" else [command]), *required]
    parts = [f"## {command}\n", f"{record.__doc__}\n", f"```text\n{' '.join(words)}\n```\n"]
    if sentences := [*_group_sentences(groups), *([NOTES[command]] if command in NOTES else [])]:
        parts.append(f"{' '.join(sentences)}\n")
    return "\n".join([*parts, *([_table(own)] if own else [])])


def _group_sentences(groups: dict[str, str | None]) -> Iterator[str]:
    for group, choice in groups.items():
        link = f"[`{group}` keys](#{GROUP_TITLES[group].lower().replace(' ', '-')})"
        yield f"It takes the {link}, {f'by default those of `{group}={choice}`' if choice else 'or none'}."


def _group_section(group: str, title: str) -> str:
    """The keys of a group, which are the same in all commands that have it."""
    records = {
        field.record
        for record in COMMANDS.values()
        if group in groups_of(record)
        for field in fields_by_key(record).values()
        if field.key == group
    }
    (record,) = records
    assert record is not None
    fields = [field for field in fields_by_key(record, f"{group}.").values() if not field.record]
    return f"## {title}\n\n{_table(fields)}"


def _table(fields: Iterable[Field]) -> str:
    return "".join(["| key | meaning | default |\n|---|---|---|\n", *map(_row, fields)])


def _row(field: Field) -> str:
    meaning = field.metadata["help"]
    if field.allowed:
        meaning += f": {', '.join(f'`{word}`' for word in field.allowed)}"
    default = "" if field.default is dataclasses.MISSING else typed(field.default)
    cells = [f"`{field.key}`", meaning.replace("|", "&#124;"), f"`{default}`" if default else ""]
    return f"| {' | '.join(cells).rstrip()} |\n"
