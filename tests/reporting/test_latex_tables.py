"""Tables for a paper: their rows, names of any kind, and what their first lines say."""

import dataclasses

import pytest

from repope_eval.reporting.latex_tables import MOST_LINES, PaperCell, PaperColumn, PaperTable, latex_document

COLUMNS = [("POPE", [PaperColumn(title="rank"), PaperColumn(title="F1", interval="beside")])]
CELLS = [PaperCell(text="1"), PaperCell(text="91.9", interval="90.4–93.2")]


def table_of(*names: str, caption: str = "F1, 95 % intervals") -> PaperTable:
    return PaperTable(
        caption=caption,
        label="leaderboard-a_model",
        naming="model",
        naming_share=0.25,
        columns=COLUMNS,
        rows=[("", [(name, CELLS) for name in names])],
    )


def rows_of(text: str) -> list[str]:
    """The lines of each table between its titles and its end."""
    bodies = [part.partition("\\midrule\n")[2] for part in text.split("\\begin{table*}")[1:]]
    return [line for body in bodies for line in body.partition("\\bottomrule")[0].splitlines()]


def test_it_is_a_whole_table_over_both_columns_of_an_article() -> None:
    text = latex_document("leaderboard.tex", table_of("a"))
    assert text.startswith(
        "% For a paper: \\input{leaderboard.tex}, or paste it. It needs \\usepackage{booktabs}.\n"
    )
    assert "\\caption{F1, 95~\\% intervals}\n\\label{tab:leaderboard-a-model}\n" in text
    assert (
        "\\begin{tabular}{@{}lrr@{\\hspace{4pt}}l@{}}\n\\toprule\n & \\multicolumn{3}{c}{POPE} \\\\\n" in text
    )
    assert "\\cmidrule(lr){2-4}\nmodel & \\multicolumn{1}{c}{rank} & \\multicolumn{2}{c}{F1} \\\\\n" in text
    assert rows_of(text) == ["a & 1 & 91.9 & {\\scriptsize 90.4\\textendash{}93.2} \\\\"]
    assert text.endswith("\\bottomrule\n\\end{tabular}\n\\end{table*}\n")


def test_intervals_below_their_values_have_a_line_of_their_own() -> None:
    columns = [("POPE", [PaperColumn(title="acc."), PaperColumn(title="F1", interval="below")])]
    table = dataclasses.replace(table_of("a", "b"), columns=columns)
    first = ["a & 1 & 91.9 \\\\[-2pt]", " &  & {\\scriptsize 90.4\\textendash{}93.2} \\\\[1pt]"]
    assert rows_of(latex_document("scores.tex", table))[:2] == first


def test_the_best_value_is_bold_and_a_mark_takes_no_room() -> None:
    cells = [PaperCell(text="2"), PaperCell(text="91.9†", is_best=True)]
    table = dataclasses.replace(table_of(), rows=[("", [("a", cells)])])
    assert rows_of(latex_document("x.tex", table)) == ["a & 2 & \\textbf{91.9}\\rlap{$^\\dagger$} &  \\\\"]


def test_groups_of_rows_have_a_rule_between_them_and_titles() -> None:
    rows = [("runs", [("a", CELLS)]), ("models of the paper", [("b", CELLS)])]
    text = latex_document("x.tex", dataclasses.replace(table_of(), rows=rows))
    assert "\\midrule\n\\multicolumn{4}{@{}l@{}}{\\emph{runs}} \\\\\na & " in text
    assert "\\midrule\n\\multicolumn{4}{@{}l@{}}{\\emph{models of the paper}} \\\\\nb & " in text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a_b#1", r"a\_b\#1"),
        ("50 % & $1", r"50 \% \& \$1"),
        (r"\input{x}", r"\textbackslash{}input\{x\}"),
        ("[a]*", "{[}a{]}{*}"),
        ("a--b", "a-{}-b"),
        ("a\nb", "a b"),
        ("a\u202eb", r"a\textbackslash{}u202eb"),
        ("模型", "模型"),
        ("†", r"$\dagger$"),
    ],
)
def test_no_name_is_a_command(name: str, shown: str) -> None:
    assert rows_of(latex_document("x.tex", table_of(name)))[0].startswith(f"{shown} & ")


def test_a_long_name_is_broken_into_lines_and_a_short_one_beside_it_keeps_to_the_left() -> None:
    text = latex_document("x.tex", table_of("short", "llava_onevision/qwen2.5", "x" * 30))
    assert "\\begin{tabular}{@{}p{0.25\\textwidth}rr@{\\hspace{4pt}}l@{}}" in text
    assert [row.partition(" & ")[0].removeprefix("\\raggedright\\hspace{0pt}") for row in rows_of(text)] == [
        "short",
        r"llava\_\allowbreak{}onevision/\allowbreak{}qwen2.\allowbreak{}5",
        r"\allowbreak{}".join(["x" * 6] * 5),
    ]


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("通义 模型-7B", "通, 义, 模, 型"),
        ("Модель", "М, о, д, е, л, ь"),
        ("नमूना", "न, म, ू, ा"),
        ("Łódź ą", "ą"),
    ],
)
def test_letters_that_pdflatex_lacks_are_named_with_what_to_do(name: str, letters: str) -> None:
    text = latex_document("x.tex", table_of(name))
    assert (
        f"% pdflatex may not know {letters}: compile with lualatex or xelatex and\n% a font that has them"
        in text
    )


def test_only_some_of_many_such_letters_are_named() -> None:
    text = latex_document("x.tex", table_of("αβγδεζηθικλμν"))
    assert "% pdflatex may not know α, β, γ, δ, ε, ζ, η, θ, ι, κ, ...: compile" in text


def test_nothing_is_said_of_letters_that_it_has() -> None:
    assert "pdflatex" not in latex_document("x.tex", table_of("Café – “Łódź” −1…", caption="Größe × 2 †"))


def test_rows_that_no_page_has_room_for_go_into_several_tables_of_one_number() -> None:
    names = [f"model {number}" for number in range(MOST_LINES * 2 + 1)]
    text = latex_document("x.tex", table_of(*names))
    assert "% There are 3 tables of one number, since one page has no room for all rows.\n" in text
    assert [row.partition(" & ")[0] for row in rows_of(text)] == names
    assert text.count("\\addtocounter{table}{-1}\n\\caption{Continued.}\n") == 2
    assert text.count("\\label{") == 1


def test_a_group_that_begins_a_further_table_has_no_second_rule_above_it() -> None:
    rows = [("", [(f"model {number}", CELLS) for number in range(MOST_LINES)]), ("others", [("b", CELLS)])]
    text = latex_document("x.tex", dataclasses.replace(table_of(), rows=rows))
    assert text.count("\\begin{table*}") == 2
    assert "\\midrule\n\\multicolumn{4}{@{}l@{}}{\\emph{others}} \\\\\nb & " in text
    assert "\\midrule\n\\midrule" not in text


def test_long_words_of_a_caption_may_be_broken() -> None:
    text = latex_document("x.tex", table_of("a", caption="of organisation/a_long_model 95 %"))
    broken = r"\caption{of organisation/\allowbreak{}a\_\allowbreak{}long\_\allowbreak{}model 95~\%}"
    assert broken in text
