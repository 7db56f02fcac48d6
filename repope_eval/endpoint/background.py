"""Work of an event loop in a thread of its own, whose results are taken as they come."""

import asyncio
import queue
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Generic, TypeVar

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
            came = self._waiting()
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

    def _waiting(self) -> list["Item | _End"]:
        found: list[Item | _End] = []
        try:
            found.append(self._came.get(timeout=HEARTBEAT))
            while True:
                found.append(self._came.get_nowait())
        except queue.Empty:
            return found

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
