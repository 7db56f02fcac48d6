"""The Hugging Face Hub: whether the network may be asked, whether it answers, and its client.

The client libraries repeat what fails, some of it without a limit of time. So the Hub is asked once before they are.
"""

import logging
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from queue import SimpleQueue
from typing import Literal, TypeVar
from urllib.parse import quote

from repope_eval.errors import RepopeError
from repope_eval.system import http


class NotHereError(RepopeError):
    """Something is not on this machine, and nothing may be fetched."""


_IS_OFF = ContextVar("network_is_off", default=False)


@contextmanager
def network_off() -> Iterator[None]:
    """Has nothing fetched in its block, or in the function that it decorates; what is missing is an error."""
    before = _IS_OFF.set(True)
    try:
        yield
    finally:
        _IS_OFF.reset(before)


def is_network_off() -> bool:
    """Whether nothing may be fetched."""
    return _IS_OFF.get()


BUSY = 4.0
"""Seconds for which a Hub that is busy or broken is asked again."""
PAUSE = 1.0
"""Seconds before it is asked again."""
REMEMBERED = 60.0
"""Seconds for which it is known whether a Hub is within reach: a command may ask for many repositories."""

_asked: dict[str, tuple[float, str | None]] = {}
"""When the Hub of an address was last asked, and why it is out of reach; None where it is within reach."""

_calls: list[threading.Thread] = []
"""Threads of `ask_quietly`."""

Result = TypeVar("Result")


def why_unreachable(kind: Literal["models", "datasets"], name: str, revision: str = "main") -> str | None:
    """Asks the Hub whether it can be asked for a repository now, and returns why not; None where it can.

    None is returned, too, where HF_HUB_OFFLINE switches the Hub off: the libraries say so themselves, and at once.

    Args:
        kind: the kind of the repository.
        name: its id, `owner/name`.
        revision: branch, tag or commit.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return None
    when, known = _asked.get(constants.ENDPOINT, (-REMEMBERED, None))
    if time.monotonic() - when < REMEMBERED:
        return known
    url = f"{constants.ENDPOINT}/api/{kind}/{quote(name)}/revision/{quote(revision, safe='')}"
    contact = http.Contact()
    answers: list[tuple[str | None, bool]] = []

    def ask_while_busy() -> None:
        end = time.monotonic() + BUSY
        answers.append(_ask(url, contact))
        while answers[-1][1] and time.monotonic() + PAUSE < end:
            time.sleep(PAUSE)
            answers.append(_ask(url, contact))
        contact.end()

    # A daemon: no timeout ends the search for a host's address, and the program need not wait for it either.
    threading.Thread(target=ask_while_busy, daemon=True).start()
    reason, may_pass = contact.wait(), False
    if reason is None:
        reason, may_pass = answers[-1]
    reason = reason and f"{constants.ENDPOINT}: {reason}"
    if not may_pass:
        _asked[constants.ENDPOINT] = time.monotonic(), reason
    return reason


def _ask(url: str, contact: http.Contact) -> tuple[str | None, bool]:
    """What is wrong with the Hub's answer, and whether that may pass; None for whatever a living Hub may say."""
    try:  # around all of it: an error that ends the thread would leave the program waiting
        import httpx2  # slow to import, and only what downloads needs it
        from huggingface_hub import get_token

        timeout = httpx2.Timeout(http.ANSWERING, connect=http.CONNECTING)
        token = get_token()  # with one, a Hub that is busy takes more requests
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        with (
            httpx2.Client(headers=headers, timeout=timeout, follow_redirects=True) as client,
            client.stream("GET", url, extensions={"trace": contact.trace}) as response,
        ):
            status, content = response.status_code, response.headers.get("Content-Type", "")
    except Exception as error:  # proxies, certificates and addresses that are wrong have kinds of their own
        is_silent = type(error).__name__ == "ReadTimeout"  # by name: the import itself may be what failed
        return http.no_answer_text() if is_silent else deepest_reason(error), False
    if http.status_may_pass(status):
        return f"HTTP {status}", True
    if status < 300 and content.startswith("text/html"):
        return "a web page came in place of an answer, as from the login page of a network", False
    return None, False


def ask_quietly(call: Callable[[], Result]) -> Result:
    """Makes a call of a client library and returns its result; its attempts and warnings stay off the terminal.

    The call is made in a thread: the library's own threads would have a signal wait until all of them are done.
    """
    outcome: Future[Result] = Future()
    ended: SimpleQueue[None] = SimpleQueue()  # a signal breaks off waiting for it cleanly wherever it comes

    def work() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:
            outcome.set_exception(error)
        ended.put(None)

    client_log = logging.getLogger("huggingface_hub")
    level = client_log.level
    client_log.setLevel(logging.ERROR)
    thread = threading.Thread(target=work, daemon=True)
    _calls.append(thread)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"huggingface_hub\.")
            thread.start()
            ended.get()
        return outcome.result()
    finally:
        client_log.setLevel(level)


def is_asked() -> bool:
    """Whether a call is still going on, which the end of an interrupted program would wait for."""
    return any(thread.is_alive() for thread in _calls)


def deepest_reason(error: BaseException) -> str:
    """The first line of an error's deepest cause, or its kind where it has no words.

    A server's words may stand in it: it is cut where it is long, and holds nothing that commands a terminal.
    """
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else type(error).__name__
    return "".join(mark if mark.isprintable() else " " for mark in text[:300])
