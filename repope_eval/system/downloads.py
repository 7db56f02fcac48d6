"""Fetching files over HTTP: within bounds, repeated after faults that may pass, several at once, and checked."""

import hashlib
import logging
import queue
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx2

from repope_eval.errors import RepopeError
from repope_eval.system import http
from repope_eval.system.http import HTTPError
from repope_eval.system.hub import NotHereError, is_network_off
from repope_eval.system.progress import Progress
from repope_eval.system.writing import replacing
from repope_eval.wording import counted

log = logging.getLogger(__name__)


READ_TIMEOUT = 30.0
"""Seconds without a byte after which a connection counts as stalled."""
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
    largest: int | None = None
    """The most bytes that it may have; None: `LARGEST`."""


def fetch(client: httpx2.Client, download: Download, stop: threading.Event) -> None:
    """Fetches one file into its place. A file that is there and passes its check is kept: another process fetched it.

    Raises:
        HTTPError: the file cannot be had, or `stop` was set.
        RepopeError: it cannot be written.
    """
    for attempt in range(1, http.ATTEMPTS + 1):
        if _is_there(download):
            return
        try:
            with replacing(download.path) as temporary:
                _receive_file(client, download, temporary, stop)
                if problem := _file_problem(temporary, download):
                    raise HTTPError(problem)
            return
        except (httpx2.RequestError, httpx2.InvalidURL) as error:
            fault = _fault_of(error)
        except HTTPError as error:
            fault = error
        except OSError as error:
            raise RepopeError(
                f"{download.path.parent}: cannot be written ({error.strerror or error}); make room or permission "
                "there, or choose another folder"
            ) from error
        if not fault.may_pass:
            raise fault
        if attempt < http.ATTEMPTS:
            stop.wait(max(http.own_wait(attempt - 1), min(fault.retry_after, RETRY_AFTER_LIMIT)))
    raise HTTPError(
        f"{fault} (after {http.ATTEMPTS} attempts)", may_pass=True, no_connection=fault.no_connection
    )


def _receive_file(client: httpx2.Client, download: Download, path: Path, stop: threading.Event) -> None:
    """Writes the file's bytes to `path`."""
    with closing(_answer_head(client, download.url)) as response:
        status = response.status_code
        if status != 200:
            may_pass = http.status_may_pass(status)
            raise HTTPError(
                f"HTTP {status}", may_pass=may_pass, retry_after=http.retry_after(response.headers)
            )
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        # What is packed twice may unpack to more than the memory holds.
        if encoding not in ("identity", "gzip"):
            raise HTTPError(f"is sent with the encoding {encoding[:80]!r}, though none was asked for")
        with path.open("wb") as file:
            file.writelines(_bounded_pieces(response.iter_bytes(), stop, download.largest or LARGEST))


def _answer_head(client: httpx2.Client, url: str) -> httpx2.Response:
    """The head of the answer after all redirects, whose own bodies are not read, since they may be endless."""
    request = client.build_request("GET", url, headers={"Accept-Encoding": "identity"})
    for _ in range(MOST_REDIRECTS):
        response = client.send(request, stream=True, follow_redirects=False)
        if response.next_request is None:
            return response
        response.close()
        request = response.next_request
    raise HTTPError(f"more than {MOST_REDIRECTS} redirects, the last one to {str(request.url)[:200]}")


def _bounded_pieces(pieces: Iterable[bytes], stop: threading.Event, largest: int) -> Iterator[bytes]:
    """The pieces of an answer, as long as it is neither too large nor too slow, and `stop` is not set."""
    size = counted = 0
    since = time.monotonic()
    for piece in pieces:
        if stop.is_set():
            raise HTTPError("stopped")
        size += len(piece)
        if size > largest:
            raise HTTPError(f"more than {largest:,} bytes came, so it is another file")
        yield piece
        seconds = time.monotonic() - since
        if seconds >= SLOW_WINDOW:
            if size - counted < LEAST_SPEED * seconds:
                raise HTTPError(f"only {size - counted} bytes came in {seconds:.0f} s", may_pass=True)
            since, counted = time.monotonic(), size


def _is_there(download: Download) -> bool:
    checkable = download.sha256 is not None or download.check is not None
    return checkable and download.path.is_file() and _file_problem(download.path, download) is None


def _file_problem(path: Path, download: Download) -> str | None:
    """What is wrong with the whole file at `path`; None where it is right."""
    if download.sha256 is not None:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != download.sha256:
            return f"SHA-256 is {digest}, expected {download.sha256}"
    if download.check is not None:
        try:
            download.check(path)
        except RepopeError as error:
            return str(error).removeprefix(f"{path}: ")
    return None


def _fault_of(error: httpx2.RequestError | httpx2.InvalidURL) -> HTTPError:
    text = " ".join(str(error).split())[:200] or type(error).__name__  # cut: it may quote a server's address
    match error:
        case httpx2.InvalidURL():
            return HTTPError(f"no address ({text})")
        case httpx2.DecodingError():
            return HTTPError(f"cannot be unpacked ({text})")
        case httpx2.ProxyError() if text.startswith("4"):
            return HTTPError("the proxy denies the connection", text, no_connection=True)
        case _ if http.is_no_address(error):
            return HTTPError(text)
        case _ if http.is_unreachable(error):
            return HTTPError(http.NO_CONNECTION, text, may_pass=True, no_connection=True)
        case httpx2.TimeoutException():
            return HTTPError(f"no data for {READ_TIMEOUT:g} s", may_pass=True)
        case _:
            return HTTPError(http.CUT, text, may_pass=True)


CONCURRENT_DOWNLOADS = 8
"""Number of files fetched at the same time, and of failures in a row after which the server is given up."""
GRACE = 1.0
"""Seconds that the threads get to end by themselves when the downloads are broken off."""


class NotFetchedError(RepopeError):
    """Files could not be had from their server; another may have them."""


def download_from_mirrors(
    mirrors: Sequence[str],
    folder: Path,
    sha256: Mapping[str, str | None],
    *,
    description: str,
    check: Callable[[Path], None] | None = None,
    largest: int | None = None,
) -> None:
    """Fetches files from the first mirror that has them; those that it lacks, from the next.

    Args:
        mirrors: addresses that `/NAME` is added to, at least one.
        folder: the folder that the files are written into.
        sha256: the hash of each file by its name; None where any is right.
        description: what the files are, in the plural.
        check: called with each whole file; raises RepopeError where it is wrong.
        largest: the most bytes of a file; None: `LARGEST`.

    Raises:
        NotHereError: there are files to be fetched, and the network is off.
        RepopeError: no mirror has some file, or the folder cannot be written. What was fetched stays.
    """
    left = dict(sha256)
    if left and is_network_off():
        raise NotHereError(f"{folder} lacks {len(left)} {description}, the first {next(iter(left))}")
    for number, mirror in enumerate(mirrors, 1):
        wanted = [
            Download(
                f"{mirror.rstrip('/')}/{urllib.parse.quote(name)}", folder / name, digest, check, largest
            )
            for name, digest in left.items()
        ]
        try:
            download(wanted, description=description)
            return
        except NotFetchedError as error:
            if number == len(mirrors):
                before = f"; {counted(number - 1, 'other address')} failed before"
                raise RepopeError(f"{error}{before if number > 1 else ''}") from error
            log.warning("%s; trying %s next", error, mirrors[number])
        left = {name: digest for name, digest in left.items() if not (folder / name).is_file()}


def download(downloads: Sequence[Download], *, description: str) -> None:
    """Fetches all the files that can be fetched into their places.

    A file is fetched from its beginning, and is in its place only when it is whole. A server that cannot be reached, or
    that fails on file after file, is not asked for the rest.

    Args:
        downloads: files of one server, each with a path of its own; folders are made.
        description: what the files are, in the plural, for the progress and the error.

    Raises:
        NotFetchedError: at least one file is missing at the end; those that succeeded stay.
        RepopeError: a folder cannot be written.
    """
    if not downloads:
        return
    for folder in dict.fromkeys(item.path.parent for item in downloads):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as reason:
            raise RepopeError(
                f"{folder}: cannot be made ({reason.strerror}); choose a folder that can be written"
            ) from reason
    failures: list[tuple[Download, HTTPError]] = []
    with Progress(len(downloads), description, "file") as progress, closing(_Batch(downloads)) as batch:
        if silence := batch.why_unreachable():
            failures += [(item, HTTPError(silence)) for item in downloads]
        else:
            for item, error in batch.outcomes():
                progress.advance(failed=error is not None)
                if error is not None:
                    failures.append((item, error))
    if failures:
        first, error = min(failures, key=lambda failure: downloads.index(failure[0]))
        raise NotFetchedError(
            f"{len(failures)} of {len(downloads)} {description} could not be fetched, "
            f"the first from {first.url}: {error}; "
            f"check the network and the proxy settings, or put the files into {first.path.parent} by hand"
        )


class _Batch:
    """The files of one call, fetched by several threads, and what the threads have learned of the server.

    The threads are daemons and not those of an executor, which the interpreter waits for when it exits:
    a thread that waits for a stalled server must not hold up an interrupted program.
    """

    def __init__(self, downloads: Sequence[Download]) -> None:
        self._downloads = downloads
        self._contact = http.Contact()
        self._client = _client(self._contact)
        self._left = iter(downloads)
        """The files that no thread has taken yet."""
        self._ended: queue.SimpleQueue[tuple[Download, Exception | None]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._is_answering = False
        self._failures_in_a_row = 0
        self._given_up: HTTPError | None = None
        """Why the server is not asked again."""
        number = min(CONCURRENT_DOWNLOADS, len(downloads))
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(number)]
        for thread in self._threads:
            thread.start()

    def why_unreachable(self) -> str | None:
        """Waits for the server's first answer; returns why there is no use in waiting for it longer."""
        return self._contact.wait()

    def outcomes(self) -> Iterator[tuple[Download, HTTPError | None]]:
        """Yields each file as it ends, with its error."""
        for _ in self._downloads:
            item, error = self._ended.get()
            if error is not None and not isinstance(error, HTTPError):
                raise error
            yield item, error

    def close(self) -> None:
        """Stops the threads, and waits for them for a moment."""
        self._stop.set()
        deadline = time.monotonic() + GRACE
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._client.close()

    def _work(self) -> None:
        for item in self._left:
            if self._stop.is_set():
                return
            self._ended.put((item, self._given_up or self._fetch(item)))
            self._contact.end()

    def _fetch(self, item: Download) -> Exception | None:
        """Fetches a file; returns any error, since one that is lost in a thread would leave the caller waiting.

        The server is given up where it cannot be reached, or has failed on CONCURRENT_DOWNLOADS files in a row. No
        lock is taken: a failure that two threads count as one costs one more question.
        """
        try:
            fetch(self._client, item, self._stop)
        except HTTPError as error:
            self._is_answering |= not error.no_connection
            if error.may_pass or error.no_connection:
                self._failures_in_a_row += 1
                if not self._is_answering or self._failures_in_a_row >= CONCURRENT_DOWNLOADS:
                    self._given_up = error
            return error
        except Exception as error:
            return error
        self._is_answering, self._failures_in_a_row = True, 0
        return None


def _client(contact: http.Contact) -> httpx2.Client:
    """A client that follows the proxy and certificate settings of the environment, and tells of its first contact."""

    def listen(request: httpx2.Request) -> None:
        request.extensions = {**request.extensions, "trace": contact.trace}

    with http.environment_heeded("no download is possible"):
        return httpx2.Client(
            timeout=httpx2.Timeout(READ_TIMEOUT, connect=http.CONNECT_TIMEOUT, pool=None),
            limits=httpx2.Limits(max_connections=CONCURRENT_DOWNLOADS),
            headers=http.AGENT,
            event_hooks={"request": [listen], "response": [lambda _: contact.end()]},
        )
