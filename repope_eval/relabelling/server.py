"""The web application of an annotator's page, at an address of this machine: who may ask, and what is served.

Handlers run in one thread, and the wait for the disk is part of storing: what a person does comes one after another,
and no two labels are ever written at once. Images wait beside it.
"""

import asyncio
import secrets
import socket
from functools import cache
from importlib.resources import files
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qs, urlencode

import uvicorn
from jinja2 import Environment, FunctionLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from repope_eval.benchmarks.pope_file import ANNOTATOR_LABELS
from repope_eval.errors import RepopeError
from repope_eval.relabelling.label_file import MOST_NOTE_CHARACTERS, Judgement
from repope_eval.relabelling.pictures import Pictures
from repope_eval.relabelling.session import Act, Session, TakenOverError
from repope_eval.system.json_files import parse_line

TOKEN = "token"
"""The parameter of every address that holds the token."""

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
"""Headers of every response: the page asks no other machine for anything, and is told to nobody."""

REFUSAL = "The token in this address is missing or wrong. Open the address that `annotate` has printed.\n"


class WithToken:
    """An application that answers whoever has the token; others get status 403."""

    def __init__(self, application: ASGIApp, token: str) -> None:
        self._application = application
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        answers = self._application if self._has_token(scope) else PlainTextResponse(REFUSAL, status_code=403)
        await answers(scope, receive, send_with_headers)

    def _has_token(self, scope: Scope) -> bool:
        given = parse_qs(scope["query_string"].decode("latin-1")).get(TOKEN, [""])
        return len(given) == 1 and secrets.compare_digest(given[0].encode(), self._token)


SECONDS_TO_ASK = 5
"""How long the head of a request may take, from the connection's beginning or the answer before."""

MOST_WAITED_FOR = 64
"""The most connections that are waited for; a browser has six."""

MOST_ACCEPTED = 32
"""The most connections that are accepted in one turn of the loop.

Some three turns pass until one that was accepted counts among those that wait, and one more until the file of one that
is given up is closed. So all of these, with those waited for, are fewer files than any system allows.
"""


class BoundedConnection(H11Protocol):
    """A connection that is closed when it does not ask in time, or has waited longest among too many."""

    _asks_by: asyncio.TimerHandle | None = None
    """When it is closed; None while a request is answered."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait, and ends the longest of too many waits."""
        super().connection_made(transport)
        self._wait()
        waits = {
            each: each._asks_by.when()
            for each in self.connections
            if isinstance(each, BoundedConnection) and each._asks_by is not None
        }
        if len(waits) > MOST_WAITED_FOR:
            min(waits, key=waits.__getitem__)._give_up()

    def handle_events(self) -> None:
        """Takes what was sent; the wait is over once it is a whole head."""
        super().handle_events()
        if self.cycle is not None and not self.cycle.response_complete:
            self._end_wait()

    def on_response_complete(self) -> None:
        """Waits for the next request."""
        self._wait()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the wait with the connection."""
        self._end_wait()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._end_wait()
        self._asks_by = self.loop.call_later(SECONDS_TO_ASK, self._give_up)

    def _end_wait(self) -> None:
        if self._asks_by is not None:
            self._asks_by.cancel()
            self._asks_by = None

    def _give_up(self) -> None:
        self._end_wait()
        self.transport.close()


MEDIA_TYPES = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "server.js": "text/javascript",
    "zoom.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
"""The files that the page asks for."""


def page(session: Session, token: str) -> str:
    """The document of the page of a session; the token goes with each file that it asks for."""
    context = {
        "annotator": session.file.annotator,
        "token": token,
        "decides": bool(session.views),
        "guideline": session.guideline,
        "longest_note": MOST_NOTE_CHARACTERS,
    }
    return _environment().get_template("page.html.j2").render(context)


def page_file(name: str) -> str:
    """The content of a file of this package."""
    return files(__package__).joinpath(name).read_text("utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(page_file),
    )


MOST_BYTES = 20 * MOST_NOTE_CHARACTERS
"""The most bytes of what a page sends, which is a label and a note."""

MOST_DIGITS = 12
"""The most digits of a number in an address."""

NO_SUCH, TAKEN_OVER, MALFORMED, NOT_STORED = 404, 409, 400, 507
"""The statuses of refusals to those who have the token."""


def application(session: Session, token: str) -> ASGIApp:
    """The application of an annotator's session, for whoever has the token."""
    handlers = _Handlers(session, token)
    routes = [
        Route("/", handlers.show_page),
        Route("/open", handlers.open_tab),
        Route("/questions/{start}", handlers.tell_questions),
        Route("/tab/{tab}", handlers.watch_tab),
        Route("/image/{place}", handlers.show_image),
        Route("/act", handlers.store_act, methods=["POST"]),
        Route("/{name}", handlers.show_file),
    ]
    refusals: Any = {HTTPException: _refused, TakenOverError: _taken_over, RepopeError: _not_stored}
    return WithToken(Starlette(routes=routes, exception_handlers=refusals), token)


class _Handlers:
    """What answers each request, for one session."""

    def __init__(self, session: Session, token: str) -> None:
        self._session = session
        self._pictures = Pictures()
        self._page = page(session, token)

    async def show_page(self, _: Request) -> Response:
        return Response(self._page, media_type="text/html")

    async def show_file(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in MEDIA_TYPES:
            raise HTTPException(NO_SUCH)
        return Response(page_file(name), media_type=MEDIA_TYPES[name])

    async def open_tab(self, _: Request) -> Response:
        return JSONResponse(self._session.open())

    async def tell_questions(self, request: Request) -> Response:
        return JSONResponse(self._session.told_from(_number_in_address(request.path_params["start"])))

    async def watch_tab(self, request: Request) -> Response:
        self._session.require_tab(_number_in_address(request.path_params["tab"]))
        return JSONResponse({})

    async def show_image(self, request: Request) -> Response:
        names, place = self._session.image_names, _number_in_address(request.path_params["place"])
        if place >= len(names):
            raise HTTPException(NO_SUCH)
        try:
            file, kind = await self._pictures.shown(
                self._session.images[names[place]], request.is_disconnected
            )
        except (RepopeError, OSError) as error:
            raise HTTPException(NO_SUCH) from error
        return FileResponse(file, media_type=kind)

    async def store_act(self, request: Request) -> Response:
        return JSONResponse(
            self._session.store(_read_act(await _read_body(request), len(self._session.questions)))
        )


def _number_in_address(text: str) -> int:
    """A number in an address. Nothing here has so many that a number of more digits could be meant."""
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
        raise HTTPException(NO_SUCH)
    return int(text)


async def _read_body(request: Request) -> bytes:
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > MOST_BYTES:
            raise HTTPException(MALFORMED, "more was sent than a label and a note")
    return content


def _read_act(content: bytes, num_questions: int) -> Act:
    """What a page says that an annotator did."""
    match _parsed_json(content):
        case {"tab": int(tab), "place": int(place), "number": None}:
            return Act(tab=tab, place=place)
        case {
            "tab": int(tab),
            "place": int(place),
            "number": int(number),
            "label": label,
            "note": str(note),
        } if (
            0 <= number < num_questions
            and (label is None or label in ANNOTATOR_LABELS)
            and len(note) <= MOST_NOTE_CHARACTERS
        ):
            return Act(tab=tab, place=place, number=number, judgement=Judgement(label, note))
        case _:
            raise HTTPException(MALFORMED, "what was sent is no label of a question")


def _parsed_json(content: bytes) -> Any:
    try:
        return parse_line(content)
    except ValueError:
        return None


async def _refused(_: Request, error: HTTPException) -> Response:
    return JSONResponse({"problem": error.detail}, error.status_code)


async def _taken_over(_: Request, __: Exception) -> Response:
    return JSONResponse({"problem": "taken over"}, TAKEN_OVER)


async def _not_stored(_: Request, error: Exception) -> Response:
    return JSONResponse({"problem": str(error)}, NOT_STORED)


SECONDS_TO_FINISH = 2
"""How long a request that is being answered may take once the program is to end."""

ANY_HOST = ("0.0.0.0", "::")
"""Hosts that mean every address of the machine."""


def new_token() -> str:
    """A token that nobody can guess."""
    return secrets.token_urlsafe(24)


def listening(host: str, port: int) -> socket.socket:
    """A socket that browsers may ask from now on.

    Args:
        host: a name or address of this machine.
        port: the port; 0: one that is free.

    Raises:
        RepopeError: the port is taken, or the host is not this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # asyncio sends without delay only on a socket that is told its protocol; otherwise the second part of an
        # answer waits some 40 ms for the browser to acknowledge the first.
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise RepopeError(f"host={host}: is no address of this machine ({error.strerror})") from error
    try:
        listener.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # else a port is taken for a minute after its use
        listener.bind(address)
        listener.listen()
    except OSError as error:
        listener.close()
        raise RepopeError(
            f"port={port}: cannot be listened to on {host} ({error.strerror}); choose another port=, or leave it out "
            "for one that is free"
        ) from error
    return listener


def address_of(listener: socket.socket, token: str) -> str:
    """The address that a browser opens, token and all."""
    host, port = listener.getsockname()[:2]
    host = socket.gethostname() if host in ANY_HOST else f"[{host}]" if ":" in host else host
    return f"http://{host}:{port}/?{urlencode({TOKEN: token})}"


def is_for_others(listener: socket.socket) -> bool:
    """Whether other machines can ask, too."""
    return not ip_address(listener.getsockname()[0]).is_loopback


def serve(application: ASGIApp, listener: socket.socket) -> None:
    """Answers browsers until a signal ends the program.

    Raises:
        KeyboardInterrupt: the signal came; what was being stored then is on the disk.
    """
    config = uvicorn.Config(
        application,
        http=BoundedConnection,
        backlog=MOST_ACCEPTED,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        timeout_graceful_shutdown=SECONDS_TO_FINISH,
    )
    uvicorn.Server(config).run(sockets=[listener])
