"""InternVL2.5: prompt, tiles and tokens, the same whichever layout a checkpoint has."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from PIL import Image
from transformers import PreTrainedModel

from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.internvl_layouts import IMAGE_TOKEN, LAYOUTS, is_internvl2_5
from repope_eval.models.recipe import ONE_WORD, Inputs, Recipe, RecipeOptions, layer_values
from repope_eval.models.tiling import count_tiles, tile_pixels

SYSTEM_PROMPT = (
    "你是书生·万象，英文名是InternVL，"
    "是由上海人工智能实验室、清华大学及多家合作单位联合开发的多模态大语言模型。"
)
"""The original code's system message; the chat template of the `-hf` conversions leaves it out."""

STOP_TOKEN = "<|im_end|>"


class InternVLRecipe(Recipe):
    """InternVL2.5 with a Qwen2 or an InternLM2 language model."""

    family = "InternVL2.5"
    options = frozenset({"system_prompt", "question_suffix", "max_tiles"})
    prompts: ClassVar[Mapping[str, RecipeOptions]] = {
        "lmms_eval": RecipeOptions(question_suffix=ONE_WORD, max_tiles=6),
        "vlmevalkit": RecipeOptions(max_tiles=6),
    }
    """Both cut an image into at most 6 tiles: `load_image` of lmms-eval's models/simple/internvl2.py (75571cf), and
    `set_max_num` of VLMEvalKit's vlm/internvl/internvl_chat.py (e8e78f0)."""
    recognises = staticmethod(is_internvl2_5)

    def __init__(self, checkpoint: Checkpoint, options: RecipeOptions) -> None:
        layout = self._layout = LAYOUTS[checkpoint.fields.text("model_type", "")](checkpoint)
        self.tokenizer, self.config = layout.tokenizer, layout.config
        self.native_class, self.weight_rules = layout.native_class, layout.weight_rules
        self._system_prompt = SYSTEM_PROMPT if options.system_prompt is None else options.system_prompt
        self._question_suffix = options.question_suffix or ""
        self._max_tiles = options.max_tiles or layout.max_tiles
        self.feature_token_ids = (self.config.image_token_id,)
        self.stop_token_ids = (self.tokenizer.token_id(STOP_TOKEN),)

    def prompt(self, question: str) -> str:
        """The whole prompt; `<IMG_CONTEXT>` stands once for all of an image's features."""
        return (
            f"<|im_start|>system\n{self._system_prompt}<|im_end|>\n"
            f"<|im_start|>user\n<img>{IMAGE_TOKEN}</img>\n{question}{self._question_suffix}<|im_end|>\n"
            f"<|im_start|>assistant\n"
        )

    def count_features(self, width: int, height: int) -> int:
        """Every tile has as many, and so has the thumbnail."""
        return count_tiles(width, height, self._layout.side, self._max_tiles) * self._layout.tokens_per_tile

    def inputs(self, image: Image.Image) -> Inputs:
        """Tiles of shape [tiles, 3, side, side], the thumbnail last."""
        return {"pixel_values": tile_pixels(image, self._layout.side, self._max_tiles)}

    def decode(self, token_ids: Sequence[int]) -> str:
        """The answer's text, stripped as the original `chat` does."""
        return super().decode(token_ids).strip()

    def image_features(self, network: PreTrainedModel, images: Sequence[Inputs]) -> list[torch.Tensor]:
        """The tiles of all images go through the vision tower at once; features are [tiles * tokens a tile, hidden]."""
        tiles = [image["pixel_values"] for image in images]
        features = network.get_image_features(pixel_values=torch.cat(tiles)).pooler_output
        return [part.flatten(0, 1) for part in features.split(list(map(len, tiles)))]

    def vision_values(self, tiles: int) -> int:
        """What a layer holds, which sees the patches of a tile and one token besides, and scales what it adds."""
        vision = self.config.vision_config
        tokens = tiles * int((self._layout.side // vision.patch_size[0]) ** 2 + 1)
        return layer_values(vision, tokens) + tokens * int(vision.hidden_size)
