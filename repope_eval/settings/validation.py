"""Every mistake in the words of a command line, each in a line that says what would be right."""

import itertools
import math
import re
import typing
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override, RangeSweep
from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException
from omegaconf import OmegaConf
from omegaconf.errors import GrammarParseError, OmegaConfBaseException
from yaml import YAMLError  # type: ignore[import-untyped]

from repope_eval.errors import RepopeError
from repope_eval.files.natural_order import natural_order
from repope_eval.settings.composition import compose, groups_of, initialized, no_such_model
from repope_eval.settings.configuration_files import file_mistake
from repope_eval.settings.schema import annotation_of, expected, is_list, keys_of, nearest, problems
from repope_eval.wording import first_unwritable, shown_word

HYDRA_FOLDERS = ("hydra.run.dir", "hydra.sweep.dir")
"""Folders that Hydra makes before it calls anything of this program's."""

MOST_RUNS = 1_000
"""Of a sweep: each is composed before the first begins, which takes Hydra some milliseconds."""


def find_mistakes(
    record: type, words: Sequence[str], config_dir: Path | None = None, *, multirun: bool = False
) -> list[str]:
    """Every mistake in the `key=value` words of a command line, a line each, before anything is loaded.

    Each word is composed on its own (a sweep's values one by one), so one mistake hides no other; then
    each run that the words ask for is composed, to find what is missing.

    Raises:
        RepopeError: a launcher is not installed, without which its settings are none.
    """
    mistakes: list[str] = []
    chosen: list[str] = []
    sweeps: dict[str, list[str]] = {}
    with initialized(config_dir):
        for word in sorted(words, key=lambda word: (_rank(record, word), not _chooses_of_hydra(word))):
            try:
                singles = _single_words(record, word, multirun=multirun)
            except RepopeError as error:
                mistakes.append(str(error))
                continue
            found = [line for single in singles for line in _mistakes_of(record, chosen, single, config_dir)]
            mistakes += found
            if not found:
                sweeps[_key(word)] = singles
                chosen += singles[-1:] if _rank(record, word) < 2 else []
        if not mistakes:
            mistakes += _job_mistakes(record, sweeps)
    return list(dict.fromkeys(mistakes))


def _key(word: str) -> str:
    return word.partition("=")[0]


def _rank(record: type, word: str) -> int:
    """Words are checked in this order: of Hydra itself (its search path, say), choices of groups, values."""
    if re.match(r"[+~]*hydra[./]", word):
        return 0
    return 1 if _key(word) in groups_of(record) else 2


def _chooses_of_hydra(word: str) -> bool:
    """Whether it chooses a part of Hydra itself, which may have settings of its own: `hydra/launcher=...`."""
    return re.match(r"[+~]*hydra/", word) is not None


def _parsed(word: str) -> Override:
    loader = GlobalHydra.instance().config_loader()
    (override,) = OverridesParser.create(config_loader=loader).parse_overrides([word])
    return override


def _single_words(record: type, word: str, *, multirun: bool) -> list[str]:
    """The word itself, or one for each value of a sweep; none where only a sweeper can list the values.

    Raises:
        RepopeError: the word cannot be read, is a sweep without -m, or a sweep over nothing.
    """
    typed = shown_word(word)
    try:
        override = _parsed(word)
    except (HydraException, ValueError, RecursionError) as error:
        # ValueError is of a number of thousands of digits, RecursionError of as many brackets.
        if "=" not in word:
            raise RepopeError(
                f"{typed or repr(word)}: a setting is key=value, and a command goes first"
            ) from error
        raise RepopeError(
            f"{typed}: cannot be read as key=value; a value with special characters goes into quotes: 'key=\"value\"'"
        ) from error
    if (found := first_unwritable(word)) and re.match(r"[+~]*hydra[./]", word):
        raise RepopeError(f"{typed}: holds the character {found}, which no setting of Hydra's needs")
    if not override.is_sweep_override():
        return [word]
    key = _key(word)
    if not multirun:
        listed = key in keys_of(record) and is_list(annotation_of(record, key))
        as_list = f"; a list is written {key}=[A,B]" if listed else ""
        raise RepopeError(f"{typed}: several values, which need -m: one run for each{as_list}")
    if not override.is_discrete_sweep() or override.is_interval_sweep():
        return []
    if (number := _n_values(override)) > MOST_RUNS:
        raise RepopeError(f"{typed}: {_too_many(number)}")
    values = list(override.sweep_string_iterator())
    if not values:
        raise RepopeError(f"{typed}: matches nothing; {_choices_in_words(key)}")
    return [f"{key}={value}" for value in values]


def _n_values(override: Override) -> float:
    """How many runs a sweep asks for; counted, for they may be more than the memory holds."""
    sweep = override.value()
    if isinstance(sweep, RangeSweep):
        assert sweep.start is not None
        assert sweep.stop is not None
        return (float(sweep.stop) - float(sweep.start)) / float(sweep.step) if sweep.step else math.inf
    return len(sweep.list) if isinstance(sweep, ChoiceSweep) else 0  # a glob: of names that there are


def _too_many(number: float) -> str:
    return f"a sweep of {number:,.0f} runs; {MOST_RUNS:,} at most can be started at once"


def _mistakes_of(record: type, chosen: Sequence[str], word: str, config_dir: Path | None) -> list[str]:
    """What is wrong with one word when it is composed with valid group choices alone."""
    key, _, value = word.partition("=")
    typed = shown_word(word)
    bare = key.lstrip("+~")
    rank = _rank(record, word)
    if rank and bare != key:
        mend = f"write {shown_word(bare)}=... without the {shown_word(key.removesuffix(bare))}"
        return [f"{typed}: every key has a value already, {mend}"]
    known = list(keys_of(record))
    if rank and key not in known:
        return [f"{shown_word(key) or typed}: no such key{nearest(key, known)} (--help lists the keys)"]
    if rank == 1 and not isinstance(_parsed(word).value(), str | int | float):
        return [f"{typed}: one name is expected; {_choices_in_words(key)}"]
    if rank == 1 and config_dir is not None and (reason := _own_file_mistake(config_dir / key, value)):
        return [f"{typed}: {reason}"]
    others = [other for other in chosen if _key(other) != key]
    group, _, field = key.partition(".")
    if field and group in groups_of(record) and compose(record, others)[group] is None:
        return [f"{typed}: of which {group}? Give {group}=NAME as well; {_choices_in_words(group)}"]
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            composed = compose(record, [*others, word])
        if missing := [
            str(warning.message) for warning in said if "is not available" in str(warning.message)
        ]:
            return [f"{typed}: {missing[0]}"]
        if key in HYDRA_FOLDERS:
            Path(OmegaConf.select(composed, key)).mkdir(parents=True, exist_ok=True)
        return list(problems(record, composed, complete=False))
    except MissingConfigException as error:
        return [f"{typed}: {_missing_choice(bare, value, error)}"]
    except ConfigCompositionException as error:
        return [_composition_mistake(record, word, error)]
    except RecursionError:
        return [f"{typed}: its file's defaults name one another without end"]
    except OSError as error:  # a folder that cannot be made, or a choice that no file could have for a name
        return [f"{typed}: {error.strerror}"]
    except (HydraException, OmegaConfBaseException, YAMLError) as error:
        return [f"{typed}: {' '.join(str(error).split())}"]


def _own_file_mistake(folder: Path, name: str) -> str | None:
    try:
        return file_mistake(folder / f"{name.removesuffix('.yaml')}.yaml")
    except OSError:  # longer than a file's name: there is none
        return None


def _missing_choice(group: str, value: str, error: MissingConfigException) -> str:
    if group == "hydra/launcher" and value in ("submitit_slurm", "submitit_local"):
        raise RepopeError(f"{group}={value}: not installed; pip install 'repope-eval[slurm]'") from None
    possible = group_choices(group)
    if value in possible:
        return f"its file's defaults name {error.missing_cfg_file}, which is not there"
    if group == "model":
        return no_such_model(value, possible)
    return f"no such {group}{nearest(value, possible)}; there are {', '.join(possible)}"


def _choices_in_words(group: str) -> str:
    if group == "model":
        return "`python -m repope_eval models` lists them"
    return f"there are {', '.join(group_choices(group))}"


def _job_mistakes(record: type, sweeps: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """What is wrong with the runs that all words together ask for: values missing, a folder shared by two."""
    number_of_runs = math.prod(len(words) for words in sweeps.values() if words)
    if number_of_runs > MOST_RUNS:
        yield f"-m: {_too_many(number_of_runs)}"
        return
    folders: Counter[str] = Counter()
    for number, words in enumerate(itertools.product(*filter(None, sweeps.values()))):
        composed = compose(record, words, number)
        found = list(problems(record, composed))
        yield from found
        if not found and composed.get("out"):
            folders[composed.out] += 1
            written = typing.cast(dict[str, Any], OmegaConf.to_container(composed))["out"]
    shared = [folder for folder, number in folders.items() if number > 1]
    if shared:
        swept = [
            f"{key}.name" if key in groups_of(record) else key for key, words in sweeps.items() if words[1:]
        ]
        apart = "".join(f"/${{{key}}}" for key in swept if f"${{{key}}}" not in written)
        mend = f"give each its own, such as 'out={written}{apart}'" if apart else "name each once"
        yield f"out={shared[0]}: {folders[shared[0]]} runs of the sweep would write there; {mend}"


def group_choices(group: str) -> list[str]:
    """Names of the configuration files of a group that Hydra, which is ready to compose, knows: a user's own too."""
    return sorted(GlobalHydra.instance().config_loader().get_group_options(group), key=natural_order)


def _composition_mistake(record: type, word: str, error: Exception) -> str:
    """Hydra's reason in one line: of a value what is expected, of a configuration file the key that is wrong."""
    reason = error.__cause__ or error.__context__
    key = getattr(reason, "full_key", None)
    typed = shown_word(word)
    if not key or isinstance(reason, GrammarParseError):
        return f"{typed}: {' '.join(str(reason or error).split()).partition(' full_key')[0]}"
    where = typed if key == _key(word) else f"{typed}: {key} in its file"
    known = list(keys_of(record))
    if key not in known:
        return f"{where}: no such key{nearest(key, known)}"
    return f"{where}: {expected(annotation_of(record, key))} is expected"
