"""The leaderboard's page: what stands in it, that it is markup, and that nothing in it is a model's doing."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from html_pages import Page
from matplotlib.figure import Figure
from run_folders import answer_lines, demo, write_run

from repope_eval.benchmarks.sources import SOURCES
from repope_eval.cluster.sweep_plan import unfinished_runs
from repope_eval.leaderboard import charts as ranking
from repope_eval.leaderboard import page_parts
from repope_eval.leaderboard.entries import Leaderboard
from repope_eval.leaderboard.making import make_leaderboard
from repope_eval.leaderboard.moves import certain_moves
from repope_eval.leaderboard.report import leaderboard_charts, render_leaderboard
from repope_eval.leaderboard.tables import leaderboard_tables
from repope_eval.reporting.charts.drawing import WIDTH, Chart
from repope_eval.runs.finished_runs import LeftOut, read_runs
from repope_eval.runs.run_selection import select
from repope_eval.scoring.protocol_scores import Coverage
from repope_eval.settings.config import ReportSettings

NAUGHTY = "<script>alert(1)</script>"


def board_of(folder: Path, **settings: Any) -> Leaderboard:
    runs, left_out = read_runs(folder, unfinished_runs)
    report = ReportSettings(runs=str(folder), out="", **settings)
    return make_leaderboard(select(runs, report, left_out), report)


def page_of(board: Leaderboard, charts: Sequence[Chart]) -> str:
    return render_leaderboard(board, leaderboard_tables(board), charts, "python -m x", {})


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Leaderboard:
    folder, benchmark = tmp_path_factory.mktemp("runs"), demo()
    write_run(folder / "a", benchmark, NAUGHTY, answer_lines(benchmark, 0.0, labels=0))
    write_run(folder / "b", benchmark, "b$_{x}^\\frac", answer_lines(benchmark, 0.02))
    write_run(folder / "c", benchmark, "few", answer_lines(benchmark.first_images(5)))
    write_run(folder / "d", benchmark, "old", [], lambda manifest: manifest.update(schema=NAUGHTY))
    return board_of(folder)


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Leaderboard:
    return board_of(tmp_path_factory.mktemp("none"), reference="paper")


@pytest.fixture(scope="module")
def charts(board: Leaderboard) -> list[Chart]:
    return leaderboard_charts(board)


@pytest.fixture(scope="module")
def page(board: Leaderboard, charts: list[Chart]) -> str:
    return page_of(board, charts)


@pytest.fixture(scope="module")
def paper_charts(paper: Leaderboard) -> list[Chart]:
    return leaderboard_charts(paper)


@pytest.fixture(scope="module")
def paper_page(paper: Leaderboard, paper_charts: list[Chart]) -> str:
    return page_of(paper, paper_charts)


def files_of(board: Leaderboard, charts: Sequence[Chart]) -> set[str]:
    """The files beside the page that it may lead to."""
    tables = {f"tables/{name}.csv" for name in leaderboard_tables(board)}
    return tables | {f"figures/{chart.name}.svg" for chart in charts}


def test_it_is_well_formed_and_each_link_leads_to_a_place_in_it_or_to_a_file_beside_it(
    page: str, paper_page: str, board: Leaderboard, charts: list[Chart]
) -> None:
    for shown in (page, paper_page):
        reader = Page(shown)
        assert len(reader.ids) == len(set(reader.ids))
        places = {f"#{place}" for place in reader.ids}
        assert set(reader.links) <= places | files_of(board, charts)


def test_names_are_text_and_there_is_one_script(page: str) -> None:
    assert NAUGHTY not in page
    assert Page(page).tags.count("script") == 1
    assert "is of schema &lt;script&gt;" in page


def test_it_loads_nothing(page: str) -> None:
    reader = Page(page)
    assert not {"img", "link", "iframe", "object"} & set(reader.tags)
    assert all(link.startswith(("#", "tables/", "figures/")) for link in reader.links)


def test_every_ranked_model_stands_in_every_table_of_models(paper: Leaderboard) -> None:
    tables = leaderboard_tables(paper)
    names = {entry.name for entry in paper.entries}
    for name, place, times in (("standings", 1, 1), ("leaderboard", 0, 1), ("every_figure", 0, 8)):
        shown = [row.cells[place].text for row in tables[name].rows]
        assert set(shown) == names
        assert len(shown) == times * len(names)


def test_runs_are_marked_among_the_papers_models(board: Leaderboard, paper: Leaderboard) -> None:
    mine = dataclasses.replace(
        paper.entries[3],
        folder="mine",
        n_answered=8999,
        n_questions=9000,
        coverage={
            name: {variant: Coverage(yes=1, no=1, is_partial=False) for variant in paper.variants}
            for name in paper.label_sets
        },
    )
    mixed = dataclasses.replace(paper, entries=(*paper.entries[:3], mine, *paper.entries[4:]))
    for name, place in (("standings", 1), ("leaderboard", 0)):
        rows = leaderboard_tables(mixed)[name].rows
        marks = {row.cells[place].full_text: row.mark for row in rows if row.mark}
        assert marks == {f"{mine.name} (your run)": "own"}
        assert not any(row.mark for row in leaderboard_tables(board)[name].rows)
    answered = leaderboard_tables(mixed)["standings"].rows[3].cells[-1]
    assert answered.full_text == "99.9 % (8,999 of 9,000)"  # all but one is not all


def test_a_rank_is_given_with_the_places_that_a_run_may_have(board: Leaderboard) -> None:
    table = leaderboard_tables(board)["standings"]
    (rank,) = (place for place, column in enumerate(table.columns) if column.title == "rank")
    for row in table.rows:
        place, low, high, joint_low, joint_high = row.cells[rank].values
        assert joint_low <= low <= place <= high <= joint_high  # type: ignore[operator]
        assert row.cells[rank].note == (str(low) if low == high else f"{low} to {high}")


def test_each_run_has_the_parts_of_what_the_relabelling_changes(
    board: Leaderboard, paper: Leaderboard, page: str, paper_page: str
) -> None:
    table = leaderboard_tables(board)["label_parts"]
    assert [column.title for column in table.columns] == [
        "model",
        "change of F1",
        "corrected labels",
        "questions left out",
        "prevalence",
    ]
    assert [row.cells[0].text for row in table.rows] == [entry.name for entry in board.runs]
    for entry, row in zip(board.runs, table.rows, strict=True):
        change, *parts = (cell.values for cell in row.cells[1:])
        f1 = [entry.cells[name]["mean"].figures.f1 or 0 for name in board.label_sets]
        assert change[0] == pytest.approx(f1[1] - f1[0])
        assert sum(part[0] or 0 for part in parts) == pytest.approx(change[0])  # type: ignore[misc]
        assert all(part[1] < part[0] < part[2] for part in parts)  # type: ignore[operator]
    assert "label_parts" not in leaderboard_tables(paper)
    assert 'id="parts"' in page
    assert 'id="parts"' not in paper_page


def test_charts_hold_every_model_of_the_paper(paper: Leaderboard, paper_charts: list[Chart]) -> None:
    assert len({chart.name for chart in paper_charts}) == 4 + 4 + 3
    for chart in paper_charts:
        drawn = chart.svg.decode()
        assert all(entry.name in drawn for entry in paper.entries), chart.name


def test_charts_hold_names_of_any_kind(charts: list[Chart]) -> None:
    for chart in charts:
        assert b"&lt;script&gt;" in chart.svg
        assert b"b$_{x}^\\frac" in chart.svg


@pytest.mark.draws
@pytest.mark.filterwarnings("ignore:Glyph")  # a box stands for a letter that the font lacks
@pytest.mark.parametrize(
    ("name", "folder"),  # the names of runs are bold
    [("W" * 40, "mine"), ("a-model-of-a-few-billion-parameters-0123", None), ("狗" * 40, "mine")],
    ids=["wide", "words", "east"],
)
def test_a_long_name_is_cut_before_the_edge_of_the_chart_of_ranks(
    folder: str | None, name: str, paper: Leaderboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = dataclasses.replace(paper.entries[0], name=name, folder=folder)
    board = dataclasses.replace(paper, entries=(entry, *paper.entries[1:]), agreements=())
    figures: list[Figure] = []

    def painted(_: str, title: str, description: str, height: float, paint: Callable[[Figure], None]) -> None:
        figures.append(Figure(figsize=(WIDTH, height)))
        paint(figures[-1])

    monkeypatch.setattr(ranking, "draw", painted)
    monkeypatch.setattr(ranking, "_f1_of_both", lambda *_: {name: (0.9, 0.7), "short": (0.8, 0.75)})
    ranking.slopes_chart(board, "mean")
    (axes,) = figures[0].axes
    cut = [text.get_text() for text in axes.texts if name[:5] in text.get_text()]
    assert len(cut) == 2
    assert all("…" in text for text in cut)
    for text in axes.texts:
        extent = text.get_window_extent()
        assert 0 <= extent.x0 < extent.x1 <= figures[0].bbox.width, text.get_text()


@pytest.mark.parametrize(
    ("places", "spread"),
    [
        ([], []),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]),  # far enough apart already
        ([2.0, 2.0], [1.75, 2.25]),
        ([2.0, 2.2, 2.4, 4.0], [1.7, 2.2, 2.7, 4.0]),
        ([0.0, 0.0], [0.25, 0.75]),  # not beyond an edge
        ([5.0, 5.0], [4.25, 4.75]),
    ],
)
def test_names_of_near_figures_move_apart_by_as_little_as_it_takes(
    places: list[float], spread: list[float]
) -> None:
    assert ranking.spread(places, 0.5, 5.0) == pytest.approx(spread)


def test_of_the_papers_models_only_intervals_that_are_apart_make_a_move_certain(paper: Leaderboard) -> None:
    rising, falling = certain_moves(paper, "random")
    pairs = [
        pair for each in paper.agreements if each.variant == "random" for pair in each.agreement.overtakings
    ]
    assert pairs
    entries = {entry.name: entry for entry in paper.entries}

    def are_apart(one: str, other: str) -> bool:
        ends = [
            [
                entries[name].cells[labels]["random"].estimates["f1"].interval or (0, 1)
                for name in (one, other)
            ]
            for labels in paper.label_sets
        ]
        return all(first[0] > second[1] or second[0] > first[1] for first, second in ends)

    certain = [pair for pair in pairs if are_apart(pair.model, pair.overtaken)]
    assert rising == {pair.model for pair in certain}
    assert falling == {pair.overtaken for pair in certain}


def test_one_run_has_no_ranking_chart_and_an_undefined_figure_no_mark(tmp_path: Path) -> None:
    write_run(tmp_path / "a", demo(), "a", answer_lines(demo(), yes="No"))
    board = board_of(tmp_path)
    charts = leaderboard_charts(board)
    assert not [chart.name for chart in charts if chart.name.startswith("ranking_")]
    page = page_of(board, charts)
    assert "–" in page
    Page(page)


def test_runs_that_are_not_ranked_have_their_own_list(page: str) -> None:
    others = page[page.index('id="others"') :]
    assert "has answers about 5 of 100 images" in others
    assert f"{len(demo().first_images(5).questions)} of 1,026" in others


def test_a_part_of_the_images_is_said_at_the_head(board: Leaderboard, charts: list[Chart], page: str) -> None:
    assert board.comparison is not None
    comparison = dataclasses.replace(board.comparison, n_images=5)
    partial = page_of(dataclasses.replace(board, comparison=comparison), charts)
    assert "about 5 of the benchmark&#39;s 100 images only" in partial.replace("'", "&#39;")
    assert "images only" not in page


def test_what_the_benchmark_measures_is_said_at_the_head(page: str, paper_page: str) -> None:
    place = page.index(f'<p class="measures">{SOURCES["demo"].measures}</p>')
    assert page.index("</h1>") < place < page.index('id="leaderboard"')
    assert 'class="measures"' not in paper_page  # no file was read


def test_it_says_how_intervals_are_made_and_how_to_cite(page: str, paper_page: str) -> None:
    assert "bootstrap over images" in page
    assert "binomial approximations" not in page
    assert "binomial approximations" in paper_page
    assert "@article{neuhaus2025repope," in paper_page


def test_nothing_ranked_is_still_a_page(board: Leaderboard) -> None:
    empty = dataclasses.replace(
        board,
        entries=(),
        comparison=None,
        overlaps=(),
        missed=None,
        agreements=(),
        differences=(),
        unranked=(),
        left_out=(LeftOut(folder="x", reason="why not"),),
    )
    page = page_of(empty, leaderboard_charts(empty))
    assert "why not" in page
    Page(page)


def test_of_many_models_the_page_holds_a_part_and_leads_to_the_rest(
    board: Leaderboard, charts: list[Chart], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_parts, "MANY_MODELS", 1)
    shown = page_of(board, charts)
    reader = Page(shown)
    assert shown.count("<figure>") == 3  # a chart of each kind
    in_files = {f"figures/{chart.name}.svg" for chart in charts}
    assert len(in_files & set(reader.links)) == len(charts) - 3
    every_figure = leaderboard_tables(board)["every_figure"]
    figures = page_parts.figures_on_page(board, every_figure)
    assert figures is not None
    assert {row.cells[1].text for row in figures.rows} == {board.headline}
    assert len(figures.rows) == 2 * len(board.entries)
    assert "tables/every_figure.csv" in reader.links


def test_pairs_are_a_table_where_there_are_few(board: Leaderboard, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = leaderboard_tables(board)["differences"]
    assert len(pairs.rows) == 3 * 8
    primary = page_parts.pairs_on_page(pairs)
    assert primary is not None
    assert [row.cells[0].text for row in primary.rows] == [row.cells[0].text for row in pairs.rows[:3]]
    assert not {"variant", "labels", "family"} & {column.title for column in primary.columns}
    assert all(len(row.cells) == len(primary.columns) for row in primary.rows)
    few = dataclasses.replace(pairs, rows=pairs.rows[:8])
    assert page_parts.pairs_on_page(few) == few
    monkeypatch.setattr(page_parts, "MOST_PAIRS", 2)
    assert page_parts.pairs_on_page(pairs) is None
