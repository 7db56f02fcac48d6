"""Composing settings with Hydra, from the records, the configuration files and the words of a command line."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import hydra
from hydra.core.config_loader import ConfigLoader
from hydra.core.config_store import ConfigNode, ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from repope_eval.errors import RepopeError
from repope_eval.settings.config import CAPTION_SOURCES, BenchSettings, ModelSettings, caption_length
from repope_eval.settings.fields import closest, fields_by_key, groups_of, nearest
from repope_eval.settings.named_files import (
    FILE_BENCHMARKS,
    checkpoint_name,
    configuration_file,
    questions_name,
)
from repope_eval.settings.named_files import choices as shipped_choices
from repope_eval.settings.schema import merged, schema_of, settings_from
from repope_eval.system.secrets import values_by_dotted_key
from repope_eval.wording import natural_order, shown_word

CONFIG_NAME = "repope_eval"

SWEEPS = "runs/.sweeps"
"""The folder of what Hydra itself writes of a sweep."""

# Hydra's own output folders and logging are off: a run folder is written by the run itself.
HYDRA_SETTINGS = {
    "job": {"name": "repope"},  # what a launcher's jobs are called
    "run": {"dir": "."},
    "output_subdir": None,
    "sweep": {"dir": f"{SWEEPS}/${{now:%Y-%m-%d_%H-%M-%S}}"},
}


@cache
def model_settings(name: str) -> ModelSettings:
    """The settings of a shipped model with all defaults.

    Raises:
        RepopeError: there is no such model.
    """
    known = shipped_choices("model")
    if name not in known:
        raise RepopeError(f"model={shown_word(name)}: {no_such_model(name, known)}")
    return settings_from(ModelSettings, merged(ModelSettings, _shipped_content("model", name)))


def bench_settings(name: str, values: Mapping[str, Any]) -> BenchSettings:
    """The settings of a shipped benchmark.

    Args:
        name: the name of its configuration file, as in `bench=repope`.
        values: settings that are not the file's or the defaults', by their keys without `bench.`.

    Raises:
        RepopeError: there is no such benchmark or no such setting, or a value is missing or not allowed.
    """
    known = shipped_choices("bench")
    if name not in known:
        raise RepopeError(
            f"{shown_word(name)}: no such benchmark{nearest(name, known)}; there are {', '.join(known)}"
        )
    fields = fields_by_key(BenchSettings)
    for key, value in values_by_dotted_key(values).items():
        if key not in fields:
            raise RepopeError(f"{key}: no such setting of a benchmark{nearest(key, list(fields))}")
        if fields[key].record is not None:
            raise RepopeError(f"{key}: takes a mapping of names to values")
        if isinstance(value, str) and tuple in fields[key].kinds:
            raise RepopeError(f"{key}: takes a list; give [{value!r}]")
    try:
        composed = merged(BenchSettings, _shipped_content("bench", name), dict(values))
    except OmegaConfBaseException as error:
        raise RepopeError(f"settings of {name}: {str(error).splitlines()[0]}") from error
    if OmegaConf.is_missing(composed, "name"):
        composed.name = _own_name("bench", composed) or name
    _name_blind(composed)
    return settings_from(BenchSettings, composed)


def listed_models() -> list[ModelSettings]:
    """The shipped models in the order of their names; those whose checkpoint a user has to name are left out."""
    return [
        model_settings(name)
        for name in shipped_choices("model")
        if "checkpoint" in _shipped_content("model", name)
    ]


def no_such_model(name: str, known: Sequence[str]) -> str:
    """The message about a model that is not among those known, with what can be done about it."""
    example = (closest(name, known) or ["NAME"])[0]
    return (
        f"no such model{nearest(name, known, most=3)}; `python -m repope_eval models` lists them; another checkpoint "
        f"is model={example}, or model=chat where transformers has a class for it, with model.checkpoint=FOLDER_OR_ID; "
        "one behind a server is model=endpoint with model.url=ADDRESS; and for code of your own, "
        "`python -m repope_eval questions` writes the questions"
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
        files = [f"{name}.yaml" for name in shipped_choices(group)]
        store.repo[group] = _ShippedFiles(
            group, [file for file in files if config_dir is None or not (config_dir / group / file).is_file()]
        )
    quiet = [{"override hydra/job_logging": "none"}, {"override hydra/hydra_logging": "none"}]
    store.store(name=CONFIG_NAME, node={"defaults": [*defaults, *quiet, "_self_"], "hydra": HYDRA_SETTINGS})


class _ShippedFiles(dict[str, ConfigNode]):
    """The shipped files of a group as Hydra's store holds them, each read when Hydra first asks for it.

    Reading more than fifty takes a tenth of a second, and Hydra copies all that it stores for each composition.
    """

    def __init__(self, group: str, files: Sequence[str]) -> None:
        super().__init__(dict.fromkeys(files))  # type: ignore[arg-type]  # what stands for a file is never taken
        self._group = group

    def __getitem__(self, file: str) -> ConfigNode:
        content = _shipped_content(self._group, file.removesuffix(".yaml"))
        return ConfigNode(name=file, node=content, group=self._group, package=None, provider=None)

    def __deepcopy__(self, _: object) -> "_ShippedFiles":
        return self  # Hydra copies what it takes out


@cache
def _shipped_content(group: str, name: str) -> Any:
    """A shipped configuration file's content, with its name unless a file of the user's gives one (see `named`).

    It is read once; whoever takes it into a configuration copies it.
    """
    content = OmegaConf.load(configuration_file(group, name))
    is_own = content.source in FILE_BENCHMARKS if group == "bench" else "checkpoint" not in content
    return content if is_own else OmegaConf.merge({"name": name}, content)


def initialized(config_dir: Path | None) -> AbstractContextManager[None]:
    """Makes Hydra ready to compose, with a user's own configuration files where there are some.

    Within a command Hydra is ready already, and knows them.
    """
    if GlobalHydra.instance().is_initialized():
        return nullcontext()
    # Without a folder Hydra would look for the caller's file, and read the source of all who called it for that. This
    # package's folder holds no configuration file.
    folder = Path(__file__).parent if config_dir is None else config_dir
    return hydra.initialize_config_dir(version_base="1.3", config_dir=str(folder))


def config_loader() -> ConfigLoader:
    """The part of Hydra that finds configuration files; Hydra must be ready to compose."""
    return GlobalHydra.instance().config_loader()


def group_choices(group: str) -> list[str]:
    """The names of a group's configuration files, a user's own too; Hydra must be ready to compose."""
    return sorted(config_loader().get_group_options(group), key=natural_order)


def choices_in_words(group: str) -> str:
    """A clause that says which choices a group has; Hydra must be ready to compose."""
    if group == "model":
        return "`python -m repope_eval models` lists them"
    return f"there are {', '.join(group_choices(group))}"


def compose(record: type, words: Sequence[str], number: int = 0) -> DictConfig:
    """The settings of one run, given its index in a sweep; Hydra must be ready to compose."""
    composed = hydra.compose(CONFIG_NAME, overrides=list(words), return_hydra_config=True)
    composed.hydra.job.num, composed.hydra.job.id = number, str(number)
    HydraConfig.instance().set_config(composed)  # for values such as ${hydra:job.num}
    return named(record, composed, composed.hydra.runtime.choices)


def named(record: type, composed: DictConfig, choices: Mapping[str, str]) -> DictConfig:
    """Gives a group the name of its configuration file, where the file states no `name`.

    A model whose checkpoint the user names has that checkpoint's name, and a benchmark whose questions the user names
    has that of their file or dataset. The name of an adapter follows that of its model, as in `ovis2_4b+mine`, unless
    the user named the model; and a benchmark's name says where something else is shown than its images. So each has a
    run folder of its own.
    """
    for group in groups_of(record):
        content, choice = composed[group], choices[group]
        if content is None:
            continue
        if OmegaConf.is_missing(content, "name"):
            is_own = choice in shipped_choices(group) and "name" not in _shipped_content(group, choice)
            content.name = (is_own and _own_name(group, content)) or choice
        elif OmegaConf.is_interpolation(content, "name") or content.name != choice:
            continue
        if group == "model" and (adapter := _name_by(content, "adapter", checkpoint_name)):
            content.name += f"+{adapter}"
    if isinstance(bench := composed.get("bench"), DictConfig):
        _name_blind(bench)
        _lengthen_captions(composed, bench)
    return composed


def task_words() -> list[str]:
    """The words of this run as they were typed, with `${bench.name}` as it stands; Hydra's own are not among them."""
    words: Any = OmegaConf.to_container(HydraConfig.get().overrides.task, resolve=False)
    return list(words)


def _lengthen_captions(composed: DictConfig, bench: DictConfig) -> None:
    """Gives captions the limit of `caption_length`, where no word of the command says how long they may be."""
    model = composed.get("model")
    if not isinstance(model, DictConfig) or "max_new_tokens" not in model:
        return
    is_typed = any(word.lstrip("+").startswith("model.max_new_tokens=") for word in task_words())
    if bench.get("source") in CAPTION_SOURCES and not is_typed:
        model.max_new_tokens = caption_length(model.max_new_tokens)


def _name_blind(composed: DictConfig) -> None:
    """Has a benchmark's name end with what is shown in its images' place, so that its runs are never among others'."""
    blind = composed.get("blind")
    if blind and not OmegaConf.is_missing(composed, "name") and not composed.name.endswith(f"_{blind}"):
        composed.name = f"{composed.name}_{blind}"


def _own_name(group: str, composed: DictConfig) -> str:
    """The name by the checkpoint or the questions; empty where they are not given, or an interpolation gives them."""
    if group == "model":
        return _name_by(composed, "checkpoint", checkpoint_name)
    return _name_by(composed, "questions", questions_name)


def _name_by(composed: DictConfig, key: str, name_of: Callable[[str], str]) -> str:
    if OmegaConf.is_missing(composed, key) or OmegaConf.is_interpolation(composed, key):
        return ""
    return name_of(composed[key] or "")
