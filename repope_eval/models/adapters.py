"""LoRA adapters in PEFT's files: where one is, and what its configuration says; no weight is read here."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from repope_eval.errors import RepopeError
from repope_eval.models.checkpoints import Adapter, download_files
from repope_eval.models.fields import Fields, fields_of
from repope_eval.models.weight_files import ADAPTER_CONFIG
from repope_eval.system.json_files import read_json
from repope_eval.wording import shown

MERGING = (
    "merge it with peft's merge_and_unload, save what comes of it with the base's small files, and give that folder "
    "as model.checkpoint"
)
"""What can be done about an adapter that is not merged here."""

_READ = ("init_lora_weights", "lora_alpha", "peft_type", "r", "rank_pattern", "alpha_pattern", "use_rslora")

_WITHOUT_EFFECT = (
    "auto_mapping",
    "base_model_name_or_path",
    "corda_config",
    "ensure_weight_tying",  # of embeddings, which are refused
    "eva_config",
    "exclude_modules",
    "inference_mode",
    "layers_pattern",
    "layers_to_transform",
    "loftq_config",
    "lora_dropout",
    "lora_ga_config",
    "megatron_core",
    "peft_version",
    "qalora_group_size",
    "revision",
    "runtime_config",
    "target_modules",
    "task_type",
)
"""Fields of PEFT's `LoraConfig` that are about training alone, or about what the file of weights itself shows."""

_UNCHANGED_BASE = ("true", "false", "gaussian", "eva", "orthogonal")
"""Values of `init_lora_weights` with which training leaves the base's weights as they are; others change them, too."""


@dataclass(frozen=True, slots=True)
class LoraConfig:
    """What an adapter's configuration says of its merging."""

    rank: int
    alpha: float
    is_by_root: bool
    """Whether alpha is divided by the rank's root (rsLoRA), not by the rank."""
    ranks: Mapping[str, float]
    """Name of modules, or its end -> their rank, where it is another."""
    alphas: Mapping[str, float]
    """Name of modules, or its end -> their alpha, where it is another."""

    def rank_of(self, module: str) -> int:
        """The rank of a module's two matrices."""
        return int(_own_value(self.ranks, module, self.rank))

    def scale_of(self, module: str) -> float:
        """The factor of the product of a module's two matrices."""
        rank = self.rank_of(module)
        return _own_value(self.alphas, module, self.alpha) / (math.sqrt(rank) if self.is_by_root else rank)


def _own_value(values: Mapping[str, float], module: str, default: float) -> float:
    """The first value whose name is the module's or an end of it; `^` before a name asks for the whole."""
    named = (
        value for name, value in values.items() if module == name.lstrip("^") or module.endswith(f".{name}")
    )
    return next(named, default)


def find_adapter(name: str, revision: str, *, download: bool = True) -> Adapter:
    """Finds an adapter; of one on the Hub the configuration is downloaded, and no weight.

    Args:
        name: folder or Hub id.
        revision: of an adapter on the Hub.
        download: whether what is not on this machine may be downloaded.

    Raises:
        RepopeError: there is no such adapter, or its configuration asks for what is not merged here.
    """
    folder, commit = Path(name).expanduser(), None
    if not folder.is_dir():
        folder = download_files("model.adapter", name, revision, [ADAPTER_CONFIG], download=download)
        commit = folder.name
    path = folder / ADAPTER_CONFIG
    if not path.is_file():
        is_checkpoint = (folder / "config.json").is_file()
        mend = (
            "give the checkpoint as model.checkpoint" if is_checkpoint else "give the folder of PEFT's files"
        )
        raise RepopeError(
            f"model.adapter={name}: {folder} holds no {ADAPTER_CONFIG}, so it is no adapter; {mend}"
        )
    adapter = Adapter(name, folder, commit, fields_of(path, read_json(path)).values)
    read_lora_config(adapter.fields)
    return adapter


def read_lora_config(config: Fields) -> LoraConfig:
    """What an adapter's configuration says of the merging.

    Raises:
        RepopeError: a field is wrong, or asks for what is not merged here.
    """
    kind = config.text("peft_type", "")
    if kind != "LORA":
        raise RepopeError(
            f"{config.path}: peft_type is {shown(kind)}, and only LORA is merged here; {MERGING}"
        )
    start = config.values.get("init_lora_weights")
    if start is not None and str(start).lower() not in _UNCHANGED_BASE:
        raise RepopeError(
            f"{config.path}: init_lora_weights is {shown(start)}, by which the base's weights were changed, too; "
            f"{MERGING}"
        )
    for name, value in config.values.items():  # also what later releases of PEFT add
        if name not in (*_READ, *_WITHOUT_EFFECT) and value not in (None, False, "none", [], {}):
            raise RepopeError(f"{config.path}: {name} is {shown(value)}, which is not merged here; {MERGING}")
    return LoraConfig(
        rank=config.count("r", 8),
        alpha=config.number("lora_alpha", 8),
        is_by_root=config.flag("use_rslora", False),
        ranks=_numbers_by_name(config, "rank_pattern"),
        alphas=_numbers_by_name(config, "alpha_pattern"),
    )


def _numbers_by_name(config: Fields, field: str) -> Mapping[str, float]:
    """A field of modules' names, or ends of them, with a number above 0 each."""
    numbers = config.part(field)
    for name in numbers.values:
        if not re.fullmatch(r"\^?[\w.]+", name):
            raise RepopeError(
                f"{config.path}: {field} has the pattern {shown(name)}, and only names are read; {MERGING}"
            )
    return {name: numbers.number(name, 1) for name in numbers.values}
