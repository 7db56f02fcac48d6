"""How many requests are under way: more while all goes well, fewer where the server is busy; and no idle turns."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from repope_eval.asking.asker import AskedImage
from repope_eval.asking.endpoint import asker
from repope_eval.asking.endpoint.asker import QuestionLoop
from repope_eval.asking.endpoint.client import Client, Received
from repope_eval.asking.endpoint.concurrency import BEGINNING, MOST, Concurrency, Tally
from repope_eval.asking.endpoint.opening import Opened
from repope_eval.asking.endpoint.replies import RequestError
from repope_eval.asking.endpoint.requests import Form
from repope_eval.records import Answer, Question
from repope_eval.settings.config import ModelSettings


def under_way(test: Callable[[Concurrency], Awaitable[None]], ceiling: int = 40) -> Concurrency:
    async def run() -> Concurrency:
        found = Concurrency(ceiling)
        await test(found)
        return found

    return asyncio.run(run())


def test_it_doubles_with_the_answers_up_to_the_ceiling() -> None:
    async def test(turns: Concurrency) -> None:
        assert turns.limit == BEGINNING
        for _ in range(BEGINNING):
            turns.note_answer()
        assert turns.limit == 2 * BEGINNING
        for _ in range(100):
            turns.note_answer()
        assert turns.limit == 40

    under_way(test)


def test_a_busy_server_halves_it_once_for_requests_that_began_together() -> None:
    async def test(turns: Concurrency) -> None:
        for _ in range(100):
            turns.note_answer()
        began = asyncio.get_running_loop().time()
        for _ in range(40):
            turns.note_busy(began, 0)
        assert turns.limit == 20
        for _ in range(20):
            turns.note_answer()  # it grows slowly from now on
        assert turns.limit == 20
        turns.note_answer()
        assert turns.limit == 21
        for _ in range(10):
            turns.note_busy(asyncio.get_running_loop().time() + 1, 0)
        assert turns.limit == 1

    under_way(test)


def test_what_is_urgent_goes_first_and_who_gave_up_is_passed_over() -> None:
    order: list[str] = []

    async def test(turns: Concurrency) -> None:
        async def work(name: str, *, is_urgent: bool) -> None:
            await turns.take(is_urgent=is_urgent)
            order.append(name)
            turns.give_back()

        await turns.take(is_urgent=False)
        tasks = [
            asyncio.create_task(work(name, is_urgent=name.startswith("urgent")))
            for name in ("patient", "urgent 1", "urgent 2", "urgent 3")
        ]
        await asyncio.sleep(0)
        tasks[2].cancel()
        await asyncio.sleep(0)
        turns.give_back()
        await asyncio.gather(*tasks, return_exceptions=True)

    under_way(test, ceiling=1)
    assert order == ["urgent 1", "urgent 3", "patient"]


def test_after_a_lone_refusal_all_turns_are_back_within_a_few_answers_time() -> None:
    async def test(turns: Concurrency) -> None:
        turns.note_busy(asyncio.get_running_loop().time(), 0)
        assert turns.limit == BEGINNING // 2
        rounds = 0
        while turns.limit < 64:
            rounds += 1
            for _ in range(turns.limit):
                turns.note_answer()
        assert rounds <= 20  # by one in each, it would be 60

    under_way(test, ceiling=64)


def test_a_pause_that_is_too_long_is_nobodys_but_the_refused_requests() -> None:
    async def test(turns: Concurrency) -> None:
        turns.note_busy(asyncio.get_running_loop().time(), 86_400)
        await asyncio.wait_for(turns.take(is_urgent=True), 1)

    under_way(test)


LATENCY = 0.05
IMAGES = [
    AskedImage(Path(f"{image}.png"), tuple(Question(f"{image}.png", f"{text}?", "") for text in range(10)))
    for image in range(60)
]
SETTINGS = ModelSettings(name="m", family="endpoint", checkpoint="m", url="http://127.0.0.1:1/v1")
OPENED = Opened(
    form=Form(model="m", max_tokens=8, system_prompt=None, question_suffix=None),
    model="m",
    server="",
    version=None,
    sees_images=True,
)


class WaitingLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock goes on by what it would wait, without waiting."""

    def __init__(self) -> None:
        super().__init__()
        self._moment = 0.0
        selector: Any = self._selector  # type: ignore[attr-defined]
        select = selector.select

        def skip(timeout: float | None) -> Any:
            self._moment += timeout or 0.0
            return select(timeout and 0)

        selector.select = skip

    def time(self) -> float:
        return self._moment


class Server:
    """Answers so many requests at a time as it bears, each after a while; images that it answered are in its cache."""

    def __init__(self, bears: int) -> None:
        self._bears = bears
        self._at_once = 0
        self._cache: set[str] = set()
        self.hits = 0
        self.refused = 0

    async def complete(self, content: bytes) -> Received:
        image = json.loads(content)["messages"][0]["content"][0]["image_url"]["url"]
        if self._at_once >= self._bears:
            self.refused += 1
            raise RequestError("HTTP 429", may_pass=True, is_busy=True, status=429)
        self.hits += image in self._cache
        self._at_once += 1
        await asyncio.sleep(LATENCY)
        self._at_once -= 1
        self._cache.add(image)
        text = json.dumps({"model": "m", "choices": [{"message": {"content": "Yes"}}]})
        return Received(text=text, server="")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[[Server, int], tuple[float, list[Answer], Tally]]:
    """Asks all questions; the seconds that it took, the answers, and what was counted."""

    async def at_once(work: Callable[..., Any], *arguments: Any) -> Any:
        return work(*arguments)

    def ask(server: Server, concurrency: int) -> tuple[float, list[Answer], Tally]:
        monkeypatch.setattr(asker, "image_url", lambda path, *_: str(path))
        monkeypatch.setattr(asker.asyncio, "to_thread", at_once)
        monkeypatch.setattr(Client, "complete", lambda _, content: server.complete(content))
        answers: list[Answer] = []
        tally = Tally(SETTINGS)

        async def run() -> float:
            work: Coroutine[Any, Any, None] = QuestionLoop(
                SETTINGS, OPENED, Concurrency(concurrency), tally
            ).ask(IMAGES, answers.append)
            await work
            return asyncio.get_running_loop().time()

        with asyncio.Runner(loop_factory=WaitingLoop) as runner:
            return runner.run(run()), answers, tally

    return ask


@pytest.mark.parametrize("concurrency", [1, 16, 64])
def test_nearly_all_that_the_concurrency_allows_is_used(
    asked: Callable[[Server, int], tuple[float, list[Answer], Tally]], concurrency: int
) -> None:
    server = Server(bears=1000)
    seconds, answers, _ = asked(server, concurrency)
    assert len(answers) == len(set(answers)) == 600
    allowed = 600 * LATENCY / concurrency
    assert allowed <= seconds + 1e-9
    # With 64 at a time, the few rounds in which it grows from 8 are a third of all.
    assert seconds <= allowed * (1.1 if concurrency <= 16 else 1.6)
    assert server.hits == 600 - len(IMAGES)


def test_a_server_that_bears_less_is_asked_less(
    asked: Callable[[Server, int], tuple[float, list[Answer], Tally]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repope_eval.system.http.FIRST_WAIT", 0.5)
    server = Server(bears=12)
    seconds, answers, tally = asked(server, MOST)
    assert len(answers) == 600
    assert tally.failures.total() == 0
    assert server.refused < 150
    assert seconds < 600 * LATENCY / 12 * 2.5
