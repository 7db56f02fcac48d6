"""What a relabelling changed, as a table, and on the console."""

from collections.abc import Sequence

from repope_eval.relabelling.rule import LabelChange
from repope_eval.reporting.console import print_table
from repope_eval.reporting.tables import Table, number_field, table, text_field


def print_label_changes(title: str, changes: Sequence[tuple[str, LabelChange, int | None]]) -> None:
    """Prints how many labels were flipped or removed; see `label_change_table`."""
    print_table(label_change_table(title, changes), padded=True)


def label_change_table(title: str, changes: Sequence[tuple[str, LabelChange, int | None]]) -> Table:
    """How many labels were flipped or removed.

    Args:
        changes: for each row the variant, the change of one label, and the number of questions that have this label
            afterwards, where it is known.
    """
    return table(
        title,
        [
            text_field("variant", lambda row: row[0]),
            text_field("label", lambda row: row[1].label),
            number_field("questions", lambda row: str(row[1].total)),
            number_field("flipped", lambda row: _share_text(row[1].flipped, row[1].flipped_share)),
            number_field(
                "ambiguous (removed)", lambda row: _share_text(row[1].removed, row[1].removed_share)
            ),
            number_field("left with this label", lambda row: "" if row[2] is None else str(row[2])),
        ],
        changes,
    )


def _share_text(number: int, share: float | None) -> str:
    return str(number) if share is None else f"{number} ({share:.2%})".replace("%", " %")
