"""Fetching one file over HTTP: within bounds, repeated after faults that may pass, checked before it has its name."""

import email.utils
import hashlib
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx2

from repope_eval.errors import RepopeError
from repope_eval.files.writing import replacing

READ_TIMEOUT = 30.0
"""Seconds without a byte after which a connection counts as stalled."""
CONNECT_TIMEOUT = 10.0
"""Seconds to wait for a connection."""
ATTEMPTS = 5
"""The most requests for one file, where the fault may pass."""
FIRST_WAIT = 0.5
"""Seconds before the second attempt, at least; up to twice as many at random, and doubled for each further attempt."""
RETRY_AFTER_LIMIT = 60.0
"""The longest wait, in seconds, that a server may ask for with Retry-After."""
LARGEST = 64 << 20
"""The most bytes of a file. Images and annotation files have a tenth of it; what is larger is another file."""
SLOW_WINDOW = 30.0
"""Seconds over which the speed of an answer is measured."""
LEAST_SPEED = 100.0
"""Bytes a second below which an answer counts as stalled, though bytes drip in: less than any modem's share."""
MOST_REDIRECTS = 10
"""The most redirects that are followed for one file."""


@dataclass(frozen=True, slots=True)
class Download:
    """A file on a server, its place on this machine, and how it is known to be the right one."""

    url: str
    path: Path
    """The file's place; until the file is whole and checked, it has another name beside it."""
    sha256: str | None = None
    """The hash it must have, as 64 lower-case hexadecimal digits."""
    check: Callable[[Path], None] | None = None
    """Called with the whole file; raises RepopeError where it is wrong."""


@dataclass(eq=False)
class FetchError(Exception):
    """Why a file was not fetched."""

    reason: str
    may_pass: bool = False
    """Whether asking again may help."""
    no_connection: bool = False
    """Whether the server itself was not reached, so that its other files cannot be had either."""
    retry_after: float = 0.0
    """Seconds that the server wants to be left alone."""

    def __str__(self) -> str:
        return self.reason


def fetch(client: httpx2.Client, download: Download, stop: threading.Event) -> None:
    """Fetches one file into its place. A file that is there and passes its check is kept: another process fetched it.

    Raises:
        FetchError: the file cannot be had, or `stop` was set.
        RepopeError: it cannot be written.
    """
    for attempt in range(1, ATTEMPTS + 1):
        if _is_there(download):
            return
        try:
            with replacing(download.path) as temporary:
                _receive(client, download.url, temporary, stop)
                if problem := _problem(temporary, download):
                    raise FetchError(problem)
            return
        except (httpx2.RequestError, httpx2.InvalidURL) as error:
            fault = _as_fetch_error(error)
        except FetchError as error:
            fault = error
        except OSError as error:
            raise RepopeError(
                f"{download.path.parent}: cannot be written ({error.strerror or error}); make room or permission "
                "there, or choose another folder"
            ) from error
        if not fault.may_pass:
            raise fault
        if attempt < ATTEMPTS:
            wait = FIRST_WAIT * 2 ** (attempt - 1) * random.uniform(1, 2)
            stop.wait(max(wait, min(fault.retry_after, RETRY_AFTER_LIMIT)))
    raise FetchError(f"{fault} (after {ATTEMPTS} attempts)", may_pass=True, no_connection=fault.no_connection)


def _receive(client: httpx2.Client, url: str, path: Path, stop: threading.Event) -> None:
    """Writes the file's bytes to `path`."""
    with closing(_answer(client, url)) as response:
        status = response.status_code
        if status == 429 or status >= 500:
            raise FetchError(f"HTTP {status}", may_pass=True, retry_after=_retry_after(response))
        if status != 200:
            raise FetchError(f"HTTP {status}")
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        # What is packed twice may unpack to more than the memory holds.
        if encoding not in ("identity", "gzip"):
            raise FetchError(f"is sent with the encoding {encoding[:80]!r}, though none was asked for")
        with path.open("wb") as file:
            file.writelines(_bounded(response.iter_bytes(), stop))


def _answer(client: httpx2.Client, url: str) -> httpx2.Response:
    """The head of the answer after all redirects, whose own bodies are not read, since they may be endless."""
    request = client.build_request("GET", url, headers={"Accept-Encoding": "identity"})
    for _ in range(MOST_REDIRECTS):
        response = client.send(request, stream=True, follow_redirects=False)
        if response.next_request is None:
            return response
        response.close()
        request = response.next_request
    raise FetchError(f"more than {MOST_REDIRECTS} redirects, the last one to {str(request.url)[:200]}")


def _bounded(pieces: Iterable[bytes], stop: threading.Event) -> Iterator[bytes]:
    """The pieces of an answer, as long as it is neither too large nor too slow, and `stop` is not set."""
    size = counted = 0
    since = time.monotonic()
    for piece in pieces:
        if stop.is_set():
            raise FetchError("stopped")
        size += len(piece)
        if size > LARGEST:
            raise FetchError(f"more than {LARGEST:,} bytes came, so it is another file")
        yield piece
        seconds = time.monotonic() - since
        if seconds >= SLOW_WINDOW:
            if size - counted < LEAST_SPEED * seconds:
                raise FetchError(f"only {size - counted} bytes came in {seconds:.0f} s", may_pass=True)
            since, counted = time.monotonic(), size


def _retry_after(response: httpx2.Response) -> float:
    """The wait in seconds that the server asks for, as a number or a date; 0 where it asks for none."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0


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


def _as_fetch_error(error: httpx2.RequestError | httpx2.InvalidURL) -> FetchError:
    text = " ".join(str(error).split())[:200] or type(error).__name__  # cut: it may quote a server's address
    match error:
        case httpx2.InvalidURL():
            return FetchError(f"no address ({text})")
        case httpx2.UnsupportedProtocol() | httpx2.LocalProtocolError():
            return FetchError(text)
        case httpx2.DecodingError():
            return FetchError(f"cannot be unpacked ({text})")
        case httpx2.ProxyError() if text.startswith("4"):
            return FetchError(f"the proxy denies the connection: {text}", no_connection=True)
        case httpx2.ConnectError() | httpx2.ConnectTimeout() | httpx2.ProxyError():
            return FetchError(f"no connection: {text}", may_pass=True, no_connection=True)
        case httpx2.TimeoutException():
            return FetchError(f"no data for {READ_TIMEOUT:g} s", may_pass=True)
        case _:
            return FetchError(f"the connection was cut: {text}", may_pass=True)
