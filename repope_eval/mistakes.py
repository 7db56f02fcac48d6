"""Every mistake in the words of a command line, each in a line that says what would be right."""

import itertools
import re
import typing
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError  # type: ignore[import-untyped]

from repope_eval.composition import compose, groups_of, initialized, natural_order
from repope_eval.errors import RepopeError
from repope_eval.schema import annotation_of, expected, is_list, keys_of, nearest, problems


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
            found = [line for single in singles for line in _mistakes_of(record, chosen, single)]
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
    try:
        override = _parsed(word)
    except HydraException as error:
        if "=" not in word:
            raise RepopeError(f"{word}: a setting is key=value, and a command goes first") from error
        raise RepopeError(
            f"{word}: cannot be read as key=value ({_first_line(error)}); "
            "a value with special characters goes into quotes: 'key=\"value\"'"
        ) from error
    if not override.is_sweep_override():
        return [word]
    key = _key(word)
    if not multirun:
        listed = key in keys_of(record) and is_list(annotation_of(record, key))
        as_list = f"; a list is written {key}=[A,B]" if listed else ""
        raise RepopeError(f"{word}: several values, which need -m: one run for each{as_list}")
    if not override.is_discrete_sweep() or override.is_interval_sweep():
        return []
    values = list(override.sweep_string_iterator())
    if not values:
        raise RepopeError(f"{word}: matches nothing; there are {', '.join(group_choices(key))}")
    return [f"{key}={value}" for value in values]


def _mistakes_of(record: type, chosen: Sequence[str], word: str) -> list[str]:
    """What is wrong with one word when it is composed with valid group choices alone."""
    key, _, value = word.partition("=")
    bare = key.lstrip("+~")
    rank = _rank(record, word)
    if rank and bare != key:
        return [
            f"{word}: every key has a value already, write {bare}=... without the {key.removesuffix(bare)}"
        ]
    known = list(keys_of(record))
    if rank and key not in known:
        return [f"{key}: no such key{nearest(key, known)} (--help lists the keys)"]
    if rank == 1 and not isinstance(_parsed(word).value(), str | int | float):
        return [f"{word}: one name is expected; there are {', '.join(group_choices(key))}"]
    others = [other for other in chosen if _key(other) != key]
    group, _, field = key.partition(".")
    if field and group in groups_of(record) and compose(record, others)[group] is None:
        return [
            f"{word}: of which {group}? Give {group}=NAME as well; there are {', '.join(group_choices(group))}"
        ]
    try:
        return list(problems(record, compose(record, [*others, word]), complete=False))
    except MissingConfigException:
        if bare == "hydra/launcher" and value in ("submitit_slurm", "submitit_local"):
            raise RepopeError(f"{word}: not installed; pip install 'repope-eval[slurm]'") from None
        possible = group_choices(bare)
        return [f"{word}: no such {bare}{nearest(value, possible)}; there are {', '.join(possible)}"]
    except ConfigCompositionException as error:
        return [_composition_mistake(record, word, error)]
    except (HydraException, OmegaConfBaseException, YAMLError) as error:
        return [f"{word}: {' '.join(str(error).split())}"]


def _job_mistakes(record: type, sweeps: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """What is wrong with the runs that all words together ask for: values missing, a folder shared by two."""
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
    if not key:
        return f"{word}: {' '.join(str(error).split()).partition(' full_key')[0]}"
    where = word if key == _key(word) else f"{word}: {key} in its file"
    known = list(keys_of(record))
    if key not in known:
        return f"{where}: no such key{nearest(key, known)}"
    return f"{where}: {expected(annotation_of(record, key))} is expected"


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0]
