"""The tables of a relabelling, counted by hand."""

from relabelling_examples import relabelling_view

from repope_eval.relabelling.view import confusion_table, object_change_table
from repope_eval.reporting.tables import Table


def cells(table: Table) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in table.rows]


def test_what_both_said() -> None:
    table = confusion_table(relabelling_view().agreement)
    assert [column.title for column in table.columns] == [
        "",
        "second: yes",
        "second: no",
        "second: ambiguous",
    ]
    assert cells(table) == [
        ["first: yes", "1", "2", "0"],
        ["first: no", "0", "2", "0"],
        ["first: ambiguous", "1", "0", "0"],
    ]


def test_the_objects_with_the_most_changes_come_first_and_those_without_are_left_out() -> None:
    assert cells(object_change_table(relabelling_view().outcomes)) == [
        ["dog", "3", "2", "0", "1", "100.0 %"],
        ["cat", "2", "0", "1", "0", "50.0 %"],
    ]
