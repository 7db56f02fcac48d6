"""LLaVA-OneVision with a Qwen2 language model, shown single images."""

import math

from transformers import (
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    LlavaOnevisionImageProcessorPil,
)

from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.fields import Fields
from repope_eval.models.llava import LlavaRecipe
from repope_eval.models.recipe import RecipeOptions
from repope_eval.settings.config import MOST_TILES

ANYRES = "anyres_max_"
_RATIOS = {f"{ANYRES}{number}": number for number in range(1, MOST_TILES + 1)}

SHRINK_FROM = 1.1
"""A grid shrinks if its sides are more than so many times those of the largest grid."""


class LlavaOnevisionRecipe(LlavaRecipe):
    """LLaVA-OneVision: as LLaVA-NeXT, but a grid of features that is too large is shrunk.

    The image processor alone is used: nothing of the checkpoint's video processor is read.
    """

    family = "LLaVA-OneVision"
    native_class = LlavaOnevisionForConditionalGeneration
    config_class = LlavaOnevisionConfig
    image_processor_class = LlavaOnevisionImageProcessorPil
    class_tokens = 0

    def __init__(self, checkpoint: Checkpoint, options: RecipeOptions) -> None:
        super().__init__(checkpoint, options)
        ratio = str(self.config.vision_aspect_ratio)
        if ratio not in _RATIOS:
            raise checkpoint.fields.error(
                "vision_aspect_ratio", f"{ANYRES} and a number from 1 to {MOST_TILES} is expected"
            )
        self._most_tiles = _RATIOS[ratio]

    @staticmethod
    def recognises(config: Fields) -> bool:
        """The native layout."""
        return config.text("model_type", "") == "llava_onevision"

    def _count_grid_features(self, rows: int, columns: int) -> int:
        """A grid of clearly more features than the most tiles have shrinks to about as many.

        Source: `_get_unpadded_features` of transformers' processor.
        """
        ratio = math.sqrt(rows * columns / (self._most_tiles * self._features_per_side**2))
        if ratio > SHRINK_FROM:
            rows, columns = int(rows // ratio), int(columns // ratio)
        return super()._count_grid_features(rows, columns)
