"""Starts a server of another program, and waits until it answers; read with nothing but Python."""

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

PATIENCE = 900
"""Seconds that a server may take to start: some compile the model."""


@contextmanager
def serving(name: str, command: Sequence[str]) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """Runs a server until the block is left; gives its port on this machine, and its process.

    Args:
        name: what messages call it.
        command: the program and its words, without host and port.

    Raises:
        SystemExit: it ended, or does not answer.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([*command, "--host", "127.0.0.1", "--port", str(port)])
    try:
        _wait_for(name, server, port)
        yield port, server
    finally:
        server.terminate()
        server.wait()  # so that its seconds are among those of this process's children


def _wait_for(name: str, server: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise SystemExit(f"{name} ended with status {server.returncode}")
        with (
            suppress(urllib.error.URLError, ConnectionError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=PATIENCE),
        ):
            return
        time.sleep(0.2)
    raise SystemExit(f"{name} does not answer within {PATIENCE} s")
