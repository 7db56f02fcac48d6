"""A table of records: its columns, its rows, and what there is no room for."""

import pytest

from repope_eval.reporting.console import print_table
from repope_eval.reporting.tables import (
    Cell,
    Field,
    Table,
    interval_field,
    number_field,
    table,
    text_field,
    value_field,
)

WORD: Field[str] = text_field("a word", lambda word: word)
LENGTH: Field[str] = value_field("letters", lambda word: Cell(text=str(len(word)), values=(len(word),)), "n")


def texts(shown: Table) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in shown.rows]


def test_each_record_has_a_row_and_each_field_a_column() -> None:
    shown = table("Words", [WORD, LENGTH], ["yes", "no"])
    assert [(column.title, column.names, column.is_text) for column in shown.columns] == [
        ("a word", ("a_word",), True),
        ("letters", ("n",), False),
    ]
    assert texts(shown) == [["yes", "3"], ["no", "2"]]
    assert shown.rows[0].cells[1].values == (3,)
    assert shown.n_left_out == 0


def test_rows_that_there_is_no_room_for_are_counted() -> None:
    shown = table("Words", [WORD], ["a", "b", "c"], most=1)
    assert (texts(shown), shown.n_left_out) == ([["a"]], 2)


def test_a_column_serves_records_that_hold_its_own() -> None:
    pairs: list[tuple[str, str]] = [("yes", "no")]
    shown = table("Pairs", [WORD.of(lambda pair: pair[0]), LENGTH.of(lambda pair: pair[1])], pairs)
    assert texts(shown) == [["yes", "2"]]


def test_a_figure_has_three_columns_in_files() -> None:
    field: Field[str] = interval_field(
        "F1", "f1", lambda _: Cell(text="0.5", values=(0.5, 0.4, 0.6), note="x")
    )
    assert field.column.names == ("f1", "f1_low", "f1_high")
    assert field.cell("").full_text == "0.5 (x)"


def test_groups_are_set_apart_on_the_console(capsys: pytest.CaptureFixture[str]) -> None:
    fields: list[Field[int]] = [text_field("kind", lambda _: "k"), number_field("number", str)]
    shown = table("", fields, [1, 2, 30], starts_group=lambda number: number != 2)
    print_table(shown)
    plain = capsys.readouterr().out.splitlines()[-5:-1]
    assert [line.split() for line in plain] == [["k", "1"], ["k", "2"], [], ["k", "30"]]
    print_table(shown, padded=True)
    padded = capsys.readouterr().out.splitlines()[-5:-1]
    assert padded == [line and f" {line}" for line in plain]
