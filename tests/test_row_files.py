"""Files of rows: each kind recognised, and what a kind is like told."""

import json
from pathlib import Path

import pytest

from repope_eval.errors import RepopeError
from repope_eval.row_files import read_row_file

ROWS = [{"image": "a.jpg", "response": "Yes"}]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", json.dumps(ROWS)),
        ("a.jsonl", json.dumps(ROWS[0]) + "\n"),
        ("a.csv", json.dumps(ROWS)),
        ("a.txt", "\ufeff" + json.dumps(ROWS, indent=1)),
    ],
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


@pytest.mark.parametrize("content", ["image,response", '{"a": {}}', '{"random": {"1": "Yes"}}\n{'])
def test_what_is_neither_is_refused_in_one_line(content: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(content)
    if content == '{"a": {}}':  # a line of JSON lines, if one without a response
        assert read_row_file(tmp_path / "a.json").rows == [{"a": {}}]
        return
    with pytest.raises(RepopeError, match=r"a\.json, line \d: is no JSON"):
        read_row_file(tmp_path / "a.json")
