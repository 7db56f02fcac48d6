"""The loop over images: a chat model is asked about one image after another, all its questions at a time."""

import logging
from collections import Counter
from collections.abc import Generator, Sequence
from typing import Any

from repope_eval.chat.generation import ChatGeneration, Limits, stop_token_ids
from repope_eval.chat.loading import ChatModel, describe_chat_model
from repope_eval.chat.processor import ChatPrepared
from repope_eval.chat.thinking import AnswerReader
from repope_eval.chat.ways import Ways
from repope_eval.inference.asker import AskedImage, Asker
from repope_eval.inference.cut_thoughts import cut_thoughts_line
from repope_eval.inference.generation import spellings_in
from repope_eval.inference.loader import Loader
from repope_eval.inference.memory import memory_of
from repope_eval.models.networks import describe_device
from repope_eval.records import Answer, Question
from repope_eval.runs.manifest_form import CUT_THOUGHTS
from repope_eval.scoring.thoughts import unknown_tags_line
from repope_eval.settings.config import Engine

log = logging.getLogger(__name__)


class ChatAsker(Asker):
    """Asks a checkpoint with its own processor about one image at a time."""

    def __init__(
        self,
        model: ChatModel,
        *,
        engine: Engine,
        workers: str,
        max_new_tokens: int,
        programs: int = 1,
        verify: int = 0,
    ) -> None:
        """Chooses the way of asking, and the tokens that count as yes and as no.

        Args:
            model: the model that is asked.
            engine: the key of `WAYS`.
            workers: processes that prepare images, or `auto`.
            max_new_tokens: the longest answer, thoughts included.
            programs: how many programs like this one share the machine's cores.
            verify: how many images are asked about the plain way, too, before their answers are stored.

        Raises:
            RepopeError: nothing says where an answer ends.
        """
        stop_token_ids(model)
        self._model = model
        self._engine = engine
        self._workers = workers
        self._programs = programs
        self._max_new_tokens = max_new_tokens
        self._spellings = spellings_in(model.processor.vocabulary())
        self._ways = Ways(
            model, engine, Limits(max_new_tokens=max_new_tokens, spellings=self._spellings), verify
        )
        self._reader = AnswerReader(model.processor.tokenizer, model.checkpoint.folder)
        self._cut_thoughts = 0
        self._unknown_tags: Counter[str] = Counter()
        self._memory = memory_of(model.devices)
        self._loader: Loader | None = None

    @property
    def source(self) -> dict[str, Any]:
        """The checkpoint, the content of its files, the prompt, and what makes the pixels."""
        return describe_chat_model(self._model)

    @property
    def device(self) -> dict[str, Any]:
        """The device, the name of the GPU, and the number of threads."""
        return describe_device(self._model.device)

    def ask(self, images: Sequence[AskedImage]) -> Generator[list[Answer], None, None]:
        """Yields the answers to one image after another.

        Raises:
            RepopeError: an image does not decode, the processor does not take it, logits are not finite, or a single
                question does not fit into memory.
        """
        self._memory.start()
        self._loader = Loader(
            self._model, self._model.processor.prepare, images, self._workers, self._programs
        )
        with self._loader as loader:
            while prepared := loader.next(1):
                (image,) = prepared
                assert isinstance(image.prepared, ChatPrepared)
                generations = self._ways.ask(image.prepared)
                pairs = zip(image.questions, generations, strict=True)
                yield [self._answer(question, generation) for question, generation in pairs]
        if self._cut_thoughts:
            log.warning("%s", cut_thoughts_line(self._cut_thoughts, self._max_new_tokens))
        if self._unknown_tags:
            log.warning("%s", unknown_tags_line(self._unknown_tags))

    def facts(self) -> dict[str, Any]:
        """The way of asking, sizes, the wait for images, peak memory, first tokens, cut thoughts, what was checked."""
        return {
            "engine": self._engine,
            "attention": self._model.attention,
            "workers": self._loader.workers if self._loader else 0,
            "seconds_waited_for_images": round(self._loader.seconds_waited, 3) if self._loader else 0.0,
            "peak_memory_bytes": self._memory.peak_bytes(),
            "first_tokens": {"yes": dict(self._spellings.yes), "no": dict(self._spellings.no)},
            CUT_THOUGHTS: self._cut_thoughts,
            **self._ways.facts(),
        }

    def _answer(self, question: Question, generation: ChatGeneration) -> Answer:
        prompt = self._model.processor.prompt(question.text)
        read = self._reader.read(generation.token_ids, prompt)
        self._cut_thoughts += read.is_cut
        self._unknown_tags.update(filter(None, [read.unknown_tag]))
        p_yes, p_no = (None, None) if read.first is None else generation.evidence[read.first]
        return Answer(question, read.response, len(generation.token_ids), p_yes, p_no)
