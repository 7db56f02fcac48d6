"""Connections to the page's server: those that do not ask are closed, and hold nobody up."""

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import warm_commands
from annotated import QUESTIONS, write_images, write_lines
from served import ended, served

from repope_eval.relabelling.server import MOST_WAITED_FOR, SECONDS_TO_ASK

FEW_FILES = 256
"""The files that a process may have open by default, on macOS."""


@contextmanager
def annotating(folder: Path) -> Iterator[tuple[warm_commands.Command, str]]:
    write_images(folder / "images", "a.png", "b.png")
    queue = write_lines(
        folder / "queue.jsonl", *({"image": each.image, "text": each.text} for each in QUESTIONS)
    )
    command = [
        f"questions={queue}",
        f"images={folder / 'images'}",
        "annotator=first",
        f"out={folder / 'out'}",
    ]
    with served("annotate", *command) as found:
        yield found


def connected(address: str, sent: bytes) -> socket.socket:
    parts = urlsplit(address)
    made = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20)
    made.sendall(sent)
    return made


def is_closed(connection: socket.socket) -> bool:
    """Waits until a connection says something or is closed."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_hundreds_of_connections_that_ask_nothing_hold_nobody_up(tmp_path: Path) -> None:
    """400 of them took all files that the process may open: nothing was stored, and each cost a traceback."""
    with annotating(tmp_path) as (process, address), ExitStack() as stack:
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (FEW_FILES, FEW_FILES))
        halves = [stack.enter_context(connected(address, b"GET / HTTP/1.1\r\n")) for _ in range(400)]
        for _ in range(20):
            with urlopen(address, timeout=5) as page:
                assert b"Labels by first" in page.read()
        assert all(map(is_closed, halves[:-MOST_WAITED_FOR]))
        assert "Traceback" not in ended(process).stderr


def test_a_head_that_trickles_in_is_waited_for_some_seconds(tmp_path: Path) -> None:
    with annotating(tmp_path) as (_, address), connected(address, b"GET / HTTP/1.1\r\n") as slow:
        start = time.monotonic()
        slow.settimeout(0.5)
        while time.monotonic() - start < 3 * SECONDS_TO_ASK:
            try:
                if is_closed(slow):
                    break
            except TimeoutError:
                slow.sendall(b"X-Slow: 1\r\n")
        assert SECONDS_TO_ASK - 1 < time.monotonic() - start < 2 * SECONDS_TO_ASK


def test_a_request_without_the_token_whose_content_never_comes_is_closed(tmp_path: Path) -> None:
    with annotating(tmp_path) as (_, address):
        head = b"POST /act HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"
        with connected(address, head) as slow:
            slow.settimeout(3 * SECONDS_TO_ASK)
            content = b""
            while part := slow.recv(9_000):
                content += part
        assert content.startswith(b"HTTP/1.1 403")
