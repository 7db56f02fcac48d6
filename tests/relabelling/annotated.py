"""Questions, images and annotators' files that the tests of annotation share, and a way to ask an application."""

import asyncio
import json
from pathlib import Path
from typing import Any

from PIL import Image
from starlette.types import ASGIApp

from repope_eval.benchmarks.pope_file import object_of
from repope_eval.records import Question

TOKEN = "the-token"


def question(image: str, name: str) -> Question:
    text = f"Is there a {name} in the image?"
    return Question(image, text, object_of(text))


QUESTIONS = tuple(question(image, name) for image in ("a.png", "b.png") for name in ("cat", "dog"))


def write_lines(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def line(about: Question, label: str | None, note: str = "", annotator: str = "first") -> dict[str, Any]:
    """A line of an annotator's file."""
    return {
        "image": about.image,
        "question": about.text,
        "label": label,
        "annotator": annotator,
        "at": "2026-01-01T00:00:00+00:00",
        "note": note,
    }


def write_images(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        Image.new("RGB", (40 + number, 30), (200, 40 * number, 90)).save(folder / name)
    return folder


class Reply:
    """What an application answered."""

    def __init__(self, messages: list[dict[str, Any]]) -> None:
        start = messages[0]
        self.status: int = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}
        self.content = b"".join(message.get("body", b"") for message in messages[1:])

    @property
    def document(self) -> Any:
        return json.loads(self.content)


def ask(application: ASGIApp, path: str, sent: Any = None, query: str = f"token={TOKEN}") -> Reply:
    """Asks an application as a browser does: by GET, or by POST where something is sent."""
    return asyncio.run(reply(application, path, sent, query))


async def reply(application: ASGIApp, path: str, sent: Any = None, query: str = f"token={TOKEN}") -> Reply:
    """As `ask`, within a loop."""
    content = sent if isinstance(sent, bytes) else b"" if sent is None else json.dumps(sent).encode()
    messages: list[Any] = []
    received: list[Any] = []

    async def receive() -> Any:
        if received:
            await asyncio.Event().wait()  # the browser stays
        received.append(content)
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: Any) -> None:
        messages.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET" if sent is None else "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [],
    }
    await application(scope, receive, send)
    return Reply(messages)
