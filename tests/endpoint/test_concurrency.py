"""How many requests are under way: more while all goes well, fewer where the server is busy."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from repope_eval.endpoint import concurrency
from repope_eval.endpoint.concurrency import BEGINNING, Concurrency


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


def test_no_more_are_under_way_than_it_says() -> None:
    async def test(turns: Concurrency) -> None:
        async def work() -> None:
            await turns.take(is_urgent=False)
            await asyncio.sleep(0)
            turns.give_back()

        await asyncio.gather(*(work() for _ in range(50)))

    assert under_way(test, ceiling=3).highest == 3


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


def test_during_a_pause_nobody_has_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concurrency, "LONGEST_PAUSE", 0.05)

    async def test(turns: Concurrency) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        turns.note_busy(began, 1000)
        await turns.take(is_urgent=True)
        assert 0.05 <= loop.time() - began < 1

    under_way(test)
