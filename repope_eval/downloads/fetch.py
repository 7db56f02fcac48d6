"""Fetching one file over HTTP: continued after a cut, repeated after faults that pass, checked at the end."""

import hashlib
import os
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import tenacity

from repope_eval.downloads.part_file import claimed
from repope_eval.downloads.server_reply import (
    DeniedError,
    FetchError,
    LocalError,
    NoConnectionError,
    PassingError,
    StoppedError,
    content_range,
    encoding_of,
    pieces,
    retry_after,
    validator,
)
from repope_eval.errors import RepopeError

READ_TIMEOUT = 30.0
"""Seconds without a byte after which a connection counts as stalled."""
CONNECT_TIMEOUT = 10.0
"""Seconds to wait for a connection."""
ATTEMPTS = 5
"""How often a file is asked for when the fault may pass."""
FIRST_WAIT = 0.5
"""Seconds before the second attempt; doubled for each further one, and a random part of JITTER added."""
LONGEST_WAIT = 30.0
JITTER = 1.0
RETRY_AFTER_LIMIT = 60.0
"""The longest wait, in seconds, that a server may ask for with Retry-After."""
LARGEST = 64 << 20
"""Bytes that a file has at the most: an image or an annotation file has a tenth of it. More is another file."""
SLOW_WINDOW = 30.0
"""Seconds over which the speed of an answer is measured."""
LEAST_SPEED = 100.0
"""Bytes a second below which an answer counts as stalled, though bytes drip in: less than any modem's share."""
MOST_REDIRECTS = 10
"""How often a server may send on to another address."""


@dataclass(frozen=True, slots=True)
class Download:
    """A file to fetch."""

    url: str
    path: Path
    """Where it goes; until it is whole and checked it lies beside it, with `.part` after its name."""
    sha256: str | None = None
    """The hash it must have, as 64 lower-case hexadecimal digits."""
    check: Callable[[Path], None] | None = None
    """Called with the whole file; raises RepopeError where it is wrong."""


def fetch(client: httpx.Client, download: Download, stop: threading.Event) -> None:
    """Fetches one file into its place, going on from what an earlier attempt or run left in its `.part` file.

    What lies in place and passes the check is kept as it is: another process may have just fetched it.
    A `.part` file cut short stays for the next run; a whole one that fails the check is removed.

    Raises:
        FetchError: with the reason; its subclasses tell apart what the fault says about other files.
    """
    part = download.path.with_name(download.path.name + ".part")
    try:
        with claimed(part, stop) as own:
            if not _is_there(download):
                _Fetch(client, download, own, stop).run()
    except TimeoutError as error:
        raise FetchError(str(error)) from error
    except InterruptedError as error:
        raise StoppedError(str(error)) from error
    except OSError as error:  # httpx has its own kinds for the network's: these are the local files'
        raise LocalError(f"{download.path.parent}: cannot be written ({error.strerror or error})") from error


class _Fetch:
    """The attempts at one file, and what one learns for the next."""

    def __init__(self, client: httpx.Client, download: Download, part: Path, stop: threading.Event):
        self.client = client
        self.download = download
        self.part = part
        self.stop = stop
        self.validator: str | None = None
        """What tells the version of the file that the server sent in this run."""
        self.pieced = False
        """Whether the file was put together from several answers, the last of them a continuation."""
        self.encoded = False
        """Whether the server compresses the file, so that its byte positions are not the file's."""

    def run(self) -> None:
        self._fetch_whole()
        problem = _problem(self.part, self.download)
        if problem and self.pieced:
            # The first piece may stem from an earlier run and another version of the file.
            os.truncate(self.part, 0)
            self._fetch_whole()
            problem = _problem(self.part, self.download)
        if problem:
            os.truncate(self.part, 0)
            raise FetchError(problem)
        self.part.replace(self.download.path)

    def _fetch_whole(self) -> None:
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception(
                lambda error: isinstance(error, PassingError) and not isinstance(error, DeniedError)
            ),
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=_wait,
            sleep=tenacity.sleep_using_event(self.stop),
            reraise=True,
        )
        try:
            attempts(self._attempt)
        except DeniedError:
            raise
        except PassingError as fault:
            raise type(fault)(f"{fault} (after {ATTEMPTS} attempts)") from fault

    def _attempt(self) -> None:
        offset = 0 if self.encoded or not self.part.exists() else self.part.stat().st_size
        if not self._ask(offset):
            self._ask(0)

    def _ask(self, offset: int) -> bool:
        """Asks for the file from `offset` on; False where the server cannot continue there."""
        if self.stop.is_set():
            raise StoppedError("stopped")
        headers = {"Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
            if self.validator:
                headers["If-Range"] = self.validator
        try:
            with closing(self._answer(headers)) as response:
                return self._receive(response, offset)
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise _as_fetch_error(error) from error

    def _answer(self, headers: dict[str, str]) -> httpx.Response:
        """The head of the answer to the last of the redirects, whose own bodies are not read: they may be endless."""
        request = self.client.build_request("GET", self.download.url, headers=headers)
        for _ in range(MOST_REDIRECTS):
            response = self.client.send(request, stream=True, follow_redirects=False)
            if response.next_request is None:
                return response
            response.close()
            request = response.next_request
        raise FetchError(f"more than {MOST_REDIRECTS} redirects, the last one to {str(request.url)[:200]}")

    def _receive(self, response: httpx.Response, offset: int) -> bool:
        status = response.status_code
        start, total = content_range(response) if status == 206 else (0, None)
        if offset and (status == 416 or (status == 206 and start != offset)):
            return False
        if status == 429 or status >= 500:
            raise PassingError(f"HTTP {status}", retry_after=retry_after(response))
        if status not in (200, 206) or start not in (0, offset):
            raise FetchError(f"HTTP {status}")
        self.validator = validator(response)
        self.encoded = encoding_of(response) != "identity"
        self.pieced = start > 0
        self._write(response, start)
        size = self.part.stat().st_size
        if total is not None and size != total:
            raise PassingError(f"the answer ended at byte {size} of {total}")
        return True

    def _write(self, response: httpx.Response, start: int) -> None:
        size = counted = start
        since = time.monotonic()
        with self.part.open("ab") as file:
            file.truncate(start)
            for piece in pieces(response):  # as they arrive, so that a cut loses none
                if self.stop.is_set():
                    raise StoppedError("stopped")
                size += len(piece)
                if size > LARGEST:
                    file.truncate(0)
                    raise FetchError(f"more than {LARGEST:,} bytes came, so it is another file")
                file.write(piece)
                seconds = time.monotonic() - since
                if seconds < SLOW_WINDOW:
                    continue
                if size - counted < LEAST_SPEED * seconds:
                    raise PassingError(f"only {size - counted} bytes came in {seconds:.0f} s")
                since, counted = time.monotonic(), size


def _is_there(download: Download) -> bool:
    checkable = download.sha256 is not None or download.check is not None
    return checkable and download.path.is_file() and _problem(download.path, download) is None


def _problem(path: Path, download: Download) -> str | None:
    """What is wrong with the whole file at `path`; None where it is right."""
    if download.sha256 is not None:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != download.sha256:
            return f"SHA-256 is {found}, expected {download.sha256}"
    if download.check is not None:
        try:
            download.check(path)
        except RepopeError as error:
            return str(error).removeprefix(f"{path}: ")
    return None


def _as_fetch_error(error: httpx.RequestError | httpx.InvalidURL) -> FetchError:
    text = (
        " ".join(str(error).split())[:200] or type(error).__name__
    )  # may quote an address that a server gave
    match error:
        case httpx.InvalidURL() | httpx.UnsupportedProtocol() | httpx.LocalProtocolError():
            return FetchError(text)
        case httpx.ProxyError() if text.startswith("4"):
            return DeniedError(f"the proxy denies the connection: {text}")
        case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.ProxyError():
            return NoConnectionError(f"no connection: {text}")
        case httpx.TimeoutException():
            return PassingError(f"no data for {READ_TIMEOUT:g} s")
        case _:
            return PassingError(f"the connection was cut: {text}")


def _wait(state: tenacity.RetryCallState) -> float:
    doubling = tenacity.wait_exponential(multiplier=FIRST_WAIT, max=LONGEST_WAIT)
    backoff = (doubling + tenacity.wait_random(0, JITTER))(state)
    fault = state.outcome.exception() if state.outcome else None
    asked = fault.retry_after if isinstance(fault, PassingError) else 0.0
    return max(backoff, min(asked, RETRY_AFTER_LIMIT))
