"""An annotator's file: what is added, counts or is refused, what a crash leaves, and what a third person decides."""

import errno
import json
import logging
import os
from pathlib import Path

import pytest
from annotated import QUESTIONS, line, question, write_lines

from repope_eval.errors import RepopeError
from repope_eval.relabelling.label_file import Judgement, LabelFile, read_disputes

FIRST, SECOND, *_ = QUESTIONS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "first.jsonl"


def opened(path: Path, annotator: str = "first") -> LabelFile:
    return LabelFile(path, annotator, QUESTIONS)


def refusal(path: Path, annotator: str = "first") -> str:
    with pytest.raises(RepopeError) as caught:
        opened(path, annotator)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_label_is_a_line_with_all_fields(path: Path) -> None:
    opened(path).append(FIRST, Judgement("ambiguous", "half hidden, é"))
    fields = json.loads(path.read_text())
    assert list(fields) == ["image", "question", "label", "annotator", "at", "note"]
    at = fields.pop("at")
    assert at.endswith("+00:00")
    assert fields == {
        "image": "a.png",
        "question": FIRST.text,
        "label": "ambiguous",
        "annotator": "first",
        "note": "half hidden, é",
    }


def test_a_later_line_counts_and_null_undoes(path: Path) -> None:
    file = opened(path)
    for about, label in ((FIRST, "yes"), (SECOND, "no"), (FIRST, "no"), (SECOND, None)):
        file.append(about, Judgement(label))  # type: ignore[arg-type]
    assert len(path.read_text().splitlines()) == 4
    for each in (file, opened(path)):
        assert each.labels == {FIRST: "no"}
    opened(path).append(SECOND, Judgement("yes"))
    assert list(opened(path).labels) == [FIRST, SECOND]


def test_a_note_without_a_label_is_kept(path: Path) -> None:
    opened(path).append(FIRST, Judgement(None, "ask Kim"))
    assert opened(path).labels == {}
    assert opened(path).judgements == {FIRST: Judgement(None, "ask Kim")}


def test_half_a_surrogate_pair_is_replaced_in_what_is_stored_and_in_what_an_older_copy_has_stored(
    path: Path,
) -> None:
    """Such a note was stored, and the page could not be told of it: it never opened again."""
    write_lines(path, line(FIRST, "yes", "\udc00 é \ud83d\ude00 \ud83d"))
    assert opened(path).judgements[FIRST].note == "\ufffd é 😀 \ufffd"
    opened(path).append(FIRST, Judgement("no", "\ud83d"))
    assert json.loads(path.read_text("utf-8").splitlines()[-1])["note"] == "\ufffd"


def test_a_last_line_that_was_cut_short_is_taken_off(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("repope_eval"), "propagate", True)
    write_lines(path, line(FIRST, "yes"), line(SECOND, "no"))
    whole = path.read_bytes()
    os.truncate(path, len(whole) - 3)
    file = opened(path)
    assert file.labels == {FIRST: "yes"}
    assert "the last line was cut short" in caplog.text
    file.append(SECOND, Judgement("no"))
    assert opened(path).labels == {FIRST: "yes", SECOND: "no"}


def test_a_full_disk_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = opened(path)
    file.append(FIRST, Judgement("yes"))
    before = path.read_bytes()

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refuse)
        with pytest.raises(RepopeError, match=r"first\.jsonl cannot be written \(No space left on device\)"):
            file.append(SECOND, Judgement("no"))
    assert path.read_bytes() == before
    assert file.labels == {FIRST: "yes"}
    file.append(SECOND, Judgement("no"))
    assert opened(path).labels == {FIRST: "yes", SECOND: "no"}


def test_a_file_that_another_program_changes_is_not_added_to(path: Path) -> None:
    file = opened(path)
    file.append(FIRST, Judgement("yes"))
    path.write_text("mine")
    with pytest.raises(RepopeError, match="another program has changed it"):
        file.append(SECOND, Judgement("no"))
    assert path.read_text() == "mine"


def test_a_file_of_other_questions_is_refused(path: Path) -> None:
    write_lines(path, line(FIRST, "yes"), line(question("z.png", "cow"), "no"))
    assert refusal(path) == (
        f"out={path}: 1 of the 2 questions it has lines for are none of those asked here, first z.png, 'Is there a cow "
        "in the image?'; give the questions= that it was made with, or another out="
    )


def test_another_annotators_file_is_refused(path: Path) -> None:
    write_lines(path, line(FIRST, "yes"))
    assert refusal(path, "second") == (
        f"out={path}: holds labels of annotator 'first', not of 'second'; each annotator needs a file of their own"
    )


def test_a_file_that_annotate_has_not_written_is_not_added_to(path: Path) -> None:
    write_lines(path, {"image": FIRST.image, "text": FIRST.text, "label": "yes"})
    assert refusal(path) == (
        f"out={path}: holds rows without an annotator, which `annotate` has not written; choose another out="
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"image": "a.png"}\n', "line 1: has no image and question"),
        (
            '{"image": "a.png", "question": "Q?", "label": "maybe"}\n',
            "line 1: the label is 'maybe'; allowed are yes",
        ),
        (
            '{"image": "a.png", "question": "Q?", "label": "yes", "note": 7}\n',
            "line 1: the note is 7; a text",
        ),
    ],
)
def test_a_line_that_is_no_label_is_named(text: str, reason: str, path: Path) -> None:
    path.write_text(text.replace("{", '{"annotator": "first", '))
    assert refusal(path).startswith(f"{path}, {reason}")


def test_lines_that_are_no_labels_are_all_named_and_keep_no_other_from_being_read(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("repope_eval"), "propagate", True)
    good = json.dumps(line(FIRST, "yes")).encode()
    bad = [
        *(b"mine", b"\0\0\0", b'{"note": "\xff"}', b"[]", b"9" * 5_000, b"[" * 100_000),
        *(json.dumps(line(FIRST, "maybe")).encode(), b'{"image": "../a", "question": "Q?", "label": "no"}'),
    ]
    path.write_bytes(
        b"\xef\xbb\xbf" + b"\r\n".join([good, b"", *bad, json.dumps(line(SECOND, "no")).encode(), b""])
    )
    file = opened(path)
    assert file.labels == {FIRST: "yes", SECOND: "no"}
    (message,) = caplog.messages
    assert message.startswith(
        f"{path}: 8 lines are left out, and `relabel` and `estimate` refuse the file with them"
    )
    for number in range(3, 11):
        assert f" line {number}: " in message
    assert len(message) < 1_500
    assert "\n" not in message
    file.append(SECOND, Judgement("yes"))
    assert opened(path).labels == {FIRST: "yes", SECOND: "yes"}


A, B, C, D = QUESTIONS


def files(folder: Path, first: dict, second: dict) -> tuple[Path, Path]:  # type: ignore[type-arg]
    one, other = (
        write_lines(
            folder / f"{name}.jsonl",
            *(line(about, label, f"{name}'s", name) for about, label in labels.items()),
        )
        for name, labels in (("first", first), ("second", second))
    )
    return one, other


def dispute_refusal(paths: tuple[Path, Path], questions: object = None, decider: str = "third") -> str:
    with pytest.raises(RepopeError) as caught:
        read_disputes(paths, questions, decider)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_yes_against_no_is_a_dispute_and_nothing_else(tmp_path: Path) -> None:
    paths = files(tmp_path, {A: "yes", B: "yes", C: "ambiguous", D: "no"}, {A: "no", B: "yes", C: "no"})
    disputes = read_disputes(paths, QUESTIONS, "third")
    assert list(disputes.views) == [A]
    assert set(disputes.views[A]) == {Judgement("yes", "first's"), Judgement("no", "second's")}
    assert set(disputes.labelled) == {A, B, C, D}


def test_what_a_place_says_does_not_tell_who_said_it(tmp_path: Path) -> None:
    questions = [question(f"{number}.png", "cat") for number in range(40)]
    paths = files(tmp_path, dict.fromkeys(questions, "yes"), dict.fromkeys(questions, "no"))
    lefts = [views[0].label for views in read_disputes(paths, None, "third").views.values()]
    assert 10 < lefts.count("yes") < 30
    assert [views[0].label for views in read_disputes(paths, None, "third").views.values()] == lefts


def test_an_undone_label_is_no_dispute_and_no_dispute_is_nothing_to_decide(tmp_path: Path) -> None:
    paths = files(tmp_path, {A: "yes", B: None}, {A: "yes", B: "no"})
    assert (
        "the annotators have 1 question in common, and on none does one say yes and the other no"
        in dispute_refusal(paths)
    )


def test_one_file_is_not_two_peoples(tmp_path: Path) -> None:
    first, _ = files(tmp_path, {A: "yes"}, {A: "no"})
    assert (
        dispute_refusal((first, first))
        == f"{first}: is given for two annotators; each, and the decider, needs a file of their own"
    )


def test_a_file_of_other_questions_has_no_disputes(tmp_path: Path) -> None:
    paths = files(tmp_path, {A: "yes", B: "yes"}, {A: "no"})
    assert dispute_refusal(paths, [A]).startswith(
        f"{paths[0]}: 1 of the 2 questions it has lines for are none of those asked"
    )


def test_a_third_person_decides(tmp_path: Path) -> None:
    paths = files(tmp_path, {A: "yes"}, {A: "no"})
    assert dispute_refusal(paths, decider="Second ") == (
        f"annotator=Second : is one of the two who do not agree, by {paths[1]}; a third person decides"
    )
