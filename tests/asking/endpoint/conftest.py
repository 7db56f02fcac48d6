"""A server that speaks /v1/chat/completions, and images to ask it about."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from chat_server import ChatServer, serving
from PIL import Image

from repope_eval.asking.asker import AskedImage
from repope_eval.records import Question
from repope_eval.system import http, secrets


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(http, "FIRST_WAIT", 0.001)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setattr(secrets, "_known", {})
    monkeypatch.setattr(logging.getLogger("repope_eval"), "propagate", True)
    caplog.set_level(logging.INFO, "repope_eval")


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with serving() as server:
        yield server


@pytest.fixture
def images(tmp_path: Path) -> list[AskedImage]:
    """Four images with five questions each."""
    found = []
    for index in range(4):
        path = tmp_path / f"{index}.png"
        Image.new("RGB", (40, 30), (50 * index, 90, 160)).save(path)
        texts = (f"Is there a {name} in the image?" for name in ("cat", "dog", "cow", "hen", "pig"))
        found.append(AskedImage(path, tuple(Question(path.name, text, "") for text in texts)))
    return found
