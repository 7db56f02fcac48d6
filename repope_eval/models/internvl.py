"""InternVL2.5: prompt, tiles and tokens, and its two layouts on disk, original and `-hf`."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar

import torch
from PIL import Image
from transformers import (
    InternVLConfig,
    InternVLForConditionalGeneration,
    InternVLVisionConfig,
    PreTrainedConfig,
    PreTrainedModel,
)

from repope_eval.benchmarks.images import to_rgb
from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.fields import Fields, blamed_on
from repope_eval.models.networks import internlm2_config, native_config, qwen2_config, read_config
from repope_eval.models.pixels import normalised
from repope_eval.models.recipe import (
    ONE_WORD,
    Inputs,
    Layout,
    LayoutRecipe,
    RecipeOptions,
    chatml,
    layer_values,
    part_boxes,
)
from repope_eval.models.tokenizers import InternLM2Tokenizer, QwenTokenizer, TokenizerFile
from repope_eval.models.transformers_internals import TensorConversion, WeightConverter, renamings, thirds

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@lru_cache(maxsize=2**16)
def best_grid(width: int, height: int, side: int, max_tiles: int) -> tuple[int, int]:
    """The (columns, rows) of tiles whose shape is nearest to the image's.

    Grids are tried in order of their number of tiles. Of two that fit equally well the later one wins
    only where the image has more than half the later one's pixels, so that small images are not blown
    up. Source: `dynamic_preprocess` of the InternVL2.5 model card.
    """
    grids = sorted(
        {(i, j) for i in range(1, max_tiles + 1) for j in range(1, max_tiles + 1) if i * j <= max_tiles},
        key=lambda grid: grid[0] * grid[1],
    )
    aspect = width / height
    best, best_distance = (1, 1), float("inf")
    for columns, rows in grids:
        distance = abs(aspect - columns / rows)
        large_enough = width * height > 0.5 * side * side * columns * rows
        if distance < best_distance or (distance == best_distance and large_enough):
            best, best_distance = (columns, rows), distance
    return best


def count_tiles(width: int, height: int, side: int, max_tiles: int) -> int:
    """How many tiles an image of so many pixels has, the thumbnail included."""
    columns, rows = best_grid(width, height, side, max_tiles)
    return rows * columns + (rows * columns > 1)


def tile_images(image: Image.Image, side: int, max_tiles: int) -> list[Image.Image]:
    """The tiles of an image row by row, each `side` pixels square; a thumbnail last if there are several."""
    image = to_rgb(image)
    columns, rows = best_grid(*image.size, side, max_tiles)
    resized = image.resize((side * columns, side * rows), Image.Resampling.BICUBIC)
    tiles = [resized.crop(box) for box in part_boxes(*resized.size, (rows, columns))]
    if len(tiles) > 1:
        tiles.append(image.resize((side, side), Image.Resampling.BICUBIC))
    return tiles


def tile_pixels(image: Image.Image, side: int, max_tiles: int) -> torch.Tensor:
    """Normalised pixels of an image's tiles, float32 of shape [tiles, 3, side, side]."""
    return normalised(tile_images(image, side, max_tiles), IMAGENET_MEAN, IMAGENET_STD)


IMAGE_TOKEN = "<IMG_CONTEXT>"

MAX_TILES = 12
"""The most tiles that any InternVL2.5 model cuts an image into; the `-hf` layout does not state it."""

_NOT_2_5 = {(1536, 28), (3584, 28), (5120, 48), (4096, 48)}
"""(hidden size, layers) of language models that InternVL3 has and InternVL2.5 has not: 2B, 8B, 14B and 9B."""


def is_internvl2_5(config: Fields) -> bool:
    """Whether a `config.json` is of an InternVL2.5 model, in either layout.

    Both layouts are InternVL3's too, and nothing in them names the generation. Only the language
    model tells them apart: InternVL3-2B, -8B, -9B and -14B have ones of sizes that InternVL2.5 has not, and
    InternVL3.5 has Qwen3. InternVL3-1B, -38B and -78B look like InternVL2.5 of those sizes.
    """
    kind = config.text("model_type", "")
    if kind == "internvl_chat" and config.text("template", "") == "internvl2_5":
        language, known = config.part("llm_config"), ("qwen2", "internlm2", "")
    elif kind == "internvl":
        language, known = config.part("text_config"), ("qwen2", "llama", "")
    else:
        return False
    size = (language.integer("hidden_size", 0), language.integer("num_hidden_layers", 0))
    return language.text("model_type", "") in known and size not in _NOT_2_5


def _original_layout(checkpoint: Checkpoint) -> Layout:
    """Reads the layout of `model_type` internvl_chat, whose own modelling code is never run."""
    config = checkpoint.fields
    language, vision = config.part("llm_config"), config.part("vision_config")
    is_internlm2 = _is_internlm2(language)
    tokenizer = (InternLM2Tokenizer if is_internlm2 else QwenTokenizer)(checkpoint)
    text_config = (internlm2_config if is_internlm2 else qwen2_config)(language)
    side = config.count("force_image_size", vision.count("image_size", 224))
    downsample_ratio = config.number("downsample_ratio", 0.5)
    tokens_per_tile = _tokens_per_tile(side, vision.count("patch_size", 14), downsample_ratio)
    return Layout(
        side=side,
        max_tiles=config.count("max_dynamic_patch", 6),
        tokens_per_tile=tokens_per_tile,
        tokenizer=tokenizer,
        config=InternVLConfig(
            vision_config=_vision_config(vision),
            text_config=text_config,
            image_token_id=tokenizer.token_id(IMAGE_TOKEN),
            image_seq_length=tokens_per_tile,
            downsample_ratio=downsample_ratio,
            vision_feature_layer=config.integer("select_layer", -1),
            tie_word_embeddings=text_config.tie_word_embeddings,
        ),
        native_class=InternVLWithInternLM2 if is_internlm2 else InternVLWithQwen2,
        weight_rules=[*_VISION, *(_INTERNLM2 if is_internlm2 else _QWEN2)],
    )


def _hf_layout(checkpoint: Checkpoint) -> Layout:
    """Reads the layout of `model_type` internvl, which transformers' conversion of the 2.5-MPO models writes.

    Its chat template and image processor are not used: they leave out the system message and, by default,
    the tiles, and so are not what the original code does. Prompts for InternLM2, which is Llama here, begin
    with `<s>`. Whether embeddings are tied stands in the language model's part, if anywhere.
    """
    config = checkpoint.fields
    native = read_config(InternVLConfig, config)  # what the file leaves out is the class's default
    tokenizer = TokenizerFile(checkpoint, "<s>" if native.text_config.model_type == "llama" else None)
    native.image_token_id = tokenizer.token_id(IMAGE_TOKEN)
    native.tie_word_embeddings = native.text_config.tie_word_embeddings
    with blamed_on(config.path):  # the class takes sizes that are empty lists
        side, patch_size = int(native.vision_config.image_size[0]), native.vision_config.patch_size[0]
        tokens_per_tile = _tokens_per_tile(side, patch_size, native.downsample_ratio)
    return Layout(
        side=side,
        max_tiles=MAX_TILES,
        tokens_per_tile=tokens_per_tile,
        tokenizer=tokenizer,
        config=native,
        native_class=InternVLForConditionalGeneration,
    )


def _is_internlm2(language: Fields) -> bool:
    """Whether a language model is InternLM2, not Qwen2: by its architecture, or its `model_type` if it names none."""
    named = next(iter(language.texts("architectures")), language.text("model_type", ""))
    kinds = {"InternLM2ForCausalLM": True, "internlm2": True, "Qwen2ForCausalLM": False, "qwen2": False}
    if named not in kinds:
        raise language.error("architectures", "InternLM2ForCausalLM or Qwen2ForCausalLM is expected")
    return kinds[named]


def _tokens_per_tile(side: int, patch_size: int, downsample_ratio: float) -> int:
    return int((side // patch_size * downsample_ratio) ** 2)


_INTERN_VIT: dict[str, Any] = {
    "num_channels": 3,
    "patch_size": 14,
    "image_size": 224,
    "hidden_size": 3200,
    "num_attention_heads": 25,
    "intermediate_size": 12800,
    "num_hidden_layers": 48,
    "hidden_act": "gelu",
    "norm_type": "rms_norm",
    "layer_norm_eps": 1e-6,
}
"""The value of a field that a vision configuration leaves out.

Source: `InternVisionConfig` in the checkpoints' configuration_intern_vit.py.
"""


def _vision_config(vision: Fields) -> PreTrainedConfig:
    return native_config(
        InternVLVisionConfig,
        vision,
        **(_INTERN_VIT | vision.stated(_INTERN_VIT)),
        attention_bias=vision.flag("qkv_bias", False),
        use_qk_norm=vision.flag("qk_normalization", True),
    )


class InternVLWithQwen2(InternVLForConditionalGeneration):  # type: ignore[misc]
    """The native class, loading original checkpoints with a Qwen2 language model."""


class InternVLWithInternLM2(InternVLForConditionalGeneration):  # type: ignore[misc]
    """The native class, loading original checkpoints with an InternLM2 language model."""


class SplitGroupedAttention(TensorConversion):
    """Splits InternLM2's `wqkv` into q, k and v.

    Its rows are grouped by key-value head: viewed as [kv heads, q heads a kv head + 2, head dim, ...], the
    last two of axis 1 are k and v.
    """

    def parts(self, tensor: torch.Tensor, config: PreTrainedConfig) -> list[torch.Tensor]:
        """Queries, keys and values."""
        text = config.get_text_config()
        groups, queries = text.num_key_value_heads, text.num_attention_heads // text.num_key_value_heads
        rows = tensor.view(groups, queries + 2, -1, *tensor.shape[1:])
        parts = rows[:, :queries], rows[:, queries], rows[:, queries + 1]
        return [part.reshape(-1, *tensor.shape[1:]).contiguous() for part in parts]


_VISION = [
    *renamings(
        {
            r"^vision_model\.embeddings\.class_embedding": "model.vision_tower.embeddings.cls_token",
            r"^vision_model\.embeddings\.position_embedding": "model.vision_tower.embeddings.position_embeddings",
            r"^vision_model\.embeddings\.patch_embedding": "model.vision_tower.embeddings.patch_embeddings.projection",
            r"^vision_model\.encoder\.layers": "model.vision_tower.encoder.layer",
            r"\.norm1": ".layernorm_before",
            r"\.norm2": ".layernorm_after",
            r"\.ls([12])": r".lambda_\1",
            r"\.attn\.proj": ".attention.projection_layer",
            r"\.attn\.([qk])_norm": r".attention.\1_norm",
            r"^mlp1\.0": "model.multi_modal_projector.layer_norm",
            r"^mlp1\.1": "model.multi_modal_projector.linear_1",
            r"^mlp1\.3": "model.multi_modal_projector.linear_2",
        }
    ),
    thirds(r"\.attn\.qkv", [".attention.q_proj", ".attention.k_proj", ".attention.v_proj"]),
]

_QWEN2 = renamings(
    {r"^language_model\.model": "model.language_model", r"^language_model\.lm_head": "lm_head"}
)

_INTERNLM2 = [
    *renamings(
        {
            r"^language_model\.model": "model.language_model",
            r"^language_model\.output": "lm_head",
            r"\.tok_embeddings": ".embed_tokens",
            r"\.attention\.wo": ".self_attn.o_proj",
            r"\.feed_forward\.w1": ".mlp.gate_proj",
            r"\.feed_forward\.w2": ".mlp.down_proj",
            r"\.feed_forward\.w3": ".mlp.up_proj",
            r"\.attention_norm": ".input_layernorm",
            r"\.ffn_norm": ".post_attention_layernorm",
        }
    ),
    WeightConverter(
        r"\.attention\.wqkv",
        [".self_attn.q_proj", ".self_attn.k_proj", ".self_attn.v_proj"],
        operations=[SplitGroupedAttention()],
    ),
]

SYSTEM_PROMPT = (
    "你是书生·万象，英文名是InternVL，"
    "是由上海人工智能实验室、清华大学及多家合作单位联合开发的多模态大语言模型。"
)
"""The original code's system message; the chat template of the `-hf` conversions leaves it out."""

STOP_TOKEN = "<|im_end|>"


class InternVLRecipe(LayoutRecipe):
    """InternVL2.5 with a Qwen2 or an InternLM2 language model."""

    family = "InternVL2.5"
    layouts: ClassVar = {"internvl_chat": _original_layout, "internvl": _hf_layout}
    system_prompt = SYSTEM_PROMPT
    prompts: ClassVar[Mapping[str, RecipeOptions]] = {
        "lmms_eval": RecipeOptions(question_suffix=ONE_WORD, max_tiles=6),
        "vlmevalkit": RecipeOptions(max_tiles=6),
    }
    """Both cut an image into at most 6 tiles: `load_image` of lmms-eval's models/simple/internvl2.py (75571cf), and
    `set_max_num` of VLMEvalKit's vlm/internvl/internvl_chat.py (e8e78f0)."""
    recognises = staticmethod(is_internvl2_5)

    def __init__(self, checkpoint: Checkpoint, options: RecipeOptions) -> None:
        super().__init__(checkpoint, options)
        self.feature_token_ids = (self.config.image_token_id,)
        self.stop_token_ids = (self.tokenizer.token_id(STOP_TOKEN),)

    def prompt(self, question: str, *, shows_image: bool = True) -> str:
        """The whole prompt; `<IMG_CONTEXT>` stands once for all of an image's features.

        Without an image, it is the one of the original `chat` where `pixel_values` is None.
        """
        image = f"<img>{IMAGE_TOKEN}</img>\n" if shows_image else ""
        return chatml(self._system_prompt, f"{image}{question}{self._question_suffix}")

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
