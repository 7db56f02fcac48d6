"""The page, the document and the tables of a leaderboard of captions."""

import csv
import io
from dataclasses import replace
from typing import Any

import pytest
from caption_boards import IMAGES, PADDING, board_of, captions, run_of

from repope_eval.benchmarks.sources import SOURCES
from repope_eval.leaderboard.caption_entries import CaptionBoard
from repope_eval.leaderboard.caption_latex import captions_latex
from repope_eval.leaderboard.caption_report import caption_charts, caption_document, render_captions
from repope_eval.leaderboard.caption_tables import caption_tables
from repope_eval.records import Label
from repope_eval.reporting.table_exports import csv_text

NAUGHTY = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def board() -> CaptionBoard:
    verdicts: dict[str, dict[str, Label]] = {image: {"cat": "yes"} for image in IMAGES[:40]}
    return board_of(
        run_of("first", captions(20)),
        run_of(NAUGHTY, captions(60, end=f"{PADDING} a cat")),
        run_of("alone", captions(5), prompt=f"{NAUGHTY} " + "Describe all of it. " * 9),
        run_of("going", captions(5), status="running", unfinished="is running"),
        verdicts=verdicts,
    )


@pytest.fixture(scope="module")
def page(board: CaptionBoard) -> str:
    return render_captions(board, caption_charts(board), "python -m x", {"first": "a/report.html"}, "y.html")


def rows(board: CaptionBoard, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(csv_text(caption_tables(board)[name]))))


def test_the_page_has_each_part_and_is_nobodys_markup(page: str) -> None:
    for part in (
        "Group 1: 2 runs",
        "prompt “Describe this image.”, 120 images, at most 64 tokens",
        "is running",
    ):
        assert part in page
    assert '<a href="a/report.html">first</a>' in page
    assert '<a href="y.html">a leaderboard of their own</a>' in page
    assert NAUGHTY not in page
    assert "First by CHAIRi under COCO&#39;s truth is first (14.3\u00a0%)" in page


def test_a_group_alone_in_the_report_has_its_first_sentence_once(page: str) -> None:
    assert page.count("First by CHAIRi under") == 1


def test_tables_have_all_runs_and_ranks_only_inside_a_group(board: CaptionBoard) -> None:
    found = {row["model"]: row for row in rows(board, "captions")}
    assert {name: row["rank"] for name, row in found.items()} == {"first": "1", NAUGHTY: "2", "alone": ""}
    assert float(found[NAUGHTY]["chair_i_first_64"]) == 0
    assert found[NAUGHTY]["rank_first_64"] == "1"
    assert (found["first"]["max_new_tokens"], found["first"]["n_images"]) == ("64", "120")
    assert found["alone"]["prompt"].endswith("Describe all of it. ")  # the whole of it
    corrected = {row["model"]: row for row in rows(board, "captions_corrected")}
    assert float(corrected["first"]["chair_i_corrected"]) == 0
    assert float(corrected["first"]["chair_i_lowest"]) == 0
    assert float(corrected["first"]["chair_i_highest"]) == pytest.approx(120 / 140)
    assert float(corrected[NAUGHTY]["judged"]) == pytest.approx(40 / 180)
    assert [row["why"] for row in rows(board, "captions_unranked")] == ["is running"]


def test_the_document_holds_what_the_page_shows(board: CaptionBoard) -> None:
    document = caption_document(board)
    (group,) = document["groups"]
    assert [model["name"] for model in group["models"]] == ["first", NAUGHTY]
    assert group["lead"]["value"] == pytest.approx(20 / 140 - 60 / 180)
    ranks: dict[str, Any] = group["models"][0]["ranks"]
    assert {basis: each["rank"] for basis, each in ranks.items()} == {
        "coco": 1,
        "first_words": 2,
        "corrected": 1,
    }
    assert document["alone"][0]["models"][0]["ranks"] == {}
    assert document["unranked"][0]["reason"] == "is running"


def test_charts_show_the_lowest_figure_at_the_top(board: CaptionBoard) -> None:
    names = [chart.name for chart in caption_charts(board)]
    assert names == ["captions_first_words_1", "captions_corrected_1"]


def test_the_table_for_a_paper_parts_what_cannot_be_compared(board: CaptionBoard) -> None:
    text = captions_latex(board)
    assert text.count(r"\emph{prompt ") == 2
    assert "cannot be compared" in text
    assert "corrected truth" in text
    assert "corrected truth" not in captions_latex(board_of(run_of("a", captions(3))))


def test_a_page_of_drawn_scenes_speaks_of_them_and_not_of_coco(board: CaptionBoard) -> None:
    truth = replace(board.truth, annotation="the annotation")
    drawn = render_captions(replace(board, source="demo_captions", truth=truth), [], "python -m x", {}, "")
    assert f'<p class="measures">{SOURCES["demo_captions"].measures}</p>' in drawn
    assert "and the annotation's elsewhere" in drawn
    assert "COCO's elsewhere" not in drawn
