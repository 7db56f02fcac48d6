"""How well the turns are used, in the time of a clock that only waiting moves: whatever else this machine does."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from repope_eval.asking.asker import AskedImage
from repope_eval.asking.endpoint import asker
from repope_eval.asking.endpoint.asker import QuestionLoop
from repope_eval.asking.endpoint.client import Client, Received
from repope_eval.asking.endpoint.concurrency import MOST, Concurrency, Tally
from repope_eval.asking.endpoint.opening import Opened
from repope_eval.asking.endpoint.replies import RequestError
from repope_eval.asking.endpoint.requests import Form
from repope_eval.records import Answer, Question
from repope_eval.settings.config import ModelSettings

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
