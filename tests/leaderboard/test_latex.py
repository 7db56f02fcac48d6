"""`leaderboard.tex`: the models of a leaderboard as a table for a paper."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from run_folders import answer_lines, demo, write_run

from repope_eval.cluster.sweep_plan import unfinished_runs
from repope_eval.leaderboard.entries import Leaderboard
from repope_eval.leaderboard.latex import leaderboard_latex
from repope_eval.leaderboard.making import make_leaderboard
from repope_eval.runs.finished_runs import read_runs
from repope_eval.runs.run_selection import select
from repope_eval.scoring.protocol_scores import Coverage
from repope_eval.settings.config import ReportSettings


def board_of(folder: Path, **settings: Any) -> Leaderboard:
    runs, left_out = read_runs(folder, unfinished_runs)
    report = ReportSettings(runs=str(folder), out="", **settings)
    return make_leaderboard(select(runs, report, left_out), report)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Leaderboard:
    """Two runs that agree with POPE's or RePOPE's labels."""
    folder, benchmark = tmp_path_factory.mktemp("runs"), demo()
    write_run(folder / "a", benchmark, "popes_model", answer_lines(benchmark, 0.0, labels=0))
    write_run(folder / "b", benchmark, "other", answer_lines(benchmark, 0.02))
    return board_of(folder)


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Leaderboard:
    return board_of(tmp_path_factory.mktemp("none"), reference="paper")


def with_a_run(paper: Leaderboard, **fields: Any) -> Leaderboard:
    """The paper's models with the best of them taken for a run."""
    first, *others = paper.entries
    whole = {
        name: dict.fromkeys(cells, Coverage(yes=1, no=1, is_partial=False))
        for name, cells in first.cells.items()
    }
    run = dataclasses.replace(first, folder="a", coverage=whole)
    return dataclasses.replace(paper, entries=(run, *others), **fields)


def rows_of(text: str) -> dict[str, list[str]]:
    """The cells by the name of the model."""
    lines = [line.removesuffix(" \\\\").split(" & ") for line in text.splitlines() if line.endswith("\\\\")]
    return {name: cells for name, *cells in lines if len(cells) > 1}


def caption_of(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("\\caption"))


def test_each_model_has_rank_and_f1_under_each_label_set_and_the_change(runs: Leaderboard) -> None:
    text = leaderboard_latex(runs)
    first, second = (rows_of(text)[name] for name in ("other", r"popes\_model"))
    assert [first[0], first[3], second[0], second[3]] == ["2", "1", "1", "2"]
    assert second[1:3] == [r"\textbf{100.0}", r"{\scriptsize 98.1\textendash{}100.0}"]
    assert first[4].startswith(r"\textbf{")
    assert [first[6][0], second[6][:3]] == ["+", "$-$"]
    assert second[7].startswith(r"{\scriptsize $-$")
    assert r"\emph{" not in text


def test_the_caption_says_what_the_runs_figures_are_over(runs: Leaderboard) -> None:
    caption = caption_of(leaderboard_latex(runs))
    assert caption.startswith(
        r"\caption{F1 (mean over 3 variants) in percent on demo, and the rank by it, under POPE and RePOPE, and the "
        r"change of F1 in points. In small type: 95~\% intervals. 1,026 distinct questions about 100 images that all 2 "
        "runs answered, protocol repope; intervals: "
    )
    assert "gamma where few images have errors" in caption
    assert " Decoding: greedy. Bold: " in caption
    assert caption.endswith("Bold: the highest value of a column, not necessarily different from the next.}")


def test_the_papers_models_have_binomial_intervals_and_none_of_the_change(paper: Leaderboard) -> None:
    text = leaderboard_latex(paper)
    rows = rows_of(text)
    assert rows["Ovis2-4B"][:4] == ["3", "89.9", r"{\scriptsize 88.8\textendash{}90.9}", "1"]
    assert rows["Ovis2-4B"][4] == r"\textbf{94.2}"
    assert rows["InternVL2.5-26B"][1] == r"\textbf{90.1}"
    assert rows["InternVL2.5-26B-MPO"][6:] == ["$-$0.6", ""]
    assert sum(r"\textbf" in line for line in text.splitlines()) == 2
    assert (
        "Models of the RePOPE paper: by the counts in its Figure 2 over 5,127 distinct questions about 500 images; "
        "intervals: binomial approximations, none of the change."
    ) in caption_of(text)


def test_runs_are_above_the_papers_models_and_ranked_among_them(paper: Leaderboard) -> None:
    board = with_a_run(paper)
    board = dataclasses.replace(board, entries=(*board.entries[1:], board.entries[0]))
    text = leaderboard_latex(board)
    assert text.index("{runs}") < text.index("Ovis2-4B &") < text.index("{models of the RePOPE paper}")
    assert rows_of(text)["Ovis2-4B"][3:5] == ["1", r"\textbf{94.2}"]
    assert rows_of(text)["InternVL2.5-78B"][4] == "94.1"


def test_where_the_paper_is_apart_each_part_has_its_best(runs: Leaderboard, paper: Leaderboard) -> None:
    assert runs.comparison is not None
    fewer = dataclasses.replace(runs.comparison, n_questions=1000)
    board = with_a_run(paper, comparison=fewer, n_benchmark_questions=5127)
    assert board.paper_is_apart
    text = leaderboard_latex(board)
    best = [name for name, cells in rows_of(text).items() if any(r"\textbf" in cell for cell in cells)]
    assert best == ["InternVL2.5-78B", "Ovis2-8B", "InternVL2.5-26B"]  # the part of one run has none
    assert "They have no rank, since the runs' figures are over fewer questions." in caption_of(text)
    assert "a column in each part, not necessarily different" in caption_of(text)


def test_values_that_are_shown_alike_are_marked_alike(paper: Leaderboard) -> None:
    first, second, *others = paper.entries
    board = dataclasses.replace(
        paper, entries=(first, dataclasses.replace(second, cells=first.cells), *others)
    )
    rows = rows_of(leaderboard_latex(board))
    assert rows[first.name][4] == rows[second.name][4] == r"\textbf{94.2}"


def test_with_one_label_set_popes_other_figures_stand_beside_f1(runs: Leaderboard) -> None:
    text = leaderboard_latex(dataclasses.replace(runs, label_sets=("pope",)))
    assert r"\multicolumn{1}{c}{acc.} & \multicolumn{1}{c}{prec.} & \multicolumn{1}{c}{rec.}" in text
    assert rows_of(text)[r"popes\_model"][3:6] == [r"\textbf{100.0}"] * 3
    assert r"\textbf" not in rows_of(text)[r"popes\_model"][6]
    assert "change" not in text
