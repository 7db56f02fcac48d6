"""What a family implements: what a model is shown, how its output is read, how its weights are laid out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from PIL import Image
from transformers import PreTrainedConfig, PreTrainedModel

Inputs = Mapping[str, torch.Tensor]
"""What a native class takes beside token ids, under its names: `pixel_values`, and more in some families."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """One image and its questions, ready for a model."""

    inputs: Inputs
    """Pixels in float32, and what else the family says of an image."""
    prompts: tuple[tuple[int, ...], ...]
    """Token ids of each question's whole prompt, with a feature token for each of the image's features."""


@dataclass(frozen=True, slots=True)
class RecipeOptions:
    """Departures from a family's own recipe; None where it is followed."""

    system_prompt: str | None = None
    question_suffix: str | None = None
    """Put after each question as it is, space or line break and all."""
    max_tiles: int | None = None


class Recipe(ABC):
    """One checkpoint's prompt, tokens, pixels and layout; a family is a subclass in a file of its own.

    A recipe is made from a checkpoint's folder and the content of its `config.json`. It holds no weights.
    """

    family: ClassVar[str]
    """Name of the family as people write it."""
    options: ClassVar[frozenset[str]] = frozenset({"question_suffix"})
    """The fields of `RecipeOptions` that mean something to this family."""
    attends_both_ways: ClassVar[bool] = False
    """Whether image tokens attend to the question, so that nothing but image features can be shared."""
    first_position: ClassVar[int] = 0
    """Position that the native class gives a prompt's first token."""
    feature_token_ids: tuple[int, ...]
    """Tokens that stand in a prompt where an image feature goes."""
    stop_token_ids: tuple[int, ...]
    """Tokens that end an answer."""

    @abstractmethod
    def __init__(self, folder: Path, config: dict[str, Any], options: RecipeOptions) -> None: ...

    @staticmethod
    @abstractmethod
    def recognises(config: dict[str, Any]) -> bool:
        """Whether a checkpoint's `config.json` is of a layout this family loads."""

    @abstractmethod
    def prompt(self, question: str) -> str:
        """The whole prompt of a question as text, with the family's mark where the image goes."""

    @abstractmethod
    def prepare(self, image: Image.Image, questions: Sequence[str]) -> Prepared:
        """Pixels of an image, and the prompts of questions about it."""

    def native_inputs(self, inputs: Inputs) -> Inputs:
        """Those of an image's inputs that the native class takes as arguments: all, unless a family says less."""
        return inputs

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
