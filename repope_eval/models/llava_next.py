"""LLaVA-NeXT (LLaVA 1.6) with a Vicuna, Mistral or Llama-3 language model."""

from collections.abc import Mapping
from typing import ClassVar

from transformers import LlavaNextConfig, LlavaNextForConditionalGeneration, LlavaNextImageProcessorPil

from repope_eval.errors import RepopeError
from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.fields import Fields
from repope_eval.models.llava import IMAGE_TOKEN, LlavaRecipe
from repope_eval.models.recipe import ONE_WORD, RecipeOptions

VICUNA_OPENING = (
    "A chat between a curious human and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the human's questions. "
)
"""What Vicuna is told first in the paper's code; the checkpoint's chat template leaves it out."""

LMMS_EVAL_OPENING = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
)
"""What lmms-eval tells Vicuna instead. Source: `VICUNA_CHAT_TEMPLATE` of its models/simple/llava_hf.py (75571cf)."""

VICUNA_ANSWER = "ASSISTANT:"


class LlavaNextRecipe(LlavaRecipe):
    """LLaVA-NeXT: the checkpoint's own chat template, but for Vicuna the text that the paper's code has.

    That text begins with a system prompt; the other language models have none.

    No configuration names Vicuna, which is Llama by its architecture. So a checkpoint counts as Vicuna's if its
    chat template has the answer begin after `ASSISTANT:`.
    """

    family = "LLaVA-NeXT"
    native_class = LlavaNextForConditionalGeneration
    config_class = LlavaNextConfig
    image_processor_class = LlavaNextImageProcessorPil
    class_tokens = 1
    options = frozenset({"system_prompt", "question_suffix"})
    prompts: ClassVar[Mapping[str, RecipeOptions]] = {
        "lmms_eval": RecipeOptions(question_suffix=ONE_WORD, system_prompt=LMMS_EVAL_OPENING),
        "vlmevalkit": RecipeOptions(system_prompt=""),
    }
    """VLMEvalKit takes the checkpoint's own chat template: `LLaVA_Next` of its vlm/llava/llava.py (e8e78f0)."""

    def __init__(self, checkpoint: Checkpoint, options: RecipeOptions) -> None:
        super().__init__(checkpoint, options)
        self._is_vicuna = self._template.render("").rstrip().endswith(VICUNA_ANSWER)
        if options.system_prompt and not self._is_vicuna:
            raise RepopeError(
                f"{self._template.path}: tells the model nothing before the question, as Vicuna is told; leave out "
                "model.system_prompt and model.prompt=lmms_eval"
            )
        told = options.system_prompt
        self._opening = VICUNA_OPENING if told is None else f"{told} " if told else ""

    @staticmethod
    def recognises(config: Fields) -> bool:
        """The native layout, whatever the language model."""
        return config.text("model_type", "") == "llava_next"

    def prompt(self, question: str) -> str:
        """The whole prompt; `<image>` stands once for all of an image's features."""
        if not self._is_vicuna:
            return super().prompt(question)
        return f"{self._opening}USER: {IMAGE_TOKEN}\n{question}{self._question_suffix} {VICUNA_ANSWER}"
