"""The browser that pages are tested in, and pages that several tests look at."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import warm_commands
from made_pages import (
    make_asking_page,
    make_estimates_page,
    make_mention_page,
    make_queue_page,
    make_relabelling_page,
)
from playwright.sync_api import Browser, sync_playwright
from run_folders import answer_lines, demo, write_run

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        missing = (
            f"no browser here: none of {', '.join(BROWSERS)}; tests/install_debian_packages.sh installs one"
        )
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        # Chromium refuses its sandbox to root, as whom containers run.
        running = playwright.chromium.launch(executable_path=path, chromium_sandbox=False)
        yield running
        running.close()


@pytest.fixture(scope="module")
def leaderboard(papers_leaderboard: Path) -> Path:
    """The leaderboard of the paper's 17 models."""
    return papers_leaderboard / "leaderboard.html"


@pytest.fixture(scope="module")
def runs_leaderboard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The leaderboard of four runs, which have answers, and so heatmaps and questions that most miss."""
    out, benchmark = tmp_path_factory.mktemp("runs"), demo()
    for number, wrong in enumerate((0.3, 0.1, 0.11, 0.02)):
        write_run(
            out / "runs" / str(number), benchmark, f"model {number}", answer_lines(benchmark, wrong, number)
        )
    warm_commands.run("report", f"runs={out / 'runs'}", f"out={out}", draws=True).check_returncode()
    return out / "leaderboard.html"


@pytest.fixture(scope="module")
def run_page(unbroken: Path) -> Path:
    """The page of the demo's run."""
    return unbroken / "report.html"


@pytest.fixture(scope="module")
def relabelling_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_relabelling_page(tmp_path_factory.mktemp("relabelling"))


@pytest.fixture(scope="module")
def estimates_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_estimates_page(tmp_path_factory.mktemp("estimates"))


@pytest.fixture(scope="module")
def queue_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_queue_page(tmp_path_factory.mktemp("queue"))


@pytest.fixture(scope="module")
def asking_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_asking_page(tmp_path_factory.mktemp("asking"))


@pytest.fixture(scope="module")
def mention_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_mention_page(tmp_path_factory.mktemp("mentions"))
