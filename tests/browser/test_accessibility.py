"""The pages by axe-core's rules, light and dark: landmarks, headings, names, contrast."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
import warm_commands
from annotated import write_lines
from annotation_pages import label, opened, rows
from axe_playwright_python.sync_playwright import Axe
from compared import answer_file, scored_run
from playwright.sync_api import Browser, Page, expect
from run_folders import demo, told_lines
from served import served, words

pytestmark = pytest.mark.installed

FURTHER = ".gallery > li:nth-child(n+12), tbody tr:nth-child(n+12), svg[role='img'] > :not(title, desc)"
"""Cards and rows that are like those above them, and what is in pictures: axe-core takes half a minute for them."""


@pytest.fixture(scope="module")
def comparison_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The comparison of a run with answers some of which are read differently."""
    folder = tmp_path_factory.mktemp("comparison")
    b = answer_file(folder / "b.jsonl", told_lines(demo(), 0.7)[:900])
    compared = (f"a={scored_run(folder / 'a')}", f"b={b}", "protocol_b=lmms_eval", f"out={folder}")
    warm_commands.run("compare", *compared, draws=True).check_returncode()
    return folder / "compare.html"


def violations(page: Page) -> list[str]:
    """Each rule that something on the page breaks, in the light and in the dark, and where."""
    return [*_violations(page, "light"), *_violations(page, "dark", {"runOnly": ["color-contrast"]})]


def _violations(
    page: Page, scheme: Literal["light", "dark"], options: dict[str, Any] | None = None
) -> list[str]:
    page.emulate_media(color_scheme=scheme)
    broken = (
        Axe().run(page, options={"resultTypes": ["violations"], **(options or {})}).response["violations"]
    )
    return [
        f"{scheme}, {rule['id']}: {node['html'][:200]} {node['failureSummary']}"
        for rule in broken
        for node in rule["nodes"]
    ]


@contextmanager
def loaded(browser: Browser, address: str) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(address)
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    page.evaluate(f"document.querySelectorAll({FURTHER!r}).forEach((part) => part.remove())")
    try:
        yield page
    finally:
        page.close()


@pytest.mark.parametrize(
    "name",
    [
        "run_page",
        "leaderboard",
        "runs_leaderboard",
        "comparison_page",
        "estimates_page",
        "queue_page",
        "mention_page",
        "asking_page",
        "relabelling_page",
    ],
)
def test_a_page_keeps_all_rules(name: str, browser: Browser, request: pytest.FixtureRequest) -> None:
    with loaded(browser, request.getfixturevalue(name).as_uri()) as page:
        assert violations(page) == []


def test_pictures_that_are_looked_at_keep_all_rules(browser: Browser, relabelling_page: Path) -> None:
    with loaded(browser, relabelling_page.as_uri()) as page:
        page.locator(".opener").first.click()
        assert violations(page) == []


def test_the_page_of_an_annotator_keeps_all_rules(browser: Browser, tmp_path: Path) -> None:
    queue = write_lines(tmp_path / "questions.jsonl", *rows("pope")[:2])
    command = words(tmp_path / "first.jsonl", "first", f"questions={queue}")
    with served(*command) as (_, address), opened(browser, address, reads_guideline=True) as (page, _):
        assert violations(page) == []
        page.keyboard.press("Enter")
        label(page, "Shift+Y", 1, 2)
        page.locator("#place").click()
        assert violations(page) == []
        page.keyboard.press("Escape")  # the number
        page.keyboard.press("Escape")  # the note
        expect(page.locator("#place")).to_have_text("Question 2 of 2")
        label(page, "n", 2, 2)
        assert violations(page) == []
