"""LLaVA-NeXT and LLaVA-OneVision: chat prompt, tokens and tiles, and what each has of its own.

Both cut a photograph into tiles by "anyres": of the resolutions that the checkpoint lists, the one that
keeps most of the photograph is taken, the photograph is resized into it and padded, and cut into tiles;
the whole photograph, squeezed into one tile, comes first. Features of the padding are left out, and each
row of features that is left ends in a learned one.
"""

import math
from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from PIL import Image
from transformers import (
    LlavaNextConfig,
    LlavaNextForConditionalGeneration,
    LlavaNextImageProcessorPil,
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    LlavaOnevisionImageProcessorPil,
    PreTrainedConfig,
    PreTrainedModel,
)

from repope_eval.benchmarks.images import to_rgb
from repope_eval.errors import RepopeError
from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.description import (
    TOKENIZER_CONFIG,
    read_chat_template,
    read_fields,
    read_image_processor,
    read_image_settings,
    read_special_tokens,
)
from repope_eval.models.fields import Fields, blamed_on
from repope_eval.models.networks import read_config
from repope_eval.models.recipe import ONE_WORD, Inputs, Recipe, RecipeOptions, chatml, layer_values
from repope_eval.models.tokenizers import ChatTemplate, TokenizerFile, read_stop_token_ids
from repope_eval.models.transformers_internals import select_best_resolution
from repope_eval.settings.config import MOST_TILES

IMAGE_TOKEN = "<image>"

_SPACES_CLEANED = (" .", " ?", " !", " ,", " ' ", " n't", " 'm", " 's", " 've", " 're")
"""Texts that lose their spaces, in this order, if a tokenizer says `clean_up_tokenization_spaces`.

Source: `clean_up_tokenization` of transformers 4.49, which the paper's code pins; version 5 ignores the
setting.
"""


class ChatTokenizer(TokenizerFile):
    """A checkpoint's tokenizer.json, with what it adds to a whole prompt, and its tokenizer_config.json.

    The file is taken as it stands, as transformers 4.49 did; version 5 builds Llama's tokenizer anew.
    """

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__(checkpoint)
        config = read_fields(checkpoint, TOKENIZER_CONFIG)
        self._cleans_up = config.flag("clean_up_tokenization_spaces", False)
        self.special_tokens = read_special_tokens(checkpoint)
        """Role -> token; chat templates may name them."""

    def encode_prompt(self, text: str) -> list[int]:
        """Token ids of a whole prompt, with the begin token that the file's post-processor adds, if any."""
        return self._tokenizer.encode(text, add_special_tokens=True).ids

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of token ids, special tokens left out, spaces cleaned up where the checkpoint says so."""
        text = super().decode(token_ids)
        for written in _SPACES_CLEANED if self._cleans_up else ():
            text = text.replace(written, written.strip())
        return text


class LlavaRecipe(Recipe):
    """A checkpoint of the LLaVA-NeXT line in the native layout, prompted by its own chat template."""

    config_class: ClassVar[type[PreTrainedConfig]]
    image_processor_class: ClassVar[type]
    """The `pil` one: it computes what the paper's release did; the default backend's pixels are 1/255 off."""
    class_tokens: ClassVar[int]
    """Tokens that the vision tower sees of a tile besides its patches."""

    def __init__(self, checkpoint: Checkpoint, options: RecipeOptions) -> None:
        self.config = read_config(self.config_class, checkpoint.fields)
        self._question_suffix = options.question_suffix or ""
        self.tokenizer = ChatTokenizer(checkpoint)
        self._template = ChatTemplate(*read_chat_template(checkpoint), self.tokenizer.special_tokens)
        with blamed_on(checkpoint.fields.path):  # the class takes sizes that are null or lists
            self._side = int(self.config.vision_config.image_size)
            self._features_per_side = self._side // int(self.config.vision_config.patch_size)
        for fields in (checkpoint.fields, read_image_settings(checkpoint)):
            require_resolutions(fields, self._side)
        self._image_processor = read_image_processor(self.image_processor_class, checkpoint)
        self.feature_token_ids = (int(self.config.image_token_id),)
        self.stop_token_ids = read_stop_token_ids(checkpoint, self.tokenizer)
        if self.feature_token_ids[0] not in self.tokenizer.encode(self._template.render("")):
            raise RepopeError(f"{self._template.path}: puts no {IMAGE_TOKEN} where an image is shown")

    def prompt(self, question: str, *, shows_image: bool = True) -> str:
        """One user turn, image and then text, in the checkpoint's chat template, and the answer's opening."""
        return self._template.render(question + self._question_suffix, shows_image=shows_image)

    def count_features(self, width: int, height: int) -> int:
        """The features of the whole image, and those of its tiles."""
        best = select_best_resolution((height, width), self._image_processor.settings.image_grid_pinpoints)
        whole = (length // self._side * self._features_per_side for length in best)
        grid = unpadded_grid((height, width), *whole)
        return self._features_per_side**2 + self._count_grid_features(*grid)

    def inputs(self, image: Image.Image) -> Inputs:
        """Tiles [tiles, 3, side, side], the whole image first; `image_sizes` [1, 2] is its height and width."""
        pixels, processed = self._image_processor(to_rgb(image))
        return {"pixel_values": pixels, "image_sizes": torch.from_numpy(processed["image_sizes"])}

    def _count_grid_features(self, rows: int, columns: int) -> int:
        """How many features a grid of so many rows and columns becomes, with the one at the end of each row."""
        return rows * (columns + 1)

    def image_features(self, network: PreTrainedModel, images: Sequence[Inputs]) -> list[torch.Tensor]:
        """The tiles of all images go through the vision tower at once; features are [feature tokens, hidden]."""
        features = network.get_image_features(
            pixel_values=torch.cat([image["pixel_values"] for image in images]),
            image_sizes=torch.cat([image["image_sizes"] for image in images]),
        )
        return list(features.pooler_output)

    def vision_values(self, tiles: int) -> int:
        """What a layer holds, and the hidden states of all layers, which the native class keeps."""
        vision = self.config.vision_config
        tokens = tiles * (self._features_per_side**2 + self.class_tokens)
        kept = tokens * int(vision.hidden_size * vision.num_hidden_layers)
        return layer_values(vision, tokens) + kept


def require_resolutions(fields: Fields, side: int) -> None:
    """Checks the resolutions that a file lists, if it does, before an image is resized into one of them."""
    listed = fields.values.get("image_grid_pinpoints") or []
    if not (isinstance(listed, list) and len(listed) <= MOST_TILES**2 and all(map(_is_pair, listed))):
        raise fields.error("image_grid_pinpoints", "a list of [height, width] in pixels is expected")
    for height, width in listed:
        if min(height, width) < side or (height // side) * (width // side) > MOST_TILES:
            raise fields.error(
                "image_grid_pinpoints",
                f"{height} x {width} pixels are not 1 to {MOST_TILES} tiles of {side} pixels a side",
            )


def _is_pair(resolution: object) -> bool:
    return isinstance(resolution, list) and list(map(type, resolution)) == [int, int]


def unpadded_grid(size: tuple[int, int], rows: int, columns: int) -> tuple[int, int]:
    """The (rows, columns) of the part of a grid of features that an image covers, which was centred in it and padded.

    As much is cut off on both sides, so of an odd number of padded rows one stays. Source:
    `_get_unpadded_features` of transformers' processors, and `unpad_image` of its models, roundings and all.
    """
    height, width = size
    if width / height > columns / rows:
        covered = int(round(height * (columns / width), 7))
        return rows - (rows - covered) // 2 * 2, columns
    covered = int(round(width * (rows / height), 7))
    return rows, columns - (columns - covered) // 2 * 2


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

    def prompt(self, question: str, *, shows_image: bool = True) -> str:
        """The whole prompt; `<image>` stands once for all of an image's features."""
        if not self._is_vicuna:
            return super().prompt(question, shows_image=shows_image)
        image = f"{IMAGE_TOKEN}\n" if shows_image else ""
        return f"{self._opening}USER: {image}{question}{self._question_suffix} {VICUNA_ANSWER}"


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
        """Whether `config.json` is that of LLaVA-OneVision's native layout, the only one that is read."""
        return config.text("model_type", "") == "llava_onevision"

    def prompt(self, question: str, *, shows_image: bool = True) -> str:
        """The whole prompt, in the checkpoint's chat template, or in that of LLaVA's code where it has a system prompt.

        The checkpoint's template is another form of the same marks, and never has one.
        """
        if self._system_prompt is None:
            return super().prompt(question, shows_image=shows_image)
        image = f"{IMAGE_TOKEN}\n" if shows_image else ""
        return chatml(self._system_prompt, f"{image}{question}{self._question_suffix}")

    def _count_grid_features(self, rows: int, columns: int) -> int:
        """A grid of clearly more features than the most tiles have shrinks to about as many.

        Source: `_get_unpadded_features` of transformers' processor.
        """
        ratio = math.sqrt(rows * columns / (self._most_tiles * self._features_per_side**2))
        if ratio > SHRINK_FROM:
            rows, columns = int(rows // ratio), int(columns // ratio)
        return super()._count_grid_features(rows, columns)
