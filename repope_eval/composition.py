"""From the words of a command line to a composed configuration: Hydra, with every mistake found beforehand."""

import dataclasses
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ValidationError

from repope_eval.errors import RepopeError
from repope_eval.schema import keys_of, nearest, problems, schema_of

GROUP_FOLDERS = {"model": "models", "bench": "benchmarks"}
"""The groups of the command line, and the folders their files lie in."""

CONFIG_NAME = "repope_eval"

# Hydra's own output folders and logging are off: a run folder is written by the run itself.
HYDRA_SETTINGS = {
    "run": {"dir": "."},
    "output_subdir": None,
    "sweep": {"dir": "runs/.sweeps/${now:%Y-%m-%d_%H-%M-%S}"},
}


def configs_folder() -> Path:
    """The folder of shipped configuration files: inside an installed package, else beside it."""
    package = Path(__file__).parent
    installed = package / "configs"
    return installed if installed.is_dir() else package.parent / "configs"


def choices(group: str) -> list[str]:
    """Names of the shipped configuration files of a group (`model` or `bench`)."""
    names = [path.stem for path in (configs_folder() / GROUP_FOLDERS[group]).glob("*.yaml")]
    return sorted(names, key=_natural_order)


def _natural_order(name: str) -> list[tuple[int, str]]:
    """Sorts the numbers in names by value: `2b` before `26b`."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]


def launch(record: type, execute: Callable[[DictConfig], None], words: Sequence[str]) -> None:
    """Checks the words of a command line, then has Hydra call `execute` once, or once a job of a sweep.

    Raises:
        RepopeError: something is wrong with the words; a line for each mistake.
    """
    register(record)
    options = get_args_parser().parse_args(list(words))
    config_dir = Path(options.config_dir).absolute() if options.config_dir else None
    if config_dir is not None and not config_dir.is_dir():
        raise RepopeError(f"--config-dir {config_dir}: no such folder")
    mistakes = find_mistakes(record, options.overrides, config_dir, multirun=options.multirun)
    if mistakes:
        raise RepopeError("\n".join(mistakes))
    sys.argv[1:] = words
    hydra.main(version_base="1.3", config_path=None, config_name=CONFIG_NAME)(execute)()


def register(record: type) -> None:
    """Tells Hydra the schema of a command's settings and the configuration files of its groups."""
    store = ConfigStore.instance()
    store.store(name=f"{CONFIG_NAME}_schema", node=schema_of(record))
    defaults: list[Any] = [f"{CONFIG_NAME}_schema"]
    for group, choice in groups_of(record).items():
        defaults.append({group: choice})
        for name in choices(group):
            path = configs_folder() / GROUP_FOLDERS[group] / f"{name}.yaml"
            store.store(group=group, name=name, node=OmegaConf.merge({"name": name}, OmegaConf.load(path)))
    quiet = [{"override hydra/job_logging": "none"}, {"override hydra/hydra_logging": "none"}]
    store.store(name=CONFIG_NAME, node={"defaults": [*defaults, *quiet, "_self_"], "hydra": HYDRA_SETTINGS})


def groups_of(record: type) -> dict[str, str]:
    """Group names among a record's fields, with the choice taken when none is given."""
    return {
        item.name: item.metadata["choice"] for item in dataclasses.fields(record) if "choice" in item.metadata
    }


def find_mistakes(
    record: type, words: Sequence[str], config_dir: Path | None = None, *, multirun: bool = False
) -> list[str]:
    """Every mistake in the `key=value` words of a command line, a line each, before anything is loaded.

    Each word is composed on its own (a sweep's values one by one), so one mistake hides no other.
    """
    mistakes: list[str] = []
    chosen: dict[str, str] = {}
    values: dict[str, str] = {}
    with _hydra(config_dir):
        for word in sorted(words, key=lambda word: word.partition("=")[0] not in groups_of(record)):
            key = word.partition("=")[0]
            is_group = key in groups_of(record)
            try:
                for single in _single_words(word, multirun=multirun):
                    found = _mistakes_of(record, [] if is_group else list(chosen.values()), single)
                    mistakes += found
                    if not found:
                        (chosen if is_group else values)[key] = single
            except HydraException as error:
                mistakes.append(f"{word}: cannot be read as key=value ({_first_line(error)})")
        if not mistakes:
            mistakes += problems(record, _compose([*chosen.values(), *values.values()]))
    return list(dict.fromkeys(mistakes))


def _hydra(config_dir: Path | None) -> AbstractContextManager[None]:
    if config_dir is not None:
        return hydra.initialize_config_dir(version_base="1.3", config_dir=str(config_dir))
    return hydra.initialize(version_base="1.3", config_path=None)


def _compose(words: Sequence[str]) -> DictConfig:
    return hydra.compose(CONFIG_NAME, overrides=list(words))


def _single_words(word: str, *, multirun: bool) -> Iterator[str]:
    """The word itself, or one for each value of a sweep."""
    loader = GlobalHydra.instance().config_loader()
    override: Override = OverridesParser.create(config_loader=loader).parse_override(word)
    if override.is_sweep_override() and not multirun:
        raise HydraException("several values need -m before them")
    if not override.is_sweep_override():
        yield word
    elif override.is_discrete_sweep() and not override.is_interval_sweep():
        for value in override.sweep_string_iterator():
            yield f"{override.get_key_element()}={value}"


def _mistakes_of(record: type, chosen: Sequence[str], word: str) -> list[str]:
    """What is wrong with one word when it is composed with valid group choices alone."""
    key, _, value = word.partition("=")
    if key.lstrip("+~").split(".")[0].split("/")[0] == "hydra":
        return []
    if key[:1] in "+~":
        return [f"{word}: every key has a value already, write {key.lstrip('+~')}=... without the {key[0]}"]
    known = list(keys_of(record))
    if key not in known:
        return [f"{key}: no such key{nearest(key, known)} (--help lists the keys)"]
    try:
        composed = _compose([*chosen, word])
    except MissingConfigException:
        possible = _group_choices(key)
        return [f"{word}: no such {key}{nearest(value, possible)}; there are {', '.join(possible)}"]
    except ConfigCompositionException as error:
        return [_composition_mistake(word, error)]
    return [line for line in problems(record, composed) if not line.endswith("=...")]


def _group_choices(group: str) -> list[str]:
    return sorted(GlobalHydra.instance().config_loader().get_group_options(group), key=_natural_order)


def _composition_mistake(word: str, error: Exception) -> str:
    """Hydra's reason in one line: of a value its type, of a configuration file the key that is wrong."""
    if isinstance(error.__cause__, ValidationError):
        return f"{word}: {_first_line(error.__cause__)}"
    return f"{word}: {' '.join(str(error).split()).partition(' reference_type')[0]}"


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0]
