"""Every mistake in the words of a command line, each in a line that says what would be right."""

import itertools
import math
import re
import typing
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml  # type: ignore[import-untyped]
from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import GrammarParseError, OmegaConfBaseException

from repope_eval.errors import RepopeError
from repope_eval.settings.composition import (
    choices_in_words,
    compose,
    group_choices,
    initialized,
    no_such_model,
)
from repope_eval.settings.fields import fields_by_key, groups_of, nearest
from repope_eval.settings.quick_checks import key_mistake
from repope_eval.settings.schema import problems
from repope_eval.settings.words import MOST_RUNS, TOO_MANY_RUNS, is_hydras, key_of, single_words, value_of
from repope_eval.system.texts import read_text
from repope_eval.wording import installing_extra, shown_word

HYDRA_FOLDERS = ("hydra.run.dir", "hydra.sweep.dir")
"""The settings of folders that Hydra makes before it calls this program."""

_COMPOSING = (
    HydraException,
    OmegaConfBaseException,
    yaml.YAMLError,
    ValueError,
    Warning,
    OSError,
    RecursionError,
)
"""What composing raises where something is wrong."""

MOST_BYTES = 100_000
"""The most bytes of a file: shipped ones have hundreds, and a parser takes seconds for millions."""

DEEPEST = 20
"""The most mappings and lists within each other: settings have two, and a parser fails at some hundreds."""


class Checked(NamedTuple):
    """What checking the words of a command line found."""

    mistakes: list[str]
    first: DictConfig | None = None
    """What the words come to in the first run that they ask for, if they are right as they stand."""


def check(
    record: type, words: Sequence[str], config_dir: Path | None = None, *, multirun: bool = False
) -> Checked:
    """Every mistake in the `key=value` words of a command line, a line each, before anything is loaded.

    Where all words together are right, that is all. Else each word is composed on its own (a sweep's values one by
    one), so one mistake hides no other; then each run that the words ask for is composed, to find what is missing.

    Raises:
        RepopeError: a launcher is not installed, without which its settings are none.
    """
    mistakes: list[str] = []
    chosen: list[str] = []
    sweeps: dict[str, list[str]] = {}
    with initialized(config_dir):
        if first := _right_together(record, words, config_dir, multirun=multirun):
            return Checked([], first)
        for word in sorted(words, key=lambda word: _turn_of_word(record, word)):
            try:
                singles = single_words(record, word, multirun=multirun)
            except RepopeError as error:
                mistakes.append(str(error))
                continue
            word_mistakes = [
                line for single in singles for line in _mistakes_of(record, chosen, single, config_dir)
            ]
            mistakes += word_mistakes
            if not word_mistakes:
                sweeps[key_of(word)] = singles
                chosen += singles[-1:] if is_hydras(word) or key_of(word) in groups_of(record) else []
        if not mistakes:
            mistakes += _checked_runs(record, sweeps).mistakes
    return Checked(list(dict.fromkeys(mistakes)))


def _right_together(
    record: type, words: Sequence[str], config_dir: Path | None, *, multirun: bool
) -> DictConfig | None:
    """The first run's settings, where one composition a run tells that all words are right.

    None where that does not tell it, and where a word is Hydra's own: such a word is looked into by itself.
    """
    groups, keys = groups_of(record), list(map(key_of, words))
    of_no_group = [key for key in keys if "." in key and groups.get(key.partition(".")[0], "") is None]
    if len(set(keys)) < len(keys) or of_no_group or any(map(is_hydras, words)):
        return None
    try:
        sweeps = {key_of(word): single_words(record, word, multirun=multirun) for word in words}
        if any(_plain_mistake(record, word, config_dir) for singles in sweeps.values() for word in singles):
            return None
        runs = _checked_runs(record, sweeps)
    except (RepopeError, *_COMPOSING):
        return None
    return None if runs.mistakes else runs.first


def _turn_of_word(record: type, word: str) -> int:
    """The turn of a word: Hydra's own parts, their settings (such as its search path), choices of groups, values."""
    if is_hydras(word):
        return 0 if re.match(r"[+~]*hydra/", word) else 1
    return 2 if key_of(word) in groups_of(record) else 3


def _mistakes_of(record: type, chosen: Sequence[str], word: str, config_dir: Path | None) -> list[str]:
    """What is wrong with one word when it is composed with valid group choices alone."""
    key = word.partition("=")[0]
    others = [other for other in chosen if key_of(other) != key]
    if is_hydras(word):
        return _composed_mistakes(record, others, word)
    if mistake := _plain_mistake(record, word, config_dir):
        return [mistake]
    group, _, field = key.partition(".")
    if field and group in groups_of(record) and compose(record, others)[group] is None:
        mend = f"Give {group}=NAME as well; {choices_in_words(group)}"
        return [f"{shown_word(word)}: of which {group}? {mend}"]
    return _composed_mistakes(record, others, word)


def _plain_mistake(record: type, word: str, config_dir: Path | None) -> str | None:
    """What is wrong with one word, as far as that shows before it is composed."""
    key, _, value = word.partition("=")
    fields, groups, typed = fields_by_key(record), groups_of(record), shown_word(word)
    if mistake := key_mistake(fields, word):
        return mistake
    if key in groups and not isinstance(value_of(word), str | int | float):
        return f"{typed}: one name is expected; {choices_in_words(key)}"
    if key in groups and config_dir and (mistake := file_mistake(config_dir / key, value)):
        return f"{typed}: {mistake}"
    return None


def _composed_mistakes(record: type, others: Sequence[str], word: str) -> list[str]:
    """What is wrong with a word and the configuration file that it names, once they are composed."""
    key, _, value = word.partition("=")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error", ".* is not available")  # a folder of Hydra's search path
            composed = compose(record, [*others, word])
        if key in HYDRA_FOLDERS:
            Path(OmegaConf.select(composed, key)).mkdir(parents=True, exist_ok=True)
        return list(problems(record, composed, complete=False))
    except MissingConfigException as error:
        reason = _missing_choice(key.lstrip("+~"), value, error)
    except ConfigCompositionException as error:
        reason = _composition_mistake(record, word, error)
    except RecursionError:
        reason = "its file's defaults name one another without end"
    except OSError as error:  # a folder that cannot be made, or a choice that no file could have for a name
        reason = str(error.strerror)
    except _COMPOSING as error:
        reason = str(error)
    return [f"{shown_word(word)}: {' '.join(reason.split())}"]


def file_mistake(folder: Path, name: str) -> str | None:
    """What is wrong with a user's own configuration file, as far as Hydra does not say it in a good line itself.

    Args:
        folder: that of a group.
        name: as it is given for the group; there may be no such file.
    """
    path = folder / f"{name.removesuffix('.yaml').removesuffix('.yml')}.yaml"
    try:
        if not path.exists():
            other = path.with_suffix(".yml")  # which Hydra does not look for
            return f"there is {other}; rename it to {path.name}" if other.exists() else None
        if not path.is_file():
            return f"{path}: is no file"
        if (size := path.stat().st_size) > MOST_BYTES:
            return f"{path}: has {size:,} bytes; a configuration file has {MOST_BYTES:,} at most"
        reason = _structure_mistake(read_text(path))
    except RepopeError as error:
        return str(error)
    except (OSError, yaml.YAMLError):
        return None  # the name is too long, or the text no YAML: Hydra says where and why
    return reason and f"{path}: {reason}"


def _structure_mistake(text: str) -> str | None:
    """Looks for deep and repeated nodes in the stream of events, before anything is built of them."""
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


def _missing_choice(group: str, value: str, error: MissingConfigException) -> str:
    if group == "hydra/launcher" and value in ("submitit_slurm", "submitit_local"):
        raise RepopeError(f"{group}={value}: not installed; {installing_extra('slurm')}") from None
    possible = group_choices(group)
    if value in possible:
        return f"its file's defaults name {error.missing_cfg_file}, which is not there"
    if group == "model":
        return no_such_model(value, possible)
    return f"no such {group}{nearest(value, possible)}; there are {', '.join(possible)}"


def _composition_mistake(record: type, word: str, error: Exception) -> str:
    """Hydra's reason: of a value what is expected, of a configuration file the key that is wrong."""
    reason = error.__cause__ or error.__context__
    key = getattr(reason, "full_key", None)
    if not key or isinstance(reason, GrammarParseError):
        return str(reason or error).partition("\n    full_key")[0]
    where = "" if key == key_of(word) else f"{key} in its file: "
    fields = fields_by_key(record)
    if key not in fields:
        return f"{where}no such key{nearest(key, list(fields))}"
    return f"{where}{fields[key].expected} is expected"


def _checked_runs(record: type, sweeps: Mapping[str, Sequence[str]]) -> Checked:
    """What is wrong with the runs that all words together ask for: values missing, a folder shared by two."""
    listed = [words for words in sweeps.values() if words]
    if math.prod(map(len, listed)) > MOST_RUNS:
        return Checked([f"-m: {TOO_MANY_RUNS}"])
    mistakes: list[str] = []
    first = None
    folders: Counter[str] = Counter()
    written = ""
    for number, words in enumerate(itertools.product(*listed)):
        composed = compose(record, words, number)
        first = first or composed
        run_mistakes = list(problems(record, composed))
        mistakes += run_mistakes
        if not run_mistakes and composed.get("out"):
            folders[composed.out] += 1
            written = typing.cast(dict[str, Any], OmegaConf.to_container(composed))["out"]
    shared = next((folder for folder, number in folders.items() if number > 1), None)
    if shared is not None:
        groups = groups_of(record)
        swept = [f"{key}.name" if key in groups else key for key, words in sweeps.items() if words[1:]]
        apart = "".join(f"/${{{key}}}" for key in swept if f"${{{key}}}" not in written)
        mend = f"give each its own, such as 'out={written}{apart}'" if apart else "name each once"
        mistakes.append(f"out={shared}: {folders[shared]} runs of the sweep would write there; {mend}")
    return Checked(mistakes, first)
