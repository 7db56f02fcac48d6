"""Makes the pictures of the documentation anew, from pages that the program makes: python -m demo_making.pictures

It needs Chromium (`sh tests/install_debian_packages.sh`). The folder of the pictures is `docs/pictures`.
"""

import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from repope_eval.benchmarks.custom import DEMO_FOLDER

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
PROGRAM = (sys.executable, "-m", "repope_eval")
WIDTH, HEIGHT = 1184, 800
KEYS = "yna"
"""What is said to the first questions of the page on which people label."""


def main() -> None:
    """Makes the four pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, _page() as page:
        folder = Path(name)
        _run(f"out={folder / 'run'}", folder=folder)
        _picture(page, f"file://{folder / 'run' / 'report.html'}", "report")
        words = ("report", "reference=paper", f"runs={folder / 'none'}", f"out={folder / 'board'}")
        _run(*words, folder=folder)
        _picture(page, f"file://{folder / 'board' / 'leaderboard.html'}", "leaderboard")
        slopes = page.locator("figure", has=page.locator("svg", has_text="F1 before and after, mean"))
        slopes.first.locator("svg").screenshot(path=PICTURES / "slopes.png")
        with _serving(folder) as address:
            page.goto(address)
            page.locator("#stage img").wait_for()
            page.keyboard.press("Escape")  # the guideline
            for key in KEYS:
                page.keyboard.press(key)
                page.wait_for_timeout(500)
            page.screenshot(path=PICTURES / "annotate.png")


@contextmanager
def _page() -> Iterator[Page]:
    chromium = shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        browser.close()


def _run(*words: str, folder: Path) -> None:
    subprocess.run([*PROGRAM, *words], cwd=folder, check=True, capture_output=True)


def _picture(page: Page, address: str, name: str) -> None:
    page.goto(address)
    page.screenshot(path=PICTURES / f"{name}.png")


@contextmanager
def _serving(folder: Path) -> Iterator[str]:
    """The address of the page on which people label."""
    questions, images = DEMO_FOLDER / "pope_random.jsonl", DEMO_FOLDER / "images"
    words = ("annotate", f"questions={questions}", f"images={images}", "annotator=kim", "out=kim.jsonl")
    server = subprocess.Popen([*PROGRAM, *words], cwd=folder, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    yield server.stdout.readline().strip()
    server.send_signal(signal.SIGINT)
    server.wait()


if __name__ == "__main__":
    main()
