"""The page's table of the ranking: who leads in each variant, how sure that is, and what the relabelling changed."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from html_pages import Page
from run_folders import answer_lines, demo, write_run

from repope_eval.cluster.sweep_plan import unfinished_runs
from repope_eval.leaderboard.entries import Leaderboard
from repope_eval.leaderboard.making import make_leaderboard
from repope_eval.leaderboard.ranking_table import has_spans, ranking_table
from repope_eval.leaderboard.report import render_leaderboard
from repope_eval.leaderboard.tables import further_metrics_table, leaderboard_tables
from repope_eval.reporting.tables import Cell, Row, Table
from repope_eval.runs.finished_runs import read_runs
from repope_eval.runs.run_selection import select
from repope_eval.settings.config import ReportSettings


def board_of(folder: Path, **settings: Any) -> Leaderboard:
    runs, left_out = read_runs(folder, unfinished_runs)
    report = ReportSettings(runs=str(folder), out="", **settings)
    return make_leaderboard(select(runs, report, left_out), report)


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Leaderboard:
    """Three runs, of which one agrees with POPE's labels."""
    folder, benchmark = tmp_path_factory.mktemp("runs"), demo()
    write_run(folder / "popes", benchmark, "popes", answer_lines(benchmark, 0.0, labels=0))
    write_run(folder / "repopes", benchmark, "repopes", answer_lines(benchmark, 0.0))
    write_run(folder / "third", benchmark, "third", answer_lines(benchmark, 0.3, 1))
    return board_of(folder)


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Leaderboard:
    return board_of(tmp_path_factory.mktemp("none"), reference="paper")


def cell(shown: Table, row: Row, title: str) -> Cell:
    (place,) = (place for place, column in enumerate(shown.columns) if column.title == title)
    return row.cells[place]


def test_each_variant_has_every_model_and_the_best_first(board: Leaderboard, paper: Leaderboard) -> None:
    for each in (board, paper):
        shown = ranking_table(each, {})
        assert [name for name, _ in shown.groups] == ["mean", "random", "popular", "adversarial"]
        for variant, rows in shown.groups:
            places = each.places["repope"][variant]
            assert {cell(shown, row, "model").text for row in rows} == set(places)
            ranks = [places[cell(shown, row, "model").text] for row in rows]
            assert ranks == [int(cell(shown, row, "rank").text) for row in rows]
            assert ranks == sorted(ranks)  # type: ignore[type-var]


def test_models_that_are_apart_stand_after_the_runs_in_each_variant(
    board: Leaderboard, paper: Leaderboard
) -> None:
    places = {
        labels: {
            variant: {**of_board, **dict.fromkeys(paper.places[labels][variant])}
            for variant, of_board in by_variant.items()
        }
        for labels, by_variant in board.places.items()
    }
    mixed = dataclasses.replace(board, entries=(*paper.entries, *board.entries), places=places)
    shown = ranking_table(mixed, {})
    for variant, rows in shown.groups:
        names = [cell(shown, row, "model").text for row in rows]
        assert set(names[:3]) == {"popes", "repopes", "third"}
        of_paper = {entry.name: entry.cells["repope"][variant].figures.f1 for entry in paper.entries}
        assert names[3:] == sorted(of_paper, key=lambda name: -(of_paper[name] or 0))
        assert {cell(shown, row, "move").text for row in rows[3:]} == {"–"}
        assert [bool(cell(shown, row, "rank").span) for row in rows] == [True] * 3 + [False] * 17


def test_the_interval_of_a_rank_is_drawn_between_the_first_and_the_last_place_and_said(
    board: Leaderboard, paper: Leaderboard
) -> None:
    shown = ranking_table(board, {})
    for variant, rows in shown.groups:
        for row in rows:
            rank = cell(shown, row, "rank")
            standing = board.standing("repope", variant, cell(shown, row, "model").text)
            assert standing is not None
            assert standing.interval is not None
            low, high = standing.interval
            assert rank.span is not None
            assert rank.span.value == (int(rank.text) - 1) / 2
            assert rank.span.interval == ((low - 1) / 2, (high - 1) / 2)
            assert rank.note == (f"{low} to {high}" if low < high else f"{low}")
    assert has_spans(shown)
    assert not has_spans(ranking_table(paper, {}))  # there are counts alone


def test_f1_changes_with_an_interval_where_there_are_answers(board: Leaderboard, paper: Leaderboard) -> None:
    for each in (board, paper):
        shown, entries = ranking_table(each, {}), {entry.name: entry for entry in each.entries}
        for row in shown.rows:
            entry = entries[cell(shown, row, "model").text]
            value, low, high = cell(shown, row, "change of F1").values
            old, new = (entry.cells[name][row.group].figures.f1 for name in each.label_sets)
            assert old is not None
            assert new is not None
            assert value == pytest.approx(new - old)
            if entry.is_paper:
                assert (low, high) == (None, None)
            else:
                assert low <= value <= high  # type: ignore[operator]
            assert cell(shown, row, "F1, POPE").values[0] == old
            assert cell(shown, row, "F1, RePOPE").values[0] == new


def test_a_move_is_the_difference_of_the_ranks_and_says_whether_it_may_be_chance(
    board: Leaderboard, paper: Leaderboard
) -> None:
    shown = ranking_table(board, {})
    moves = {row.cells[1].text: cell(shown, row, "move").full_text for row in shown.groups[0][1]}
    assert moves == {"repopes": "↑ 1", "popes": "↓ 1", "third": "0"}  # in every drawn set of images
    shown = ranking_table(paper, {})
    for row in shown.rows:
        old, new, move = (cell(shown, row, title).values[0] for title in ("rank, POPE", "rank", "move"))
        assert old - new == move  # type: ignore[operator]
    texts = [cell(shown, row, "move").full_text for row in shown.groups[0][1]]
    assert texts[0] == "↑ 2 (may be chance)"  # Ovis2-4B
    assert texts[9] == "↓ 9"  # InternVL2.5-26B, first under POPE


def test_one_label_set_changes_nothing_and_one_variant_has_no_name_above_it(board: Leaderboard) -> None:
    single = dataclasses.replace(board, label_sets=("repope",), variants=("random",))
    shown = ranking_table(single, {})
    assert [column.title for column in shown.columns] == ["rank", "model", "F1, RePOPE", "answered"]
    assert [name for name, _ in shown.groups] == [""]


def test_a_run_none_of_whose_answers_is_read_has_neither_f1_nor_a_change(tmp_path: Path) -> None:
    write_run(tmp_path / "mute", demo(), "mute", answer_lines(demo(), yes="Hm.", no="Hm."))
    shown = ranking_table(board_of(tmp_path, protocol="vlmevalkit"), {})
    row = shown.rows[0]
    assert [cell(shown, row, title).text for title in ("F1, POPE", "F1, RePOPE", "change of F1")] == ["–"] * 3
    assert not has_spans(shown)  # of one run there is no rank to be sure of


def test_a_name_leads_to_the_page_of_its_run(board: Leaderboard) -> None:
    page = render_leaderboard(board, leaderboard_tables(board), [], "x", {"popes": "../a%22%3Cb/report.html"})
    links = [link for link in Page(page).links if not link.startswith(("#", "tables/"))]
    assert links == ["../a%22%3Cb/report.html"] * 4  # once in each variant
    assert '<a href="../a%22%3Cb/report.html">popes</a>' in page
    assert "The name of a run leads to its page." in page


def test_further_metrics_repeat_neither_f1_nor_the_rank(board: Leaderboard, paper: Leaderboard) -> None:
    titles = [column.title for column in further_metrics_table(board).columns]
    assert titles[:5] == ["model", "variant", "labels", "all ranks, 95 %", "precision"]
    assert "F1" not in titles
    assert len(further_metrics_table(paper).rows) == 17 * 4 * 2
    every = leaderboard_tables(board)["every_figure"].columns  # the file has all of them
    assert [column.title for column in every][3:7] == ["rank", "rank, 95 %", "all ranks, 95 %", "F1"]
