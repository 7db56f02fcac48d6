"""The fields of settings records: how one is declared, its key, what it takes, and how that is said."""

import dataclasses
import difflib
import inspect
import re
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from repope_eval.wording import LONGEST_WORD

Asked = Literal["all", "weights", "chat", "server"]
"""To whom a setting means something: to models whose weights are loaded here (`weights`), among these to family chat
alone, or to a model behind a server."""

Cause = Literal[
    "prompt",
    "pixels",
    "checkpoint",
    "number format",
    "longest answer",
    "decoding",
    "engine",
    "hardware",
    "versions",
]
"""What makes a model answer otherwise."""

ROUNDING_CAUSES: Sequence[Cause] = ("engine", "hardware", "versions")
"""The causes that change only near-tied answers. The others are part of the identity of answers."""

Place = Literal["questions", "images", "annotations", "checkpoint"]
"""What lies in the file or folder that a setting names."""

_TOLD_OF: Mapping[Asked, str] = {"all": "", "weights": "", "chat": "family chat: ", "server": "endpoint: "}
"""What the meaning of a setting begins with."""


def setting(
    help: str,
    default: Any = dataclasses.MISSING,
    *,
    asked: Asked = "all",
    changes: Cause | None = None,
    place: Place | None = None,
    is_fetching: bool = False,
    **limits: Any,
) -> Any:
    """A field of a settings record, with what is true of it, which is said nowhere else.

    Args:
        help: its meaning, for the help page, without to whom it means something.
        default: its value where none is given; without a default, one must be given.
        asked: to whom it means something.
        changes: the cause of other answers that it is; None: it changes none.
        place: what lies where it says; None: it names no such file or folder.
        is_fetching: whether it says where files are fetched from, and means nothing once they are there.
        limits: `minimum`, `maximum`; `pattern` with its `form` in words; the `length` of a list; the `longest` text
            in characters; `has_lines`, if a text may have several lines; `is_public`, if files hold a text as it is,
            so that it may not come from an environment variable; `choice`, which makes the field a group, and names
            the configuration file that is taken where none is named (None: no file); `is_partial`, if a record may
            lack what it requires elsewhere.
    """
    facts = {"asked": asked, "changes": changes, "place": place, "is_fetching": is_fetching}
    return dataclasses.field(
        default=default, metadata={"help": f"{_TOLD_OF[asked]}{help}", **facts, **limits}
    )


def written_as(pattern: str, form: str, **limits: Any) -> dict[str, Any]:
    """The limits of a text that matches a pattern, whose `form` in words completes `... is expected`."""
    return {"pattern": pattern, "form": form, **limits}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a settings record, as its annotation and `setting` describe it."""

    name: str
    key: str
    """The name after those of the records around it: `model.checkpoint`."""
    default: Any
    """`dataclasses.MISSING` where a value must be given."""
    metadata: Mapping[str, Any]
    """The keywords of `setting`: `help`, what is true of the field, and limits."""
    kinds: frozenset[Any]
    """The types of its values: `str`, `tuple` for a list of texts, `Mapping` for names with values, `NoneType` for
    null, a settings record, ..."""
    allowed: tuple[str, ...]
    """The texts that it may have; none where any text will do."""

    @property
    def record(self) -> type | None:
        """The settings record that the field holds, or may hold."""
        records = [kind for kind in self.kinds if isinstance(kind, type) and dataclasses.is_dataclass(kind)]
        return records[0] if records else None

    @property
    def asked(self) -> Asked:
        """To whom the field means something."""
        asked: Asked = self.metadata["asked"]
        return asked

    @property
    def changes_answers(self) -> bool:
        """Whether a model may say something else with another value, so that the field tells answers apart."""
        return self.metadata["changes"] not in (None, *ROUNDING_CAUSES)

    @property
    def place(self) -> Place | None:
        """What lies in the file or folder that the field names; None: it names none."""
        place: Place | None = self.metadata["place"]
        return place

    @property
    def is_required(self) -> bool:
        """Whether neither a default nor a configuration file of a group can give the value."""
        return self.default is dataclasses.MISSING and "choice" not in self.metadata

    @property
    def is_partial(self) -> bool:
        """Whether the field is a record that may lack what it requires elsewhere."""
        return bool(self.metadata.get("is_partial", False))

    @property
    def is_any_text(self) -> bool:
        """Whether the field takes any text."""
        return str in self.kinds and not self.allowed

    @property
    def is_text_or_list(self) -> bool:
        """Whether the field takes one text as well as several."""
        return self.kinds >= {str, tuple}

    @property
    def is_mapping(self) -> bool:
        """Whether the field takes names with values, which nobody lists here."""
        return Mapping in self.kinds

    @property
    def expected(self) -> str:
        """What the field takes, in words."""
        if self.allowed:
            form = f"one of {', '.join(self.allowed)}"
        elif self.is_text_or_list:
            form = "a text or a list such as [A,B]"
        elif self.is_mapping:
            form = "names with values such as {name:value}"
        else:
            forms = {
                tuple: "a list such as [A,B]",
                bool: "true or false",
                int: "a whole number",
                float: "a number",
            }
            form = next((words for kind, words in forms.items() if kind in self.kinds), "a text")
        return f"{form} or null" if NoneType in self.kinds else form


def typed(value: Any) -> str:
    """A value of a setting as it is typed on the command line: `true`, `null` (a record, too), `[A,B]`."""
    if value is None or dataclasses.is_dataclass(value):
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{','.join(map(typed, value))}]"
    return str(value)


def fields_of(record: type, prefix: str = "") -> Iterator[Field]:
    """The fields of a settings record, whose keys begin with `prefix`."""
    hints = typing.get_type_hints(record)
    for item in dataclasses.fields(record):
        hint = hints[item.name]
        members = get_args(hint) if get_origin(hint) in (typing.Union, types.UnionType) else (hint,)
        literals = [member for member in members if get_origin(member) is typing.Literal]
        others = {get_origin(member) or member for member in members if member not in literals}
        yield Field(
            name=item.name,
            key=prefix + item.name,
            default=item.default,
            metadata=item.metadata,
            kinds=frozenset(others | {str} if literals else others),
            allowed=tuple(text for literal in literals for text in get_args(literal)),
        )


def fields_by_key(record: type, prefix: str = "") -> dict[str, Field]:
    """All fields of a settings record and of the records in it, by key: `model`, `model.checkpoint`, ..."""
    fields: dict[str, Field] = {}
    for field in fields_of(record, prefix):
        fields[field.key] = field
        if field.record:
            fields |= fields_by_key(field.record, f"{field.key}.")
    return fields


def told_fields(record: type) -> list[Field]:
    """The fields that are explained one by one; the keys of a partial record are those of another command's."""
    fields = fields_by_key(record)
    partial = tuple(f"{key}." for key, field in fields.items() if field.is_partial)
    return [
        field
        for key, field in fields.items()
        if field.is_partial or not (field.record or key.startswith(partial))
    ]


def own_fields(record: type) -> list[Field]:
    """The fields of a command that are explained one by one, without the keys of its groups.

    Those that it has from another command come last.
    """
    groups, declared = groups_of(record), inspect.get_annotations(record)
    fields = [field for field in told_fields(record) if field.key.partition(".")[0] not in groups]
    return sorted(fields, key=lambda field: field.key.partition(".")[0] not in declared)


def groups_of(record: type) -> dict[str, str | None]:
    """The groups among a record's fields, each with the choice that is taken when none is named; None: no choice."""
    return {
        item.name: item.metadata["choice"] for item in dataclasses.fields(record) if "choice" in item.metadata
    }


def nearest(word: str, possible: Sequence[str], most: int = 1) -> str:
    """` (did you mean X?)`, with the possible words that are close, the nearest first; nothing where none is."""
    *firsts, last = closest(word, possible, most) or [""]
    words = f"{', '.join(firsts)} or {last}" if firsts else last
    return f" (did you mean {words}?)" if words else ""


def closest(word: str, possible: Sequence[str], most: int = 1) -> list[str]:
    """Those of the possible words whose letters and digits are close, the nearest first."""
    spelt = {_spelling(name): name for name in possible}
    matches = difflib.get_close_matches(_spelling(word[-LONGEST_WORD:]), spelt, n=most, cutoff=0.6)
    return [spelt[match] for match in matches]


def _spelling(word: str) -> str:
    """The form in which words are compared: the Hub's `OpenGVLab/InternVL2_5-1B` is `internvl2_5_1b` here."""
    return re.sub(r"[^a-z0-9.]+", "_", word.rpartition("/")[2].lower())


FLAGS = ("--help", "-h", "--version", "--multirun", "-m", "--run", "-r", "--resolve")
OPTIONS_WITH_VALUE = ("--config-dir", "-cd", "--cfg", "-c", "--package", "-p", "--info", "-i")

_OTHER_PROGRAMS = "of no use here: --config-dir names configuration files of your own"
REFUSED: Mapping[str, str] = {
    "config_name": _OTHER_PROGRAMS,
    "config_path": _OTHER_PROGRAMS,
    "experimental_rerun": _OTHER_PROGRAMS,
    "hydra_help": "of no use here: --help shows what can be given",
    "shell_completion": "not offered, since Hydra's completion knows no commands: --help lists the keys",
}
"""The options that Hydra has and this program does not take, by the names that Hydra's parser gives them; and why."""


def command_place(words: Sequence[str]) -> int | None:
    """Where the command stands: the first word that is no option, no option's value and no setting; None: nowhere."""
    place = 0
    while place < len(words) and words[place].startswith("-"):
        name, equals, _ = words[place].partition("=")
        if name not in (*FLAGS, *OPTIONS_WITH_VALUE):
            return None  # what follows may be its value
        place += 2 if name in OPTIONS_WITH_VALUE and not equals else 1
    is_command = place < len(words) and "=" not in words[place] and not words[place].startswith(("+", "~"))
    return place if is_command else None
