"""The browser that pages are tested in."""

import os
import shutil
from collections.abc import Iterator

import pytest
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
