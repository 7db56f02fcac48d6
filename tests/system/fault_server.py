"""A web server on this machine that misbehaves on demand."""

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Fault:
    """What the server does instead of answering a request right."""

    kind: str
    """`status`, `head`, `cut`, `stall`, `drip`, `endless`, `silent` or `close`."""
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)


CUT = Fault("cut")
STALL = Fault("stall")
DRIP = Fault("drip")
ENDLESS = Fault("endless")
SILENT = Fault("silent")
CLOSE = Fault("close")


def status(code: int, **headers: str) -> Fault:
    return Fault("status", code, {name.replace("_", "-"): value for name, value in headers.items()})


def head(code: int, **headers: str) -> Fault:
    """The whole file under a head that is made up."""
    return Fault("head", code, {name.replace("_", "-"): value for name, value in headers.items()})


@dataclass
class FaultServer:
    """Serves `files`; each request for a path uses up one of its `faults`, or `always` shows the same one."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    always: dict[str, Fault] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """The paths of the requests as they came in."""
    stalled: threading.Event = field(default_factory=threading.Event)
    """Set when a request has begun to stall."""
    released: threading.Event = field(default_factory=threading.Event)
    """Ends the stalls."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        state: FaultServer = self.server.state  # type: ignore[attr-defined]
        name = self.path.removeprefix("/")
        state.asked.append(self.path)
        waiting = state.faults.get(name)
        fault = waiting.pop(0) if waiting else state.always.get(name)
        kind = fault.kind if fault else ""
        if fault and kind == "status":
            self._send(fault.status, b"an error page", fault.headers)
        elif fault and kind == "endless":
            self._send_endlessly(state, fault)
        elif kind == "silent":
            state.released.wait(10)
            self._hang_up()
        elif kind == "close":
            self._hang_up()
        elif name not in state.files:
            self._send(404, b"not here", {})
        elif fault and kind == "head":
            self._send(fault.status, state.files[name], fault.headers)
        else:
            self._send_file(state, state.files[name], kind)

    do_CONNECT = do_GET  # noqa: N815

    def _send_file(self, state: FaultServer, content: bytes, kind: str) -> None:
        if kind == "drip":
            self._drip(state, content)
        elif kind in ("cut", "stall"):
            self._send_half(state, content, stall=kind == "stall")
        else:
            self._send(200, content, {})

    def _send(self, code: int, body: bytes, headers: dict[str, str]) -> None:
        self._send_head(code, len(body), headers)
        self.wfile.write(body)

    def _send_half(self, state: FaultServer, body: bytes, *, stall: bool) -> None:
        self._send_head(200, len(body), {})
        self.wfile.write(body[: len(body) // 2])
        self.wfile.flush()
        if stall:
            state.stalled.set()
            state.released.wait(10)
        self._hang_up()

    def _drip(self, state: FaultServer, body: bytes) -> None:
        self._send_head(200, len(body), {})
        for index in range(len(body)):
            self.wfile.write(body[index : index + 1])
            if state.released.wait(0.01):
                return

    def _send_endlessly(self, state: FaultServer, fault: Fault) -> None:
        """Sends until the client has enough, and names no length, so that the connection's end is the file's."""
        self.send_response(fault.status or 200)
        for name, value in {"Connection": "close", **fault.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        while not state.released.is_set():
            self.wfile.write(bytes(1 << 14))

    def _send_head(self, code: int, length: int, headers: dict[str, str]) -> None:
        self.send_response(code)
        for name, value in {"Content-Length": str(length), **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_WR)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    state: FaultServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: clients that hang up are what the tests are about."""


@contextmanager
def serving() -> Iterator[FaultServer]:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.state = FaultServer(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server.state
        finally:
            server.state.released.set()
            server.shutdown()
            thread.join()


@contextmanager
def unanswered_port() -> Iterator[int]:
    """A port of this machine to which no connection comes about, nor is any refused: its queue is full."""
    with ExitStack() as sockets:
        listening = sockets.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            waiting = sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            with suppress(BlockingIOError):
                waiting.connect(listening.getsockname())
        yield listening.getsockname()[1]
