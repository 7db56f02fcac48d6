"""Tables in three forms, whatever stands in their cells."""

import csv
import dataclasses
import io

import pytest

from repope_eval.reporting.table_exports import csv_text, latex, markdown
from repope_eval.reporting.tables import Cell, Table, interval_field, table, text_field


def table_of(name: str, value: float | None = 0.91234567) -> Table:
    figure = Cell(
        text="–" if value is None else f"{value:.4f}", values=(value, 0.9, 0.92), note="0.9000 to 0.9200"
    )
    fields = [text_field("model", lambda model: model), interval_field("F1", "f1", lambda _: figure)]
    return table("F1, 95 % intervals", fields, [name])


def test_csv_has_all_digits_and_a_column_for_each_part() -> None:
    assert csv_text(table_of("a")) == "model,f1,f1_low,f1_high\na,0.91234567,0.9,0.92\n"


def test_csv_has_nothing_where_undefined() -> None:
    assert csv_text(table_of("a", None)).splitlines()[1] == "a,,0.9,0.92"


@pytest.mark.parametrize("name", ["a,b", "a\nb", "−", "a=1+1"])
def test_csv_reads_back(name: str) -> None:
    rows = list(csv.reader(io.StringIO(csv_text(table_of(name)))))
    assert rows[1][0] == name


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("x")', "＝1"])
def test_csv_holds_no_formula(name: str) -> None:
    """A spreadsheet computes what begins so, and a formula can send what stands in other cells."""
    rows = list(csv.reader(io.StringIO(csv_text(table_of(name)), newline="")))
    assert rows[1][0] == "'" + name.replace("\r", "\\r")


def test_csv_keeps_numbers_below_zero() -> None:
    assert csv_text(table_of("a", -0.5)).splitlines()[1] == "a,-0.5,0.9,0.92"


def test_csv_holds_nothing_that_a_terminal_obeys() -> None:
    assert csv_text(table_of("a\x1b[2Jb")).splitlines()[1].startswith("a\\x1b[2Jb,")


def test_markdown_is_padded_so_that_it_can_be_read_as_it_is() -> None:
    assert markdown(table_of("m")) == (
        "| model |                        F1 |\n"
        "| ----- | ------------------------: |\n"
        "| m     | 0.9123 (0.9000 to 0.9200) |\n"
    )


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a|b", r"a\|b"),
        ("a\nb", "a b"),
        ("<b>*x*</b>", r"\<b\>\*x\*\</b\>"),
        ("[a](b)", r"\[a\](b)"),
        ("a\\", "a\\\\"),
        ("&lt; ~~a~~", r"\&lt; \~\~a\~\~"),
        ("a\u202eb", r"a\\u202eb"),
    ],
)
def test_markdown_takes_no_name_for_its_own_marks(name: str, shown: str) -> None:
    assert f"| {shown} " in markdown(table_of(name))


def test_latex_is_a_whole_table() -> None:
    text = latex(table_of("m"), "a_table")
    assert text.startswith("% needs \\usepackage{booktabs}\n\\begin{table}\n")
    assert "\\caption{F1, 95 \\% intervals}\n\\label{tab:a-table}\n\\begin{tabular}{lr}\n\\toprule\n" in text
    assert "model & F1 \\\\\n\\midrule\nm & 0.9123 (0.9000 to 0.9200) \\\\\n\\bottomrule\n" in text
    assert text.endswith("\\end{tabular}\n\\end{table}\n")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a_b", r"a\_b"),
        ("50 % & $1 #2", r"50 \% \& \$1 \#2"),
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("a^b~c", r"a\textasciicircum{}b\textasciitilde{}c"),
        ("–", r"\textendash{}"),
        ("[opt]", "{[}opt{]}"),
        ("*", "{*}"),
        ("''", "'{}'"),
        ("?`", "?{}`"),
        ("<b>", r"\textless{}b\textgreater{}"),
        ("a\nb", "a b"),
    ],
)
def test_latex_takes_no_name_for_a_command(name: str, shown: str) -> None:
    assert f"\n{shown} & " in latex(table_of(name), "a_table")


def test_latex_takes_no_caption_for_a_command() -> None:
    shown = dataclasses.replace(table_of("m"), caption="F1 on [a]}{\\input{x}")
    assert "\\caption{F1 on {[}a{]}\\}\\{\\textbackslash{}input\\{x\\}}\n" in latex(shown, "a_table")
