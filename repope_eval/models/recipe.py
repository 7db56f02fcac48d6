"""What a family implements: what a model is shown, how its output is read, how its weights are laid out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from PIL import Image
from transformers import PreTrainedConfig, PreTrainedModel

from repope_eval.errors import RepopeError
from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.fields import Fields

Inputs = Mapping[str, torch.Tensor]
"""What a native class takes beside token ids, under its names: `pixel_values`, and more in some families."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """One image and its questions, ready for a model."""

    inputs: Inputs
    """Pixels in float32, and what else the family says of an image."""
    prompts: tuple[tuple[int, ...], ...]
    """Token ids of each question's whole prompt, with a feature token for each of the image's features."""

    def in_format(self, dtype: torch.dtype) -> "Prepared":
        """The same with pixels in a number format."""
        inputs = {
            name: tensor.to(dtype) if tensor.is_floating_point() else tensor
            for name, tensor in self.inputs.items()
        }
        return replace(self, inputs=inputs)


@dataclass(frozen=True, slots=True)
class RecipeOptions:
    """Departures from a family's own recipe; None where it is followed.

    Special tokens written in them are special tokens, other than in questions.
    """

    system_prompt: str | None = None
    question_suffix: str | None = None
    """Put after each question as it is, space or line break and all."""
    max_tiles: int | None = None


def require_features(token_ids: Sequence[int], feature_token_ids: Sequence[int], number: int) -> None:
    """Checks that a prompt has so many feature tokens, and that none came of somebody's text.

    Raises:
        RepopeError: it has more or fewer.
    """
    found = sum(map(token_ids.count, feature_token_ids))
    if found != number:
        raise RepopeError(
            f"a prompt would have {found} image tokens of its own, not {number}; take what is spelled like one "
            "out of the question, model.system_prompt and model.question_suffix"
        )


class Recipe(ABC):
    """One checkpoint's prompt, tokens, pixels and layout; a family is a subclass in a file of its own.

    A recipe is made from the small files that describe a checkpoint. It holds no weights.
    """

    family: ClassVar[str]
    """Name of the family as people write it."""
    options: ClassVar[frozenset[str]] = frozenset({"question_suffix"})
    """The fields of `RecipeOptions` that mean something to this family."""
    attends_both_ways: ClassVar[bool] = False
    """Whether image tokens attend to the question, so that nothing but image features can be shared."""
    processor_files: ClassVar[tuple[str, ...]] = ()
    """Files without which no recipe is made, and which a revision of a published checkpoint may lack."""
    first_position: ClassVar[int] = 0
    """Position that the native class gives a prompt's first token."""
    feature_token_ids: tuple[int, ...]
    """Tokens that stand in a prompt where an image feature goes."""
    stop_token_ids: tuple[int, ...]
    """Tokens that end an answer."""

    @abstractmethod
    def __init__(self, checkpoint: Checkpoint, options: RecipeOptions) -> None: ...

    @staticmethod
    @abstractmethod
    def recognises(config: Fields) -> bool:
        """Whether a checkpoint's `config.json` is of a layout this family loads."""

    @abstractmethod
    def prompt(self, question: str) -> str:
        """The whole prompt of a question as text, with the family's mark where the image goes."""

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
    def prepare(self, image: Image.Image, questions: Sequence[str]) -> Prepared:
        """Pixels of an image, and the prompts of questions about it.

        An image of any mode becomes first what `to_rgb` makes of it. A question is plain text: what is
        spelled like a special token in it does not become one.

        Raises:
            RepopeError: as in `count_features`, or Pillow cannot convert the image's mode, or a prompt has
                image tokens besides the image's, so that they cannot be told apart.
        """

    def native_inputs(self, inputs: Inputs) -> Inputs:
        """Those of an image's inputs that the native class takes as arguments: all, unless a family says less."""
        return inputs

    @abstractmethod
    def vocabulary(self) -> Mapping[str, int]:
        """All tokens that a model may generate, as its vocabulary writes them, with their ids."""

    @abstractmethod
    def encode(self, text: str) -> list[int]:
        """Token ids of a plain text, nothing added."""

    @abstractmethod
    def decode(self, token_ids: Sequence[int]) -> str:
        """The answer that generated tokens spell: special tokens left out, stripped as the original does."""

    @abstractmethod
    def image_features(self, network: PreTrainedModel, images: Sequence[Inputs]) -> list[torch.Tensor]:
        """Features of several images, each [feature tokens, hidden size], ordered as their feature tokens."""

    @abstractmethod
    def network_class(self) -> type[PreTrainedModel]:
        """The native class that loads this layout, its weight conversion registered."""

    @abstractmethod
    def network_config(self) -> PreTrainedConfig:
        """The native class's configuration for this checkpoint."""
