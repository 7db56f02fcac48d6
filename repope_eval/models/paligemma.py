"""PaliGemma and PaliGemma 2: prompt, pixels and tokens; their checkpoints load in transformers' native class.

One layout, two language models: `config.json` says `model_type` paligemma for both, and the text
configuration's `model_type` is gemma in PaliGemma and gemma2 in PaliGemma 2.
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from PIL import Image
from transformers import (
    PaliGemmaConfig,
    PaliGemmaForConditionalGeneration,
    PreTrainedModel,
    SiglipImageProcessorPil,
)

from repope_eval.benchmarks.images import to_rgb
from repope_eval.errors import RepopeError
from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.description import read_image_processor
from repope_eval.models.fields import Fields
from repope_eval.models.networks import read_config
from repope_eval.models.recipe import Inputs, Recipe, RecipeOptions, layer_values, require_features
from repope_eval.models.tokenizers import TokenizerFile, read_stop_token_ids

IMAGE_TOKEN = "<image>"

TASKS = {"gemma": "", "gemma2": "answer en "}
"""What precedes the question, by the text configuration's `model_type`.

The paper's code puts nothing before it for PaliGemma, and for PaliGemma 2 the task that its mixture was
trained with, to answer in English.
"""


class PaliGemmaWithSdpa(PaliGemmaForConditionalGeneration):  # type: ignore[misc]
    """The native class, whose language model may compute attention by sdpa even if it is a Gemma 2.

    Newer releases of transformers refuse that to every Gemma 2, because most cap attention's scores, which sdpa does
    not; older ones leave the cap out. A model with a cap is never asked for sdpa here (`choose_attention`).
    """

    def __init__(self, config: PaliGemmaConfig) -> None:
        text = config.text_config
        is_sdpa = text._attn_implementation == "sdpa"
        if is_sdpa:
            text._attn_implementation = "eager"  # transformers looks at it while the language model is made
        super().__init__(config)
        if is_sdpa:
            text._attn_implementation = "sdpa"


class PaliGemmaRecipe(Recipe):
    """PaliGemma with a Gemma language model, and PaliGemma 2 with a Gemma 2 one."""

    family = "PaliGemma"
    attends_both_ways = True
    first_position = 1
    native_class = PaliGemmaWithSdpa
    prompts: ClassVar[Mapping[str, RecipeOptions]] = {"vlmevalkit": RecipeOptions(question_prefix="")}
    """VLMEvalKit names no task: `generate_inner` of its vlm/gemma.py (e8e78f0)."""

    def __init__(self, checkpoint: Checkpoint, options: RecipeOptions) -> None:
        self.config = read_config(PaliGemmaConfig, checkpoint.fields)
        task = TASKS[self.config.text_config.model_type]
        self._task = task if options.question_prefix is None else options.question_prefix
        self._question_suffix = options.question_suffix or ""
        self.tokenizer = TokenizerFile(checkpoint)
        # The backend that computes what the paper's release did; the default one's pixels are 1/255 off.
        self._image_processor = read_image_processor(SiglipImageProcessorPil, checkpoint)
        self._tokens_per_image = int(self.config.text_config.num_image_tokens)
        self.feature_token_ids = (int(self.config.image_token_id),)
        self.stop_token_ids = read_stop_token_ids(checkpoint, self.tokenizer)

    @staticmethod
    def recognises(config: Fields) -> bool:
        """The native layout with either language model; a text configuration without `model_type` is Gemma's."""
        language = config.part("text_config").text("model_type", "gemma")
        return config.text("model_type", "") == "paligemma" and language in TASKS

    def prompt(self, question: str, *, shows_image: bool = True) -> str:
        """The whole prompt, as the original processor builds it; `<image>` stands once for all features."""
        if not shows_image:
            raise RepopeError(
                "bench.blind=none: PaliGemma's prompts begin with an image, and it was trained on no others; take "
                "bench.blind=gray or swapped"
            )
        return f"{IMAGE_TOKEN}{self._text_after_image(question)}"

    def _text_after_image(self, question: str) -> str:
        """The prompt after the image: the processor adds the begin token and the line break."""
        return f"<bos>{self._task}{question}{self._question_suffix}\n"

    def count_features(self, width: int, height: int) -> int:
        """Every image has as many, since each is squeezed into the same square."""
        return self._tokens_per_image

    def inputs(self, image: Image.Image) -> Inputs:
        """The image as [1, 3, side, side], whatever its shape was."""
        pixels, _ = self._image_processor(to_rgb(image))
        return {"pixel_values": pixels}

    def prompt_ids(self, question: str, width: int, height: int) -> tuple[int, ...]:
        """The image's tokens, then those of the text."""
        token_ids = self.tokenizer.encode(self._text_after_image(self.tokenizer.as_plain(question)))
        require_features(token_ids, self.feature_token_ids, 0)
        return (*self.feature_token_ids * self._tokens_per_image, *token_ids)

    def image_features(self, network: PreTrainedModel, images: Sequence[Inputs]) -> list[torch.Tensor]:
        """All images go through the vision tower at once; features are [tokens an image, hidden]."""
        pixels = torch.cat([image["pixel_values"] for image in images])
        return list(network.get_image_features(pixel_values=pixels).pooler_output)

    def vision_values(self, tiles: int) -> int:
        """What a layer holds, which sees the image's patches."""
        vision = self.config.vision_config
        return layer_values(vision, tiles * (vision.image_size // vision.patch_size) ** 2)
