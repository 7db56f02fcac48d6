"""Work in a thread: what it hands over, and how it ends."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from repope_eval.asking.endpoint import asker
from repope_eval.asking.endpoint.asker import Background


def test_items_come_in_order_and_then_the_error() -> None:
    async def work(take: Callable[[int], None]) -> None:
        for number in range(5):
            take(number)
        raise OSError("the end")

    came: list[int] = []
    running = Background[int](work)
    with pytest.raises(OSError, match="the end"):
        came.extend(number for items in running.items() for number in items)
    running.close()
    assert came == [0, 1, 2, 3, 4]  # `extend` keeps what came before the error


def test_a_caller_that_waits_is_woken_and_may_break_the_work_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asker, "HEARTBEAT", 0.01)
    ended = threading.Event()

    async def work(take: Callable[[int], None]) -> None:
        take(7)
        try:
            await asyncio.sleep(1000)
        finally:
            ended.set()

    running = Background[int](work)
    items = running.items()
    assert next(items) == [7]
    assert next(items) == []
    running.close()
    assert ended.is_set()
    assert list(items)[-1] == []  # no error: it was told to end
