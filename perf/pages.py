"""How large the pages with a gallery are, how fast a browser shows them, and how many sheets they are printed on.

    python perf/pages.py [--images 500] [FILE ...]

A benchmark with ten questions about each image is simulated, with the answers of two models and drawn images of a
photograph's size. `score` makes the page of a run of them and `compare` that of the comparison; a headless Chromium
loads and prints both. With files, these pages are measured instead. Milliseconds are on the clock from the start of
loading, the least of five loads; a window has 1280 by 900 pixels, and paper is A4.
"""

import argparse
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from drawn_images import SIZES, write_files
from gauges import print_table
from simulated_answers import QUESTIONS, make_truth, write_answers, write_questions

from repope_eval.commands.compare import PAGE, execute
from repope_eval.commands.score import score_answers
from repope_eval.settings.command_settings import CompareSettings
from repope_eval.settings.config import BenchSettings, ScoreSettings

if TYPE_CHECKING:  # not every machine has a browser
    from playwright.sync_api import Browser

DIFFERENT_IMAGES = 40
"""As many are drawn; further images are the same under other names."""
LOADS = 5
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

TIMES = """() => {
  const [loading] = performance.getEntriesByType("navigation");
  const paints = performance.getEntriesByType("paint").map((paint) => paint.startTime);
  return [loading.domContentLoadedEventEnd, Math.min(...paints)];
}"""
HEADINGS = (
    "page",
    "MB",
    "images",
    "DOMContentLoaded ms",
    "first paint ms",
    "printing s",
    "sheets",
    "sheets without JavaScript",
)


class Measured(NamedTuple):
    """What one page takes."""

    loaded: float
    """Milliseconds to DOMContentLoaded, and to the first paint."""
    painted: float
    printing: float
    """Seconds that making a PDF takes."""
    n_sheets: int
    n_images: int


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="pages to measure")
    parser.add_argument("--images", type=int, default=500, help="ten questions each; default: 500")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        pages = options.files or make_pages(options.images, Path(name))
        print_table(HEADINGS, [*_rows(pages)])


def make_pages(n_images: int, folder: Path) -> list[Path]:
    """The page of a run of simulated answers, and that of their comparison with another model's."""
    truth = make_truth(n_images)
    write_questions(truth, folder / "questions", {"custom": tuple(range(QUESTIONS))})
    _write_images(n_images, folder / "images")
    bench = BenchSettings(
        name="simulated",
        source="custom",
        variants=("custom",),
        questions=str(folder / "questions" / "pope_custom.jsonl"),
        relabels=str(folder / "questions" / "repope_custom.jsonl"),
        images=str(folder / "images"),
    )
    for seed, model in enumerate(("first", "second")):
        answers = folder / f"{model}.jsonl"
        write_answers(truth, seed, answers, 1)
        score_answers(
            ScoreSettings(bench=bench, answers=str(answers), model=model, out=str(folder / model)), "perf"
        )
    execute(CompareSettings(a=str(folder / "first"), b=str(folder / "second"), out=str(folder)), "perf")
    return [folder / "first" / "report.html", folder / PAGE]


def _write_images(n_images: int, folder: Path) -> None:
    folder.mkdir()
    files = write_files(min(n_images, DIFFERENT_IMAGES), folder, SIZES)
    for image in range(n_images):
        shutil.copy(files[image % len(files)], folder / f"SIMULATED_{image:012d}.jpg")


def _rows(pages: list[Path]) -> Iterator[list[str]]:
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        raise SystemExit(f"no browser here: none of {', '.join(BROWSERS)}")
    with sync_playwright() as playwright:
        # Chromium refuses its sandbox to root, as whom containers run.
        browser = playwright.chromium.launch(executable_path=path, chromium_sandbox=False)
        for page in pages:
            with_script, without = _measure(browser, page), _measure(browser, page, has_script=False)
            yield [
                page.name,
                f"{page.stat().st_size / 1e6:.2f}",
                str(with_script.n_images),
                f"{with_script.loaded:.0f}",
                f"{with_script.painted:.0f}",
                f"{with_script.printing:.1f}",
                str(with_script.n_sheets),
                str(without.n_sheets),
            ]
        browser.close()


def _measure(browser: "Browser", path: Path, *, has_script: bool = True) -> Measured:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=has_script)
    page = context.new_page()
    times = []
    for _ in range(LOADS if has_script else 1):
        page.goto(path.absolute().as_uri(), wait_until="load")
        page.wait_for_timeout(200)  # the first paint may come later
        times.append(page.evaluate(TIMES))
    started = time.perf_counter()
    pdf = page.pdf(format="A4", prefer_css_page_size=True)
    printing = time.perf_counter() - started
    n_images = page.locator(".gallery > li").count()
    context.close()
    loaded, painted = (min(each) for each in zip(*times, strict=True))
    return Measured(loaded, painted, printing, len(re.findall(rb"/Type\s*/Page\b", pdf)), n_images)


if __name__ == "__main__":
    main()
