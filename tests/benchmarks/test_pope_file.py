"""POPE's file format: what is written is read back, and what is malformed is refused by its line."""

from pathlib import Path

import pytest

from repope_eval.benchmarks.pope_file import (
    ANNOTATOR_LABELS,
    Row,
    object_of,
    question_text,
    read_rows,
    write_rows,
)
from repope_eval.errors import RepopeError
from repope_eval.records import Question

LINE = '{"question_id": 1, "image": "a.jpg", "text": "Is there a dog in the image?", "label": "yes"}'
OTHER = '{"question_id": 2, "image": "a.jpg", "text": "Is there an oven in the image?", "label": "no"}'
ROWS = (
    Row(1, Question("a.jpg", "Is there a dog in the image?", "dog"), "yes"),
    Row(2, Question("a.jpg", "Is there an oven in the image?", "oven"), "no"),
)


def file_with(folder: Path, text: str) -> Path:
    path = folder / "pope.json"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [f"{LINE}\n{OTHER}\n", f"{LINE}\n{OTHER}", f"\n{LINE}\n \n{OTHER}\n\n", f"{LINE}\r\n{OTHER}\r\n"],
    ids=["newline at the end", "none, as in POPE's files", "blank lines", "CRLF"],
)
def test_reads_rows(tmp_path: Path, text: str) -> None:
    rows = read_rows(file_with(tmp_path, text))
    assert rows == ROWS
    assert [row.question.object for row in rows] == ["dog", "oven"]


def test_round_trip_into_a_new_folder(tmp_path: Path) -> None:
    rows = (
        *ROWS,
        Row("three", Question("b.jpg", "Is there a café in the image?", "café"), "no"),
        Row(4, Question("b.jpg", 'Is there a "sign" in the image?', '"sign"'), "ambiguous"),
    )
    path = tmp_path / "new" / "folder" / "pope.json"
    write_rows(path, rows)
    read = read_rows(path, ANNOTATOR_LABELS)
    assert read == rows
    assert [row.question.object for row in read] == [row.question.object for row in rows]


def test_writes_popes_lines(tmp_path: Path) -> None:
    write_rows(tmp_path / "pope.json", ROWS)
    assert (tmp_path / "pope.json").read_text(encoding="utf-8") == f"{LINE}\n{OTHER}\n"


def test_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(RepopeError, match=r"pope\.json: cannot be written \(.+\); choose another place"):
        write_rows(tmp_path / "file" / "pope.json", ROWS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"pope\.json: holds no questions; a file in POPE's format is expected"),
        ("\n \n", r"pope\.json: holds no questions"),
        (
            f"{LINE}\n{OTHER[:-1]}\n",
            r"pope\.json, line 2: is no JSON \(Expecting ',' delimiter at column \d+\)",
        ),
        (f"\n\n{LINE}\nyes", r"pope\.json, line 4: is no JSON"),
        (f"[{LINE}, 7]", r"row 2: is a JSON int, not an object with named fields"),
        ('"yes"', r"line 1: is a JSON str"),
        ('{"question_id": 1, "image": "a.jpg"}', r"line 1: lacks text, label; each row needs question_id,"),
        (LINE.replace("question_id", "id"), r"line 1: lacks question_id"),
        (LINE.replace('"yes"', '"maybe"'), r"line 1: the label is 'maybe'; allowed are yes, no$"),
        (LINE.replace('"yes"', '"yes."'), r"line 1: the label is 'yes\.'"),
        (LINE.replace('"yes"', '"ambiguous"'), r"line 1: the label is 'ambiguous'; allowed are yes, no$"),
        (LINE.replace('"yes"', "true"), r"line 1: the label is True"),
        (LINE.replace('"yes"', '["yes"]'), r"line 1: the label is \['yes'\]"),
        (LINE.replace(": 1,", ": null,"), r"line 1: the question_id is None; a number or a text is expected"),
        (LINE.replace(": 1,", ": true,"), r"line 1: the question_id is True"),
        (LINE.replace(": 1,", ": 1.5,"), r"line 1: the question_id is 1\.5"),
        (LINE.replace('"a.jpg"', '""'), r"line 1: the image is empty"),
        (LINE.replace('"a.jpg"', "310196"), r"line 1: the image is 310196, not a text"),
        (
            f"{LINE}\n{LINE.replace(': 1,', ': 2,')}",
            r"pope\.json: 'a\.jpg', 'Is there a dog in the image\?' stands twice; keep one",
        ),
        (
            f"{LINE}\n{LINE.replace(': 1,', ': 2,').replace('yes', 'no')}",
            r"pope\.json: 'a\.jpg', 'Is there a dog in the image\?' has two labels, yes and no; keep one",
        ),
        (f"{LINE}\n{OTHER.replace(': 2,', ': 1,')}", r"pope\.json: question_id 1 stands twice; give each"),
    ],
)
def test_malformed_files(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RepopeError, match=message):
        read_rows(file_with(tmp_path, text))


def test_ambiguous_is_a_label_of_annotators(tmp_path: Path) -> None:
    path = file_with(tmp_path, LINE.replace('"yes"', '"ambiguous"'))
    assert [row.label for row in read_rows(path, ANNOTATOR_LABELS)] == ["ambiguous"]


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(RepopeError, match=r"pope\.json: cannot be read \(No such file or directory\)$"):
        read_rows(tmp_path / "pope.json")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Is there a snowboard in the image?", "snowboard"),
        ("Is there an umbrella in the image?", "umbrella"),
        ("Is there an traffic light in the image?", "traffic light"),
        ("Is there a traffic light in the image?", "traffic light"),
        ("Can you see a apple in this image? Please answer only with yes or no.", "apple"),
        ("Is the cat asleep?", "Is the cat asleep?"),
    ],
)
def test_object_of(text: str, name: str) -> None:
    assert object_of(text) == name


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("snowboard", "Is there a snowboard in the image?"),
        ("umbrella", "Is there an umbrella in the image?"),
        ("traffic light", "Is there a traffic light in the image?"),
        ("Eiffel tower", "Is there an Eiffel tower in the image?"),
    ],
)
def test_question_text(name: str, text: str) -> None:
    assert question_text(name) == text
    assert object_of(text) == name
