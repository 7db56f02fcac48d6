"""Tables on the console: no figure is cut, whatever the output is, and names are shown as they are."""

import dataclasses
import io
import json
import os
import re
import sys
from collections import Counter

import pytest
from score_examples import CELL, RELABELLED, scores_of

from repope_eval.relabelling.label_changes import LabelChange, print_label_changes
from repope_eval.reporting.console import print_document, print_sentences, print_table, print_text
from repope_eval.reporting.figure_texts import BALANCED_TITLES, COUNT_TITLES
from repope_eval.reporting.results import print_scores
from repope_eval.reporting.score_table import POPE_FIGURES, ScoreRow, score_rows
from repope_eval.reporting.tables import Cell, Column, Row, Table
from repope_eval.scoring.protocol_scores import mean
from repope_eval.scoring.scores import Scores


class Terminal(io.TextIOWrapper):
    """An output that says it is a terminal, or a file, of some encoding."""

    def __init__(self, encoding: str = "utf-8", *, interactive: bool = True) -> None:
        super().__init__(io.BytesIO(), encoding)
        self.interactive = interactive

    def isatty(self) -> bool:
        return self.interactive

    def shown(self) -> str:
        self.flush()
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode(self.encoding)


def three_variants(model: str = "a-model") -> Scores:
    pope = {"random": CELL, "popular": CELL, "adversarial": CELL, "mean": mean([CELL] * 3)}
    means = mean([RELABELLED, RELABELLED, CELL])
    repope = {"random": RELABELLED, "popular": RELABELLED, "adversarial": CELL, "mean": means}
    return scores_of(pope, repope, model)


def shown(scores: Scores, output: Terminal, monkeypatch: pytest.MonkeyPatch, columns: int = 120) -> str:
    monkeypatch.setattr(sys, "stdout", output)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "dumb")  # no colours
    print_scores(scores)
    return output.shown()


def lines_of(row: ScoreRow) -> tuple[list[str], list[str]]:
    """The texts of a row in the table of POPE's figures, and in that of counts and of what F1 hides."""
    f1, *others = map(row.figure, POPE_FIGURES)
    numbers = [*map(row.figure, COUNT_TITLES), *map(row.count, ("n_questions", "n_unanswered", "n_unparsed"))]
    return (
        [f1, *f"({row.interval('f1')})".split(), *others],
        [text for text in (*numbers, *map(row.figure, BALANCED_TITLES)) if text],
    )


def figures_of(rows: list[ScoreRow]) -> Counter[str]:
    """All figures that the tables of these rows have, and how often."""
    return Counter(text for row in rows for line in lines_of(row) for text in line)


@pytest.mark.parametrize("columns", [40, 80])
def test_on_a_terminal_tables_fit_and_no_figure_is_cut(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    text = shown(three_variants(), Terminal(), monkeypatch, columns)
    assert max(len(line) for line in text.splitlines()) <= columns
    tables, _, _ = text.partition("From POPE to")
    assert not figures_of(list(score_rows(three_variants()))) - Counter(tables.split())
    assert "…" not in text
    assert {"questions", "unparsed", "precision", "recall", "MCC", "TP"} <= set(text.split())


@pytest.mark.parametrize("columns", [40, 400])
def test_elsewhere_a_row_is_a_line_whatever_the_terminal(
    monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    text = shown(three_variants(), Terminal(interactive=False), monkeypatch, columns)
    assert text == shown(three_variants(), Terminal(interactive=False), monkeypatch, 120)
    lines = [line.split() for line in text.splitlines()]
    for row in score_rows(three_variants()):
        for cells in lines_of(row):
            assert any(line[-len(cells) :] == cells for line in lines)


def test_columns_of_zeros_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = scores_of({"random": dataclasses.replace(CELL, n_answered=CELL.n_questions, n_unparsed=0)})
    assert "no answer" not in shown(scores, Terminal(), monkeypatch)


def test_what_f1s_change_is_made_of_stands_below(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(three_variants(), Terminal(), monkeypatch)
    assert "+2.1 by questions left out, which may be the harder ones" in text.replace("\n", " ")
    assert "prevalence" not in shown(scores_of({"random": CELL}), Terminal(), monkeypatch)


@pytest.mark.parametrize("model", ["[bold]x[/bold]", "x[/]", ":smile:", "模型"])
def test_a_models_name_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    assert f"{model} on repope, protocol repope, in percent" in shown(
        three_variants(model), Terminal(), monkeypatch
    )


def test_names_are_text_in_cells_and_titles_and_measured_so(monkeypatch: pytest.MonkeyPatch) -> None:
    output = Terminal()
    monkeypatch.setattr(sys, "stdout", output)
    monkeypatch.setenv("TERM", "xterm")  # with colours, which are ours
    monkeypatch.setenv("COLUMNS", "100")
    change = LabelChange("yes", total=1, flipped=0, removed=0)
    print_label_changes("a\x1b]0;x\x07 [red]b", [("v\x1b[2J\x9b", change, 1), ("w", change, 1)])
    text = output.shown()
    assert r"a\x1b]0;x\x07 [red]b" in text
    assert not {"\x07", "\x9b"} & set(text)
    assert "\x1b[2J" not in text
    first, second = text.rstrip().split("\n")[-2:]
    assert first.lstrip().startswith(r"v\x1b[2J\x9b")
    assert first.index("yes") == second.index("yes")


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_a_document_for_programs_stays_what_it_is(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    output = Terminal(encoding, interactive=False)
    monkeypatch.setattr(sys, "stdout", output)
    document = {"a": "\x1b]0;x\x07\x7f\x9b\u202e模−\udcff\n"}
    print_document(document)
    assert json.loads(output.shown()) == document
    assert output.shown().count("\n") == 1


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_output_that_cannot_show_every_character(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    text = shown(three_variants("模"), Terminal(encoding, interactive=False), monkeypatch)
    assert "? on repope, protocol repope, in percent" in text
    assert "-148" in text


def test_label_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    output = Terminal(interactive=False)
    monkeypatch.setattr(sys, "stdout", output)
    changes = [
        ("random", LabelChange("yes", total=1500, flipped=139, removed=207), 1159),
        ("custom", LabelChange("no", total=0, flipped=0, removed=0), None),
    ]
    print_label_changes("labels of repope", changes)
    title, _, _, _, first, second = output.shown().rstrip().split("\n")
    assert title.strip() == "labels of repope"
    assert first.split() == ["random", "yes", "1500", "139", "(9.3", "%)", "207", "(13.8", "%)", "1159"]
    assert second.split() == ["custom", "no", "0", "0", "0"]


def test_a_padded_table_fits_too(monkeypatch: pytest.MonkeyPatch) -> None:
    output = Terminal()
    monkeypatch.setattr(sys, "stdout", output)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "dumb")
    change = LabelChange("yes", total=1500, flipped=139, removed=207)
    print_label_changes("labels of repope", [("adversarial", change, 1159)] * 2)
    text = output.shown()
    assert max(len(line) for line in text.splitlines()) <= 40
    assert text.count("adversarial") >= 2
    assert {"139", "(9.3", "207", "(13.8", "1159"} <= set(text.split())


def test_notes_stand_below_their_figures_where_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = Cell(text="−1.2", note="−1.8 to −0.6")
    columns = (Column(title="model", is_text=True), Column(title="F1"))
    table = Table(caption="", columns=columns, rows=(Row(cells=(Cell(text="a-model (paper)"), cell)),))
    lines = {}
    for columns_shown in (60, 34):
        output = Terminal()
        monkeypatch.setattr(sys, "stdout", output)
        monkeypatch.setenv("COLUMNS", str(columns_shown))
        monkeypatch.setenv("TERM", "dumb")
        print_table(table)
        lines[columns_shown] = [" ".join(line.split()) for line in output.shown().splitlines() if "−" in line]
    assert lines[60] == ["a-model (paper) −1.2 (−1.8 to −0.6)"]
    assert lines[34] == ["a-model (paper) −1.2", "(−1.8 to −0.6)"]


def test_a_reader_that_wants_no_more_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w", encoding="utf-8") as output:
        monkeypatch.setattr(sys, "stdout", output)
        print_document({"key": "value"})
        print_text("and what follows")


@pytest.mark.parametrize(
    ("columns", "interactive", "most"), [(60, True, 60), (200, True, 100), (60, False, 100)]
)
def test_sentences_are_broken_between_words(
    columns: int, interactive: bool, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = Terminal(interactive=interactive)
    monkeypatch.setattr(sys, "stdout", output)
    monkeypatch.setenv("COLUMNS", str(columns))
    text = "The re-ranking\x1b of two-sided tests is what it is. " * 9 + "x" * 120
    print_sentences(text)
    *lines, last = output.shown().splitlines()
    assert last == "x" * 120
    assert most - len(" re-ranking\\x1b") <= max(map(len, lines)) <= most
    assert " ".join([*lines, last]) == text.replace("\x1b", "\\x1b")


def test_f1_of_a_part_of_the_questions_is_marked_and_the_mark_explained(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few = dataclasses.replace(CELL, n_answered=CELL.n_questions, n_unparsed=31)
    text = shown(scores_of({"random": few}), Terminal(), monkeypatch)
    assert " 87.3† (85.1–89.3) " in text
    assert "†: F1 leaves out more than 1 % of the questions" in text
    whole = scores_of({"random": dataclasses.replace(few, n_unparsed=30)})
    assert "†" not in shown(whole, Terminal(), monkeypatch)
    as_wrong = dataclasses.replace(scores_of({"random": few}), protocol="vlmevalkit")
    assert "†" not in shown(as_wrong, Terminal(), monkeypatch)


def test_answers_none_of_which_is_read_have_no_f1(monkeypatch: pytest.MonkeyPatch) -> None:
    unread = dataclasses.replace(CELL, f1=0.0, f1_balanced=0.0, n_answered=3000, n_unparsed=3000)
    scores = dataclasses.replace(scores_of({"random": unread}), protocol="vlmevalkit")
    (row,) = score_rows(scores)
    assert [row.figure("f1"), row.interval("f1"), row.figure("f1_balanced")] == ["–", "", "–"]
    assert "†" not in shown(scores, Terminal(), monkeypatch)


def test_no_styled_line_is_wider_than_the_terminal_by_a_space(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    columns = tuple(Column(title=name, is_text=True) for name in ("what", "mend"))
    cells = (Cell(text="the device"), Cell(text="a mend in so many words that it takes two lines or more"))
    print_table(
        Table(caption="A title", columns=columns, rows=(Row(cells=cells, mark="attention"),)), padded=True
    )
    text = terminal.shown()
    assert "\x1b[33m" in text
    assert max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in text.splitlines()) <= 40
