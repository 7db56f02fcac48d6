"""What is sent to a server: the prompt, with the image before the text, and how the answer is to be chosen."""

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PIL import Image

from repope_eval.benchmarks.images import open_image, plain_format
from repope_eval.errors import RepopeError
from repope_eval.models.sampling import Sampling, sampling_of
from repope_eval.records import Question
from repope_eval.settings.config import ModelSettings

MOST_TOP_LOGPROBS = 20
"""The most likely first tokens that are asked for: as many as most servers list."""
FEWER_TOP_LOGPROBS = 5
"""As many as servers list that refuse to list `MOST_TOP_LOGPROBS`."""

_PLACE = "\0"
"""Stands where the image goes: no prompt may hold this character."""

_BEST: Mapping[str, Mapping[str, Any]] = {"jpeg": {"quality": 95}, "webp": {"lossless": True}}
"""How a format is written with the least loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The form of all requests of a run."""

    model: str
    max_tokens: int
    system_prompt: str | None
    question_suffix: str | None
    limit_field: str = "max_tokens"
    """What the server calls the longest answer: newer models of OpenAI's want `max_completion_tokens`."""
    top_logprobs: int = MOST_TOP_LOGPROBS
    """How many of the most likely tokens are asked for; 0: none."""
    has_seed: bool = True
    sampling: Sampling | None = None
    """How the server is to draw answers; None: greedily, by temperature 0."""

    def body(self, text: str, image: str | None, seed: int = 0) -> dict[str, Any]:
        """The request that asks a question; the seed is that of its draw."""
        question = {"type": "text", "text": text + (self.question_suffix or "")}
        pictures = [] if image is None else [{"type": "image_url", "image_url": {"url": image}}]
        messages: list[dict[str, Any]] = [{"role": "user", "content": [*pictures, question]}]
        if self.system_prompt is not None:
            messages.insert(0, {"role": "system", "content": self.system_prompt})
        evidence = {"logprobs": True, "top_logprobs": self.top_logprobs} if self.top_logprobs else {}
        return {
            "model": self.model,
            "messages": messages,
            **self.decoding,
            self.limit_field: self.max_tokens,
            **({"seed": seed} if self.has_seed else {}),
            **evidence,
        }

    @property
    def decoding(self) -> dict[str, float]:
        """What says how tokens are chosen."""
        if self.sampling is None:
            return {"temperature": 0}
        top_p = {"top_p": self.sampling.top_p} if self.sampling.top_p < 1 else {}
        return {"temperature": self.sampling.temperature, **top_p}

    def seed_of(self, question: Question) -> int:
        """The seed of a question's draw."""
        return 0 if self.sampling is None else self.sampling.draw(question).server_seed

    def content(self, text: str, image: str | None, seed: int = 0) -> bytes:
        """The body in JSON, as it is sent. The image, which is long and needs no escapes, is put in at the end."""
        if image is None:
            return json.dumps(self.body(text, None, seed)).encode()
        before, _, behind = json.dumps(self.body(text, _PLACE, seed)).partition(json.dumps(_PLACE))
        return f'{before}"{image}"{behind}'.encode()

    def conceding(self, complaint: str) -> "Form | None":
        """The form without what a server complains of; None where answers would be others without it.

        Args:
            complaint: what the server says of a request of this form that it refuses.
        """
        if self.limit_field == "max_tokens" and "max_completion_tokens" in complaint:
            return replace(self, limit_field="max_completion_tokens")
        if "logprobs" in complaint and self.top_logprobs:
            is_fewer = "top_logprobs" in complaint and self.top_logprobs > FEWER_TOP_LOGPROBS
            return replace(self, top_logprobs=FEWER_TOP_LOGPROBS if is_fewer else 0)
        if "seed" in complaint and self.has_seed:
            return replace(self, has_seed=False)
        return None


def form_of(settings: ModelSettings) -> Form:
    """The form in which a run begins to ask."""
    return Form(
        model=settings.checkpoint,
        max_tokens=settings.max_new_tokens,
        system_prompt=settings.system_prompt,
        question_suffix=settings.question_suffix,
        sampling=sampling_of(settings),
    )


def image_url(path: Path, image_format: str | None = None, max_side: int | None = None) -> str:
    """An image as a data URL: the pixels of `open_image`, by the file's own bytes where these are sent as they are.

    Args:
        path: the image's file.
        image_format: `png`, `jpeg` or `webp`; None: as the file is, or PNG where a server may show it otherwise.
        max_side: the most pixels of its longer side; None: any number. Smaller images stay as they are.
    """
    # Decoded even where the file's bytes go as they are: one that is cut short is refused, whatever servers make of it.
    own, image = plain_format(path), open_image(path)
    is_small = max_side is None or max(image.size) <= max_side
    if own and is_small and image_format in (None, own):
        try:
            return _data_url(own, path.read_bytes())
        except OSError as error:
            raise RepopeError(
                f"{path}: cannot be read ({error.strerror}); replace it by a whole image"
            ) from error
    return encoded(image, image_format or (own if own in ("jpeg", "webp") else "png"), max_side)


def encoded(image: Image.Image, image_format: str, max_side: int | None = None) -> str:
    """Pixels as a data URL. Formats with loss are sent in their best quality.

    Args:
        image: the pixels, in RGB.
        image_format: `png`, `jpeg` or `webp`.
        max_side: the most pixels of the longer side; None: any number.
    """
    if max_side is not None:
        image = image.copy()
        image.thumbnail((max_side, max_side), Image.Resampling.BICUBIC)
    content = io.BytesIO()
    image.save(content, image_format.upper(), **_BEST.get(image_format, {}))
    return _data_url(image_format, content.getvalue())


def _data_url(image_format: str, content: bytes) -> str:
    return f"data:image/{image_format};base64,{base64.b64encode(content).decode('ascii')}"
