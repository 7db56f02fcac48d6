"""What the page's server tells, stores and refuses."""

import asyncio
import errno
import json
import os
import socket
from pathlib import Path

import pytest
from annotated import QUESTIONS, TOKEN, ask, line, question, reply, write_images, write_lines
from PIL import Image
from starlette.types import ASGIApp

from repope_eval.errors import RepopeError
from repope_eval.relabelling.label_file import MOST_NOTE_CHARACTERS, Judgement, LabelFile
from repope_eval.relabelling.server import (
    MEDIA_TYPES,
    MOST_BYTES,
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
def served(tmp_path: Path, out: Path) -> ASGIApp:
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
def test_without_the_token_nothing_is_told_or_stored(
    path: str, query: str, served: ASGIApp, out: Path
) -> None:
    answer = ask(served, path, label(0) if path == "/act" else None, query)
    assert answer.status == 403
    assert b"Open the address that `annotate` has printed" in answer.content
    assert not out.exists()


def test_the_page_asks_no_other_machine(served: ASGIApp) -> None:
    page = ask(served, "/")
    assert page.status == 200
    assert page.headers["content-security-policy"].startswith("default-src 'self';")
    assert page.headers["referrer-policy"] == "no-referrer"
    for name, kind in MEDIA_TYPES.items():
        file = ask(served, f"/{name}")
        assert (file.status, file.headers["content-type"].partition(";")[0]) == (200, kind)
        assert f'"{name}?token={TOKEN}"' in page.content.decode()
    assert ask(served, "/page.py").status == 404
    assert "http" not in page.content.decode()


def test_the_browser_is_told_questions_and_own_labels_and_nothing_else(tmp_path: Path, out: Path) -> None:
    write_lines(
        out, line(QUESTIONS[1], "no", "small"), line(QUESTIONS[0], "yes"), line(QUESTIONS[0], None, "?")
    )
    session = Session(QUESTIONS, {}, LabelFile(out, "first", QUESTIONS), num_skipped=3)
    served = application(session, TOKEN)
    assert ask(served, "/open").document == {
        "tab": 1,
        "num_questions": 4,
        "num_told": WINDOW,
        "num_images": 2,
        "num_skipped": 3,
        "num_labelled": 1,
        "next": 0,
    }
    assert ask(served, "/questions/0").document[:2] == [
        {"image": 0, "name": "a.png", "text": QUESTIONS[0].text, "label": None, "note": "?", "views": []},
        {"image": 0, "name": "a.png", "text": QUESTIONS[1].text, "label": "no", "note": "small", "views": []},
    ]


def test_of_many_questions_a_few_are_told_at_once(out: Path) -> None:
    many = [question("a.png", f"cat {number}") for number in range(2 * WINDOW + 1)]
    write_lines(out, *(line(about, "no") for about in (*many[:3], *many[4:])))
    served = application(Session(many, {}, LabelFile(out, "first", many)), TOKEN)
    assert ask(served, "/open").document["next"] == 3
    told = [ask(served, f"/questions/{start}").document for start in (0, WINDOW, 2 * WINDOW, 3 * WINDOW)]
    assert [len(each) for each in told] == [WINDOW, WINDOW, 1, 0]
    assert [each["text"] for window in told for each in window] == [about.text for about in many]


def test_the_next_question_is_the_one_behind_or_the_first_without_a_label(served: ASGIApp) -> None:
    ask(served, "/open")
    nexts = []
    for place, number in enumerate((1, 3, 0, 2), 1):
        nexts.append(ask(served, "/act", label(number, place=place)).document["next"])
    assert nexts == [2, 0, 2, None]
    assert ask(served, "/open").document["next"] is None


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
    served = application(session, TOKEN)
    assert b'id="views"' in ask(served, "/").content
    (told,) = ask(served, "/questions/0").document
    assert told["views"] == [{"label": "no", "note": "I see none"}, {"label": "yes", "note": ""}]


def test_a_label_is_on_the_disk_when_it_is_answered(served: ASGIApp, out: Path) -> None:
    ask(served, "/open")
    assert ask(served, "/act", label(2, "ambiguous", note="far away")).status == 200
    assert said(out) == [("b.png", "ambiguous", "far away")]
    assert ask(served, "/questions/0").document[2]["label"] == "ambiguous"


def test_an_act_that_is_sent_again_is_stored_once_and_answered_as_before(served: ASGIApp, out: Path) -> None:
    """A page whose server was slow knows nothing of what is stored: it sends the same again, until it is answered."""
    ask(served, "/open")
    acts = [label(0, place=1), label(1, "no", place=2), undo(3), undo(4), label(0, "no", place=5)]
    for act in acts:
        first, again = (ask(served, "/act", act) for _ in range(2))
        assert (first.status, first.content) == (200, again.content)
    assert [label for _, label, _ in said(out)] == ["yes", "no", None, None, "no"]
    ask(served, "/open")  # another tab takes over
    assert ask(served, "/act", acts[-1]).status == 200
    assert ask(served, "/act", label(1, place=6)).status == 409


def test_undo_takes_the_last_label_back_and_keeps_its_note(served: ASGIApp, out: Path) -> None:
    ask(served, "/open")
    ask(served, "/act", label(0, "yes", place=1))
    ask(served, "/act", label(2, "no", note="small", place=2))
    ask(served, "/act", label(0, "yes", note="a note alone", place=3))
    told = ask(served, "/act", undo(4)).document
    assert (told["number"], told["num_labelled"]) == (2, 1)
    assert (told["question"]["label"], told["question"]["note"]) == (None, "small")
    assert said(out)[-1] == ("b.png", None, "small")
    assert ask(served, "/act", undo(5)).document["number"] == 0
    assert ask(served, "/act", undo(6)).status == 507


@pytest.mark.parametrize(
    "sent",
    [
        *(b"", b"[]", b"{", b"x" * (MOST_BYTES + 1)),
        *(label(-1), label(4), label(0, "maybe"), label(0, tab="1"), label(0, place="1")),
        label(0, note="x" * (MOST_NOTE_CHARACTERS + 1)),
    ],
)
def test_what_is_no_label_is_not_stored(sent: object, served: ASGIApp, out: Path) -> None:
    ask(served, "/open")
    assert ask(served, "/act", sent).status == 400
    assert not out.exists()


def test_half_a_character_is_stored_as_a_replacement_and_the_page_opens_again(
    served: ASGIApp, out: Path
) -> None:
    ask(served, "/open")
    answer = ask(served, "/act", label(0, note="\ud83d"))
    assert (answer.status, answer.document["question"]["note"]) == (200, "\ufffd")
    assert said(out) == [("a.png", "yes", "\ufffd")]
    assert (ask(served, "/open").status, ask(served, "/questions/0").status) == (200, 200)


@pytest.mark.parametrize("number", ["9" * 5_000, "-1", "x", "1.0", "\u0663"])
def test_a_number_that_is_none_is_not_found(number: str, served: ASGIApp) -> None:
    assert {ask(served, f"/{path}/{number}").status for path in ("tab", "image", "questions")} == {404}


def test_the_tab_that_was_opened_last_stores(served: ASGIApp, out: Path) -> None:
    first, second = (ask(served, "/open").document["tab"] for _ in range(2))
    assert ask(served, f"/tab/{second}").status == 200
    assert ask(served, f"/tab/{first}").status == 409
    assert ask(served, "/act", label(0, tab=first)).status == 409
    assert not out.exists()
    assert ask(served, "/act", label(0, tab=second)).status == 200
    assert ask(served, "/act", label(1, tab=0)).status == 409


def test_a_full_disk_is_said(served: ASGIApp, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(served, "/open")

    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refuse)
        answer = ask(served, "/act", label(0))
    assert answer.status == 507
    assert answer.document == {"problem": f"{out} cannot be written (No space left on device)"}
    assert ask(served, "/act", label(0)).status == 200


def test_an_image_is_sent_as_it_is_and_what_is_none_is_not_found(tmp_path: Path, out: Path) -> None:
    folder = write_images(tmp_path / "images", "a.png", "b.png")
    served = application(Session(QUESTIONS, images(folder), LabelFile(out, "first", QUESTIONS)), TOKEN)
    assert ask(served, "/image/0").content == (folder / "a.png").read_bytes()
    assert ask(served, "/image/2").status == 404
    (folder / "a.png").write_bytes(b"no image")
    assert ask(served, "/image/0").status == 404


def test_labels_are_stored_while_an_image_is_made(tmp_path: Path, out: Path) -> None:
    """One TIFF of 85 megapixels held every label up for half a minute."""
    folder = write_images(tmp_path / "images", "a.png", "b.png")
    Image.new("L", (5, 4)).save(folder / "a.png", "TIFF")
    served = application(Session(QUESTIONS, images(folder), LabelFile(out, "first", QUESTIONS)), TOKEN)
    answered: list[str] = []

    async def ask_one(path: str, sent: object = None) -> None:
        answer = await reply(served, path, sent)
        assert answer.status == 200
        answered.append(path)

    async def ask_all() -> None:
        await reply(served, "/open")
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
