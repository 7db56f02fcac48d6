"""A checkpoint's own processor and chat template: how it is loaded, and what the model is shown."""

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import torch
from PIL import Image
from transformers import AutoProcessor, BaseVideoProcessor, PreTrainedConfig

from repope_eval.asking.native.memory import is_lack_of_memory
from repope_eval.benchmarks.images import to_rgb
from repope_eval.errors import RepopeError
from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.description import (
    PREPROCESSOR_CONFIG,
    PROCESSOR_CONFIG,
    read_chat_template,
    read_fields,
)
from repope_eval.models.fields import PROMPT_LENGTHS, first_line, require_bounded
from repope_eval.models.recipe import Inputs, Prepared
from repope_eval.models.tokenizers import PlainText, drop_breaks, rendered
from repope_eval.settings.config import ModelSettings
from repope_eval.wording import installing_extra


class PixelsMadeOnce:
    """Has an image processor remember what it made, while a processor is called again and again with one image.

    A processor may call it several times for one question: the n-th call then has the n-th call's result.
    """

    def __init__(self, image_processor: Any) -> None:
        """Changes nothing until it is entered."""
        self._image_processor = image_processor
        self._preprocess = image_processor.preprocess
        self._made: list[Any] = []
        self._calls = 0

    def __enter__(self) -> Self:
        self._image_processor.preprocess = self._remembered_call
        return self

    def __exit__(self, *_: object) -> None:
        del self._image_processor.preprocess  # the class has it

    def start_anew(self) -> None:
        """Takes note that the next call is the first one for a question."""
        self._calls = 0

    def _remembered_call(self, *arguments: Any, **named: Any) -> Any:
        if self._calls == len(self._made):
            self._made.append(self._preprocess(*arguments, **named))
        self._calls += 1
        return copy.copy(self._made[self._calls - 1])  # processors take entries out of it


_EXTRA = ("torchvision", "num2words", "timm")
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
    processor.image_processor = _limited_images(images, settings)
    return processor


def _limited_images(images: Any, settings: ModelSettings) -> Any:
    """The processor of images with the limits of pixels that the settings give."""
    limits = {"min_pixels": settings.min_pixels, "max_pixels": settings.max_pixels}
    limits = {name: value for name, value in limits.items() if value is not None}
    known = getattr(getattr(images, "valid_kwargs", None), "__annotations__", {})
    if strange := [name for name in limits if name not in known]:
        raise RepopeError(
            f"model.{strange[0]}={limits[strange[0]]}: this checkpoint's processor ({type(images).__name__}) has no "
            "such limit; leave it out"
        )
    # It is made anew, as from a file: limits that are given to it later count for a single call only.
    return type(images).from_dict({**images.to_dict(), **limits}) if limits else images


def missing_package(checkpoint: Checkpoint, error: ImportError) -> RepopeError:
    """The error that names what is not installed, and the command that installs it."""
    needed = re.findall(r"[a-z0-9_]+", f"{error.name} {error}".lower())
    extra = [name for name in _EXTRA if name in needed and find_spec(name) is None]
    if extra:
        return RepopeError(f"{checkpoint.folder}: needs {' and '.join(extra)}: {installing_extra('chat')}")
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
    """The tokens that image features replace; empty where neither the configuration nor the processor names them."""
    named = [getattr(config, name, None) for name in ("image_token_id", "image_token_index")]
    if not any(isinstance(token_id, int) for token_id in named):
        named = [getattr(processor, "image_token_id", None)]
    return frozenset(token_id for token_id in named if isinstance(token_id, int))


_REHEARSED = "Is there a snowboard in the image?"


@dataclass(frozen=True, slots=True)
class ChatPrepared(Prepared):
    """One image and its questions, ready for a model: `inputs` are the image's, as the processor names them."""

    token_inputs: tuple[Inputs, ...]
    """What the processor says of each token of a question's prompt, such as its type; each tensor is [1, tokens]."""
    question_inputs: tuple[Inputs, ...]
    """What else it says of each question, such as which tiles a token sees."""


class ChatProcessor:
    """The processor of a checkpoint, with its prompt: one user turn, an image and then a question."""

    def __init__(self, checkpoint: Checkpoint, config: PreTrainedConfig, settings: ModelSettings) -> None:
        """Loads the processor, and tries it on an image and a question.

        Raises:
            RepopeError: there is no processor of images or no chat template, the template drops the image, a package
                is missing, or a setting means nothing to this processor.
        """
        self._folder = checkpoint.folder
        self._settings = settings
        self._processor = load_processor(checkpoint, settings)
        self.tokenizer: Any = self._processor.tokenizer
        sizes = checkpoint.path(PREPROCESSOR_CONFIG)
        self._sizes_file = sizes.name if sizes.is_file() else PROCESSOR_CONFIG
        self._template = self._chat_template()
        self._template_file = _file_of_template(self._template, checkpoint)
        self._special = special_tokens_of(self._processor)
        self._plain_text = PlainText(self._special)
        if hasattr(self.tokenizer, "backend_tokenizer"):
            drop_breaks(self.tokenizer.backend_tokenizer)
        self._require_arguments()
        self.image_token_ids = image_token_ids_of(config, self._processor)
        self._rehearse()

    @property
    def image_backend(self) -> str:
        """What makes the pixels, torchvision or pil: the pixels of the two differ a little."""
        return str(getattr(self._processor.image_processor, "backend", "unknown"))

    def vocabulary(self) -> Mapping[str, int]:
        """All tokens as the vocabulary writes them, with their ids."""
        vocabulary: dict[str, int] = self.tokenizer.get_vocab()
        return vocabulary

    def prompt(self, question: str, *, shows_image: bool = True) -> str:
        """The whole prompt of a question as text, with the processor's mark where the image goes, if one is shown."""
        text = question + (self._settings.question_suffix or "")
        images = [{"type": "image"}] if shows_image else []
        return self._rendered_prompt([*images, {"type": "text", "text": text}])

    def prepare(self, image: Image.Image | None, questions: Sequence[str]) -> ChatPrepared:
        """Pixels of an image of any mode, and the prompts of questions about it; None: no image is shown.

        The processor is called for each question by itself, as if it were the only one. The pixels that it
        made for the first are handed to it again for the others.

        Raises:
            RepopeError: the processor cannot take the image, or a question spells a special token that cannot be told
                from a real one.
        """
        rgb = None if image is None else to_rgb(image)
        with PixelsMadeOnce(self._processor.image_processor) as pixels:
            processed = []
            for question in questions:
                pixels.start_anew()
                processed.append(self._processed_question(rgb, question))
        shapes = [each["input_ids"].shape for each in processed]
        prompts = tuple(tuple(each.pop("input_ids")[0].tolist()) for each in processed)
        for each in processed:
            each.pop("attention_mask", None)  # there is no padding
        per_token = {name for name, tensor in processed[0].items() if tensor.shape == shapes[0]}
        others = set(processed[0]) - per_token
        per_question = {name for name in others if _is_per_question(name, processed, shapes)}
        return ChatPrepared(
            {name: processed[0][name] for name in processed[0] if name in others - per_question},
            prompts,
            tuple({name: each[name] for name in each if name in per_token} for each in processed),
            tuple({name: each[name] for name in each if name in per_question} for each in processed),
        )

    def _processed_question(self, image: Image.Image | None, question: str) -> dict[str, torch.Tensor]:
        prompt = self.prompt(self._plain_question(question), shows_image=image is not None)
        begin = self.tokenizer.bos_token
        # As transformers' own chat does it: a template that writes the begin token needs no second one.
        is_begun = begin is not None and prompt.startswith(begin)
        try:
            processed = self._processor(
                text=[prompt],
                return_tensors="pt",
                **({} if image is None else {"images": [image]}),
                **({"add_special_tokens": False} if is_begun else {}),
            )
        except Exception as error:  # processors raise whatever they do
            lack = "too much memory, " if is_lack_of_memory(error) else ""
            what = "the image" if image is not None else "a question without an image"
            raise RepopeError(
                f"its processor ({self._sizes_file}) cannot take {what} ({lack}{first_line(error)})"
            ) from error
        inputs = dict(processed)
        if strange := [name for name, value in inputs.items() if not isinstance(value, torch.Tensor)]:
            raise RepopeError(f"its processor makes {strange[0]}, which is no tensor, so it cannot be asked")
        first = inputs["input_ids"][0, :2].tolist()
        if first == [self.tokenizer.bos_token_id] * 2:
            raise RepopeError(f"its prompt would begin with {begin} twice; take one out of its chat template")
        return inputs

    def _plain_question(self, question: str) -> str:
        """The question with nothing in it that would become a special token."""
        plain = self._plain_text(question)
        if plain != question:
            token_ids = self.tokenizer(plain, add_special_tokens=False).input_ids
            spelled = set(token_ids) & set(self.tokenizer.convert_tokens_to_ids(self._special))
            if spelled:
                token = self.tokenizer.convert_ids_to_tokens(spelled.pop())
                raise RepopeError(
                    f"the question {question!a} spells {token}, which this tokenizer takes for the token itself; "
                    "take it out of the question"
                )
        return plain

    def _rendered_prompt(self, content: list[dict[str, str]]) -> str:
        turns: list[dict[str, Any]] = [{"role": "user", "content": content}]
        if self._settings.system_prompt is not None:
            system = [{"type": "text", "text": self._settings.system_prompt}]
            turns.insert(0, {"role": "system", "content": system})

        def render() -> str:
            return str(
                self._processor.apply_chat_template(
                    turns,
                    chat_template=self._template,
                    add_generation_prompt=True,
                    tokenize=False,
                    **(self._settings.chat_template or {}),
                )
            )

        given = sum(len(part.get("text", "")) for turn in turns for part in turn["content"])
        return rendered(self._template_file, given, render)

    def _chat_template(self) -> str:
        """The processor's template, else its tokenizer's."""
        for holder in (self._processor, self.tokenizer):
            template = getattr(holder, "chat_template", None)
            if isinstance(template, Mapping):
                template = template.get("default")
            if template:
                return str(template)
        raise RepopeError(
            f"{self._folder}: holds no chat template, so how it is asked is unknown; take a checkpoint that was "
            "tuned for chat, if the model has one"
        )

    def _require_arguments(self) -> None:
        """Refuses arguments that the template does not mention: they would change nothing."""
        for name in self._settings.chat_template or {}:
            if name not in self._template:
                raise RepopeError(
                    f"model.chat_template: the template of {self._folder} has no argument {name}; leave it out"
                )

    def _rehearse(self) -> None:
        """Tries the processor on an image and a question."""
        text = [{"type": "text", "text": _REHEARSED}]
        if self._rendered_prompt([{"type": "image"}, *text]) == self._rendered_prompt(text):
            raise self._dropped_image_error()
        mark = getattr(self._processor, "image_token", None)
        if isinstance(mark, str) and mark not in self.prompt(_REHEARSED):
            raise self._dropped_image_error()
        try:
            prepared = self.prepare(Image.new("RGB", (64, 32), "gray"), [_REHEARSED])
        except RepopeError as error:
            raise RepopeError(f"{self._folder}: {error}") from error
        if self.image_token_ids and not self.image_token_ids & set(prepared.prompts[0]):
            raise self._dropped_image_error()
        if not all(torch.isfinite(each).all() for each in prepared.inputs.values()):
            raise RepopeError(f"{self._folder}: its processor makes pixels that are NaN or infinite")

    def _dropped_image_error(self) -> RepopeError:
        return RepopeError(
            f"{self._folder}: its chat template drops the image, so the model would not see it; take a checkpoint "
            "whose template has a place for images"
        )


def _file_of_template(template: str, checkpoint: Checkpoint) -> Path:
    """The file that a template comes from; the checkpoint's folder where transformers has it from elsewhere."""
    try:
        path, file_template = read_chat_template(checkpoint)
    except RepopeError:
        return checkpoint.folder
    return path if file_template == template else checkpoint.folder


def _is_per_question(
    name: str, processed: Sequence[Mapping[str, torch.Tensor]], shapes: Sequence[torch.Size]
) -> bool:
    """Whether an input is another for each question, or says something of each token of it."""
    first = processed[0][name]
    is_of_tokens = any(each[name].shape[:2] == shape for each, shape in zip(processed, shapes, strict=True))
    return is_of_tokens or not all(
        each[name] is first or torch.equal(each[name], first) for each in processed
    )
