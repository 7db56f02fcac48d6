"""What this package takes of transformers beyond its documented names: a release that moves one is mended here.

`tests/models/test_transformers_internals.py` uses each as the package does, and so says which one broke.
"""

import copy
import inspect
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from transformers import PreTrainedConfig, PreTrainedModel, modeling_utils
from transformers.cache_utils import DynamicLayer
from transformers.conversion_mapping import (
    get_model_conversion_mapping,
    register_checkpoint_conversion_mapping,
)
from transformers.core_model_loading import (
    Chunk,
    ConversionOps,
    WeightConverter,
    WeightRenaming,
    rename_source_key,
)
from transformers.image_processing_utils import select_best_resolution
from transformers.integrations import sdpa_attention
from transformers.models.ovis2.configuration_ovis2 import Ovis2VisionConfig
from transformers.utils.chat_template_utils import render_jinja_template

__all__ = [
    "DynamicLayer",
    "LoadingRules",
    "Ovis2VisionConfig",
    "TensorConversion",
    "WeightConverter",
    "cache_argument",
    "changing_tensors",
    "converting",
    "renamings",
    "render_jinja_template",
    "repeating_heads",
    "select_best_resolution",
    "thirds",
]


def cache_argument(forward: Callable[..., Any]) -> str:
    """The name by which a network takes its cache: transformers 5.24 renamed it, and warns of the old name."""
    return "cache" if "cache" in inspect.signature(forward).parameters else "past_key_values"


@contextmanager
def repeating_heads() -> Iterator[None]:
    """Has sdpa repeat keys and values that several heads share, while the context lasts.

    Otherwise, where there is no mask, transformers leaves that to torch (`use_gqa_in_sdpa`).
    """
    chosen = sdpa_attention.use_gqa_in_sdpa
    sdpa_attention.use_gqa_in_sdpa = lambda *_: False
    try:
        yield
    finally:
        sdpa_attention.use_gqa_in_sdpa = chosen


class TensorConversion(ConversionOps):  # type: ignore[misc]
    """An operation that makes one or several tensors of one in a checkpoint, while its weights are read."""

    def convert(
        self,
        input_dict: dict[str, Any],
        source_patterns: list[str],
        target_patterns: list[str],
        *,
        config: PreTrainedConfig,
        **_: Any,
    ) -> dict[str, torch.Tensor]:
        """The tensors under the targets' names."""
        (tensors,) = input_dict.values()
        tensor = tensors[0] if isinstance(tensors, list) else tensors
        return dict(zip(target_patterns, self.parts(tensor, config), strict=True))

    @abstractmethod
    def parts(self, tensor: torch.Tensor, config: PreTrainedConfig) -> Sequence[torch.Tensor]:
        """The tensors in the order of the targets."""


def renamings(targets: Mapping[str, str]) -> list[WeightRenaming]:
    """The rules that rename tensors: what each pattern matches in a name is replaced, in the order of the table."""
    return [WeightRenaming(source, target) for source, target in targets.items()]


def thirds(source: str, targets: Sequence[str]) -> WeightConverter:
    """The rule that splits the rows of a tensor into equal parts, such as queries, keys and values.

    Args:
        source: pattern of the tensor's name.
        targets: what stands in its place in the names of the parts.
    """
    return WeightConverter(source, list(targets), operations=[Chunk(dim=0)])


def converting(native: type[PreTrainedModel], rules: Sequence[Any]) -> type[PreTrainedModel]:
    """A native class that loads a checkpoint's tensors by rules from now on.

    transformers keeps rules by the name of a class, so it has to be a subclass of the family's own.
    """
    register_checkpoint_conversion_mapping(native.__name__, list(rules), overwrite=True)
    return native


class LoadingRules:
    """The rules by which a network loads the tensors of checkpoints that its class reads."""

    def __init__(self, network: PreTrainedModel) -> None:
        rules = get_model_conversion_mapping(network)
        self._renaming = [rule for rule in rules if isinstance(rule, WeightRenaming)]
        self._converters = [rule for rule in rules if isinstance(rule, WeightConverter)]
        self._network, self._tensors = network, network.state_dict()

    def name_of(self, name: str) -> str:
        """The name of the network's tensor that a checkpoint's tensor becomes, or of the first of several."""
        return self._renamed(name)[0]

    def has_place(self, name: str) -> bool:
        """Whether the network has a place for a checkpoint's tensor."""
        return self.name_of(name) in self._tensors

    def parts_of(self, name: str, tensor: torch.Tensor) -> dict[str, torch.Tensor]:
        """The network's tensors that are made of a checkpoint's, by name: mostly one, which is the same.

        There are none where it is made into one with others.
        """
        renamed, pattern = self._renamed(name)
        if pattern is None:
            return {renamed: tensor}
        rule = copy.deepcopy(next(rule for rule in self._converters if pattern in rule.source_patterns))
        if len(rule.source_patterns) > 1:
            return {}
        rule.add_tensor(renamed, name, pattern, tensor)
        parts = rule.convert(renamed, model=self._network, config=self._network.config)
        return {name: part[0] if isinstance(part, list) else part for name, part in parts.items()}

    def _renamed(self, name: str) -> tuple[str, str | None]:
        """Also the pattern of the rule that converts the tensor; None: it is renamed alone."""
        prefix = self._network.base_model_prefix
        renamed, pattern = rename_source_key(name, self._renaming, self._converters, prefix, self._tensors)
        if (
            renamed not in self._tensors and name in self._tensors
        ):  # transformers takes right names as they are
            return name, None
        return renamed, pattern


class _ChangedTensor:
    """A tensor of a file that is changed as soon as it is read; all else of it is the file's."""

    def __init__(self, tensor: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> None:
        self._tensor, self._change = tensor, change

    def __getitem__(self, place: Any) -> torch.Tensor:
        return self._change(self._tensor[:])[place]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tensor, name)


@contextmanager
def changing_tensors(changes: Mapping[str, Callable[[torch.Tensor], torch.Tensor]]) -> Iterator[None]:
    """Has tensors of a checkpoint changed as `from_pretrained` reads them, while the context lasts.

    They are changed as they stand in the files: before they are converted, cast to the number format that is asked
    for, placed and quantized.

    Args:
        changes: name of a tensor in the checkpoint -> what makes another of it.
    """
    chosen = modeling_utils.convert_and_load_state_dict_in_model

    def load(*arguments: Any, state_dict: Mapping[str, Any], **more: Any) -> Any:
        changed = {name: _ChangedTensor(state_dict[name], change) for name, change in changes.items()}
        return chosen(*arguments, state_dict={**state_dict, **changed}, **more)

    modeling_utils.convert_and_load_state_dict_in_model = load
    try:
        yield
    finally:
        modeling_utils.convert_and_load_state_dict_in_model = chosen
