"""The loop over images: a chat model is asked all questions about one, and its answer is told from its thoughts."""

import logging
from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, cast

from repope_eval.asking.asker import AskedImage, cut_thoughts_line
from repope_eval.asking.chat.generation import ChatGeneration, Limits, stop_token_ids
from repope_eval.asking.chat.loading import ChatModel
from repope_eval.asking.chat.processor import ChatPrepared
from repope_eval.asking.chat.ways import Answers, Ways
from repope_eval.asking.native.batches import LocalAsker
from repope_eval.asking.native.loader import Loader, PreparedImage
from repope_eval.models.description import TOKENIZER_CONFIG
from repope_eval.models.fields import blamed_on
from repope_eval.models.sampling import Sampling
from repope_eval.records import Answer, Question
from repope_eval.runs.manifest_form import CUT_THOUGHTS
from repope_eval.scoring.protocols import TAGS, THOUGHT_FIELDS, unknown_tag, unknown_tags_line
from repope_eval.settings.config import Engine

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReadAnswer:
    """The answer in what a model generated."""

    response: str
    """The text after the thoughts, special tokens left out; empty where there is none."""
    first: int | None
    """The index of its first token that is more than white space; None where there is none, or it is unknown."""
    is_cut: bool = False
    """Whether the model was still thinking when it ended: there is no answer."""
    unknown_tag: str | None = None
    """The tag around what may be a thought. It stays in the answer, except for tokens of it that are special ones."""


class AnswerReader:
    """Reads answers by a checkpoint's response template, or else by the tags around thoughts."""

    def __init__(self, tokenizer: Any, folder: Path) -> None:
        """Looks for a response template in the tokenizer, whose files are in a folder."""
        self._tokenizer = tokenizer
        self._has_template = getattr(tokenizer, "response_template", None) is not None
        if self._has_template:
            with blamed_on(f"{folder / TOKENIZER_CONFIG}: response_template"):
                tokenizer.parse_response("", prefix="")
        self._tags = _thought_tags(getattr(tokenizer, "response_template", None))

    def read(self, token_ids: Sequence[int], prompt: str) -> ReadAnswer:
        """Reads the answer in generated tokens.

        Args:
            prompt: the whole prompt as text, in which a template may have opened the thoughts.
        """
        text = self._tokenizer.decode(list(token_ids), skip_special_tokens=False)
        closing = next((closing for _, closing in self._tags if closing in text), None)
        if closing is not None:
            return self._answer(token_ids, self._end_of_thoughts(token_ids, closing), text, prompt)
        is_opened = any(
            prompt.rstrip().endswith(opening.rstrip()) or text.lstrip().startswith(opening)
            for opening, _ in self._tags
        )
        if is_opened:
            return ReadAnswer("", None, is_cut=True)
        answer = self._answer(token_ids, 0, text, prompt)
        return replace(answer, unknown_tag=unknown_tag(text))

    def _answer(self, token_ids: Sequence[int], start: int, text: str, prompt: str) -> ReadAnswer:
        """The answer whose tokens begin at an index."""
        if self._has_template:
            message = self._tokenizer.parse_response(text, prefix=prompt)
            response = str(message.get("content") or "")
        else:
            response = self._decode(token_ids[start:])
            response = response.lstrip() if start else response
        worded = (
            index
            for index in range(start, len(token_ids))
            if self._decode(token_ids[index : index + 1]).strip()
        )
        return ReadAnswer(response, next(worded, None) if start else 0)

    def _end_of_thoughts(self, token_ids: Sequence[int], closing: str) -> int:
        """How many tokens it takes until the end of the thoughts is whole."""
        low, high = 0, len(token_ids)
        while low < high:
            middle = (low + high) // 2
            if closing in self._tokenizer.decode(list(token_ids[:middle]), skip_special_tokens=False):
                high = middle
            else:
                low = middle + 1
        return low

    def _decode(self, token_ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(token_ids), skip_special_tokens=True))


def _thought_tags(template: Any) -> Sequence[tuple[str, str]]:
    """The tags around thoughts: those of a response template if they are plain texts there, else those models write."""
    fields = template.get("fields", {}) if isinstance(template, Mapping) else {}
    for name in THOUGHT_FIELDS:
        field = fields.get(name, {})
        opening, closing = field.get("open"), field.get("close")
        if isinstance(opening, str) and isinstance(closing, str):
            return [(opening, closing)]
    return TAGS


class ChatAsker(LocalAsker):
    """Asks a checkpoint with its own processor about several images at a time, where its class can be asked so."""

    def __init__(
        self,
        model: ChatModel,
        *,
        engine: Engine,
        batch_size: str,
        workers: str,
        max_new_tokens: int,
        programs: int = 1,
        verify: int = 0,
        shows_images: bool = True,
        sampling: Sampling | None = None,
    ) -> None:
        """Chooses the way of asking.

        Args:
            engine: the key of `WAYS`.
            batch_size: the number of images at a time, or `auto`.
            workers: processes that prepare images, or `auto`.
            max_new_tokens: the longest answer, thoughts included.
            programs: how many programs like this one share the machine's cores.
            verify: how many images are asked about the plain way, too, before their answers are stored.
            shows_images: whether questions are asked with an image.
            sampling: how answers are drawn; None where they are greedy.

        Raises:
            RepopeError: nothing says where an answer ends.
        """
        stop_token_ids(model)
        super().__init__(
            model,
            model.processor,
            engine=engine,
            workers=workers,
            max_new_tokens=max_new_tokens,
            programs=programs,
            shows_images=shows_images,
            sampling=sampling,
        )
        self._processor = model.processor
        limits = Limits(max_new_tokens=max_new_tokens, spellings=self._spellings)
        self._ways = Ways(model, engine, limits, verify=verify, batch_size=batch_size, memory=self._memory)
        self._reader = AnswerReader(model.processor.tokenizer, model.checkpoint.folder)
        self._cut_thoughts = 0
        self._unknown_tags: Counter[str] = Counter()

    @property
    def source(self) -> dict[str, Any]:
        """The checkpoint, the content of its files, the prompt, and what makes the pixels."""
        return {**super().source, "image_backend": self._processor.image_backend}

    def try_out(self, images: Sequence[AskedImage]) -> Any:
        """Asks about as many images as the first batch has, and returns the way that was taken.

        The answers are dropped: where another rank took a slower way, they are asked anew.
        """
        self._memory.start()
        first = images[: self._images_at_once]
        with Loader(self._loaded, self._shown.prepare, first, "0", self._programs, self._sampling) as loader:
            for _ in self._generations(loader.next(len(first))):
                pass
        return self._ways.choice

    def take_choices(self, choices: Sequence[Any]) -> None:
        """Takes the slowest of the ways that the ranks took."""
        self._ways.take_slowest(choices)

    def ask(self, images: Sequence[AskedImage]) -> Generator[list[Answer], None, None]:
        """Yields the answers of one batch after another, and says in the log what is odd about them.

        Raises:
            RepopeError: as in `LocalAsker`.
        """
        yield from super().ask(images)
        if self._cut_thoughts:
            log.warning("%s", cut_thoughts_line(self._cut_thoughts, self._max_new_tokens))
        if self._unknown_tags:
            log.warning("%s", unknown_tags_line(self._unknown_tags))

    def facts(self) -> dict[str, Any]:
        """What each local asker tells, cut thoughts, the way of asking, and what was checked."""
        return super().facts() | {CUT_THOUGHTS: self._cut_thoughts} | self._ways.facts()

    @property
    def _images_at_once(self) -> int:
        return self._ways.images_at_once

    def _answers(self, images: Sequence[PreparedImage]) -> Iterator[list[Answer]]:
        questions = (image.questions for image in images)
        for generated in self._generations(images):
            pairs = (zip(next(questions), generations, strict=True) for generations in generated)
            yield [self._answer(*pair) for pair in chain.from_iterable(pairs)]

    def _generations(self, images: Sequence[PreparedImage]) -> Iterator[Answers]:
        describes = any(question.describes for image in images for question in image.questions)
        batches = self._ways.ask(
            [cast(ChatPrepared, image.prepared) for image in images], describes=describes
        )
        answered = 0
        for answers in batches:
            self._ways.learn(answers, self._growth(images[answered : answered + len(answers)], answers))
            answered += len(answers)
            yield answers

    def _answer(self, question: Question, generation: ChatGeneration) -> Answer:
        prompt = self._processor.prompt(question.text, shows_image=self._shows_images)
        read = self._reader.read(generation.token_ids, prompt)
        self._cut_thoughts += read.is_cut
        self._unknown_tags.update(filter(None, [read.unknown_tag]))
        p_yes, p_no = (None, None) if read.first is None else generation.evidence[read.first]
        return Answer(question, read.response, len(generation.token_ids), p_yes, p_no)
