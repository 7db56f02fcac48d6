"""What a family implements: what a model is shown, how its output is read, how its weights are laid out."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Protocol

import torch
from PIL import Image
from transformers import PreTrainedConfig, PreTrainedModel

from repope_eval.errors import RepopeError
from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.fields import Fields
from repope_eval.models.sampling import Draw
from repope_eval.models.tokenizers import Tokenizer
from repope_eval.models.transformers_internals import converting

Box = tuple[int, int, int, int]
"""Left, upper, right and lower edge in pixels."""


def part_boxes(width: int, height: int, grid: tuple[int, int]) -> list[Box]:
    """The parts of a (rows, columns) grid row by row; the last row and column take what division leaves."""
    rows, columns = grid
    across = [column * (width // columns) for column in range(columns)] + [width]
    down = [row * (height // rows) for row in range(rows)] + [height]
    return [
        (across[column], down[row], across[column + 1], down[row + 1])
        for row in range(rows)
        for column in range(columns)
    ]


Inputs = Mapping[str, torch.Tensor]
"""What a native class takes beside token ids, under its names: `pixel_values`, and more in some families."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """One image and its questions, ready for a model."""

    inputs: Inputs
    """Pixels in float32, and what else the family says of an image."""
    prompts: tuple[tuple[int, ...], ...]
    """Token ids of each question's whole prompt, with a feature token for each of the image's features."""
    draws: tuple[Draw, ...] = field(default=(), kw_only=True)
    """The draw of each question's answer; empty where answers are greedy."""

    def cast(self, dtype: torch.dtype) -> "Prepared":
        """The same image and questions with pixels in another number format."""
        inputs = {
            name: tensor.to(dtype) if tensor.is_floating_point() else tensor
            for name, tensor in self.inputs.items()
        }
        return replace(self, inputs=inputs)


class Shown(Protocol):
    """What decides what a model is shown: a family's recipe, or a checkpoint's own processor."""

    def prompt(self, question: str, *, shows_image: bool = True) -> str:
        """The whole prompt of a question as text, with a mark where the image goes, if one is shown."""

    def prepare(self, image: Image.Image | None, questions: Sequence[str]) -> Prepared:
        """Pixels of an image of any mode, and the prompts of questions about it; None: no image is shown."""

    def vocabulary(self) -> Mapping[str, int]:
        """All tokens that a model may generate, as its vocabulary writes them, with their ids."""


@dataclass(frozen=True, slots=True)
class RecipeOptions:
    """Departures from a family's own recipe; a field is None where the recipe is followed.

    A special token written in one of them is a special token; in a question it is not.
    """

    system_prompt: str | None = None
    question_suffix: str | None = None
    """Put after each question as it is, with its spaces and line breaks."""
    max_tiles: int | None = None
    min_pixels: int | None = None
    max_pixels: int | None = None
    chat_template: Mapping[str, Any] | None = None
    question_prefix: str | None = None
    """Put before each question; only other harnesses' prompts have one."""


ONE_WORD = "\nAnswer the question using a single word or phrase."
"""What other harnesses put after each question of POPE.

Sources: `post_prompt` of lmms-eval's tasks/pope/pope.yaml (75571cf), `build_yorn_prompt` of VLMEvalKit's
vlm/ovis/ovis.py (e8e78f0).
"""


class Recipe(ABC):
    """One checkpoint's prompt, tokens, pixels and layout; a family is a subclass in a file of its own.

    A recipe is made from the small files that describe a checkpoint. It holds no weights.
    """

    family: ClassVar[str]
    """Name of the family as people write it."""
    options: ClassVar[frozenset[str]] = frozenset({"question_suffix"})
    """The fields of `RecipeOptions` that mean something to this family."""
    prompts: ClassVar[Mapping[str, RecipeOptions]] = {}
    """How another harness asks POPE's questions, as departures from the recipe, by the value of `model.prompt`."""
    attends_both_ways: ClassVar[bool] = False
    """Whether image tokens attend to the question, so that only image features can be shared between questions."""
    first_position: ClassVar[int] = 0
    """Position that the native class gives a prompt's first token."""
    tokenizer: Tokenizer
    """What encodes the prompts and decodes the answers."""
    feature_token_ids: tuple[int, ...]
    """Tokens that stand in a prompt where an image feature goes."""
    stop_token_ids: tuple[int, ...]
    """Tokens that end an answer."""
    native_class: type[PreTrainedModel]
    """The native class that loads this layout."""
    weight_rules: Sequence[Any] = ()
    """How the checkpoint's tensors become those of the native class; none where it knows their names itself."""
    config: PreTrainedConfig
    """The native class's configuration for this checkpoint."""

    @abstractmethod
    def __init__(self, checkpoint: Checkpoint, options: RecipeOptions) -> None: ...

    @staticmethod
    @abstractmethod
    def recognises(config: Fields) -> bool:
        """Whether a checkpoint's `config.json` is of a layout that this family loads."""

    @abstractmethod
    def prompt(self, question: str, *, shows_image: bool = True) -> str:
        """The whole prompt of a question as text, with the family's mark where the image goes, if one is shown.

        Raises:
            RepopeError: no image is shown, and the family's prompts need one.
        """

    @abstractmethod
    def count_features(self, width: int, height: int) -> int:
        """How many feature tokens an image of so many pixels has in a prompt; no pixel is looked at.

        Cheap enough to be asked of every image of a benchmark before the first is decoded. `prepare` puts
        as many feature tokens into each prompt, and `image_features` returns as many rows.

        Raises:
            RepopeError: the family has no picture of an image of that shape. The text starts with what is
                wrong and names no file, which the caller knows: `f"{path}: {error}"` is a whole line.
        """

    @abstractmethod
    def inputs(self, image: Image.Image) -> Inputs:
        """Pixels of an image of any mode, and what else the native class needs to know of it.

        Raises:
            RepopeError: as in `count_features`, or Pillow cannot convert the image's mode.
        """

    def prompt_ids(self, question: str, width: int, height: int) -> tuple[int, ...]:
        """Token ids of the whole prompt of a question about an image of so many pixels.

        The question is plain text: what is spelled like a special token in it does not become one. Here the prompt's
        text has one image token, in whose place come the image's; a family may override this.

        Raises:
            RepopeError: the prompt has image tokens besides the image's, so that they cannot be told apart.
        """
        token_ids = self.tokenizer.encode_prompt(self.prompt(self.tokenizer.as_plain(question)))
        (image_token_id,) = self.feature_token_ids
        require_features(token_ids, self.feature_token_ids, 1)
        index = token_ids.index(image_token_id)
        number = self.count_features(width, height)
        return (*token_ids[:index], *[image_token_id] * number, *token_ids[index + 1 :])

    def text_ids(self, question: str) -> tuple[int, ...]:
        """Token ids of the whole prompt of a question that is asked without an image.

        Raises:
            RepopeError: as in `prompt`, or the prompt has image tokens all the same.
        """
        text = self.prompt(self.tokenizer.as_plain(question), shows_image=False)
        token_ids = self.tokenizer.encode_prompt(text)
        require_features(token_ids, self.feature_token_ids, 0)
        return tuple(token_ids)

    def prepare(self, image: Image.Image | None, questions: Sequence[str]) -> Prepared:
        """Pixels of an image, and the prompts of questions about it; None: no image is shown, and there are no pixels.

        Raises:
            RepopeError: as in `inputs`, `prompt_ids` and `text_ids`.
        """
        if image is None:
            return Prepared({}, tuple(map(self.text_ids, questions)))
        inputs = self.inputs(image)
        return Prepared(inputs, tuple(self.prompt_ids(question, *image.size) for question in questions))

    def positions(self, prompt: Sequence[int], inputs: Inputs) -> Sequence[Sequence[int]]:
        """Positions that the native class gives the tokens of a prompt: one of each token, for each axis.

        The tokens of an answer go on from the largest one. Tokens are counted from `first_position` on, unless a
        family overrides this.

        Args:
            prompt: token ids with a feature token for each of the image's features.
            inputs: the image's; a family with several axes reads the grid of its features there.
        """
        return [range(self.first_position, self.first_position + len(prompt))]

    def native_inputs(self, inputs: Inputs) -> Inputs:
        """Those of an image's inputs that the native class takes as arguments: all, unless a family says less."""
        return inputs

    def vocabulary(self) -> Mapping[str, int]:
        """All tokens that a model may generate, as its vocabulary writes them, with their ids."""
        return self.tokenizer.vocabulary()

    def decode(self, token_ids: Sequence[int]) -> str:
        """The answer that generated tokens spell, without special tokens.

        It is not stripped, unless a family's original code strips it and the family overrides this.
        """
        return self.tokenizer.decode(token_ids)

    @abstractmethod
    def image_features(self, network: PreTrainedModel, images: Sequence[Inputs]) -> list[torch.Tensor]:
        """Features of several images, each [feature tokens, hidden size], ordered as their feature tokens."""

    @abstractmethod
    def vision_values(self, tiles: int) -> int:
        """About how many numbers are held at once while so many tiles are encoded, pixels left out.

        Memory is computed with it before a model is loaded (see `memory_need`). `layer_values` says
        what a layer of a vision transformer holds; whatever else a family keeps meanwhile is to be added.
        """

    def features_without_numbers(self, network: PreTrainedModel, inputs: Inputs) -> torch.Tensor:
        """The features that a network without weights makes of an image: their shape is computed, and no number."""
        on_meta = {
            name: tensor.to("meta") if tensor.is_floating_point() else tensor
            for name, tensor in inputs.items()
        }
        with torch.inference_mode():
            (features,) = self.image_features(network, [on_meta])
        return features

    def network_class(self) -> type[PreTrainedModel]:
        """The native class, with the rules by which it loads this layout."""
        return converting(self.native_class, self.weight_rules) if self.weight_rules else self.native_class

    def network_config(self) -> PreTrainedConfig:
        """A copy of the native class's configuration, which transformers may change."""
        return copy.deepcopy(self.config)

    def network_without_weights(self) -> PreTrainedModel:
        """The native class's network on the meta device: it has shapes, and no numbers."""
        with torch.device("meta"):
            return self.network_class()(self.network_config())


def require_features(token_ids: Sequence[int], feature_token_ids: Sequence[int], number: int) -> None:
    """Checks that a prompt has so many feature tokens, and that none came of somebody's text."""
    n_tokens = sum(map(token_ids.count, feature_token_ids))
    if n_tokens != number:
        raise RepopeError(
            f"a prompt would have {n_tokens} image tokens of its own, not {number}; take what is spelled like one "
            "out of the question, model.system_prompt and model.question_suffix"
        )


def layer_values(vision: PreTrainedConfig, tokens: int, *, is_gated: bool = False) -> int:
    """About how many numbers a layer of a vision transformer holds at once: 4 h + 2 i a token, 4 h + 3 i if gated.

    Args:
        vision: the native configuration, whose width is h and whose inner width is i.
        tokens: of all tiles together.
        is_gated: whether the feed-forward network is.
    """
    return tokens * int(4 * vision.hidden_size + (3 if is_gated else 2) * vision.intermediate_size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a recipe needs of a checkpoint's files, however they are laid out.

    A field that `Recipe` has as well means the same here. Ovis2 calls a tile a part.
    """

    side: int
    """Side of a tile in pixels."""
    max_tiles: int
    """The most tiles that the original code cuts an image into."""
    tokens_per_tile: int
    tokenizer: Tokenizer
    config: PreTrainedConfig
    native_class: type[PreTrainedModel]
    weight_rules: Sequence[Any] = ()


class LayoutRecipe(Recipe):
    """A recipe of a family whose checkpoints come in several layouts, and are asked in ChatML."""

    layouts: ClassVar[Mapping[str, Callable[[Checkpoint], Layout]]]
    """`model_type` -> what reads that layout. It raises RepopeError where a file is missing, or a field is wrong."""
    system_prompt: ClassVar[str]
    """The original code's system message."""
    options = frozenset({"system_prompt", "question_suffix", "max_tiles"})

    def __init__(self, checkpoint: Checkpoint, options: RecipeOptions) -> None:
        layout = self._layout = self.layouts[checkpoint.fields.text("model_type", "")](checkpoint)
        self.tokenizer, self.config = layout.tokenizer, layout.config
        self.native_class, self.weight_rules = layout.native_class, layout.weight_rules
        self._system_prompt = self.system_prompt if options.system_prompt is None else options.system_prompt
        self._question_suffix = options.question_suffix or ""
        self._max_tiles = options.max_tiles or layout.max_tiles


def chatml(system_prompt: str, user: str) -> str:
    """A system message and a user's turn, marked as Qwen's models have it, and the opening of the answer."""
    return (
        f"<|im_start|>system\n{system_prompt}<|im_end|>\n"
        f"<|im_start|>user\n{user}<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
