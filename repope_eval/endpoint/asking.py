"""All questions of a run, asked at once as far as the server bears it, in an order that fills its cache."""

import asyncio
import math
from collections.abc import Callable, Sequence

from repope_eval.endpoint.client import Client
from repope_eval.endpoint.concurrency import Concurrency
from repope_eval.endpoint.faults import RequestError
from repope_eval.endpoint.opening import Opened
from repope_eval.endpoint.replies import Reply, read_reply
from repope_eval.endpoint.requests import image_url
from repope_eval.endpoint.retrying import Retrying
from repope_eval.endpoint.tally import Tally
from repope_eval.errors import RepopeError
from repope_eval.inference.asker import AskedImage
from repope_eval.records import Answer, Question
from repope_eval.settings.config import ModelSettings
from repope_eval.settings.secrets import masked
from repope_eval.wording import shown

MOST_IN_A_ROW = 8
"""Questions in a row that fail, each after all of its attempts, after which the server is given up."""


class GivenUpError(Exception):
    """The server failed on question after question."""


class Asking:
    """Asks about images: of each the first question, then, when the server has the image in its cache, the others."""

    def __init__(
        self, settings: ModelSettings, opened: Opened, concurrency: Concurrency, tally: Tally
    ) -> None:
        """Takes what is asked, and who counts.

        Args:
            settings: of the model.
            opened: what is known of the server.
            concurrency: how many requests may be under way.
            tally: counts replies and faults.
        """
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

        Raises:
            RepopeError: an image cannot be read, another model answers, or the server will refuse every question.
        """
        try:
            async with Client(self._settings) as client, asyncio.TaskGroup() as tasks:
                for image in images:
                    url = await asyncio.to_thread(
                        image_url, image.path, self._settings.image_format, self._settings.max_side
                    )
                    await self._concurrency.take(is_urgent=False)
                    tasks.create_task(self._ask_image(client, image, url, take))
        except BaseExceptionGroup as errors:
            error = _first(errors)
            if not isinstance(error, GivenUpError):
                raise error from None

    async def _ask_image(
        self, client: Client, image: AskedImage, url: str, take: Callable[[Answer], None]
    ) -> None:
        """Asks about an image, whose first question has its turn already."""
        first, *others = image.questions
        await self._ask_question(client, first, url, take, has_turn=True)
        async with asyncio.TaskGroup() as tasks:
            for question in others:
                tasks.create_task(self._ask_question(client, question, url, take, has_turn=False))

    async def _ask_question(
        self, client: Client, question: Question, url: str, take: Callable[[Answer], None], *, has_turn: bool
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

    async def _reply(self, client: Client, question: Question, url: str, *, has_turn: bool) -> Reply:
        """The reply to a question, asked again after faults that may pass.

        Raises:
            RequestError: there is none.
        """
        form, retrying = self._opened.form, Retrying()
        content = form.content(question.text, url)
        while True:
            if not has_turn:
                await self._concurrency.take(is_urgent=True)
            began, has_turn = asyncio.get_running_loop().time(), False
            try:
                received = await client.complete(content)
                reply = read_reply(received.text, asks_evidence=form.top_logprobs > 0)
                self._concurrency.note_answer()
                self._refused_since = math.inf
                return reply
            except RequestError as fault:
                self._tally.add_fault(fault)
                if fault.is_busy:
                    self._concurrency.note_busy(began, fault.retry_after)
                if fault.is_pace:
                    self._refused_since = min(self._refused_since, asyncio.get_running_loop().time())
                # The turn is kept meanwhile: one that is passed on would ask a failing server more and more.
                await retrying.wait(fault, self._refused_since)
            finally:
                self._concurrency.give_back()
            self._tally.retries += 1


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error in a group, and in the groups within it."""
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
