"""What a relabelling changed: the labels that were flipped or removed, counted, as a table, and on the console."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from repope_eval.errors import RepopeError
from repope_eval.records import Question
from repope_eval.relabelling.rule import questions_in_words
from repope_eval.reporting.console import print_table
from repope_eval.reporting.figure_texts import percent_text
from repope_eval.reporting.tables import Cell, Table, number_field, table, text_field, value_field
from repope_eval.wording import counted


@dataclass(frozen=True, slots=True)
class LabelChange:
    """What became of the questions with one original label."""

    label: Literal["yes", "no"]
    """The original label."""
    total: int
    """Number of questions that had it."""
    flipped: int
    """Number of those that now have the opposite label."""
    removed: int
    """Number of those that are gone, because the answer is ambiguous."""

    @property
    def flipped_share(self) -> float | None:
        """Flipped questions as a share of all with this label; None where there are none."""
        return self.flipped / self.total if self.total else None

    @property
    def removed_share(self) -> float | None:
        """Removed questions as a share of all with this label; None where there are none."""
        return self.removed / self.total if self.total else None


def label_changes(
    original: Mapping[Question, bool], relabelled: Mapping[Question, bool]
) -> tuple[LabelChange, LabelChange]:
    """What relabelling changed, first for the questions that were "yes", then for those that were "no".

    Both mappings say of a question whether its answer is yes, as in `LabelSet.variants`.

    Raises:
        RepopeError: `relabelled` has a question that `original` lacks.
    """
    extra = [question for question in relabelled if question not in original]
    if extra:
        raise RepopeError(
            f"the new labels hold {counted(len(extra), 'question')} that the original ones lack: "
            f"{questions_in_words(extra)}; compare label sets of the same variant"
        )
    return _label_change("yes", original, relabelled), _label_change("no", original, relabelled)


def _label_change(
    label: Literal["yes", "no"], original: Mapping[Question, bool], relabelled: Mapping[Question, bool]
) -> LabelChange:
    is_yes = label == "yes"
    affected = [question for question, was_yes in original.items() if was_yes == is_yes]
    kept = [question for question in affected if question in relabelled]
    flipped = sum(relabelled[question] != is_yes for question in kept)
    return LabelChange(label, total=len(affected), flipped=flipped, removed=len(affected) - len(kept))


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
            value_field("flipped", lambda row: _share_cell(row[1].flipped, row[1].flipped_share)),
            value_field("ambiguous (removed)", lambda row: _share_cell(row[1].removed, row[1].removed_share)),
            number_field("left with this label", lambda row: "" if row[2] is None else str(row[2])),
        ],
        changes,
    )


def _share_cell(number: int, share: float | None) -> Cell:
    """A number with its share, where there is one."""
    return Cell(text=str(number), values=(number,), note="" if share is None else f"{percent_text(share)} %")
