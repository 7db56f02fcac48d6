"""The Hugging Face Hub: whether it answers at all, known in seconds; and its client's words, kept off the terminal.

The client libraries repeat what fails, some of it without a limit of time. So the Hub is asked once before they are.
"""

import logging
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Literal, TypeVar
from urllib.parse import quote

PATIENCE = 4.0
"""Seconds in which a server must be reached, whatever takes them: names, proxies, hosts that are down.

Enough for a connection over a satellite, and not long to wait where there is none.
"""
ANSWER = 15.0
"""Seconds from the start in which a server that is reached must have begun to answer: a busy one takes some."""
PAUSE = 1.0
"""Seconds before a server that is busy or broken is asked again."""
REMEMBERED = 60.0
"""Seconds for which it is known whether a Hub is within reach: a command may ask for many repositories."""


@dataclass(frozen=True, slots=True)
class _Fault:
    reason: str
    may_pass: bool = False


_asked: dict[str, tuple[float, str | None]] = {}
"""When the Hub of an address was last asked, and why it is out of reach; None where it is within reach."""

_calls: list[threading.Thread] = []
"""Threads of `ask_quietly`."""

Result = TypeVar("Result")


def silence(kind: Literal["models", "datasets"], name: str, revision: str = "main") -> str | None:
    """Why the Hub cannot be asked for a repository now; None where it can.

    None, too, where the Hub is switched off by HF_HUB_OFFLINE: the libraries say so themselves, and at once.

    Args:
        kind: of repository.
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
    found: list[_Fault | None] = [_Fault(f"no connection within {PATIENCE:g} s")]
    reached = threading.Event()
    # A daemon: no timeout ends the search for a host's address, and the program need not wait for it either.
    asking = threading.Thread(target=_ask, args=(url, found, reached), daemon=True)
    asking.start()
    asking.join(PATIENCE)
    if len(found) == 1 and reached.is_set():
        found[0] = _Fault(f"no answer within {ANSWER:g} s")
        asking.join(ANSWER - PATIENCE)
    fault = found[-1]
    reason = None if fault is None else f"{constants.ENDPOINT}: {fault.reason}"
    if fault is None or not fault.may_pass:
        _asked[constants.ENDPOINT] = time.monotonic(), reason
    return reason


def ask_quietly(call: Callable[[], Result]) -> Result:
    """What a call of a client library returns; neither its attempts nor its warnings are told on the terminal.

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
    """Whether a call still goes on: of a program that is interrupted, Python's end would wait for it."""
    return any(thread.is_alive() for thread in _calls)


def deepest_reason(error: BaseException) -> str:
    """What an error of a library says first, that of its deepest cause; its kind where it says nothing.

    A server's words may stand in it: it is cut where it is long, and holds nothing that commands a terminal.
    """
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else type(error).__name__
    return "".join(mark if mark.isprintable() else " " for mark in text[:300])


def _ask(url: str, found: list[_Fault | None], reached: threading.Event) -> None:
    """Adds what is wrong with the server's answer, and with later ones as long as it may pass within PATIENCE."""
    end = time.monotonic() + PATIENCE
    found.append(fault := _fault(url, reached))
    while fault is not None and fault.may_pass and time.monotonic() + PAUSE < end:
        time.sleep(PAUSE)
        found.append(fault := _fault(url, reached))


def _fault(url: str, reached: threading.Event) -> _Fault | None:
    """What is wrong with the server's answer to being asked once; None for whatever a living Hub may say."""
    import httpx  # slow to import, and only what downloads needs it
    from huggingface_hub import get_token

    def trace(event: str, _: object) -> None:
        if event.endswith("connect_tcp.complete"):
            reached.set()

    token = get_token()  # with one, a Hub that is busy takes more requests
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    timeout = httpx.Timeout(ANSWER, connect=PATIENCE)
    try:
        with (
            httpx.Client(headers=headers, timeout=timeout, follow_redirects=True) as client,
            client.stream("GET", url, extensions={"trace": trace}) as response,
        ):
            status, content = response.status_code, response.headers.get("Content-Type", "")
    except Exception as error:  # proxies, certificates and addresses that are wrong have kinds of their own
        return _Fault(deepest_reason(error))
    if status == 429 or status >= 500:
        return _Fault(f"HTTP {status}", may_pass=True)
    if status < 300 and content.startswith("text/html"):
        return _Fault("a web page came in place of an answer, as from the login page of a network")
    return None
