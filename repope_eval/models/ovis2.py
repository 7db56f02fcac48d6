"""Ovis2: prompt, parts and tokens, and its two layouts on disk, original and `-hf`.

Source of the rules and of their arithmetic: `preprocess_image` in the modelling code of the Ovis2
checkpoints. The image processor that transformers has for Ovis2 does something else: it stretches the
image to the grid.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import torch
from PIL import Image
from torch import nn
from torch.nn.functional import pad
from transformers import Ovis2Config, Ovis2ForConditionalGeneration, PreTrainedConfig, PreTrainedModel

from repope_eval.benchmarks.images import to_rgb
from repope_eval.errors import RepopeError
from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.description import GENERATION_CONFIG, read_fields
from repope_eval.models.fields import Fields, blamed_on
from repope_eval.models.networks import native_config, qwen2_config, read_config
from repope_eval.models.pixels import normalised
from repope_eval.models.recipe import (
    ONE_WORD,
    Box,
    Inputs,
    Layout,
    LayoutRecipe,
    RecipeOptions,
    layer_values,
    part_boxes,
    require_features,
)
from repope_eval.models.tokenizers import QwenTokenizer, TokenizerFile
from repope_eval.models.transformers_internals import (
    Ovis2VisionConfig,
    TensorConversion,
    WeightConverter,
    renamings,
    thirds,
)

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)

GOOD_COVER = 0.9
"""The share of an image's pixels that its parts should keep."""


def best_grid(width: int, height: int, side: int, max_parts: int) -> tuple[int, int]:
    """The (rows, columns) that keep most of an image, with as few parts as that takes.

    Of the grids that keep more than `GOOD_COVER` of the pixels, the one of fewest parts wins, then the one
    that keeps more; where there is none, the one that keeps most, then of fewest parts.
    """
    numbers = range(1, max_parts + 1)
    grids = [(rows, columns) for rows in numbers for columns in numbers if rows * columns <= max_parts]
    covers = {grid: cover(width, height, grid, side) for grid in grids}
    good = [grid for grid in grids if covers[grid] > GOOD_COVER]
    if good:
        return min(good, key=lambda grid: (grid[0] * grid[1], -covers[grid]))
    return min(grids, key=lambda grid: (-covers[grid], grid[0] * grid[1]))


@lru_cache(maxsize=2**16)
def fitting_grid(width: int, height: int, side: int, max_parts: int) -> tuple[int, int]:
    """The (rows, columns) of the best grid, all parts of which can be fitted into their squares."""
    grid = best_grid(width, height, side, max_parts)
    for left, upper, right, lower in shown_boxes(width, height, grid):
        fitted_size(right - left, lower - upper, side)
    return grid


def cover(width: int, height: int, grid: tuple[int, int], side: int) -> float:
    """The share of an image's pixels that its parts keep when each is fitted into a square."""
    return sum(_kept_pixels(box, side) for box in part_boxes(width, height, grid)) / (width * height)


def _kept_pixels(box: Box, side: int) -> float:
    left, upper, right, lower = box
    short, long = sorted((right - left, lower - upper))
    return short / long * side * side if long > side else short * long


def shown_boxes(width: int, height: int, grid: tuple[int, int]) -> list[Box]:
    """What a model is shown: the whole image, then, of a grid of more than one cell, the cells row by row."""
    whole = (0, 0, width, height)
    return [whole] if grid == (1, 1) else [whole, *part_boxes(width, height, grid)]


def part_pixels(image: Image.Image, side: int, max_parts: int) -> tuple[torch.Tensor, tuple[int, int]]:
    """Normalised pixels, float32 of shape [parts, 3, side, side], and the (rows, columns) of the grid.

    The parts are in the order of `shown_boxes`.
    """
    grid = fitting_grid(*image.size, side, max_parts)
    image = to_rgb(image)
    return torch.stack(
        [_square_pixels(image.crop(box), side) for box in shown_boxes(*image.size, grid)]
    ), grid


def _square_pixels(part: Image.Image, side: int) -> torch.Tensor:
    """A part at the largest size that fits, normalised, then centred in zeros: [3, side, side]."""
    resized = part.resize(fitted_size(*part.size, side), Image.Resampling.BICUBIC)
    (pixels,) = normalised([resized], CLIP_MEAN, CLIP_STD)
    right, below = side - resized.width, side - resized.height
    return pad(pixels, (right // 2, right - right // 2, below // 2, below - below // 2))


def fitted_size(width: int, height: int, side: int) -> tuple[int, int]:
    """Width and height with the longer side at `side` and the other truncated."""
    fitted = (side, int(height / width * side)) if width >= height else (int(width / height * side), side)
    if 0 in fitted:
        raise RepopeError(
            f"{width} x {height} pixels are too thin: less than a pixel of the shorter side is left when the "
            f"longer one becomes {side}; Ovis2's own code cannot show that, so leave the image out"
        )
    return fitted


NUMBER_OF_INDICATORS = 5
"""How many of the visual vocabulary's last rows are embeddings of indicators."""

MAX_PARTS = 9
"""The original code's default; a checkpoint does not state it."""


def is_ovis2(config: Fields) -> bool:
    """Whether a `config.json` is of an Ovis2 model, in either layout.

    The original layout's `model_type` is that of Ovis 1.5 and 1.6 too, which have other vision towers and
    language models. Ovis2.5 has a `model_type` of its own.
    """
    if config.text("model_type", "") != "ovis":
        return config.text("model_type", "") == "ovis2"
    parts = [config.part(name) for name in ("visual_tokenizer_config", "llm_config")]
    return [part.text("model_type", "") for part in parts] == ["aimv2_visual_tokenizer", "qwen2"]


def _original_layout(checkpoint: Checkpoint) -> Layout:
    """Reads the layout of `model_type` ovis, whose own modelling code is never run.

    In the configuration of either layout, `image_token_id` stands in a prompt for one feature of a part, and
    `visual_indicator_token_ids` for the last rows of the visual vocabulary, in their order.
    """
    config = checkpoint.fields
    vision_config = _vision_config(config.part("visual_tokenizer_config"))
    text_config = qwen2_config(config.part("llm_config"))
    tokenizer = QwenTokenizer(checkpoint)
    atom_id, *indicator_ids = _free_ids(len(tokenizer.vocabulary()), text_config.vocab_size, config.path)
    return Layout(
        tokenizer=tokenizer,
        side=vision_config.image_size,
        max_tiles=MAX_PARTS,
        tokens_per_tile=_tokens_per_part(vision_config),
        config=Ovis2Config(
            vision_config=vision_config,
            text_config=text_config,
            image_token_id=atom_id,
            visual_indicator_token_ids=indicator_ids,
            vocab_size=text_config.vocab_size,
            hidden_size=text_config.hidden_size,
            tie_word_embeddings=text_config.tie_word_embeddings
            and not config.flag("disable_tie_weight", False),
        ),
        native_class=Ovis2FromOriginal,
        weight_rules=_WEIGHTS,
    )


def _hf_layout(checkpoint: Checkpoint) -> Layout:
    """Reads the layout of `model_type` ovis2, which transformers' conversion writes.

    Its image processor is not used: it stretches images to the grid, which the original code does not.
    Whether embeddings are tied stands in the language model's part, if anywhere.
    """
    native = read_config(Ovis2Config, checkpoint.fields)  # what the file leaves out is the class's default
    native.tie_word_embeddings = native.text_config.tie_word_embeddings
    with blamed_on(checkpoint.fields.path):  # the class takes sizes that are lists
        side, tokens_per_part = int(native.vision_config.image_size), _tokens_per_part(native.vision_config)
    return Layout(
        tokenizer=TokenizerFile(checkpoint),
        side=side,
        max_tiles=MAX_PARTS,
        tokens_per_tile=tokens_per_part,
        config=native,
        native_class=Ovis2WithoutFinalNorm,
    )


def _free_ids(first: int, vocabulary_size: int, config: Path) -> range:
    """Ids for the atom and the indicators, which the original's tokenizer has no tokens for.

    They are above the tokenizer's and have rows in the embedding table, which is padded: the native class
    looks them up there before it puts features in their place. The `-hf` conversions have them there too.
    """
    ids = range(first, first + 1 + NUMBER_OF_INDICATORS)
    if ids.stop > vocabulary_size:
        raise RepopeError(
            f"{config}: {first} tokens leave no room for an image's in {vocabulary_size} embeddings; "
            "download the tokenizer and it again"
        )
    return ids


def _tokens_per_part(vision: PreTrainedConfig) -> int:
    """The square of the patches of a side, counted in strides of which the last may be padded."""
    patches = vision.image_size // vision.patch_size
    strides = -(-patches // vision.hidden_stride)
    return int(strides**2)


_BACKBONE = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_channels",
    "rms_norm_eps",
    "qkv_bias",
)


def _vision_config(visual: Fields) -> PreTrainedConfig:
    """The native configuration, whose defaults are those of `AIMv2Config` and `Aimv2VisualTokenizerConfig`."""
    backbone = visual.part("backbone_config")
    return native_config(
        Ovis2VisionConfig,
        visual,
        **backbone.stated(_BACKBONE),
        image_size=backbone.count("image_size", 224),
        patch_size=backbone.count("patch_size", 14),
        mlp_bias=backbone.flag("use_bias", False),
        **visual.stated(("vocab_size", "tokenize_function")),
        hidden_stride=visual.count("hidden_stride", 1),
        num_visual_indicator_tokens=NUMBER_OF_INDICATORS,
    )


class UnappliedNorm(nn.Module):
    """Holds a norm's weight, so that a checkpoint's tensors are all accounted for, and changes nothing."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(hidden_size))

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """The hidden states as they are."""
        return hidden_states


class Ovis2WithoutFinalNorm(Ovis2ForConditionalGeneration):  # type: ignore[misc]
    """The native class with the vision trunk's final norm left out.

    The original's visual tokenizer takes the hidden state before that norm, though the checkpoint has its
    weight. The native class applies it, and the `-hf` conversions are the original's weights, so it is
    left out for them as well.
    """

    # Over several devices the vision tower stays in one piece: the native class lets its layers be cut
    # inside, and what their residual connections add would then lie on two devices.
    _no_split_modules: ClassVar[list[str]] = ["Ovis2VisionModel"]

    def __init__(self, config: PreTrainedConfig) -> None:
        super().__init__(config)
        self.model.vision_tower.transformer.rms_norm = UnappliedNorm(config.vision_config.hidden_size)


class Ovis2FromOriginal(Ovis2WithoutFinalNorm):
    """The class without the final norm, loading original checkpoints."""


class DropFirstAxis(TensorConversion):
    """Drops the first axis of a tensor of shape [1, ...]."""

    def parts(self, tensor: torch.Tensor, config: PreTrainedConfig) -> list[torch.Tensor]:
        """The tensor without the axis."""
        return [tensor.squeeze(0)]


_PREPROCESSOR = r"^visual_tokenizer\.backbone\.preprocessor"
_TRANSFORMER = "model.vision_tower.transformer"
_WEIGHTS = [
    *renamings(
        {
            r"^llm\.model\.": "model.language_model.",
            r"^llm\.lm_head": "lm_head",
            r"^vte\.": "model.visual_embeddings_table.",
            r"^visual_tokenizer\.head\.0": "model.vision_tower.head_linear",
            r"^visual_tokenizer\.head\.1": "model.vision_tower.head_norm",
            rf"{_PREPROCESSOR}\.patchifier\.proj": f"{_TRANSFORMER}.embeddings.patch_embedding",
            rf"{_PREPROCESSOR}\.patchifier\.norm": f"{_TRANSFORMER}.embeddings.rms_norm",
            r"^visual_tokenizer\.backbone\.trunk\.post_trunk_norm": f"{_TRANSFORMER}.rms_norm",
            r"^visual_tokenizer\.backbone\.trunk\.blocks": f"{_TRANSFORMER}.encoder.layers",
            r"\.norm_([12])": r".rms_norm\1",
            r"\.attn\.proj": ".attention.out_proj",
            r"\.mlp\.fc1": ".ffn.gate_proj",
            r"\.mlp\.fc3": ".ffn.up_proj",
            r"\.mlp\.fc2": ".ffn.down_proj",
        }
    ),
    thirds(r"\.attn\.qkv", [".attention.q_proj", ".attention.k_proj", ".attention.v_proj"]),
    WeightConverter(
        rf"{_PREPROCESSOR}\.pos_embed",
        f"{_TRANSFORMER}.embeddings.position_embedding.weight",
        operations=[DropFirstAxis()],
    ),
]

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


class Ovis2Recipe(LayoutRecipe):
    """Ovis2, whose language model is Qwen2.5.

    An image's tokens are atoms, a part's features one by one, and indicators. Both kinds are feature tokens:
    an indicator's embedding comes out of the visual vocabulary too.
    """

    family = "Ovis2"
    layouts: ClassVar = {"ovis": _original_layout, "ovis2": _hf_layout}
    system_prompt = SYSTEM_PROMPT
    prompts: ClassVar[Mapping[str, RecipeOptions]] = {"vlmevalkit": RecipeOptions(question_suffix=ONE_WORD)}
    recognises = staticmethod(is_ovis2)

    def __init__(self, checkpoint: Checkpoint, options: RecipeOptions) -> None:
        super().__init__(checkpoint, options)
        self.feature_token_ids = (self.config.image_token_id, *self.config.visual_indicator_token_ids)
        named = read_fields(checkpoint, GENERATION_CONFIG).token_ids("eos_token_id")
        self.stop_token_ids = tuple(dict.fromkeys((self.tokenizer.token_id(STOP_TOKEN), *named)))

    def prompt(self, question: str, *, shows_image: bool = True) -> str:
        """The whole prompt; `<image>` stands once for all of an image's tokens.

        Without an image, the question follows the turn's opening at once, as in the original `preprocess_inputs`.
        """
        before, after = self._around_image(question)
        return f"{before}{IMAGE_MARK}{after}" if shows_image else before + after.removeprefix("\n")

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
        for mark in image_marks(*fitting_grid(width, height, self._layout.side, self._max_tiles)):
            yield from [atom_id] * self._layout.tokens_per_tile if mark is None else [indicator_ids[mark]]

    def inputs(self, image: Image.Image) -> Inputs:
        """Parts of shape [parts, 3, side, side], and the grid as [rows, columns]."""
        pixels, grid = part_pixels(image, self._layout.side, self._max_tiles)
        return {"pixel_values": pixels, "grid": torch.tensor(grid)}

    def prompt_ids(self, question: str, width: int, height: int) -> tuple[int, ...]:
        """The texts around the image are encoded apart, since its tokens are none of the tokenizer's."""
        around = self._around_image(self.tokenizer.as_plain(question))
        before, after = map(self.tokenizer.encode, around)
        require_features([*before, *after], self.feature_token_ids, 0)
        return (*before, *self._image_ids(width, height), *after)

    def native_inputs(self, inputs: Inputs) -> Inputs:
        """The pixels of the parts; the native class sees the grid in the prompt."""
        return {name: tensor for name, tensor in inputs.items() if name == "pixel_values"}

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
