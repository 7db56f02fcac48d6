"""Asks a model behind a server."""

import asyncio
import logging
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import Any

from repope_eval.endpoint.asking import Asking
from repope_eval.endpoint.background import Background
from repope_eval.endpoint.concurrency import MOST, Concurrency
from repope_eval.endpoint.opening import Opened, open_server
from repope_eval.endpoint.tally import Tally
from repope_eval.errors import RepopeError
from repope_eval.inference.asker import AskedImage, Asker
from repope_eval.inference.cut_thoughts import cut_thoughts_line
from repope_eval.process.ranks import Ranks
from repope_eval.records import Answer
from repope_eval.scoring.thoughts import unknown_tags_line
from repope_eval.settings.config import ModelSettings, RunSettings
from repope_eval.wording import counted

log = logging.getLogger(__name__)


class EndpointAsker(Asker):
    """Asks a server many questions at a time."""

    def __init__(self, settings: ModelSettings, opened: Opened) -> None:
        """Takes what is known of the server.

        Args:
            settings: of the model.
            opened: what the server told when it was opened.
        """
        self._settings = settings
        self._opened = opened
        ceiling = MOST if settings.concurrency == "auto" else int(settings.concurrency)
        self._concurrency = Concurrency(ceiling)
        self._tally = Tally(settings)

    @property
    def source(self) -> dict[str, Any]:
        """The model as the server names it."""
        return {"server": {"model": self._opened.model}}

    @property
    def device(self) -> dict[str, Any]:
        """The server's name of itself and its version, as far as it tells: it does not tell what it computes on."""
        name = " ".join(filter(None, (self._opened.server, self._opened.version)))
        return {"name": name} if name else {}

    def ask(self, images: Sequence[AskedImage]) -> Generator[list[Answer], None, None]:
        """Yields answers as they come, and an empty list where none came for a moment.

        Raises:
            RepopeError: the server refuses all questions, or, at the end, some have no answer.
        """
        asking = Asking(self._settings, self._opened, self._concurrency, self._tally)
        answered = 0
        with closing(Background[Answer](lambda take: asking.ask(images, take))) as background:
            for answers in background.items():
                answered += len(answers)
                yield answers
        for line in self._remarks():
            log.warning("%s", line)
        total = sum(len(image.questions) for image in images)
        if answered < total:
            raise RepopeError(self._unanswered(total - answered, total))

    def facts(self) -> dict[str, Any]:
        """The server, the form of the requests, how many were under way at a time, and what the tally has."""
        form = self._opened.form
        return {
            "engine": "endpoint",
            "server": self._opened.server or None,
            "version": self._opened.version,
            "model": self._opened.model,
            "sees_images": self._opened.sees_images,
            "request": {
                "temperature": 0,
                "seed": 0 if form.has_seed else None,
                form.limit_field: form.max_tokens,
                "top_logprobs": form.top_logprobs,
            },
            "concurrency": {"highest": self._concurrency.highest, "last": self._concurrency.limit},
            **self._tally.facts(),
        }

    def _remarks(self) -> Iterator[str]:
        """What is said of answers once all are there."""
        tally = self._tally
        if tally.cut_thoughts:
            yield cut_thoughts_line(tally.cut_thoughts, self._settings.max_new_tokens)
        if tally.unknown_tags:
            yield unknown_tags_line(tally.unknown_tags)
        if tally.with_secrets:
            yield (
                f"{counted(tally.with_secrets, 'answer', ',')} held the server's key: its variable's name stands there "
                "in its place; look whether they are the model's"
            )

    def _unanswered(self, number: int, total: int) -> str:
        reason, times = self._tally.failures.most_common(1)[0]
        given_up = number - self._tally.failures.total()
        more = f", and {given_up:,} were not asked any more" if given_up else ""
        return (
            f"{number:,} of {counted(total, 'question', ',')} have no answer: of {times:,} the reason is "
            f"{self._tally.details[reason]}{more}; the other answers are stored, and the same command asks those alone"
        )


def load_endpoint_asker(settings: RunSettings, ranks: Ranks) -> EndpointAsker:
    """Opens a server with a question of ours, so that what is wrong shows before any question is asked.

    Raises:
        RepopeError: the address is missing, there are several processes, or the server cannot be asked.
    """
    if ranks.are_several:
        raise RepopeError(
            "one process asks a server: start one, and raise model.concurrency for more at a time"
        )
    if settings.model.url is None:
        raise RepopeError("model=endpoint needs the address of its server: model.url=http://HOST:PORT/v1")
    log.info("opening %s", settings.model.checkpoint)
    return EndpointAsker(settings.model, asyncio.run(open_server(settings.model)))
