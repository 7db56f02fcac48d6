"""Files of rows: each kind recognised, and what a kind is like told."""

import json
import os
import threading
from pathlib import Path

import pytest

from repope_eval.errors import RepopeError
from repope_eval.system.rows import read_row_file

ROWS = [{"image": "a.jpg", "response": "Yes"}]


@pytest.mark.parametrize(
    ("name", "content"), [("a.json", json.dumps(ROWS)), ("a.txt", "\ufeff" + json.dumps(ROWS, indent=1))]
)
def test_json_of_either_kind(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    file = read_row_file(tmp_path / name)
    assert (file.rows, file.is_table, file.is_nested) == (ROWS, False, False)
    assert file.where == str(tmp_path / name)


def test_rows_of_a_nested_document_get_the_names_they_stand_under(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"random": {"1": {"text": "?"}}, "popular": {"1": {}}}))
    file = read_row_file(tmp_path / "a.json")
    assert file.is_nested
    assert file.rows == [
        {"text": "?", "subset": "random", "question_id": "1"},
        {"subset": "popular", "question_id": "1"},
    ]


def test_numbers_of_a_text_table_are_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("response,n_tokens,p_yes,p_no\n1,2,0.25,1e-3\nNo,,high,\n")
    assert read_row_file(tmp_path / "a.csv").rows == [
        {"response": "1", "n_tokens": 2, "p_yes": 0.25, "p_no": 0.001},
        {"response": "No", "n_tokens": None, "p_yes": "high", "p_no": None},
    ]


def test_a_document_of_another_kind_is_told(tmp_path: Path) -> None:
    """A run's scores.json, say."""
    (tmp_path / "scores.json").write_text(json.dumps({"model": "tiny", "scores": {}}, indent=2))
    with pytest.raises(
        RepopeError, match=r"scores\.json: is one JSON object, of 'model, scores'; a list of objects"
    ):
        read_row_file(tmp_path / "scores.json")


def test_an_id_that_stands_twice_in_a_nested_document_is_refused(tmp_path: Path) -> None:
    """Else the first row would be gone without a word."""
    row = '"1": {"text": "?", "response": "No"}'
    for content in (f'{{"random": {{{row}, {row}}}}}', f'{{"random": {{\n{row},\n{row}\n}}}}\n'):
        (tmp_path / "a.json").write_text(content)
        with pytest.raises(RepopeError, match=r"a\.json.*: an object has '1' twice; keep one"):
            read_row_file(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("name", "content", "places"),
    [
        ("a.jsonl", "{}\n\n{}\n", ["line 1", "line 3"]),
        ("a.json", "[{}, {}]", ["row 1", "row 2"]),
        ("a.csv", "image\na\n\nb\n", ["line 2", "line 4"]),
        ("a.json", '{"random": {"1": {}}}', ["subset 'random', question_id '1'"]),
    ],
)
def test_rows_know_their_places(name: str, content: str, places: list[str], tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    assert read_row_file(tmp_path / name).places == places


def test_a_pipe_is_read_once(tmp_path: Path) -> None:
    pipe = tmp_path / "answers"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=[json.dumps(ROWS[0]) + "\n"])
    writer.start()
    assert read_row_file(pipe).rows == ROWS
    writer.join()
