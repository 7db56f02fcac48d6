"""What a relabelling changed, on the console."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from repope_eval.benchmarks.relabelling import LabelChange
from repope_eval.reporting.console import print_table


def print_label_changes(title: str, changes: Sequence[tuple[str, LabelChange, int | None]]) -> None:
    """How many labels were flipped or removed: a row for each (variant, change, questions left with that label)."""
    table = Table(box=SIMPLE_HEAD, collapse_padding=True, title=title)
    table.add_column("variant")
    table.add_column("label")
    for name in ("questions", "flipped", "ambiguous (removed)", "left with this label"):
        table.add_column(name, justify="right", no_wrap=True)
    for variant, change, left in changes:
        table.add_row(
            variant,
            change.label,
            str(change.total),
            _share(change.flipped, change.flipped_share),
            _share(change.removed, change.removed_share),
            "" if left is None else str(left),
        )
    print_table(table)


def _share(number: int, share: float | None) -> str:
    return str(number) if share is None else f"{number} ({share:.2%})".replace("%", " %")
