"""Fetching many files over HTTP, several at once; what could not be fetched ends in one clear error."""

import logging
import queue
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

import httpx2

from repope_eval.downloads import fetch as fetching
from repope_eval.downloads.contact import Contact
from repope_eval.downloads.fetch import Download, FetchError, fetch
from repope_eval.downloads.network import NotHereError, is_network_off
from repope_eval.errors import RepopeError
from repope_eval.process.progress import Progress
from repope_eval.wording import counted

__all__ = ["Download", "download", "download_from_mirrors"]

log = logging.getLogger(__name__)

AT_ONCE = 8
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
) -> None:
    """Fetches files from the first mirror that has them; those that it lacks, from the next.

    Args:
        mirrors: addresses that `/NAME` is added to, at least one.
        folder: the folder that the files are written into.
        sha256: the hash of each file by its name; None where any is right.
        description: what the files are, in the plural.
        check: called with each whole file; raises RepopeError where it is wrong.

    Raises:
        NotHereError: there are files to be fetched, and the network is off.
        RepopeError: no mirror has some file, or the folder cannot be written. What was fetched stays.
    """
    left = dict(sha256)
    if left and is_network_off():
        raise NotHereError(f"{folder} lacks {len(left)} {description}, the first {next(iter(left))}")
    for number, mirror in enumerate(mirrors, 1):
        wanted = [
            Download(f"{mirror.rstrip('/')}/{urllib.parse.quote(name)}", folder / name, digest, check)
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
    failures: list[tuple[Download, FetchError]] = []
    with Progress(len(downloads), description, "file") as progress, closing(_Batch(downloads)) as batch:
        if silence := batch.silence():
            failures += [(item, FetchError(silence)) for item in downloads]
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
        self._contact = Contact()
        self._client = _client(self._contact)
        self._left = iter(downloads)
        """The files that no thread has taken yet."""
        self._ended: queue.SimpleQueue[tuple[Download, Exception | None]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._is_answering = False
        self._failures_in_a_row = 0
        self._given_up: FetchError | None = None
        """Why the server is not asked again."""
        number = min(AT_ONCE, len(downloads))
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(number)]
        for thread in self._threads:
            thread.start()

    def silence(self) -> str | None:
        """Waits for the server's first answer; returns why there is no use in waiting for it longer."""
        return self._contact.wait()

    def outcomes(self) -> Iterator[tuple[Download, FetchError | None]]:
        """Yields each file as it ends, with its error.

        Raises:
            RepopeError: a folder cannot be written.
        """
        for _ in self._downloads:
            item, error = self._ended.get()
            if error is not None and not isinstance(error, FetchError):
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

        The server is given up where it cannot be reached, or has failed on AT_ONCE files in a row. No lock is taken:
        a failure that two threads count as one costs one more question.
        """
        try:
            fetch(self._client, item, self._stop)
        except FetchError as error:
            self._is_answering |= not error.no_connection
            if error.may_pass or error.no_connection:
                self._failures_in_a_row += 1
                if not self._is_answering or self._failures_in_a_row >= AT_ONCE:
                    self._given_up = error
            return error
        except Exception as error:
            return error
        self._is_answering, self._failures_in_a_row = True, 0
        return None


def _client(contact: Contact) -> httpx2.Client:
    """A client that follows the proxy and certificate settings of the environment, and tells of its first contact."""

    def listen(request: httpx2.Request) -> None:
        request.extensions = {**request.extensions, "trace": contact.trace}

    try:
        return httpx2.Client(
            timeout=httpx2.Timeout(fetching.READ_TIMEOUT, connect=fetching.CONNECT_TIMEOUT, pool=None),
            limits=httpx2.Limits(max_connections=AT_ONCE),
            headers={"User-Agent": "repope-eval"},
            event_hooks={"request": [listen], "response": [lambda _: contact.end()]},
        )
    except (ValueError, ImportError, OSError, httpx2.InvalidURL) as error:
        raise RepopeError(
            f"no download is possible with these proxy or certificate settings ({error}); "
            "check HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and SSL_CERT_FILE"
        ) from error
