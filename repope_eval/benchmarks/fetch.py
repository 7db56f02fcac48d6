"""Fetching one file over HTTP: continued after a cut, repeated after faults that pass, checked at the end."""

import email.utils
import hashlib
import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import tenacity

from repope_eval.benchmarks.part_file import claimed
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

_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


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


class FetchError(Exception):
    """A file was not fetched; the text is the reason. This very kind: asking again would not help."""


class PassingError(FetchError):
    """A fault that may be gone in a moment."""

    def __init__(self, reason: str, *, retry_after: float = 0.0):
        super().__init__(reason)
        self.retry_after = retry_after


class NoConnectionError(PassingError):
    """No connection to the server, or to the proxy before it."""


class LocalError(FetchError):
    """The file cannot be written here: a matter of the folder and no fault of the server."""


class StoppedError(FetchError):
    """The whole of the downloads was given up."""


def fetch(client: httpx.Client, download: Download, stop: threading.Event) -> None:
    """Fetches one file into its place, going on from what an earlier attempt or run left in its `.part` file.

    What lies in place and passes the check is kept as it is: another process may have just fetched it.
    A `.part` file cut short stays for the next run; a whole one that fails the check is removed.

    Raises:
        FetchError: with the reason; its subclasses tell apart what the fault says about other files.
    """
    part = download.path.with_name(download.path.name + ".part")
    try:
        with claimed(part, stop):
            if not _is_there(download):
                _Fetch(client, download, part, stop).run()
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
            retry=tenacity.retry_if_exception_type(PassingError),
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=_wait,
            sleep=tenacity.sleep_using_event(self.stop),
            reraise=True,
        )
        try:
            attempts(self._attempt)
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
            with self.client.stream("GET", self.download.url, headers=headers) as response:
                return self._receive(response, offset)
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise _as_fetch_error(error) from error

    def _receive(self, response: httpx.Response, offset: int) -> bool:
        status = response.status_code
        start, total = _content_range(response) if status == 206 else (0, None)
        if offset and (status == 416 or (status == 206 and start != offset)):
            return False
        if status == 429 or status >= 500:
            raise PassingError(f"HTTP {status}", retry_after=_retry_after(response))
        if status not in (200, 206) or start not in (0, offset):
            raise FetchError(f"HTTP {status}")
        self.validator = _validator(response)
        self.encoded = response.headers.get("Content-Encoding", "identity") != "identity"
        self.pieced = start > 0
        self._write(response, start)
        size = self.part.stat().st_size
        if total is not None and size != total:
            raise PassingError(f"the answer ended at byte {size} of {total}")
        return True

    def _write(self, response: httpx.Response, start: int) -> None:
        with self.part.open("ab") as file:
            file.truncate(start)
            for chunk in response.iter_bytes():  # as they arrive, so that a cut loses none
                if self.stop.is_set():
                    raise StoppedError("stopped")
                file.write(chunk)


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
    text = " ".join(str(error).split()) or type(error).__name__
    match error:
        case (
            httpx.InvalidURL()
            | httpx.UnsupportedProtocol()
            | httpx.LocalProtocolError()
            | httpx.TooManyRedirects()
        ):
            return FetchError(text)
        case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.ProxyError():
            return NoConnectionError(f"no connection: {text}")
        case httpx.TimeoutException():
            return PassingError(f"no data for {READ_TIMEOUT:g} s")
        case _:
            return PassingError(f"the connection was cut: {text}")


def _content_range(response: httpx.Response) -> tuple[int | None, int | None]:
    """Where the sent piece starts, and the size of the whole; None for what the server does not say."""
    match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if match is None:
        return None, None
    return int(match[1]), None if match[2] == "*" else int(match[2])


def _validator(response: httpx.Response) -> str | None:
    etag: str | None = response.headers.get("ETag")
    if etag and not etag.startswith("W/"):  # weak ones are not allowed in If-Range
        return etag
    last_modified: str | None = response.headers.get("Last-Modified")
    return last_modified


def _retry_after(response: httpx.Response) -> float:
    """The wait in seconds that the server asks for, as a number or a date; 0 where it asks for none."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return 0.0


def _wait(state: tenacity.RetryCallState) -> float:
    doubling = tenacity.wait_exponential(multiplier=FIRST_WAIT, max=LONGEST_WAIT)
    backoff = (doubling + tenacity.wait_random(0, JITTER))(state)
    fault = state.outcome.exception() if state.outcome else None
    asked = fault.retry_after if isinstance(fault, PassingError) else 0.0
    return max(backoff, min(asked, RETRY_AFTER_LIMIT))
