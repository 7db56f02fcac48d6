"""LLaVA-NeXT (LLaVA 1.6) with a Vicuna, Mistral or Llama-3 language model."""

from transformers import LlavaNextConfig, LlavaNextForConditionalGeneration, LlavaNextImageProcessorPil

from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.fields import Fields
from repope_eval.models.llava import IMAGE_TOKEN, LlavaRecipe
from repope_eval.models.recipe import RecipeOptions

VICUNA_OPENING = (
    "A chat between a curious human and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the human's questions. "
)
"""What Vicuna is told first in the paper's code; the checkpoint's chat template leaves it out."""

VICUNA_ANSWER = "ASSISTANT:"


class LlavaNextRecipe(LlavaRecipe):
    """LLaVA-NeXT: the checkpoint's own chat template, but for Vicuna the text that the paper's code has.

    No configuration names Vicuna, which is Llama by its architecture. So a checkpoint counts as Vicuna's if its
    chat template has the answer begin after `ASSISTANT:`.
    """

    family = "LLaVA-NeXT"
    native_class = LlavaNextForConditionalGeneration
    config_class = LlavaNextConfig
    image_processor_class = LlavaNextImageProcessorPil
    class_tokens = 1

    def __init__(self, checkpoint: Checkpoint, options: RecipeOptions) -> None:
        super().__init__(checkpoint, options)
        self._is_vicuna = self._template.render("").rstrip().endswith(VICUNA_ANSWER)

    @staticmethod
    def recognises(config: Fields) -> bool:
        """The native layout, whatever the language model."""
        return config.text("model_type", "") == "llava_next"

    def prompt(self, question: str) -> str:
        """The whole prompt; `<image>` stands once for all of an image's features."""
        if not self._is_vicuna:
            return super().prompt(question)
        return f"{VICUNA_OPENING}USER: {IMAGE_TOKEN}\n{question}{self._question_suffix} {VICUNA_ANSWER}"
