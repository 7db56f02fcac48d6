"""LLaVA-OneVision with a Qwen2 language model, shown single images."""

import math
from collections.abc import Mapping
from typing import ClassVar

from transformers import (
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    LlavaOnevisionImageProcessorPil,
)

from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.fields import Fields
from repope_eval.models.llava import IMAGE_TOKEN, LlavaRecipe
from repope_eval.models.recipe import ONE_WORD, RecipeOptions
from repope_eval.settings.config import MOST_TILES

ANYRES = "anyres_max_"
_RATIOS = {f"{ANYRES}{number}": number for number in range(1, MOST_TILES + 1)}

QWEN_SYSTEM_PROMPT = "You are a helpful assistant."
"""What LLaVA's own code tells a Qwen model: `qwen_1_5` of LLaVA-NeXT's llava/conversation.py."""

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
    options = frozenset({"system_prompt", "question_suffix"})
    prompts: ClassVar[Mapping[str, RecipeOptions]] = {
        "lmms_eval": RecipeOptions(question_suffix=ONE_WORD, system_prompt=QWEN_SYSTEM_PROMPT),
        "vlmevalkit": RecipeOptions(system_prompt=QWEN_SYSTEM_PROMPT),
    }
    """Both take the conversation `qwen_1_5`: lmms-eval's models/simple/llava_onevision.py (75571cf), and
    `LLaVA_OneVision` of VLMEvalKit's vlm/llava/llava.py (e8e78f0)."""

    def __init__(self, checkpoint: Checkpoint, options: RecipeOptions) -> None:
        super().__init__(checkpoint, options)
        ratio = str(self.config.vision_aspect_ratio)
        if ratio not in _RATIOS:
            raise checkpoint.fields.error(
                "vision_aspect_ratio", f"{ANYRES} and a number from 1 to {MOST_TILES} is expected"
            )
        self._most_tiles = _RATIOS[ratio]
        self._system_prompt = options.system_prompt

    @staticmethod
    def recognises(config: Fields) -> bool:
        """The native layout."""
        return config.text("model_type", "") == "llava_onevision"

    def prompt(self, question: str) -> str:
        """The whole prompt, in the checkpoint's chat template, or in that of LLaVA's code where it has a system prompt.

        The checkpoint's template is another form of the same marks, and never has one.
        """
        if self._system_prompt is None:
            return super().prompt(question)
        return (
            f"<|im_start|>system\n{self._system_prompt}<|im_end|>\n"
            f"<|im_start|>user\n{IMAGE_TOKEN}\n{question}{self._question_suffix}<|im_end|>\n"
            "<|im_start|>assistant\n"
        )

    def _count_grid_features(self, rows: int, columns: int) -> int:
        """A grid of clearly more features than the most tiles have shrinks to about as many.

        Source: `_get_unpadded_features` of transformers' processor.
        """
        ratio = math.sqrt(rows * columns / (self._most_tiles * self._features_per_side**2))
        if ratio > SHRINK_FROM:
            rows, columns = int(rows // ratio), int(columns // ratio)
        return super()._count_grid_features(rows, columns)
