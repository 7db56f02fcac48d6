"""Loads the processor of a checkpoint as transformers has it, and what is known of its tokens."""

import re
from importlib.util import find_spec
from typing import Any

from transformers import AutoProcessor, BaseVideoProcessor, PreTrainedConfig

from repope_eval.errors import RepopeError
from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.description import PREPROCESSOR_CONFIG, PROCESSOR_CONFIG, read_fields
from repope_eval.models.fields import first_line
from repope_eval.models.limits import PROMPT_LENGTHS, require_bounded
from repope_eval.settings.config import ModelSettings
from repope_eval.wording import installing_extra

_EXTRA = ("torchvision", "num2words")
"""Packages of the extra `repope-eval[chat]`."""


def load_processor(checkpoint: Checkpoint, settings: ModelSettings) -> Any:
    """The processor of images and texts.

    Raises:
        RepopeError: there is none or one of videos, it puts too many tokens in an image's place, a package is missing,
            or it takes no limits of pixels.
    """
    require_bounded(read_fields(checkpoint, PROCESSOR_CONFIG), PROMPT_LENGTHS)
    try:
        processor = AutoProcessor.from_pretrained(checkpoint.folder, trust_remote_code=False)
    except ImportError as error:
        raise missing_package(checkpoint, error) from error
    except Exception as error:  # its parts raise whatever they do
        raise RepopeError(
            f"{checkpoint.folder}: has no processor that loads ({first_line(error)})"
        ) from error
    images = getattr(processor, "image_processor", None)
    if images is None or getattr(processor, "tokenizer", None) is None:
        raise RepopeError(
            f"{checkpoint.folder}: has no processor of images, so the model can be shown none (is it a text model, "
            "or is preprocessor_config.json missing?)"
        )
    if isinstance(images, BaseVideoProcessor):
        raise RepopeError(
            f"{checkpoint.folder}: its image processor is {type(images).__name__}, which makes pixels of videos; "
            f"download {PREPROCESSOR_CONFIG} and {PROCESSOR_CONFIG} again, or take another checkpoint"
        )
    processor.image_processor = _limited(images, settings)
    return processor


def _limited(images: Any, settings: ModelSettings) -> Any:
    """The processor of images with the limits of pixels that the settings give.

    Raises:
        RepopeError: it has no such limits.
    """
    limits = {"min_pixels": settings.min_pixels, "max_pixels": settings.max_pixels}
    limits = {name: value for name, value in limits.items() if value is not None}
    known = getattr(getattr(images, "valid_kwargs", None), "__annotations__", {})
    if strange := [name for name in limits if name not in known]:
        raise RepopeError(
            f"model.{strange[0]}={limits[strange[0]]}: this checkpoint's processor ({type(images).__name__}) has no "
            "such limit; leave it out"
        )
    # Made anew, as its class does of a file: told later, such limits are taken for those of a single call.
    return type(images).from_dict({**images.to_dict(), **limits}) if limits else images


def missing_package(checkpoint: Checkpoint, error: ImportError) -> RepopeError:
    """The error that names what is not installed, and the command that installs it."""
    needed = re.findall(r"[a-z0-9_]+", f"{error.name} {error}".lower())
    extra = [name for name in _EXTRA if name in needed and find_spec(name) is None]
    if extra:
        return RepopeError(
            f"{checkpoint.folder}: its processor needs {' and '.join(extra)}: {installing_extra('chat')}"
        )
    return RepopeError(
        f"{checkpoint.folder}: needs a package that is not installed ({first_line(error)}); install it with pip"
    )


def special_tokens_of(processor: Any) -> list[str]:
    """The texts that a processor or its tokenizer takes for tokens of their own."""
    tokens = processor.tokenizer.added_tokens_decoder.values()
    marks = [getattr(processor, f"{kind}_token", None) for kind in ("image", "video", "audio")]
    special = {str(token) for token in tokens if token.special} | set(processor.tokenizer.all_special_tokens)
    return sorted(special | {mark for mark in marks if isinstance(mark, str)})


def image_token_ids_of(config: PreTrainedConfig, processor: Any) -> frozenset[int]:
    """The tokens in whose places image features come; empty where neither the configuration nor the processor says."""
    named = [getattr(config, name, None) for name in ("image_token_id", "image_token_index")]
    if not any(isinstance(token_id, int) for token_id in named):
        named = [getattr(processor, "image_token_id", None)]
    return frozenset(token_id for token_id in named if isinstance(token_id, int))
