"""What the page's server tells, stores and refuses, and which connections it closes."""

import asyncio
import errno
import json
import os
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
import warm_commands
from annotated import QUESTIONS, TOKEN, ask, line, question, reply, write_images, write_lines
from PIL import Image
from served import ended, served
from starlette.types import ASGIApp

from repope_eval.errors import RepopeError
from repope_eval.relabelling.label_file import MOST_NOTE_CHARACTERS, Judgement, LabelFile
from repope_eval.relabelling.server import (
    MEDIA_TYPES,
    MOST_BYTES,
    MOST_WAITED_FOR,
    SECONDS_TO_ASK,
    address_of,
    application,
    is_for_others,
    listening,
)
from repope_eval.relabelling.session import WINDOW, Session


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "first.jsonl"


@pytest.fixture
def app(tmp_path: Path, out: Path) -> ASGIApp:
    folder = write_images(tmp_path / "images", "a.png", "b.png")
    return application(Session(QUESTIONS, images(folder), LabelFile(out, "first", QUESTIONS)), TOKEN)


def images(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in folder.iterdir()}


def label(
    number: int, label: object = "yes", tab: object = 1, note: object = "", place: object = 1
) -> dict[str, object]:
    return {"tab": tab, "place": place, "number": number, "label": label, "note": note}


def undo(place: int) -> dict[str, object]:
    return {"tab": 1, "place": place, "number": None}


def said(out: Path) -> list[tuple[str, str | None, str]]:
    """Image, label and note of each line of a file."""
    lines = map(json.loads, out.read_text().splitlines())
    return [(each["image"], each["label"], each["note"]) for each in lines]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        *(
            (path, "token=wrong")
            for path in ("/", "/questions/0", "/image/0", "/page.js", "/tab/1", "/act", "/gone")
        ),
        *(("/open", query) for query in ("", "token=", f"token={TOKEN}&token={TOKEN}", "token=%ff")),
    ],
)
def test_without_the_token_nothing_is_told_or_stored(path: str, query: str, app: ASGIApp, out: Path) -> None:
    answer = ask(app, path, label(0) if path == "/act" else None, query)
    assert answer.status == 403
    assert b"Open the address that `annotate` has printed" in answer.content
    assert not out.exists()


def test_the_page_asks_no_other_machine(app: ASGIApp) -> None:
    page = ask(app, "/")
    assert page.status == 200
    assert page.headers["content-security-policy"].startswith("default-src 'self';")
    assert page.headers["referrer-policy"] == "no-referrer"
    for name, kind in MEDIA_TYPES.items():
        file = ask(app, f"/{name}")
        assert (file.status, file.headers["content-type"].partition(";")[0]) == (200, kind)
        assert f'"{name}?token={TOKEN}"' in page.content.decode()
    assert ask(app, "/page.py").status == 404
    assert "http" not in page.content.decode()


def test_the_browser_is_told_questions_and_own_labels_and_nothing_else(tmp_path: Path, out: Path) -> None:
    write_lines(
        out, line(QUESTIONS[1], "no", "small"), line(QUESTIONS[0], "yes"), line(QUESTIONS[0], None, "?")
    )
    session = Session(QUESTIONS, {}, LabelFile(out, "first", QUESTIONS), num_skipped=3)
    app = application(session, TOKEN)
    assert ask(app, "/open").document == {
        "tab": 1,
        "num_questions": 4,
        "num_told": WINDOW,
        "num_images": 2,
        "num_skipped": 3,
        "num_labelled": 1,
        "next": 0,
    }
    assert ask(app, "/questions/0").document[:2] == [
        {"image": 0, "name": "a.png", "text": QUESTIONS[0].text, "label": None, "note": "?", "views": []},
        {"image": 0, "name": "a.png", "text": QUESTIONS[1].text, "label": "no", "note": "small", "views": []},
    ]


def test_of_many_questions_a_few_are_told_at_once(out: Path) -> None:
    many = [question("a.png", f"cat {number}") for number in range(2 * WINDOW + 1)]
    write_lines(out, *(line(about, "no") for about in (*many[:3], *many[4:])))
    app = application(Session(many, {}, LabelFile(out, "first", many)), TOKEN)
    assert ask(app, "/open").document["next"] == 3
    told = [ask(app, f"/questions/{start}").document for start in (0, WINDOW, 2 * WINDOW, 3 * WINDOW)]
    assert [len(each) for each in told] == [WINDOW, WINDOW, 1, 0]
    assert [each["text"] for window in told for each in window] == [about.text for about in many]


def test_the_next_question_is_the_one_behind_or_the_first_without_a_label(app: ASGIApp) -> None:
    ask(app, "/open")
    nexts = []
    for place, number in enumerate((1, 3, 0, 2), 1):
        nexts.append(ask(app, "/act", label(number, place=place)).document["next"])
    assert nexts == [2, 0, 2, None]
    assert ask(app, "/open").document["next"] is None


def test_folders_of_an_images_name_are_not_told(tmp_path: Path, out: Path) -> None:
    """DASH-B's image is in `neg` where its label is no."""
    path = write_lines(tmp_path / "queue.jsonl", {"image": "neg/coco/cat/0.png", "question": "Q?"})
    from repope_eval.relabelling.queue import read_questions

    questions = read_questions([path])
    session = Session(questions, {}, LabelFile(out, "first", questions))
    assert b"neg" not in ask(application(session, TOKEN), "/questions/0").content


def test_a_decider_is_told_what_both_say(out: Path) -> None:
    views = {QUESTIONS[0]: (Judgement("no", "I see none"), Judgement("yes"))}
    session = Session(QUESTIONS[:1], {}, LabelFile(out, "third", QUESTIONS), views)
    app = application(session, TOKEN)
    assert b'id="views"' in ask(app, "/").content
    (told,) = ask(app, "/questions/0").document
    assert told["views"] == [{"label": "no", "note": "I see none"}, {"label": "yes", "note": ""}]


def test_a_label_is_on_the_disk_when_it_is_answered(app: ASGIApp, out: Path) -> None:
    ask(app, "/open")
    assert ask(app, "/act", label(2, "ambiguous", note="far away")).status == 200
    assert said(out) == [("b.png", "ambiguous", "far away")]
    assert ask(app, "/questions/0").document[2]["label"] == "ambiguous"


def test_an_act_that_is_sent_again_is_stored_once_and_answered_as_before(app: ASGIApp, out: Path) -> None:
    """A page whose server was slow knows nothing of what is stored: it sends the same again, until it is answered."""
    ask(app, "/open")
    acts = [label(0, place=1), label(1, "no", place=2), undo(3), undo(4), label(0, "no", place=5)]
    for act in acts:
        first, again = (ask(app, "/act", act) for _ in range(2))
        assert (first.status, first.content) == (200, again.content)
    assert [label for _, label, _ in said(out)] == ["yes", "no", None, None, "no"]
    ask(app, "/open")  # another tab takes over
    assert ask(app, "/act", acts[-1]).status == 200
    assert ask(app, "/act", label(1, place=6)).status == 409


def test_undo_takes_the_last_label_back_and_keeps_its_note(app: ASGIApp, out: Path) -> None:
    ask(app, "/open")
    ask(app, "/act", label(0, "yes", place=1))
    ask(app, "/act", label(2, "no", note="small", place=2))
    ask(app, "/act", label(0, "yes", note="a note alone", place=3))
    told = ask(app, "/act", undo(4)).document
    assert (told["number"], told["num_labelled"]) == (2, 1)
    assert (told["question"]["label"], told["question"]["note"]) == (None, "small")
    assert said(out)[-1] == ("b.png", None, "small")
    assert ask(app, "/act", undo(5)).document["number"] == 0
    assert ask(app, "/act", undo(6)).status == 507


@pytest.mark.parametrize(
    "sent",
    [
        *(b"", b"[]", b"{", b"x" * (MOST_BYTES + 1)),
        *(label(-1), label(4), label(0, "maybe"), label(0, tab="1"), label(0, place="1")),
        label(0, note="x" * (MOST_NOTE_CHARACTERS + 1)),
    ],
)
def test_what_is_no_label_is_not_stored(sent: object, app: ASGIApp, out: Path) -> None:
    ask(app, "/open")
    assert ask(app, "/act", sent).status == 400
    assert not out.exists()


def test_half_a_character_is_stored_as_a_replacement_and_the_page_opens_again(
    app: ASGIApp, out: Path
) -> None:
    ask(app, "/open")
    answer = ask(app, "/act", label(0, note="\ud83d"))
    assert (answer.status, answer.document["question"]["note"]) == (200, "\ufffd")
    assert said(out) == [("a.png", "yes", "\ufffd")]
    assert (ask(app, "/open").status, ask(app, "/questions/0").status) == (200, 200)


@pytest.mark.parametrize("number", ["9" * 5_000, "-1", "x", "1.0", "\u0663"])
def test_a_number_that_is_none_is_not_found(number: str, app: ASGIApp) -> None:
    assert {ask(app, f"/{path}/{number}").status for path in ("tab", "image", "questions")} == {404}


def test_the_tab_that_was_opened_last_stores(app: ASGIApp, out: Path) -> None:
    first, second = (ask(app, "/open").document["tab"] for _ in range(2))
    assert ask(app, f"/tab/{second}").status == 200
    assert ask(app, f"/tab/{first}").status == 409
    assert ask(app, "/act", label(0, tab=first)).status == 409
    assert not out.exists()
    assert ask(app, "/act", label(0, tab=second)).status == 200
    assert ask(app, "/act", label(1, tab=0)).status == 409


def test_a_full_disk_is_said(app: ASGIApp, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(app, "/open")

    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refuse)
        answer = ask(app, "/act", label(0))
    assert answer.status == 507
    assert answer.document == {"problem": f"{out} cannot be written (No space left on device)"}
    assert ask(app, "/act", label(0)).status == 200


def test_an_image_is_sent_as_it_is_and_what_is_none_is_not_found(tmp_path: Path, out: Path) -> None:
    folder = write_images(tmp_path / "images", "a.png", "b.png")
    app = application(Session(QUESTIONS, images(folder), LabelFile(out, "first", QUESTIONS)), TOKEN)
    assert ask(app, "/image/0").content == (folder / "a.png").read_bytes()
    assert ask(app, "/image/2").status == 404
    (folder / "a.png").write_bytes(b"no image")
    assert ask(app, "/image/0").status == 404


def test_labels_are_stored_while_an_image_is_made(tmp_path: Path, out: Path) -> None:
    """One TIFF of 85 megapixels held every label up for half a minute."""
    folder = write_images(tmp_path / "images", "a.png", "b.png")
    Image.new("L", (5, 4)).save(folder / "a.png", "TIFF")
    app = application(Session(QUESTIONS, images(folder), LabelFile(out, "first", QUESTIONS)), TOKEN)
    answered: list[str] = []

    async def ask_one(path: str, sent: object = None) -> None:
        answer = await reply(app, path, sent)
        assert answer.status == 200
        answered.append(path)

    async def ask_all() -> None:
        await reply(app, "/open")
        await asyncio.gather(ask_one("/image/0"), ask_one("/image/1"), ask_one("/act", label(0)))

    asyncio.run(ask_all())
    assert answered[-1] == "/image/0"


def test_a_free_port_of_this_machine_is_listened_to() -> None:
    with listening("127.0.0.1", 0) as one:
        assert address_of(one, "a b").startswith(f"http://127.0.0.1:{one.getsockname()[1]}/?token=a+b")
        assert not is_for_others(one)
    with listening("0.0.0.0", 0) as every:
        assert address_of(every, "t").startswith(f"http://{socket.gethostname()}:")
        assert is_for_others(every)


def test_no_part_of_an_answer_waits_for_the_one_before_to_be_acknowledged() -> None:
    """Nagle's algorithm together with a browser's delayed acknowledgement held some keys up by 40 ms."""

    async def is_without_delay(listener: socket.socket) -> int:
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            accepted = writer.get_extra_info("socket")
            found.set_result(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(serve, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname())
            await found
            writer.close()
            await writer.wait_closed()
        return found.result()

    with listening("127.0.0.1", 0) as one:
        assert asyncio.run(is_without_delay(one))


def test_a_port_that_is_taken_is_named() -> None:
    with listening("127.0.0.1", 0) as one:
        port = one.getsockname()[1]
        with pytest.raises(RepopeError) as caught:
            listening("127.0.0.1", port)
    assert str(caught.value) == (
        f"port={port}: cannot be listened to on 127.0.0.1 (Address already in use); choose another port=, or leave it "
        "out for one that is free"
    )


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_a_host_that_is_not_this_machine_is_named(host: str) -> None:
    with pytest.raises(RepopeError, match=host):
        listening(host, 0)


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
