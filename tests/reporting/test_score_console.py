"""Tables on the console: no figure is cut, whatever the output is, and names are shown as they are."""

import dataclasses
import io
import json
import os
import sys

import pytest
from score_examples import CELL, RELABELLED, UNDEFINED_CELL, scores_of

from repope_eval.benchmarks.relabelling import LabelChange
from repope_eval.reporting.console import print_document, print_text
from repope_eval.reporting.figure_texts import BALANCED_TITLES
from repope_eval.reporting.label_changes import print_label_changes
from repope_eval.reporting.score_console import print_scores
from repope_eval.reporting.score_table import COLUMNS, score_rows
from repope_eval.scoring.scores import Scores, mean


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


def shown(scores: Scores, output: Terminal, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(sys, "stdout", output)
    monkeypatch.setenv("TERM", "dumb")  # no colours
    print_scores(scores)
    return output.shown()


@pytest.mark.parametrize("columns", ["40", "80", "400"])
@pytest.mark.parametrize("interactive", [True, False], ids=["terminal", "file"])
def test_no_figure_is_cut(monkeypatch: pytest.MonkeyPatch, columns: str, interactive: bool) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    text = shown(three_variants(), Terminal(interactive=interactive), monkeypatch)
    rows = list(score_rows(three_variants()))
    tables = text.split("MCC")
    counts = ("n_questions", "n_unanswered", "n_unparsed")
    for table, shown_cells in (
        (tables[0], [[*map(row.figure, COLUMNS), *row.f1_interval(short=True).split()] for row in rows]),
        (
            tables[1],
            [[*filter(None, map(row.count, counts)), *map(row.figure, BALANCED_TITLES)] for row in rows],
        ),
    ):
        lines = [line for line in table.splitlines() if line.split()[-1:] and line.split()[-1][-1].isdigit()]
        assert len(lines) == len(rows) == 12
        for cells, line in zip(shown_cells, lines, strict=False):
            assert line.split()[-len(cells) :] == cells
    assert "…" not in text
    assert all(f" {title} " in text for title in ("no answer", "unparsed", "precision", "recall"))


def test_a_variants_name_stands_once(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(three_variants(), Terminal(), monkeypatch)
    assert [text.count(f" {variant} ") for variant in ("random", "popular", "adversarial")] == [2] * 3


def test_what_is_undefined_is_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(scores_of({"random": UNDEFINED_CELL}), Terminal(), monkeypatch)
    assert ["–", "0.7898", "–", ".8512–.8933"] in [line.split()[-4:] for line in text.splitlines()]


def test_all_variants_of_the_benchmark_stand_in_a_hundred_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(three_variants(), Terminal(), monkeypatch)
    assert "no answer" in text
    assert max(len(line) for line in text.splitlines()) <= 100


def test_columns_of_zeros_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = scores_of({"random": dataclasses.replace(CELL, n_answered=CELL.n_questions, n_unparsed=0)})
    assert "no answer" not in shown(scores, Terminal(), monkeypatch)


def test_what_is_prevalence_stands_below(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(three_variants(), Terminal(), monkeypatch)
    assert "by prevalence, since 52.5 % of the questions have label yes before" in text.replace("\n", " ")
    assert "prevalence" not in shown(scores_of({"random": CELL}), Terminal(), monkeypatch)


@pytest.mark.parametrize("model", ["[bold]x[/bold]", "x[/]", "llava[/b]", ":smile:", "<script>", "模型"])
def test_a_models_name_is_shown_as_it_is(monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    assert f"{model} on repope, protocol repope" in shown(three_variants(model), Terminal(), monkeypatch)


def test_names_are_text_in_cells_and_titles_and_measured_so(monkeypatch: pytest.MonkeyPatch) -> None:
    output = Terminal()
    monkeypatch.setattr(sys, "stdout", output)
    monkeypatch.setenv("TERM", "xterm")  # with colours, which are ours
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


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_an_output_that_cannot_show_every_character(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    text = shown(three_variants("模"), Terminal(encoding, interactive=False), monkeypatch)
    assert "? on repope, protocol repope" in text
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
    assert first.split() == ["random", "yes", "1500", "139", "(9.27", "%)", "207", "(13.80", "%)", "1159"]
    assert second.split() == ["custom", "no", "0", "0", "0"]


def test_a_reader_that_wants_no_more_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w", encoding="utf-8") as output:
        monkeypatch.setattr(sys, "stdout", output)
        print_document({"key": "value"})
        print_text("and what follows")
