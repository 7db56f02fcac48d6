"""The web application of an annotator's page: the page, its images, and the storing of labels.

Handlers run in one thread, and the wait for the disk is part of storing: what a person does comes one after another,
and no two labels are ever written at once. Images wait beside it.
"""

from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from repope_eval.annotation.access import WithToken
from repope_eval.annotation.label_file import MOST_NOTE_CHARACTERS, Judgement
from repope_eval.annotation.page import MEDIA_TYPES, page, page_file
from repope_eval.annotation.pictures import Pictures
from repope_eval.annotation.session import Act, Session, TakenOverError
from repope_eval.benchmarks.pope_file import ANNOTATOR_LABELS
from repope_eval.errors import RepopeError
from repope_eval.files.json_files import parse_line

MOST_BYTES = 20 * MOST_NOTE_CHARACTERS
"""The most bytes of what a page sends, which is a label and a note."""

MOST_DIGITS = 12
"""The most digits of a number in an address."""

NO_SUCH, TAKEN_OVER, MALFORMED, NOT_STORED = 404, 409, 400, 507
"""Statuses of what is refused to whoever has the token."""


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
        self._page = page(session.file.annotator, token, decides=bool(session.views))

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
        return JSONResponse(self._session.told_from(_number(request.path_params["start"])))

    async def watch_tab(self, request: Request) -> Response:
        self._session.require_tab(_number(request.path_params["tab"]))
        return JSONResponse({})

    async def show_image(self, request: Request) -> Response:
        names, place = self._session.image_names, _number(request.path_params["place"])
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
        return JSONResponse(self._session.store(_read(await _body(request), len(self._session.questions))))


def _number(text: str) -> int:
    """A number of an address; Python reads none of thousands of digits, and there are no such many of anything."""
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
        raise HTTPException(NO_SUCH)
    return int(text)


async def _body(request: Request) -> bytes:
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > MOST_BYTES:
            raise HTTPException(MALFORMED, "more was sent than a label and a note")
    return content


def _read(content: bytes, num_questions: int) -> Act:
    """What a page says that an annotator did."""
    match _parsed(content):
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


def _parsed(content: bytes) -> Any:
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
