"""How many requests are under way: more while all goes well, fewer where the server is busy."""

import asyncio
from collections.abc import Awaitable, Callable

from repope_eval.asking.endpoint.concurrency import BEGINNING, Concurrency


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
