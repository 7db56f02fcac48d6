"""POPE's file format: what is written is read back, and what is malformed is refused by its line."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from repope_eval.benchmarks.pope_file import (
    ANNOTATOR_LABELS,
    Row,
    disputed_of,
    object_of,
    question_text,
    read_annotations,
    read_rows,
    write_rows,
)
from repope_eval.errors import RepopeError
from repope_eval.records import Question
from repope_eval.system.rows import read_row_file

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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"pope\.json: holds no questions; a file in POPE's format is expected"),
        (
            f"{LINE}\n{OTHER[:-1]}\n",
            r"pope\.json, line 2: is no JSON \(Expecting ',' delimiter at column \d+\)",
        ),
        (f"[{LINE}, 7]", r"row 2: is a JSON int, not an object with named fields"),
        ('{"question_id": 1, "image": "a.jpg"}', r"line 1: lacks text, label; each row needs question_id,"),
        (LINE.replace("question_id", "id"), r"line 1: lacks question_id"),
        (LINE.replace('"yes"', '"maybe"'), r"line 1: the label is 'maybe'; allowed are yes, no$"),
        (LINE.replace('"yes"', '"ambiguous"'), r"line 1: the label is 'ambiguous'; allowed are yes, no$"),
        (LINE.replace(": 1,", ": null,"), r"line 1: the question_id is None; a number or a text is expected"),
        (LINE.replace(": 1,", ": 1.5,"), r"line 1: the question_id is 1\.5"),
        (LINE.replace('"a.jpg"', '""'), r"line 1: the image is empty"),
        (
            f"{LINE}\n{LINE.replace(': 1,', ': 2,')}",
            r"pope\.json, line 2: 'a\.jpg', 'Is there a dog in the image\?' stands twice, first in line 1; keep one",
        ),
        (
            f"{LINE}\n{LINE.replace(': 1,', ': 2,').replace('yes', 'no')}",
            r"pope\.json, line 2: 'a\.jpg', 'Is there a dog .+' has two labels, yes and no, first in line 1; keep one",
        ),
        (
            f"{LINE}\n{LINE.replace(': 1,', ': 2,').replace('image?', 'image? ').replace('yes', 'no')}",
            r"pope\.json, line 2: 'a\.jpg', 'Is there a dog .+' has two labels, yes and no, first in line 1; keep one",
        ),
        (
            f"{LINE}\n{LINE.replace(': 1,', ': 2,').replace('a.jpg', './a.jpg')}",
            r"pope\.json, line 2: '\./a\.jpg', 'Is there a dog .+' stands twice, first in line 1; keep one",
        ),
        (
            f"{LINE}\n{OTHER.replace(': 2,', ': 1,')}",
            r"pope\.json, line 2: question_id 1 stands twice, first in line 1; give each",
        ),
    ],
)
def test_malformed_files(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RepopeError, match=message):
        read_rows(file_with(tmp_path, text))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Is there a snowboard in the image?", "snowboard"),
        ("Is there an umbrella in the image?", "umbrella"),
        ("Is there an traffic light in the image?", "traffic light"),
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
        ("Eiffel tower", "Is there an Eiffel tower in the image?"),
    ],
)
def test_question_text(name: str, text: str) -> None:
    assert question_text(name) == text
    assert object_of(text) == name


def test_the_object_of_a_long_text_takes_no_longer_than_reading_it() -> None:
    """A search that began anew at each article would take hours here."""
    text = "a " * 1_000_000
    assert object_of(text) == text


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Look!\nIs there a dog in the image?", "dog"),
        ("Is there a\ncat in the image?", "Is there a\ncat in the image?"),
        ("Is a man or a dog in the image? Or in this image?", "man or a dog"),
        ("Is there a  in the image?", "Is there a  in the image?"),
        ("Is there a  in the image? in the image?", " in the image?"),
    ],
)
def test_object_of_odd_texts(text: str, name: str) -> None:
    assert object_of(text) == name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"text": "x" * 10_001}, "the text has 10001 characters, 'xxx"),
        ({"question_id": "x" * 1_001}, "the question_id has 1001 characters, 'xxx"),
        ({"image": "a\0b.jpg"}, r"the image is 'a\x00b.jpg', with a NUL character in it; take that out"),
        (
            {"image": "a\ud800.jpg"},
            r"the image is 'a\ud800.jpg', with half of a character (a lone surrogate), whi",
        ),
        ({"text": " "}, "the text is empty"),
        ({"label": float("nan")}, "the label is nan; allowed are yes, no"),
    ],
)
def test_texts_that_no_run_could_ask_with(change: dict[str, object], message: str, tmp_path: Path) -> None:
    path = file_with(tmp_path, f"{LINE}\n{json.dumps(json.loads(OTHER) | change)}\n")
    with pytest.raises(RepopeError) as caught:
        read_rows(path)
    assert str(caught.value).startswith(f"{path}, line 2: {message}")
    assert len(str(caught.value)) < len(str(path)) + 300


def test_the_longest_texts_are_read_and_written_again(tmp_path: Path) -> None:
    row = Row(10**4000, Question("i" * 1_000, "t" * 10_000, "t" * 10_000), "no")
    write_rows(tmp_path / "pope.json", [row])
    assert read_rows(tmp_path / "pope.json") == (row,)


@pytest.mark.parametrize("label", ["Yes ", "\tyEs\n"])
def test_labels_are_read_in_any_case_and_with_spaces_around(label: str, tmp_path: Path) -> None:
    path = file_with(tmp_path, json.dumps(json.loads(LINE) | {"label": label}))
    assert [row.label for row in read_rows(path)] == ["yes"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pope.json", f"[{LINE},\n{OTHER}]"),
        (
            "pope.csv",
            "image,label,text,question_id\na.jpg,Yes,Is there a dog in the image?,1\n"
            "a.jpg,no,Is there an oven in the image?,2\n",
        ),
        (
            "pope.tsv",
            "question_id\timage\ttext\tlabel\n1\ta.jpg\tIs there a dog in the image?\tyes\n"
            "2\ta.jpg\tIs there an oven in the image?\tno\n",
        ),
    ],
)
def test_a_list_and_tables_are_read_as_well(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert read_rows(tmp_path / name) == ROWS


def test_ids_of_a_table_that_are_no_plain_numbers_stay_texts(tmp_path: Path) -> None:
    rows = "".join(f"{key},a.jpg,Is there a thing {key} in it?,yes\n" for key in ("007", "1.0", "x", "0"))
    (tmp_path / "pope.csv").write_text(f"question_id,image,text,label\n{rows}")
    assert [row.question_id for row in read_rows(tmp_path / "pope.csv")] == ["007", 1, "x", 0]


def test_an_annotation_needs_no_id_and_may_call_the_text_question(tmp_path: Path) -> None:
    row = {"image": "a.jpg", "question": ROWS[0].question.text, "label": "Ambiguous", "annotator": "me"}
    path = file_with(
        tmp_path, json.dumps(row) + "\n" + OTHER.replace(": 2,", ": 1,") + "\n" + LINE[:-1] + "}"
    )
    with pytest.raises(
        RepopeError,
        match=r"'a\.jpg', 'Is there a dog .+' has two labels, ambiguous and yes, first in line 1; keep",
    ):
        read_annotations(path)
    path = file_with(tmp_path, json.dumps(row) + "\n" + OTHER.replace(": 2,", ": 1,"))
    assert [(row.question, row.label) for row in read_annotations(path)] == [
        (ROWS[0].question, "ambiguous"),
        (ROWS[1].question, "no"),
    ]
    with pytest.raises(RepopeError, match=r"line 1: lacks image, text, label"):
        read_annotations(file_with(tmp_path, "{}"))


def test_a_row_in_dispute_has_no_label(tmp_path: Path) -> None:
    settled, open_one = ({"image": "a.jpg", "question": row.question.text} for row in ROWS[:2])
    path = log_with(tmp_path, settled | {"label": "no"}, open_one | {"label": None, "disputed": True})
    assert [(row.question, row.label) for row in read_annotations(path)] == [(ROWS[0].question, "no")]
    assert disputed_of(read_row_file(path)) == (ROWS[1].question,)
    with pytest.raises(RepopeError, match=r"line 1: the label is None; allowed are yes, no, ambiguous$"):
        read_annotations(log_with(tmp_path, open_one | {"label": None}))
    with pytest.raises(RepopeError, match=r"line 1: lacks text;"):
        read_annotations(log_with(tmp_path, {"image": "a.jpg", "label": None, "disputed": True}))


def logged(label: object = "yes", text: str = ROWS[0].question.text, **fields: object) -> dict[str, object]:
    """A line as the page for annotators appends it."""
    line = {"image": "a.jpg", "question": text, "label": label, "annotator": "Anna"}
    return line | {"at": "2026-01-05T09:00:00+00:00", "note": ""} | fields


def log_with(folder: Path, *lines: dict[str, object]) -> Path:
    return file_with(folder, "".join(json.dumps(line) + "\n" for line in lines))


def test_of_a_log_the_last_line_of_a_question_counts(tmp_path: Path) -> None:
    other = ROWS[1].question.text
    path = log_with(
        tmp_path,
        logged("yes"),
        logged("no", other),
        logged("Ambiguous", at="2026-01-05T11:00:00+02:00", note="half of it"),
    )
    first, second = read_annotations(path)
    assert (first.question, first.label, first.note, first.annotator) == (
        ROWS[0].question,
        "ambiguous",
        "half of it",
        "Anna",
    )
    assert first.time == second.time == datetime(2026, 1, 5, 9, tzinfo=UTC)
    assert (second.question, second.label) == (ROWS[1].question, "no")


def test_null_takes_back_what_a_log_says_of_a_question(tmp_path: Path) -> None:
    other = ROWS[1].question.text
    path = log_with(tmp_path, logged("yes"), logged("no", other), logged(None))
    assert [row.question for row in read_annotations(path)] == [ROWS[1].question]
    path = log_with(tmp_path, logged("yes"), logged(None), logged("no"))
    assert [row.label for row in read_annotations(path)] == ["no"]
    assert read_annotations(log_with(tmp_path, logged("yes"), logged(None))) == ()


def test_a_time_without_a_zone_is_one_in_utc(tmp_path: Path) -> None:
    (row,) = read_annotations(log_with(tmp_path, logged(at="2026-01-05T09:00:00")))
    assert row.time == datetime(2026, 1, 5, 9, tzinfo=UTC)


def test_rows_without_times_are_no_log(tmp_path: Path) -> None:
    lines = [logged("yes"), logged("no")]
    del lines[1]["at"]
    with pytest.raises(RepopeError, match=r"has two labels, yes and no, first in line 1; keep one$"):
        read_annotations(log_with(tmp_path, *lines))
    with pytest.raises(RepopeError, match=r"line 2: the label is None; allowed are yes, no, ambiguous$"):
        read_annotations(log_with(tmp_path, lines[1], lines[1] | {"label": None}))
    (row,) = read_annotations(log_with(tmp_path, lines[1] | {"note": "odd"}))
    assert (row.annotator, row.time, row.note) == ("Anna", None, "odd")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (logged("maybe"), r"the label is 'maybe'; allowed are yes, no, ambiguous$"),
        (logged(annotator=" "), r"the annotator is empty$"),
        (logged(at="noon"), r"the at is 'noon'; a time such as 2026-01-31T09:30:00Z is expected$"),
        (logged(note=5), r"the note is 5, not a text$"),
        ({"annotator": "Anna", "at": "2026-01-05", "image": "a.jpg", "question": "?"}, r"lacks label;"),
    ],
)
def test_malformed_lines_of_a_log(line: dict[str, object], message: str, tmp_path: Path) -> None:
    with pytest.raises(RepopeError, match=r"pope\.json, line 2: " + message):
        read_annotations(log_with(tmp_path, logged("no"), line))
