"""What this package takes of transformers beyond its documented names: a release that moves one is mended here.

`tests/models/test_transformers_internals.py` uses each as the package does, and so says which one broke.
"""

import inspect
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.cache_utils import DynamicLayer
from transformers.conversion_mapping import register_checkpoint_conversion_mapping
from transformers.core_model_loading import Chunk, ConversionOps, WeightConverter, WeightRenaming
from transformers.image_processing_utils import select_best_resolution
from transformers.integrations import sdpa_attention
from transformers.models.ovis2.configuration_ovis2 import Ovis2VisionConfig
from transformers.utils.chat_template_utils import render_jinja_template

__all__ = [
    "DynamicLayer",
    "Ovis2VisionConfig",
    "TensorConversion",
    "WeightConverter",
    "cache_argument",
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
