"""`annotate`: what it prints, how it ends, and each bad input in one line."""

import json
import signal
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from annotated import QUESTIONS, line, question, write_images, write_lines
from conftest import CommandLine
from filelock import FileLock
from served import ended, served

from repope_eval.commands import annotate
from repope_eval.errors import InterruptionError, RepopeError
from repope_eval.records import Question
from repope_eval.relabelling.guideline import GUIDELINE
from repope_eval.settings.command_settings import AnnotateSettings


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that names are given in, with a queue and its images."""
    monkeypatch.chdir(tmp_path)
    write_images(tmp_path / "images", "a.png", "b.png")
    write_queue(tmp_path / "queue.jsonl", *QUESTIONS)
    return tmp_path


def write_queue(path: Path, *questions: Question) -> None:
    write_lines(
        path, *({"image": about.image, "question": about.text, "sampled": True} for about in questions)
    )


def settings(**changes: Any) -> AnnotateSettings:
    given = {"questions": "queue.jsonl", "images": "images", "annotator": "first", "out": "first.jsonl"}
    return AnnotateSettings(**{**given, **changes})


def refusal(**changes: Any) -> str:
    with pytest.raises(RepopeError) as caught:
        annotate.execute(settings(**changes), "")
    assert not isinstance(caught.value, InterruptionError)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The sessions that would be served."""
    sessions: list[Any] = []
    monkeypatch.setattr(annotate, "_serve_page", lambda _, session, __: sessions.append(session))
    return sessions


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_prints_its_address_and_serves_until_it_is_ended(number: int, status: int, folder: Path) -> None:
    command = ["annotate", "questions=queue.jsonl", "images=images", "annotator=first", "out=first.jsonl"]
    write_lines(folder / "first.jsonl", line(QUESTIONS[0], "yes"))
    with served(*command) as (process, address):
        assert address.startswith("http://127.0.0.1:")
        with urlopen(address) as page:
            assert b"Labels by first" in page.read()
        with pytest.raises(HTTPError, match="403"):
            urlopen(address[:-1])
        with pytest.raises(HTTPError, match="403"):
            urlopen(address.partition("?")[0])
        result = ended(process, number)
    assert result.returncode == status
    assert result.stdout == f"{address}\n"
    assert result.stderr.splitlines() == [
        "4 questions about 2 images",
        "first.jsonl has 1 label of 4 questions; open this page, and end it with Ctrl-C:",
        f"first.jsonl has 1 label of 4 questions; to go on: python -m repope_eval {' '.join(command)}",
    ]


def test_a_file_is_served_once(folder: Path) -> None:
    with FileLock(folder / ".first.jsonl.lock"):
        line = "another `annotate` has this file; go on there, or end it first"
        assert refusal() == f"out=first.jsonl: {line}"
        (folder / "link.jsonl").symlink_to("first.jsonl")
        assert refusal(out="link.jsonl") == f"out=link.jsonl: {line}"


def test_several_people_may_have_their_files_in_one_folder(folder: Path, shown: list[Any]) -> None:
    with FileLock(folder / ".first.jsonl.lock"):
        annotate.execute(settings(annotator="second", out="second.jsonl"), "")
    assert len(shown) == 1


def test_a_port_that_is_taken(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert refusal(port=port).startswith(
            f"port={port}: cannot be listened to on 127.0.0.1 (Address already in"
        )


def test_missing_images_are_said_and_their_questions_left_out(
    folder: Path, shown: list[Any], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(annotate.log.parent, "propagate", True)
    (folder / "images" / "b.png").unlink()
    with caplog.at_level("INFO", "repope_eval"):
        annotate.execute(settings(), "")
    assert [about.image for about in shown[0].questions] == ["a.png", "a.png"]
    assert shown[0].num_skipped == 2
    assert caplog.messages == [
        "2 questions about 1 image",
        "2 questions are left out, for 1 image is not in images: b.png",
    ]


def test_tens_of_thousands_of_missing_images_are_counted_in_seconds(folder: Path, shown: list[Any]) -> None:
    write_queue(
        folder / "queue.jsonl", QUESTIONS[0], *(question(f"{number}.png", "cat") for number in range(20_000))
    )
    start = time.monotonic()
    annotate.execute(settings(), "")
    assert shown[0].num_skipped == 20_000
    assert time.monotonic() - start < 8


def test_labels_of_questions_whose_images_are_gone_are_still_known(folder: Path, shown: list[Any]) -> None:
    (folder / "images" / "b.png").unlink()
    write_lines(folder / "first.jsonl", *(line(about, "no") for about in QUESTIONS))
    annotate.execute(settings(), "")
    assert shown[0].num_labelled == 2


def test_a_queue_of_another_benchmark(folder: Path) -> None:
    write_queue(folder / "queue.jsonl", question("z.png", "cat"))
    assert refusal() == (
        "images=images: holds none of the 1 image of the questions, first z.png; name the folder that they lie in"
    )


def test_a_queue_that_leads_out_of_the_folder(folder: Path) -> None:
    write_queue(folder / "queue.jsonl", QUESTIONS[0], question("../images/a.png", "cat"))
    assert refusal().startswith(
        "queue.jsonl, line 2: image name '../images/a.png' leads out of the image folder; "
    )


def test_an_annotators_file_of_other_questions(folder: Path) -> None:
    write_lines(folder / "first.jsonl", line(question("z.png", "cat"), "no"))
    assert refusal().startswith(
        "out=first.jsonl: 1 of the 1 question it has lines for are none of those asked here"
    )


@pytest.mark.parametrize("out", ["queue.jsonl", "./queue.jsonl", "link.jsonl"])
def test_a_file_that_is_read_is_not_written(out: str, folder: Path) -> None:
    (folder / "link.jsonl").symlink_to("queue.jsonl")
    before = (folder / "queue.jsonl").read_bytes()
    assert refusal(out=out) == f"out={out}: is one of the files to be read; choose another out="
    assert (folder / "queue.jsonl").read_bytes() == before


def test_the_guideline_is_ones_own_or_the_programs(folder: Path, shown: list[Any]) -> None:
    own = folder / "own.txt"
    own.write_text("Look twice.\n")
    annotate.execute(settings(guideline="own.txt"), "")
    annotate.execute(settings(), "")
    assert [session.guideline for session in shown] == [("Look twice.",), GUIDELINE]
    assert refusal(guideline="gone.txt").startswith("gone.txt: cannot be read (No such file or directory)")
    expected = "out=own.txt: is one of the files to be read; choose another out="
    assert refusal(guideline="own.txt", out="own.txt") == expected


def test_a_folder_is_no_file(folder: Path) -> None:
    assert refusal(out="images") == "out=images: is no file; choose another out="


def test_a_place_that_cannot_be_written(folder: Path) -> None:
    (folder / "mine").touch()
    assert refusal(out="mine/first.jsonl").startswith("out=")


def test_images_in_no_folder(folder: Path) -> None:
    assert refusal(images="gone").startswith("images=gone: no such folder; check the name")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"questions": None},
            "questions=: which questions? Give a file of them, such as the queue.jsonl of `audit`",
        ),
        (
            {"annotators": ("a.jsonl", "b.jsonl")},
            "annotators=: only a person who decides sees others' labels; give decide=true as well",
        ),
        (
            {"decide": True},
            "decide=true: between whom? Give two people's files, annotators=[first.jsonl,second.jsonl]",
        ),
    ],
)
def test_settings_that_do_not_go_together(changes: dict[str, Any], expected: str, folder: Path) -> None:
    assert refusal(**changes) == expected


@pytest.mark.parametrize("questions", ["queue.jsonl", None])
def test_a_decider_is_asked_what_is_in_dispute(questions: str | None, folder: Path, shown: list[Any]) -> None:
    a, b, c, d = QUESTIONS
    first = (line(a, "yes"), line(b, "yes"), line(c, "ambiguous"), line(d, "no"))
    write_lines(folder / "first.jsonl", *first)
    second = [
        line(about, label, annotator="second")
        for about, label in zip(QUESTIONS, ("no", "yes", "no", "yes"), strict=True)
    ]
    write_lines(folder / "second.jsonl", *second)
    third = line(b, "yes", annotator="third")
    write_lines(folder / "third.jsonl", third)  # from when it was in dispute
    changes = {"annotators": ("first.jsonl", "second.jsonl"), "decide": True, "questions": questions}
    annotate.execute(settings(annotator="third", out="third.jsonl", **changes), "")
    assert set(shown[0].questions) == {a, d}
    assert set(shown[0].views) == {a, d}
    assert (
        refusal(annotator="third", **changes)
        == "out=first.jsonl: is one of the files to be read; choose another out="
    )


def test_what_is_not_installed_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annotate, "find_spec", lambda name: None if name == "uvicorn" else find_spec(name))
    assert (
        refusal()
        == "annotate needs uvicorn: pip install '.[annotate]' in a copy of this program's repository"
    )


def test_no_other_command_imports_the_server() -> None:
    code = (
        "import sys, repope_eval.commands.command_line, repope_eval.commands.annotate, repope_eval.commands.relabel\n"
        "assert not {'starlette', 'uvicorn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_port_that_is_none(command_line: CommandLine) -> None:
    result = command_line("annotate", "port=70000", "images=x")
    assert result.returncode == 1
    assert "port=70000: must be at most 65535" in result.stderr


def test_what_was_said_before_is_gone_on_with(folder: Path, shown: list[Any]) -> None:
    write_lines(folder / "first.jsonl", line(QUESTIONS[0], "yes"), line(QUESTIONS[0], None))
    with (folder / "first.jsonl").open("a") as file:
        file.write(json.dumps(line(QUESTIONS[1], "no"))[:-5])
    annotate.execute(settings(), "")
    assert shown[0].num_labelled == 0
    assert len((folder / "first.jsonl").read_text().splitlines()) == 2
