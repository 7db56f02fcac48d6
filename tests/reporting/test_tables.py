"""Tables: of records, in a terminal, and how figures stand in them."""

from dataclasses import replace

import pytest

from repope_eval.reporting.console import COLUMN_GAP, Fitted, fitted, natural, print_table
from repope_eval.reporting.figure_texts import (
    change_interval_text,
    change_text,
    clipped,
    coefficient_text,
    count_text,
    figure_interval_text,
    figure_text,
    interval_text,
    number_text,
    p_text,
    percent_text,
    threshold_text,
)
from repope_eval.reporting.tables import (
    Cell,
    Column,
    Field,
    Row,
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


def test_rows_of_one_group_stand_under_its_name() -> None:
    shown = table("Words", [WORD], ["a", "b", "cc"], group=lambda word: f"{len(word)} letters")
    groups = [(name, [row.cells[0].text for row in rows]) for name, rows in shown.groups]
    assert groups == [("1 letters", ["a", "b"]), ("2 letters", ["cc"])]
    assert [name for name, _ in table("Words", [WORD], ["a", "b"]).groups] == [""]


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


NAME = Column(title="model", is_text=True, stays=True)

WORDS = Column(title="what it takes", is_text=True)


def a_table(columns: tuple[Column, ...], *rows: tuple[str | Cell, ...]) -> Table:
    cells = [[Cell(text=cell) if isinstance(cell, str) else cell for cell in row] for row in rows]
    return Table(caption="title", columns=columns, rows=tuple(Row(cells=tuple(row)) for row in cells))


def numbers(count: int) -> Table:
    columns = (NAME, *(Column(title=f"figure {place}") for place in range(count)))
    return a_table(columns, ("a-model", *["+0.1234"] * count))


def width(part: Fitted) -> int:
    return sum(part.widths) + COLUMN_GAP * (len(part.widths) - 1)


def test_where_there_is_room_columns_are_as_wide_as_they_want() -> None:
    table = numbers(3)
    assert fitted(table, 7 + 3 * (COLUMN_GAP + 8)) == [natural(table)] == [Fitted(table, (7, 8, 8, 8))]


def test_headings_are_broken_before_columns_are_parted() -> None:
    (part,) = fitted(numbers(3), 7 + 3 * (COLUMN_GAP + 7))
    assert part.widths == (7, 7, 7, 7)


@pytest.mark.parametrize("room", range(16, 60, 9))
def test_parts_fit_have_each_figure_once_and_name_their_rows(room: int) -> None:
    parts = fitted(numbers(5), room)
    assert all(width(part) <= room for part in parts)
    assert all(part.table.columns[0] == NAME for part in parts)
    figures = [column.title for part in parts for column in part.table.columns[1:]]
    assert figures == [f"figure {place}" for place in range(5)]
    assert all(width >= len("+0.1234") for part in parts for width in part.widths[1:])
    assert [part.table.caption for part in parts] == ["title", *[""] * (len(parts) - 1)]


def test_each_part_has_all_columns_that_name_a_row() -> None:
    cells = ("a-model", "mean", *["+0.1234"] * 4)
    table = a_table((NAME, WORDS, *(Column(title=f"figure {place}") for place in range(4))), cells)
    parts = fitted(replace(table, n_naming=2), 34)
    assert len(parts) > 1
    assert all(part.table.columns[:2] == (NAME, WORDS) for part in parts)
    figures = [column.title for part in parts for column in part.table.columns[2:]]
    assert figures == [f"figure {place}" for place in range(4)]


def test_a_word_that_is_longer_than_half_a_line_is_broken() -> None:
    table = a_table((NAME, WORDS), ("a-model", "x" * 64))
    ((_, widths),) = fitted(table, 40)
    assert 7 + COLUMN_GAP + widths[1] <= 40


def test_a_table_without_rows_fits() -> None:
    assert len(fitted(Table(caption="", columns=(NAME,), rows=()), 3)) == 1


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("tp", 0, "0"),
        ("tp", 1006.6666, "–"),
        ("f1", 1, "100.0"),
        ("f1", 0.8732, "87.3"),
        ("yes_ratio", 0.00001, "0.0"),
        ("mcc", -0.026, "−0.026"),
        ("mcc", -0.00001, "0.000"),
        ("f1", None, "–"),
    ],
)
def test_a_figure_as_it_is_shown(name: str, value: float | None, text: str) -> None:
    assert figure_text(name, value) == text


def test_a_mean_that_is_no_whole_number_is_no_count() -> None:
    assert [count_text(value) for value in (0, 3000, 2728.0, 2728.3333)] == ["0", "3000", "2728", "–"]
    assert [change_text("tp", value) for value in (-148, 0.0, 21.0, 21.5)] == ["−148", "0", "+21", "–"]


def test_intervals_stand_in_brackets_with_the_digits_of_their_figure() -> None:
    assert figure_text("f1", 0.8732, (0.8512, 0.8933)) == "87.3 (85.1–89.3)"
    assert figure_text("tp", 1150.0, (1100.4, 1200.6)) == "1150 (1100–1201)"
    assert figure_text("tp", 1150.5, (1100.4, 1200.6)) == "–"
    assert change_text("f1", 0.05, (-0.01, 0.11)) == "+5.0 (−1.0 to +11.0)"
    assert figure_text("mcc", -0.026, (-0.1, 0.05)) == "−0.026 (−0.100 to 0.050)"
    assert figure_text("f1", None, (0.1, 0.2)) == change_text("f1", None, (0.1, 0.2)) == "–"


def test_an_interval_alone() -> None:
    assert figure_interval_text("f1", (0.8512, 0.8933)) == "85.1–89.3"
    assert figure_interval_text("mcc", (0.8512, 0.8933)) == "0.851–0.893"
    assert change_interval_text("f1", (-0.018, -0.006)) == "−1.8 to −0.6"
    assert figure_interval_text("f1", None) == change_interval_text("f1", None) == "–"


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        ((1, 2), "1–2"),
        ((-1, 2), "−1 to 2"),
        ((-2, -1), "−2 to −1"),
        ((0, 0), "0–0"),
    ],
)
def test_ends_with_a_sign_are_joined_by_to(interval: tuple[float, float], text: str) -> None:
    assert interval_text(interval, lambda end: number_text(end, ".0f")) == text


def test_a_share_is_in_percent_and_a_coefficient_has_three_decimals() -> None:
    assert [percent_text(value) for value in (0, 0.8732, 0.99996, 1, None)] == [
        "0.0", "87.3", "100.0", "100.0", "–",
    ]  # fmt: skip
    assert percent_text(0.8732, (0.8512, 0.8933)) == "87.3 (85.1–89.3)"
    assert [coefficient_text(value) for value in (0.8324, 1, -0.0004, None)] == [
        "0.832",
        "1.000",
        "0.000",
        "–",
    ]
    assert coefficient_text(0.8324, (0.801, 0.86)) == "0.832 (0.801–0.860)"


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.0344, "0.034"), (1, "1.000"), (0.001, "0.001"), (0.00099, "< 0.001"), (0, "< 0.001"), (None, "–")],
)
def test_a_p_that_is_too_small_for_three_decimals_is_never_zero(p: float | None, text: str) -> None:
    assert p_text(p) == text


@pytest.mark.parametrize("difference", [0.0004, -0.0004])
def test_a_change_is_in_points_with_its_sign(difference: float) -> None:
    assert change_text("f1", difference) == "0.0"
    assert change_text("f1", 100 * difference) == ("+4.0" if difference > 0 else "−4.0")
    assert change_text("mcc", difference) == "0.000"
    assert change_text("mcc", 100 * difference) == ("+0.040" if difference > 0 else "−0.040")


def test_a_long_text_is_cut_and_says_so() -> None:
    assert clipped("x" * 5, 3) == "xxx… (2 more characters)"
    assert clipped("xxx", 3) == "xxx"


@pytest.mark.parametrize(
    ("threshold", "text"),
    [
        (0.41, "0.410"),
        (0.0125, "0.013"),
        (0.9987, "0.9987"),
        (0.000213, "0.00021"),
        (0.0, "0"),
        (1.0000000000000002, "above 1"),
    ],
)
def test_a_threshold_near_an_end_has_more_digits(threshold: float, text: str) -> None:
    assert threshold_text(threshold) == text
