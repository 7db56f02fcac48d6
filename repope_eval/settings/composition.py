"""The configuration that words of a command line stand for: settings records and configuration files, by Hydra."""

import dataclasses
import typing
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from repope_eval.errors import RepopeError
from repope_eval.files.natural_order import natural_order
from repope_eval.settings.config import ModelSettings
from repope_eval.settings.schema import closest, nearest, schema_of, settings_from
from repope_eval.wording import shown_word

GROUP_FOLDERS = {"model": "models", "bench": "benchmarks"}
"""The groups of the command line, and the folders their files lie in."""

CONFIG_NAME = "repope_eval"

SWEEPS = "runs/.sweeps"
"""Where Hydra keeps what it writes of a sweep."""

# Hydra's own output folders and logging are off: a run folder is written by the run itself.
HYDRA_SETTINGS = {
    "job": {"name": "repope"},  # what a launcher's jobs are called
    "run": {"dir": "."},
    "output_subdir": None,
    "sweep": {"dir": f"{SWEEPS}/${{now:%Y-%m-%d_%H-%M-%S}}"},
}


def shipped_folder(name: str) -> Path:
    """A folder of shipped files (`configs` or `slurm`): inside an installed package, else beside it."""
    package = Path(__file__).parents[1]
    installed = package / name
    return installed if installed.is_dir() else package.parent / name


def configs_folder() -> Path:
    """The folder of shipped configuration files."""
    return shipped_folder("configs")


def choices(group: str) -> list[str]:
    """Names of the shipped configuration files of a group (`model` or `bench`)."""
    names = [path.stem for path in (configs_folder() / GROUP_FOLDERS[group]).glob("*.yaml")]
    return sorted(names, key=natural_order)


def model_settings(name: str) -> ModelSettings:
    """The settings of a shipped model, as they are when nothing else is said.

    Raises:
        RepopeError: there is no such model.
    """
    known = choices("model")
    if name not in known:
        raise RepopeError(f"model={shown_word(name)}: {no_such_model(name, known)}")
    path = configs_folder() / GROUP_FOLDERS["model"] / f"{name}.yaml"
    schema = OmegaConf.structured(schema_of(ModelSettings))
    composed = OmegaConf.merge(schema, {"name": name}, OmegaConf.load(path))
    return settings_from(ModelSettings, typing.cast(DictConfig, composed))


def no_such_model(name: str, known: Sequence[str]) -> str:
    """What to say of a model that is not among those known, and what to do about it."""
    example = (closest(name, known) or ["NAME"])[0]
    return (
        f"no such model{nearest(name, known, most=3)}; `python -m repope_eval models` lists them, and another "
        f"checkpoint of a family that is among them is model={example} model.checkpoint=FOLDER_OR_ID, or a file of "
        "your own with --config-dir"
    )


def register(record: type, config_dir: Path | None = None) -> None:
    """Tells Hydra the schema of a command's settings and the configuration files of its groups.

    A user's own file in `config_dir` takes the place of a shipped one of its name.
    """
    store = ConfigStore.instance()
    store.store(name=f"{CONFIG_NAME}_schema", node=schema_of(record))
    defaults: list[Any] = [f"{CONFIG_NAME}_schema"]
    for group, choice in groups_of(record).items():
        defaults.append({group: choice})
        for name in choices(group):
            if config_dir is not None and (config_dir / group / f"{name}.yaml").is_file():
                continue
            path = configs_folder() / GROUP_FOLDERS[group] / f"{name}.yaml"
            store.store(group=group, name=name, node=OmegaConf.merge({"name": name}, OmegaConf.load(path)))
    quiet = [{"override hydra/job_logging": "none"}, {"override hydra/hydra_logging": "none"}]
    store.store(name=CONFIG_NAME, node={"defaults": [*defaults, *quiet, "_self_"], "hydra": HYDRA_SETTINGS})


def groups_of(record: type) -> dict[str, str | None]:
    """Group names among a record's fields, with the choice taken when none is given; None: nothing is."""
    return {
        item.name: item.metadata["choice"] for item in dataclasses.fields(record) if "choice" in item.metadata
    }


def initialized(config_dir: Path | None) -> AbstractContextManager[None]:
    """Hydra made ready to compose, with a user's own configuration files where they have some.

    Within a command it is ready, and knows those.
    """
    if GlobalHydra.instance().is_initialized():
        return nullcontext()
    if config_dir is not None:
        return hydra.initialize_config_dir(version_base="1.3", config_dir=str(config_dir))
    return hydra.initialize(version_base="1.3", config_path=None)


def compose(record: type, words: Sequence[str], number: int = 0) -> DictConfig:
    """What one run's settings are, where it is the so-manieth of a sweep."""
    composed = hydra.compose(CONFIG_NAME, overrides=list(words), return_hydra_config=True)
    composed.hydra.job.num, composed.hydra.job.id = number, str(number)
    HydraConfig.instance().set_config(composed)  # for values such as ${hydra:job.num}
    return named(record, composed, composed.hydra.runtime.choices)


def named(record: type, composed: DictConfig, choices: Mapping[str, str]) -> DictConfig:
    """Where a configuration file gives no `name`, it is the file's."""
    for group in groups_of(record):
        if composed[group] is not None and OmegaConf.is_missing(composed[group], "name"):
            composed[group].name = choices[group]
    return composed
