"""Replies without end: how much of one is read, and for how long."""

import gzip
import json
import time
import tracemalloc
import zlib
from collections.abc import Iterator

import pytest
from chat_server import Asked, ChatServer, Sent, reply_to
from endpoint_runs import all_answers, opened

from repope_eval.asking.asker import AskedImage
from repope_eval.asking.endpoint.client import LARGEST, LARGEST_OF_A_TOKEN, LARGEST_REFUSAL
from repope_eval.errors import RepopeError

PIECE = b" " * (1 << 16)
LIMIT = LARGEST + LARGEST_OF_A_TOKEN * 1024
"""The most bytes of a reply to a question with the 1,024 new tokens of the settings."""


def endless() -> Iterator[bytes]:
    while True:
        yield PIECE


def bomb() -> Iterator[bytes]:
    """A gzip file without end, a thousandth as large as what is in it."""
    packer = zlib.compressobj(9, wbits=31)
    while True:
        yield packer.compress(PIECE * 16)


def dripping() -> Iterator[bytes]:
    for _ in range(100):
        time.sleep(0.05)
        yield b" "


def refusal(chat: ChatServer, sent: Sent, **model: object) -> str:
    chat.respond = lambda asked: sent
    with pytest.raises(RepopeError) as caught:
        opened(chat, **model)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("headers", "pieces"), [({}, endless), ({"Content-Encoding": "gzip"}, bomb)], ids=["plain", "packed"]
)
def test_a_reply_without_end_is_read_to_a_limit(
    chat: ChatServer, headers: dict[str, str], pieces: object
) -> None:
    tracemalloc.start()
    try:
        found = refusal(chat, Sent(200, headers=headers, pieces=pieces))  # type: ignore[arg-type]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.startswith(f"{chat.url}: a reply of more than {LIMIT:,} bytes; ")
    assert peak < 3 * LIMIT


@pytest.mark.parametrize("pieces", [endless, bomb])
def test_of_a_refusal_the_beginning_is_read(chat: ChatServer, pieces: object) -> None:
    headers = {"Content-Encoding": "gzip"} if pieces is bomb else {}
    tracemalloc.start()
    try:
        found = refusal(chat, Sent(401, headers=headers, pieces=pieces))  # type: ignore[arg-type]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.startswith(f"{chat.url}: HTTP 401; ")
    assert peak < 200 * LARGEST_REFUSAL


def test_a_list_of_models_without_end_is_none(chat: ChatServer) -> None:
    chat.models = Sent(200, pieces=endless)
    assert opened(chat).source == {"server": {"model": "org/seer"}}


def test_a_reply_that_drips_in_has_the_time_of_any_other(
    chat: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = time.monotonic()
    assert "no answer within 0.2 s" in refusal(chat, Sent(200, pieces=dripping), timeout=0.2)
    assert time.monotonic() - began < 4


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip"])
def test_what_is_packed_in_another_way_is_no_answer(chat: ChatServer, encoding: str) -> None:
    found = refusal(chat, Sent(200, "{}", {"Content-Encoding": encoding}))
    assert found.startswith(f"{chat.url}: a reply that is packed as {encoding!r}; ")


def test_a_packed_reply_is_unpacked(chat: ChatServer, images: list[AskedImage]) -> None:
    def respond(asked: Asked) -> Sent:
        content = gzip.compress(json.dumps(reply_to(asked)).encode())
        return Sent(200, headers={"Content-Encoding": "gzip"}, pieces=lambda: [content])

    chat.respond = respond
    assert len(all_answers(opened(chat), images[:1])) == 5
