"""A server on this machine that speaks /v1/chat/completions, and misbehaves on demand."""

import base64
import json
import math
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MODEL = "org/seer"
OPENING = "Is there a square in the image?"
"""The question that a server is opened with."""


@dataclass(frozen=True)
class Asked:
    """A request for an answer."""

    body: dict[str, Any]
    key: str | None
    """The header that carries the key."""

    @property
    def content(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.body["messages"][-1]["content"]
        return found

    @property
    def text(self) -> str:
        return str(self.content[-1]["text"])

    @property
    def image(self) -> bytes:
        """The bytes of the image; none where there is none."""
        if len(self.content) == 1:
            return b""
        return base64.b64decode(self.content[0]["image_url"]["url"].partition(",")[2])


@dataclass(frozen=True)
class Sent:
    """What is sent in place of an answer."""

    status: int = 200
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    is_cut: bool = False
    """Whether the connection ends before the body does."""
    pieces: Callable[[], Iterable[bytes]] | None = None
    """Sent in place of the body, one after another until the client is gone."""


def error(status: int, message: str = "", **headers: str) -> Sent:
    body = json.dumps({"error": {"message": message}})
    return Sent(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


def answer_to(asked: Asked) -> str:
    """The answer of the server: that of a coin whose sides the image and the question decide."""
    return "Yes" if sha256(asked.image + asked.text.encode()).digest()[0] % 2 else "No"


def reply_to(asked: Asked, **changes: Any) -> dict[str, Any]:
    """A whole reply, with some of its parts changed: `message`, `model`, `usage`, ..."""
    text = answer_to(asked)
    first = [(text, 0.75), (f" {text.lower()}", 0.125), ("Maybe", 0.0625)]
    logprobs = [{"token": token, "logprob": math.log(p), "bytes": list(token.encode())} for token, p in first]
    choice: dict[str, Any] = {
        "index": 0,
        "finish_reason": changes.pop("finish_reason", "stop"),
        "message": {"role": "assistant", "content": text} | changes.pop("message", {}),
    }
    if asked.body.get("logprobs") and changes.pop("has_logprobs", True):
        choice["logprobs"] = {"content": [{**logprobs[0], "top_logprobs": logprobs}]}
    usage = {
        "prompt_tokens": 40 + 100 * bool(asked.image),
        "completion_tokens": 2,
        "prompt_tokens_details": {"cached_tokens": 70},
    }
    return {"model": asked.body["model"], "choices": [choice], "usage": usage} | changes


@dataclass
class ChatServer:
    """What was asked, and what is answered."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    """Requests for answers as they came in."""
    respond: Callable[[Asked], dict[str, Any] | Sent] = reply_to
    models: Any = field(default_factory=lambda: {"data": [{"id": MODEL, "root": MODEL}]})
    """What the list of models holds, or how it is sent; None: there is no such list."""
    version: str = "1.2.3"
    latency: float = 0.0
    at_once: int = 0
    """Requests that are being answered."""
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def questions(self) -> list[Asked]:
        """The requests but for those that the server is opened with."""
        return [asked for asked in self.asked if asked.text != OPENING]

    def failing(self, *sent: dict[str, Any] | Sent) -> None:
        """Has the first questions answered by these, in the order in which they come, and all others as usual."""
        left = list(sent)

        def respond(asked: Asked) -> dict[str, Any] | Sent:
            if asked.text == OPENING:
                return reply_to(asked)
            with self.lock:
                return left.pop(0) if left else reply_to(asked)

        self.respond = respond


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    chat: ChatServer

    def do_GET(self) -> None:
        if self.path == "/v1/models" and self.chat.models is not None:
            models = self.chat.models
            self._send(models if isinstance(models, Sent) else Sent(200, json.dumps(models)))
        elif self.path == "/version":
            self._send(Sent(200, json.dumps({"version": self.chat.version})))
        else:
            self._send(error(404))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        asked = Asked(body, self.headers["Authorization"])
        with self.chat.lock:
            self.chat.asked.append(asked)
            self.chat.at_once += 1
            self.chat.most_at_once = max(self.chat.most_at_once, self.chat.at_once)
        try:
            found = self.chat.respond(asked)
            time.sleep(self.chat.latency)
        finally:
            with self.chat.lock:
                self.chat.at_once -= 1
        self._send(found if isinstance(found, Sent) else Sent(200, json.dumps(found)))

    def version_string(self) -> str:
        return "seer-server"

    def _send(self, sent: Sent) -> None:
        content = sent.body.encode()
        self.send_response_only(sent.status)
        headers = {"Content-Type": "application/json", "Server": self.version_string(), **sent.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        if sent.pieces is None:
            self.send_header("Content-Length", str(len(content) + sent.is_cut))
        self.end_headers()
        with suppress(OSError):  # the client is gone
            self.wfile.write(content)
            for piece in sent.pieces() if sent.pieces else ():
                self.wfile.write(piece)
        self.close_connection |= sent.is_cut or sent.pieces is not None

    def log_message(self, *_: object) -> None: ...


class _Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True

    def handle_error(self, *_: object) -> None: ...


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[ChatServer]:
    """Runs a server in threads.

    Args:
        certificate: a file of key and certificate; without one, nothing is encrypted.
    """
    chat = ChatServer()
    handler = type("Handler", (_Handler,), {"chat": chat})
    with _Server(("127.0.0.1", 0), handler) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "http" if certificate is None else "https"
        chat.url = f"{scheme}://127.0.0.1:{server.server_port}/v1"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield chat
        finally:
            chat.ended.set()
            server.shutdown()
            thread.join()
