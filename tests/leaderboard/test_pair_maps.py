"""The heatmaps of a leaderboard, against the pairs that they show; and the tables and sentences of shared errors."""

import csv
import dataclasses
import io
from pathlib import Path
from typing import Any

import pytest
from run_folders import answer_lines, demo, write_run

from repope_eval.cluster.sweep_plan import unfinished_runs
from repope_eval.leaderboard import pair_maps
from repope_eval.leaderboard.entries import Leaderboard
from repope_eval.leaderboard.error_tables import missed_sentence
from repope_eval.leaderboard.making import make_leaderboard
from repope_eval.leaderboard.pair_maps import difference_heatmaps, overlap_heatmap
from repope_eval.leaderboard.report import leaderboard_document
from repope_eval.leaderboard.tables import leaderboard_tables
from repope_eval.reporting import heatmaps
from repope_eval.reporting.figure_texts import p_text
from repope_eval.reporting.table_exports import csv_text
from repope_eval.runs.finished_runs import read_runs
from repope_eval.runs.run_selection import select
from repope_eval.settings.config import ReportSettings


def board_of(folder: Path, **settings: Any) -> Leaderboard:
    runs, left_out = read_runs(folder, unfinished_runs)
    report = ReportSettings(runs=str(folder), out="", **settings)
    return make_leaderboard(select(runs, report, left_out), report)


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Leaderboard:
    """Four runs, of which two are equally good and one is about few images."""
    folder, benchmark = tmp_path_factory.mktemp("runs"), demo()
    for name, wrong in (("poor", 0.3), ("good", 0.05), ("alike", 0.06)):
        write_run(folder / name, benchmark, name, answer_lines(benchmark, wrong, len(name)))
    write_run(folder / "few", benchmark, "few", answer_lines(benchmark.first_images(7), 0.2, 9))
    return board_of(folder)


def test_the_primary_family_is_first_and_whole_and_its_rows_are_in_the_order_of_ranks(
    board: Leaderboard,
) -> None:
    first, *others = difference_heatmaps(board)
    assert first.names == (*(entry.name for entry in board.entries), "few")
    assert "mean under RePOPE" in first.caption
    assert len(others) == 2 * 4 - 1
    assert len({each.caption for each in others}) == len(others)
    for row in range(4):
        for column in range(4):
            cell, mirrored = first.rows[row][column], first.rows[column][row]
            assert (cell is None) == (row == column)
            if cell and mirrored:
                signs = {text[0] for text in (cell.text, mirrored.text)}
                assert signs in ({"+", "−"}, {"0"})
                assert cell.shade.strip("updown") == mirrored.shade.strip("updown")


def test_a_cell_says_what_the_pair_is(board: Leaderboard) -> None:
    assert board.comparison is not None
    heatmap = difference_heatmaps(board)[0]
    pairs = {(pair.first, pair.second): pair for pair in board.comparison.differences["repope"]["mean"]}
    pair, cell = pairs[heatmap.names[0], "poor"], heatmap.rows[0][2]
    mirrored = heatmap.rows[2][0]
    assert pair.value is not None
    assert pair.interval is not None
    assert cell is not None
    assert mirrored is not None
    assert cell.text == f"+{100 * pair.value:.1f}"
    low, high = (f"{100 * end:.1f}" for end in pair.interval)
    p = p_text(pair.p_adjusted)
    assert cell.told == f"{cell.text} (+{low} to +{high}), adjusted p {p}"
    assert mirrored.told == f"−{cell.text[1:]} (−{high} to −{low}), adjusted p {p}"
    assert (cell.shade, mirrored.shade) == ("up5", "down5")


def test_what_may_be_chance_has_no_colour_and_says_why_it_has_no_interval(board: Leaderboard) -> None:
    heatmap = difference_heatmaps(board)[0]
    alike, few = heatmap.rows[0][1], heatmap.rows[0][3]
    assert alike is not None
    assert few is not None
    assert alike.shade == few.shade == "chance"
    assert few.told.endswith("7 images, and an interval takes 100")


def test_a_dense_heatmap_has_short_numbers_and_of_secondary_families_the_upper_half(
    board: Leaderboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pair_maps, "MOST_WITH_ROOM", 3)
    first, second, *_ = difference_heatmaps(board)
    assert all(len(cell.text) <= 4 for row in first.rows for cell in row if cell)
    assert first.n_empty == [1, 0, 0, 0]
    assert second.n_empty == [1, 2, 3, 4]
    overlap = overlap_heatmap(board)
    assert overlap is not None
    assert all(cell.text[:2] in (".0", ".1", ".2", "−.") for row in overlap.rows for cell in row if cell)
    assert heatmaps.MOST_WITH_ROOM > 3  # they are dense where the page says so


def test_two_runs_have_tables_and_no_heatmap(board: Leaderboard, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_run(tmp_path / name, demo(), name, answer_lines(demo(), 0.2, ord(name)))
    two = board_of(tmp_path)
    assert difference_heatmaps(two) == ()
    assert overlap_heatmap(two) is None
    assert len(leaderboard_tables(two)["error_overlap"].rows) == 1


def test_the_overlap_of_errors_is_in_the_heatmap_the_table_and_the_document(board: Leaderboard) -> None:
    heatmap = overlap_heatmap(board)
    assert heatmap is not None
    assert heatmap.n_empty == [1, 2, 3, 4]
    pair = next(each for each in board.overlaps if {each.first, each.second} == {"poor", heatmap.names[0]})
    cell = heatmap.rows[0][2]
    assert cell is not None
    assert pair.kappa.value is not None
    assert cell.text == f"{pair.kappa.value:.2f}".replace("-", "−")
    assert f"{pair.n_shared} errors shared of {pair.n_errors_first} and {pair.n_errors_second}" in cell.told
    rows = list(csv.DictReader(io.StringIO(csv_text(leaderboard_tables(board)["error_overlap"]))))
    told = leaderboard_document(board)["error_overlap"]
    assert told["labels"] == "repope"
    assert len(rows) == len(told["pairs"]) == 6
    for row, of_document, each in zip(rows, told["pairs"], board.overlaps, strict=True):
        assert (row["first"], row["second"]) == (each.first, each.second)
        assert of_document["kappa"] == each.kappa.value
        assert int(row["n_shared"]) == of_document["n_shared"] == each.n_shared
        assert (row["why_no_interval"] == "") == (each.kappa.interval is not None)
        assert of_document["reason"] == (each.kappa.reason or None)


def test_missed_questions_are_counted_in_a_sentence_that_says_how_few_runs_there_are(
    board: Leaderboard,
) -> None:
    missed = board.missed
    assert missed is not None
    assert missed.n_models == 3  # the ranked ones
    sentence = missed_sentence(board)
    assert f"{len(missed.by_all)} " in sentence
    assert "missed by all 3;" in sentence
    assert sentence.endswith("3 runs are few: others may be right on these questions.")
    many = dataclasses.replace(board, missed=dataclasses.replace(missed, n_models=40))
    assert "are few" not in missed_sentence(many)
    assert "missed by every run that answered (0 by all 40)" in missed_sentence(many)
    assert missed_sentence(dataclasses.replace(board, missed=None)) == ""


def test_all_missed_questions_are_in_a_table(board: Leaderboard) -> None:
    assert board.missed is not None
    table = leaderboard_tables(board)["missed_questions"]
    rows = list(csv.DictReader(io.StringIO(csv_text(table))))
    assert [row["image"] for row in rows] == [one.question.image for one in board.missed.questions]
    assert all(2 * int(row["n_wrong"]) > int(row["n_answered"]) for row in rows)
    assert set(rows[0]) == {"object", "image", "question", "label", "n_wrong", "n_answered", "wrong_answers"}
    told = leaderboard_document(board)["missed_questions"]
    assert told["n_missed_by_most"] == len(rows)
    assert told["n_missed_by_all"] == len(board.missed.by_all)
