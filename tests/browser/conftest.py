"""The browser that pages are tested in, and pages that several tests look at."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_pages import make_estimates_page, make_queue_page, make_relabelling_page
from playwright.sync_api import Browser, sync_playwright

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
