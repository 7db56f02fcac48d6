"""What can be set of a table of questions in anybody's form: its columns and the words of its labels."""

from dataclasses import dataclass

from repope_eval.settings.declaration import setting


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumns:
    """What the columns of a table of questions are called."""

    image: str = setting("table: column of the image, by its file's name or itself", "image")
    image_name: str | None = setting(
        "table: column of the names of images that stand in it; null: their own, or a hash", None
    )
    question: str = setting("table: column of the question", "question")
    label: str = setting("table: column of the label, which is label set original", "label")
    relabel: str | None = setting(
        "table: column of the corrected label, which is label set corrected; empty: ambiguous", None
    )
    variant: str | None = setting("table: column of the variant; null: there is one, table", None)
    group: str | None = setting(
        "table: column of the group; all of a group right is a figure of its own", None
    )
    question_id: str | None = setting("table: column of the question's id; null: its row's number", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableLabels:
    """The words that stand for labels in a table, in letters of any case."""

    yes: tuple[str, ...] = setting("table: labels that mean yes", ("yes", "true", "1"))
    no: tuple[str, ...] = setting("table: labels that mean no", ("no", "false", "0"))
    left_out: tuple[str, ...] = setting("table: labels of questions that are left out", ())
