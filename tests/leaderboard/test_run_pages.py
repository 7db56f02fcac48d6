"""The addresses of the pages of runs: relative, quoted, and of pages that are there."""

import os
from pathlib import Path
from urllib.parse import unquote, urljoin

import pytest
from run_folders import answer_lines, demo, write_run

from repope_eval.leaderboard.report import report
from repope_eval.leaderboard.run_pages import relative_address
from repope_eval.settings.config import ReportSettings

NAMES = ["plain", "a b", "a#b?c=%41&d", 'a"b<script>', "javascript:alert(1)", "狗", "https:", "\udcff"]


@pytest.mark.parametrize("name", NAMES)
def test_an_address_leads_to_the_file_whatever_its_name_is(name: str, tmp_path: Path) -> None:
    page = tmp_path / "runs" / name / "report.html"
    for folder in (tmp_path / "out", tmp_path / "runs" / "board", tmp_path / "runs"):
        address = relative_address(page, folder)
        assert not set(address) & set("\"'<>&:?#\\ ")
        whole = urljoin((folder / "leaderboard.html").as_uri(), address)
        assert unquote(whole.removeprefix("file://"), errors="surrogateescape") == str(page)


def test_an_address_is_by_the_names_of_folders_as_in_a_browser(tmp_path: Path) -> None:
    (tmp_path / "far" / "away").mkdir(parents=True)
    (tmp_path / "out").symlink_to(tmp_path / "far" / "away")
    assert relative_address(tmp_path / "runs" / "report.html", tmp_path / "out") == "../runs/report.html"


def test_the_leaderboard_leads_to_the_pages_that_are_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("with", "without", os.fsdecode(b"odd \xff")):
        write_run(
            tmp_path / "runs" / name, demo(), f"model {len(name)}", answer_lines(demo(), 0.1, len(name))
        )
        if name != "without":
            (tmp_path / "runs" / name / "report.html").write_text("")
    report(ReportSettings(runs=str(tmp_path / "runs"), out=str(tmp_path / "out")), "report")
    page = (tmp_path / "out" / "leaderboard.html").read_text()
    assert page.count('<a href="../runs/with/report.html">model 4</a>') == 4
    assert page.count('<a href="../runs/odd%20%FF/report.html">') == 4
    assert "without/report.html" not in page
