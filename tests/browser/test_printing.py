"""A printed page: its gallery has about ten sheets and says what is left out, filtered or not, and without a script."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import warm_commands
from playwright.sync_api import Browser, Page
from run_folders import answer_lines, demo

pytestmark = pytest.mark.installed

LONG = "there is one in the image, as far as I can see it from here. " * 3
FEWEST_SHEETS, MOST_SHEETS = 7, 11


@pytest.fixture(scope="module")
def long_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run with many wrong and long answers, more than ten sheets have room for."""
    folder = tmp_path_factory.mktemp("answers")
    lines = answer_lines(demo(), 0.5, yes=f"Yes, {LONG}", no=f"No, I doubt that {LONG}")
    (folder / "answers.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    words = ("score", f"answers={folder / 'answers.jsonl'}", f"out={folder / 'run'}")
    warm_commands.run(*words, draws=True).check_returncode()
    return folder / "run" / "report.html"


@contextmanager
def opened(browser: Browser, path: Path, *, has_script: bool) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=has_script)
    page = context.new_page()
    page.goto(path.as_uri(), wait_until="load")
    try:
        yield page
    finally:
        context.close()


def n_sheets_of_gallery(page: Page) -> int:
    """How many sheets the page has more than without its gallery, which is gone from the page then."""
    whole = _n_sheets(page)
    page.evaluate("document.querySelector('#gallery').remove()")
    return whole - _n_sheets(page)


def _n_sheets(page: Page) -> int:
    pdf = page.pdf(format="A4", prefer_css_page_size=True)
    return len(re.findall(rb"/Type\s*/Page\b", pdf))


def told_and_printed(page: Page) -> tuple[int, int, int, int]:
    """The two numbers that the page says of what is printed, and how many cards are, of how many that fit a filter."""
    page.emulate_media(media="print")
    told = page.locator("#gallery .printed").inner_text()
    found = re.fullmatch(
        r"The first (\d+) of (\d+) images are printed; the page on a screen shows all of them\.", told
    )
    assert found is not None, told
    n_printed = page.locator(".gallery > li:visible").count()
    n_fitting = page.locator(".gallery > li:not([hidden])").count()
    page.emulate_media(media="null")
    return int(found[1]), int(found[2]), n_printed, n_fitting


@pytest.mark.parametrize("has_script", [True, False])
def test_a_long_gallery_has_about_ten_sheets_and_says_what_is_left_out(
    has_script: bool, browser: Browser, long_page: Path
) -> None:
    with opened(browser, long_page, has_script=has_script) as page:
        told, of, n_printed, n_fitting = told_and_printed(page)
        assert (told, of) == (n_printed, n_fitting)
        assert 0 < told < of
        assert FEWEST_SHEETS <= n_sheets_of_gallery(page) <= MOST_SHEETS


def test_of_a_filtered_gallery_the_first_cards_that_fit_the_filter_are_printed(
    browser: Browser, long_page: Path
) -> None:
    with opened(browser, long_page, has_script=True) as page:
        before = told_and_printed(page)
        page.locator("#gallery [name='variant']").select_option("random")
        told, of, n_printed, n_fitting = told_and_printed(page)
        assert (told, of) == (n_printed, n_fitting)
        assert before[0] < told < of <= before[1]
        assert FEWEST_SHEETS <= n_sheets_of_gallery(page) <= MOST_SHEETS


def test_a_gallery_that_paper_has_room_for_is_printed_whole(browser: Browser, long_page: Path) -> None:
    with opened(browser, long_page, has_script=True) as page:
        page.locator("#gallery [name='object']").fill("boat")
        page.emulate_media(media="print")
        assert page.locator("#gallery .printed").is_hidden()
        cards = page.locator(".gallery > li:visible")
        assert cards.count() == page.locator(".gallery > li:not([hidden])").count() > 0


def test_cards_of_captions_are_whole_and_count_what_is_mentioned(browser: Browser, tmp_path: Path) -> None:
    words = ("bench=demo_captions", "limit=12", f"out={tmp_path / 'run'}")
    warm_commands.run(*words, draws=True).check_returncode()
    with opened(browser, tmp_path / "run" / "report.html", has_script=True) as page:
        said = page.locator("section.filterable .quiet output")
        assert re.fullmatch(r"\d+ mentioned objects in 12 images\.", said.inner_text())
        page.locator("[name='object']").fill("unicorn")
        assert said.inner_text() == "No mentioned object fits the filter."
        page.locator("[name='object']").fill("")
        page.emulate_media(media="print")
        parts = page.locator(".gallery > li").evaluate_all(
            "cards => cards.map((card) => card.getClientRects().length)"
        )
        assert parts == [1] * 12
