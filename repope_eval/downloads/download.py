"""Fetching many files over HTTP, several at once; what could not be fetched ends in one clear error."""

import logging
import queue
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager

import httpx

from repope_eval.downloads import fetch as fetching
from repope_eval.downloads.fetch import Download, fetch
from repope_eval.downloads.server_reply import FetchError, LocalError, NoConnectionError, PassingError
from repope_eval.errors import RepopeError
from repope_eval.process.progress import Progress

__all__ = ["Download", "download"]

AT_ONCE = 8
"""Number of files fetched at the same time."""
FIRST_CONTACT = 3.0
"""Seconds in which a connection must have come about to anybody, a proxy included; else the machine is offline."""
FIRST_ANSWER = 15.0
"""Seconds more in which anybody's answer must have begun: a proxy may take each connection and say nothing."""
GRACE = 1.0
"""Seconds that the threads get to end by themselves when the downloads are broken off."""

log = logging.getLogger(__name__)

Outcome = tuple[Download, Exception | None]


def download(downloads: Sequence[Download], *, description: str) -> None:
    """Fetches all the files that can be fetched into their places.

    A file cut short goes on where it stopped, in this call or in a later one. A host that cannot be reached,
    or that fails on file after file, is not asked again for the rest.

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
    hosts = _Hosts()
    failures: dict[Download, FetchError] = {}
    with (
        _quiet_client_log(),
        _client(hosts) as client,
        Progress(len(downloads), description, "file") as progress,
        closing(_in_threads(client, hosts, downloads)) as outcomes,
    ):
        try:
            for item, error in outcomes:
                progress.advance(failed=error is not None)
                if isinstance(error, LocalError):
                    raise RepopeError(f"{error}; make room or permission there, or choose another folder")
                if isinstance(error, FetchError):
                    failures[item] = error
                elif error is not None:
                    raise error
        except NoConnectionError as error:
            failures = dict.fromkeys(downloads, error)
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
    folder = first.path.parent
    return (
        f"{len(failures)} of {len(downloads)} {description} could not be fetched, "
        f"the first from {first.url}: {failures[first]}; "
        f"check the network and the proxy settings, or put the files into {folder} by hand"
    )


class _Hosts:
    """Which servers have answered at all, and which are given up; shared by the threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answered: set[str] = set()
        self._failures_in_a_row: dict[str, int] = {}
        self._given_up: dict[str, FetchError] = {}
        self._last_fault = ""
        self._asked = threading.Event()
        self._reached = threading.Event()
        self._heard = threading.Event()

    def trace(self, event: str, info: Mapping[str, object]) -> None:
        """Hears from the client how connecting goes, also while it goes on trying."""
        if event == "connection.connect_tcp.complete":
            self._reached.set()
        elif event == "connection.connect_tcp.failed":
            self._last_fault = str(info["exception"])

    def listen(self, request: httpx.Request) -> None:
        """Has the client tell of a request's connection."""
        request.extensions = {**request.extensions, "trace": self.trace}
        self._asked.set()

    def wait_for_contact(self) -> None:
        """Waits until somebody has answered, or a file has ended without.

        Raises:
            NoConnectionError: nobody was reached, or nobody answered.
        """
        self._asked.wait()  # all files may be other processes' to fetch
        if not self._reached.wait(FIRST_CONTACT):  # the search for a host's address alone may take minutes
            fault = f" ({self._last_fault})" if self._last_fault else ""
            raise NoConnectionError(f"no connection within {FIRST_CONTACT:g} s{fault}")
        if not self._heard.wait(FIRST_ANSWER):
            raise NoConnectionError(f"no answer within {FIRST_ANSWER:g} s")

    def note_end(self) -> None:
        """Notes that a file has ended, so that there is something to tell."""
        self._asked.set()
        self._reached.set()
        self._heard.set()

    def note_answer(self, response: httpx.Response) -> None:
        with self._lock:
            self._answered.add(response.url.host)
        self._heard.set()

    def note_success(self, host: str) -> None:
        with self._lock:
            self._failures_in_a_row[host] = 0

    def note_failure(self, host: str, fault: PassingError) -> None:
        """Counts a file whose attempts were all in vain."""
        with self._lock:
            count = self._failures_in_a_row.get(host, 0) + 1
            self._failures_in_a_row[host] = count
            unreachable = isinstance(fault, NoConnectionError) and host not in self._answered
            if unreachable or count >= AT_ONCE:
                self._given_up.setdefault(host, fault)

    def refuse_if_given_up(self, host: str) -> None:
        with self._lock:
            fault = self._given_up.get(host)
        if fault is not None:
            raise FetchError(str(fault))


def _client(hosts: _Hosts) -> httpx.Client:
    """A client that follows the proxy and certificate settings of the environment."""
    timeout = httpx.Timeout(fetching.READ_TIMEOUT, connect=fetching.CONNECT_TIMEOUT, pool=None)
    try:
        return httpx.Client(
            timeout=timeout,
            limits=httpx.Limits(max_connections=AT_ONCE),
            headers={"User-Agent": "repope-eval"},
            event_hooks={"request": [hosts.listen], "response": [hosts.note_answer]},
        )
    except (ValueError, ImportError, OSError, httpx.InvalidURL) as error:
        raise RepopeError(
            f"no download is possible with these proxy or certificate settings ({error}); "
            "check HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and SSL_CERT_FILE"
        ) from error


def _in_threads(
    client: httpx.Client, hosts: _Hosts, downloads: Sequence[Download]
) -> Generator[Outcome, None, None]:
    """Fetches in threads and yields each file as it ends, with its error.

    Raises NoConnectionError where nobody was reached, or nobody answered.

    The threads are daemons and not those of an executor, which the interpreter waits for when it exits:
    a thread that waits for a stalled server must not hold up an interrupted program.
    """
    pending: queue.SimpleQueue[Download] = queue.SimpleQueue()
    outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
    stop = threading.Event()
    for item in downloads:
        pending.put(item)

    def work() -> None:
        while not stop.is_set():
            try:
                item = pending.get_nowait()
            except queue.Empty:
                return
            outcomes.put((item, _error_of(client, hosts, item, stop)))
            hosts.note_end()

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(AT_ONCE, len(downloads)))]
    for thread in threads:
        thread.start()
    try:
        hosts.wait_for_contact()
        for _ in downloads:
            yield outcomes.get()
    finally:
        stop.set()
        deadline = time.monotonic() + GRACE
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))


def _error_of(client: httpx.Client, hosts: _Hosts, item: Download, stop: threading.Event) -> Exception | None:
    """Fetches one file; every error is handed over: one lost in a thread would leave the caller waiting."""
    try:
        host = httpx.URL(item.url).host
        hosts.refuse_if_given_up(host)
        try:
            fetch(client, item, stop)
        except PassingError as fault:
            hosts.note_failure(host, fault)
            raise
        hosts.note_success(host)
    except httpx.InvalidURL as error:
        return FetchError(f"no address ({error})")
    except Exception as error:
        return error
    return None


@contextmanager
def _quiet_client_log() -> Iterator[None]:
    """Keeps httpx from logging each request, unless a level was chosen for it."""
    client_log = logging.getLogger("httpx")
    level = client_log.level
    if level == logging.NOTSET:
        client_log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        client_log.setLevel(level)
