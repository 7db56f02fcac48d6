"""Ovis2: prompt, parts and tokens, the same whichever layout a checkpoint has."""

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from typing import ClassVar

import torch
from PIL import Image
from transformers import PreTrainedModel

from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.description import GENERATION_CONFIG, read_fields
from repope_eval.models.ovis2_layouts import LAYOUTS, is_ovis2
from repope_eval.models.ovis2_pixels import fitting_grid, part_pixels
from repope_eval.models.recipe import ONE_WORD, Inputs, Recipe, RecipeOptions, layer_values, require_features

SYSTEM_PROMPT = "You are a helpful assistant."
IMAGE_MARK = "<image>"
"""Stands in a prompt's text for all of an image's tokens; it is no token itself."""

STOP_TOKEN = "<|im_end|>"
"""Ends a turn; generation_config.json names this token and others, and the original code stops at all of them."""


class Indicator(IntEnum):
    """The tokens between an image's parts: the index of each one's embedding in the visual vocabulary's last rows."""

    START = 0
    GRID = 1
    COLUMN = 2
    ROW = 3
    END = 4


def image_marks(rows: int, columns: int) -> Iterator[Indicator | None]:
    """The order in which a prompt shows an image of that grid; None stands for all atoms of the next part."""
    yield Indicator.START
    yield None
    yield Indicator.GRID
    for cell in range(rows * columns if rows * columns > 1 else 0):
        if cell:
            yield Indicator.COLUMN if cell % columns else Indicator.ROW
        yield None
    yield Indicator.END


class Ovis2Recipe(Recipe):
    """Ovis2, whose language model is Qwen2.5.

    An image's tokens are atoms, a part's features one by one, and indicators. Both kinds are feature tokens:
    an indicator's embedding comes out of the visual vocabulary too.
    """

    family = "Ovis2"
    options = frozenset({"system_prompt", "question_suffix", "max_tiles"})
    prompts: ClassVar[Mapping[str, RecipeOptions]] = {"vlmevalkit": RecipeOptions(question_suffix=ONE_WORD)}
    recognises = staticmethod(is_ovis2)

    def __init__(self, checkpoint: Checkpoint, options: RecipeOptions) -> None:
        layout = self._layout = LAYOUTS[checkpoint.fields.text("model_type", "")](checkpoint)
        self.tokenizer, self.config = layout.tokenizer, layout.config
        self.native_class, self.weight_rules = layout.native_class, layout.weight_rules
        self._system_prompt = SYSTEM_PROMPT if options.system_prompt is None else options.system_prompt
        self._question_suffix = options.question_suffix or ""
        self._max_parts = options.max_tiles or layout.max_tiles
        self.feature_token_ids = (self.config.image_token_id, *self.config.visual_indicator_token_ids)
        named = read_fields(checkpoint, GENERATION_CONFIG).token_ids("eos_token_id")
        self.stop_token_ids = tuple(dict.fromkeys((self.tokenizer.token_id(STOP_TOKEN), *named)))

    def prompt(self, question: str) -> str:
        """The whole prompt; `<image>` stands once for all of an image's tokens."""
        return IMAGE_MARK.join(self._around_image(question))

    def _around_image(self, question: str) -> tuple[str, str]:
        return (
            f"<|im_start|>system\n{self._system_prompt}<|im_end|>\n<|im_start|>user\n",
            f"\n{question}{self._question_suffix}<|im_end|>\n<|im_start|>assistant\n",
        )

    def count_features(self, width: int, height: int) -> int:
        """The atoms of all parts, and the indicators around them."""
        return len(list(self._image_ids(width, height)))

    def _image_ids(self, width: int, height: int) -> Iterator[int]:
        atom_id, *indicator_ids = self.feature_token_ids
        for mark in image_marks(*fitting_grid(width, height, self._layout.side, self._max_parts)):
            yield from [atom_id] * self._layout.tokens_per_tile if mark is None else [indicator_ids[mark]]

    def inputs(self, image: Image.Image) -> Inputs:
        """Parts of shape [parts, 3, side, side], and the grid as [rows, columns]."""
        pixels, grid = part_pixels(image, self._layout.side, self._max_parts)
        return {"pixel_values": pixels, "grid": torch.tensor(grid)}

    def prompt_ids(self, question: str, width: int, height: int) -> tuple[int, ...]:
        """The texts around the image are encoded apart, since its tokens are none of the tokenizer's."""
        around = self._around_image(self.tokenizer.as_plain(question))
        before, after = map(self.tokenizer.encode, around)
        require_features([*before, *after], self.feature_token_ids, 0)
        return (*before, *self._image_ids(width, height), *after)

    def native_inputs(self, inputs: Inputs) -> Inputs:
        """The pixels of the parts; the native class sees the grid in the prompt."""
        return {"pixel_values": inputs["pixel_values"]}

    def image_features(self, network: PreTrainedModel, images: Sequence[Inputs]) -> list[torch.Tensor]:
        """Each image's atoms and indicators in the prompt's order, [feature tokens, hidden].

        One image is encoded at a time: before a part is [256, hidden], it is a probability for each word of the
        visual vocabulary, [256, 65536] in the published models.
        """
        return [self._features(network, image) for image in images]

    def _features(self, network: PreTrainedModel, image: Inputs) -> torch.Tensor:
        output = network.get_image_features(pixel_values=image["pixel_values"])
        parts, indicators = iter(output.pooler_output), output.visual_indicator_features
        marks = image_marks(*image["grid"].tolist())
        return torch.cat([next(parts) if mark is None else indicators[mark, None] for mark in marks])

    def vision_values(self, tiles: int) -> int:
        """What a layer holds, or three copies of the probabilities of all visual words, if that is more."""
        vision = self.config.vision_config
        patches = tiles * (self._layout.side // vision.patch_size) ** 2
        words = 3 * tiles * self._layout.tokens_per_tile * int(vision.vocab_size)
        return max(layer_values(vision, patches, is_gated=True), words)
