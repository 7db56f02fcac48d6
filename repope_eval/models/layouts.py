"""A checkpoint of a family that is laid out on disk in more than one way, as the family's recipe sees it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedConfig, PreTrainedModel

from repope_eval.models.tokenizers import Tokenizer


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a recipe needs of a checkpoint's files, however they are laid out.

    A field that `Recipe` has as well means the same here. Ovis2 calls a tile a part.
    """

    side: int
    """Side of a tile in pixels."""
    max_tiles: int
    """The most tiles that the original code cuts an image into."""
    tokens_per_tile: int
    tokenizer: Tokenizer
    config: PreTrainedConfig
    native_class: type[PreTrainedModel]
    weight_rules: Sequence[Any] = ()
