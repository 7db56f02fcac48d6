"""Asks a model behind a server: all questions of a run at once, if the server bears it, so that its cache is used."""

import asyncio
import logging
import math
import queue
import threading
from collections.abc import Callable, Coroutine, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any, Generic, TypeVar

from repope_eval.asking.asker import AskedImage, Asker, cut_thoughts_line
from repope_eval.asking.endpoint.client import Client
from repope_eval.asking.endpoint.concurrency import MOST, Concurrency, Retrying, Tally
from repope_eval.asking.endpoint.opening import Opened, open_server
from repope_eval.asking.endpoint.replies import NOT_ASKED, Reply, RequestError, read_reply
from repope_eval.asking.endpoint.requests import image_url
from repope_eval.errors import RepopeError
from repope_eval.records import Answer, Question
from repope_eval.scoring.protocols import unknown_tags_line
from repope_eval.settings.config import ModelSettings, RunSettings
from repope_eval.system.ranks import Ranks
from repope_eval.system.secrets import masked
from repope_eval.wording import counted, shown

log = logging.getLogger(__name__)


Item = TypeVar("Item")

HEARTBEAT = 0.5
"""Seconds after which an empty list is handed out where nothing came, so that a signal is heard."""
GRACE = 2.0
"""Seconds that the work gets to end by itself when it is broken off."""


class Background(Generic[Item]):
    """A coroutine under way in a thread, which hands over one item after another.

    The thread is a daemon: one that waits for a server's address must not hold up an interrupted program.
    """

    def __init__(self, work: Callable[[Callable[[Item], None]], Coroutine[None, None, None]]) -> None:
        """Starts it.

        Args:
            work: makes the coroutine, given what takes its items.
        """
        self._came: queue.SimpleQueue[Item | _End] = queue.SimpleQueue()
        self._loop = asyncio.new_event_loop()
        self._task = self._loop.create_task(work(self._came.put))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def items(self) -> Iterator[list[Item]]:
        """Yields what came, several items together where they came fast, and an empty list where nothing came for long.

        Raises:
            Exception: what the coroutine raised, after the items that came before.
        """
        while True:
            came = self._waiting_items()
            end = next((item for item in came if isinstance(item, _End)), None)
            yield [item for item in came if not isinstance(item, _End)]
            if end is not None:
                if end.error is not None:
                    raise end.error
                return

    def close(self) -> None:
        """Breaks the work off, and waits a moment until it has ended."""
        with suppress(RuntimeError):  # the loop is closed already
            self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(GRACE)

    def _waiting_items(self) -> list["Item | _End"]:
        items: list[Item | _End] = []
        try:
            items.append(self._came.get(timeout=HEARTBEAT))
            while True:
                items.append(self._came.get_nowait())
        except queue.Empty:
            return items

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            pass
        except BaseException as raised:
            error = raised
        finally:
            self._came.put(_End(error))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()


class _End:
    """Says that the work has ended, and with what error."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error


MOST_IN_A_ROW = 8
"""Questions in a row that fail, each after all of its attempts, after which the server is given up."""


class GivenUpError(Exception):
    """The server failed on question after question."""


class QuestionLoop:
    """Asks about images: first one question about each, then the others, when the server has the image in its cache."""

    def __init__(
        self, settings: ModelSettings, opened: Opened, concurrency: Concurrency, tally: Tally
    ) -> None:
        """Takes the server that is asked, the limit of requests under way, and the tally of what comes back."""
        self._settings = settings
        self._opened = opened
        self._concurrency = concurrency
        self._tally = tally
        self._failed_in_a_row = 0
        self._refused_since = math.inf
        """The loop's time since which the server has refused requests and answered none."""

    async def ask(self, images: Sequence[AskedImage], take: Callable[[Answer], None]) -> None:
        """Asks all questions, and hands over each answer as it comes.

        A question that fails is counted and has no answer, and the others are asked nonetheless, unless the server
        fails on question after question.
        """
        try:
            async with Client(self._settings) as client, asyncio.TaskGroup() as tasks:
                for image in images:
                    url = await self._shown(image)
                    await self._concurrency.take(is_urgent=False)
                    tasks.create_task(self._ask_image(client, image, url, take))
        except BaseExceptionGroup as errors:
            error = _first_error(errors)
            if not isinstance(error, GivenUpError):
                raise error from None

    async def _shown(self, image: AskedImage) -> str | None:
        """What the server is shown: the image as a data URL; None where questions are asked without one."""
        if image.path is None:
            return None
        return await asyncio.to_thread(
            image_url, image.path, self._settings.image_format, self._settings.max_side
        )

    async def _ask_image(
        self, client: Client, image: AskedImage, url: str | None, take: Callable[[Answer], None]
    ) -> None:
        """Asks about an image, whose first question has its turn already."""
        first, *others = image.questions
        await self._ask_question(client, first, url, take, has_turn=True)
        async with asyncio.TaskGroup() as tasks:
            for question in others:
                tasks.create_task(self._ask_question(client, question, url, take, has_turn=False))

    async def _ask_question(
        self,
        client: Client,
        question: Question,
        url: str | None,
        take: Callable[[Answer], None],
        *,
        has_turn: bool,
    ) -> None:
        """Asks one question, and hands its answer over or counts why there is none."""
        try:
            reply = await self._reply(client, question, url, has_turn=has_turn)
        except RequestError as fault:
            if fault.ends_run:
                raise client.refusal(fault) from None
            self._tally.add_failure(fault)
            self._failed_in_a_row += fault.may_pass
            if self._failed_in_a_row >= MOST_IN_A_ROW:
                raise GivenUpError from None
            return
        named = masked(reply.model)
        if not {reply.model, named} & {"", self._opened.model}:
            raise RepopeError(
                f"{client.shown}: {shown(named)} answers in place of {self._opened.model} now; the same command goes "
                "on where that one answers again"
            )
        self._failed_in_a_row = 0
        self._tally.add(reply)
        evidence = reply.evidence
        take(Answer(question, reply.text, reply.tokens_out, evidence.p_yes, evidence.p_no))

    async def _reply(self, client: Client, question: Question, url: str | None, *, has_turn: bool) -> Reply:
        """The reply to a question, asked again after faults that may pass."""
        form, retrying = self._opened.form, Retrying()
        if question.describes:  # a server would list tokens beside each one of a long text
            form = replace(form, top_logprobs=0)
        content = form.content(question.text, url, form.seed_of(question))
        while True:
            if not has_turn:
                await self._concurrency.take(is_urgent=True)
            began, has_turn = asyncio.get_running_loop().time(), False
            try:
                received = await client.complete(content)
                reply = read_reply(received.text, asks_evidence=form.top_logprobs > 0)
                if question.describes:
                    reply = replace(reply, evidence=NOT_ASKED)
                self._concurrency.note_answer()
                self._refused_since = math.inf
                return reply
            except RequestError as fault:
                self._tally.add_fault(fault)
                if fault.is_busy:
                    self._concurrency.note_busy(began, fault.retry_after)
                if fault.is_pace:
                    self._refused_since = min(self._refused_since, asyncio.get_running_loop().time())
                # The turn is kept meanwhile: passing it on would ask a failing server more and more.
                await retrying.wait(fault, self._refused_since)
            finally:
                self._concurrency.give_back()
            self._tally.retries += 1


def _first_error(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error in a group, and in the groups within it."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


class EndpointAsker(Asker):
    """Asks a server many questions at a time."""

    def __init__(self, settings: ModelSettings, opened: Opened) -> None:
        """Takes what is known of the server."""
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
        asking = QuestionLoop(self._settings, self._opened, self._concurrency, self._tally)
        answered = 0
        with closing(Background[Answer](lambda take: asking.ask(images, take))) as background:
            for answers in background.items():
                answered += len(answers)
                yield answers
        for line in self._remarks():
            log.warning("%s", line)
        total = sum(len(image.questions) for image in images)
        if answered < total:
            raise RepopeError(self._unanswered_line(total - answered, total))

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
                **form.decoding,
                "seed": (0 if form.sampling is None else "of each draw") if form.has_seed else None,
                form.limit_field: form.max_tokens,
                "top_logprobs": form.top_logprobs,
            },
            "concurrency": {"highest": self._concurrency.highest, "last": self._concurrency.limit},
            **self._tally.facts(),
        }

    def _remarks(self) -> Iterator[str]:
        """What is odd about the answers, in words, once all are there."""
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

    def _unanswered_line(self, number: int, total: int) -> str:
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
