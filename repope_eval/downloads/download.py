"""Fetching many files over HTTP, several at once; what could not be fetched ends in one clear error."""

import queue
import threading
import time
from collections import Counter
from collections.abc import Generator, Sequence
from contextlib import closing

import httpx2

from repope_eval.downloads import fetch as fetching
from repope_eval.downloads.contact import Contact
from repope_eval.downloads.fetch import Download, FetchError, fetch
from repope_eval.errors import RepopeError
from repope_eval.process.progress import Progress

__all__ = ["Download", "download"]

AT_ONCE = 8
"""Number of files fetched at the same time, and of failures in a row after which a host is given up."""
GRACE = 1.0
"""Seconds that the threads get to end by themselves when the downloads are broken off."""


def download(downloads: Sequence[Download], *, description: str) -> None:
    """Fetches all the files that can be fetched into their places.

    A file is fetched from its beginning, and is in its place only when it is whole. A host that cannot be reached, or
    that fails on file after file, is not asked again for the rest.

    Args:
        downloads: each with a path of its own; folders are made.
        description: what the files are, in the plural, for the progress and the error.

    Raises:
        RepopeError: at least one file is missing at the end (those that succeeded stay), or a folder cannot
            be written.
    """
    if not downloads:
        return
    _make_folders(downloads)
    failures: dict[Download, FetchError] = {}
    with (
        Progress(len(downloads), description, "file") as progress,
        closing(_Batch(downloads).outcomes()) as outcomes,
    ):
        for item, error in outcomes:
            progress.advance(failed=error is not None)
            if error is not None:
                failures[item] = error
    if failures:
        raise RepopeError(_failure_line(downloads, failures, description))


def _make_folders(downloads: Sequence[Download]) -> None:
    for folder in dict.fromkeys(item.path.parent for item in downloads):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RepopeError(
                f"{folder}: cannot be made ({error.strerror}); choose a folder that can be written"
            ) from error


def _failure_line(
    downloads: Sequence[Download], failures: dict[Download, FetchError], description: str
) -> str:
    first = next(item for item in downloads if item in failures)
    return (
        f"{len(failures)} of {len(downloads)} {description} could not be fetched, "
        f"the first from {first.url}: {failures[first]}; "
        f"check the network and the proxy settings, or put the files into {first.path.parent} by hand"
    )


class _Batch:
    """The files of one call, which several threads fetch; and what these have learned of the servers.

    The threads are daemons and not those of an executor, which the interpreter waits for when it exits:
    a thread that waits for a stalled server must not hold up an interrupted program.
    """

    def __init__(self, downloads: Sequence[Download]) -> None:
        self._downloads = downloads
        self._contact = Contact()
        self._client = _client(self._contact)
        self._pending: queue.SimpleQueue[Download] = queue.SimpleQueue()
        self._ended: queue.SimpleQueue[tuple[Download, Exception | None]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._answered: set[str] = set()
        self._failures_in_a_row: Counter[str] = Counter()
        self._given_up: dict[str, FetchError] = {}
        """Why a server is not asked again."""

    def outcomes(self) -> Generator[tuple[Download, FetchError | None], None, None]:
        """Fetches the files and yields each as it ends, with its error.

        Raises:
            RepopeError: a folder cannot be written.
        """
        for item in self._downloads:
            self._pending.put(item)
        number = min(AT_ONCE, len(self._downloads))
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(number)]
        for thread in threads:
            thread.start()
        try:
            if silence := self._contact.wait():
                yield from ((item, FetchError(silence)) for item in self._downloads)
                return
            for _ in self._downloads:
                item, error = self._ended.get()
                if error is not None and not isinstance(error, FetchError):
                    raise error
                yield item, error
        finally:
            self._stop.set()
            deadline = time.monotonic() + GRACE
            for thread in threads:
                thread.join(max(0.0, deadline - time.monotonic()))
            self._client.close()

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                item = self._pending.get_nowait()
            except queue.Empty:
                return
            error = self._error_of(item)
            if error is None or isinstance(error, FetchError):
                self._learn(item, error)
            self._ended.put((item, error))
            self._contact.end()

    def _error_of(self, item: Download) -> Exception | None:
        """Fetches one file; every error is handed over: one lost in a thread would leave the caller waiting."""
        if reason := self._given_up.get(_server(item)):
            return reason
        try:
            fetch(self._client, item, self._stop)
        except OSError as error:
            return RepopeError(
                f"{item.path.parent}: cannot be written ({error.strerror or error}); make room or permission there, "
                "or choose another folder"
            )
        except Exception as error:
            return error
        return None

    def _learn(self, item: Download, error: FetchError | None) -> None:
        """Gives a server up that cannot be reached, or has failed on AT_ONCE files in a row."""
        server = _server(item)
        with self._lock:
            if error is None or not error.no_connection:
                self._answered.add(server)
            if error is None:
                self._failures_in_a_row[server] = 0
            elif error.may_pass or error.no_connection:
                self._failures_in_a_row[server] += 1
                is_out_of_reach = error.no_connection and server not in self._answered
                if is_out_of_reach or self._failures_in_a_row[server] >= AT_ONCE:
                    self._given_up.setdefault(server, error)


def _server(item: Download) -> str:
    """The part of a file's address before the path: `http://images.cocodataset.org`."""
    return "/".join(item.url.split("/", 3)[:3])


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
