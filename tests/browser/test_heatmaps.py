"""The leaderboard's heatmaps in a browser: they say which pair is pointed at, and need no script to be read."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.installed


@pytest.fixture
def page(browser: Browser, runs_leaderboard: Path) -> Page:
    shown = browser.new_page(viewport={"width": 1280, "height": 900})
    shown.goto(runs_leaderboard.as_uri())
    return shown


def test_the_pair_that_is_pointed_at_is_said_below(page: Page) -> None:
    said = page.locator(".heat + .pointed").first
    cell = page.locator("table.heatmap").first.locator("tbody tr").nth(0).locator("td").nth(3)
    assert cell.get_attribute("class") == "up5"
    cell.hover()
    assert said.inner_text() == f"model 3 less model 0: {cell.get_attribute('title')}"
    page.close()


def test_arrow_keys_lead_from_cell_to_cell_and_over_the_diagonal(page: Page) -> None:
    said = page.locator(".heat + .pointed").first
    first = page.locator("table.heatmap").first.locator("tbody td[tabindex='0']")
    assert first.count() == 1
    first.focus()
    assert said.inner_text().startswith("model 3 less model 1: ")
    for key, pair in (
        ("ArrowLeft", "model 3 less model 1: "),  # there is none
        ("ArrowRight", "model 3 less model 2: "),
        ("ArrowDown", "model 1 less model 2: "),
        ("ArrowLeft", "model 1 less model 3: "),
        ("ArrowDown", "model 2 less model 3: "),
    ):
        page.keyboard.press(key)
        assert said.inner_text().startswith(pair), key
    page.close()


def test_in_half_a_heatmap_columns_keep_their_names(page: Page) -> None:
    table = page.locator("#overlap ~ .heat").first.locator("table")
    cell = table.locator("tbody tr").nth(1).locator("td:not(:empty)").first
    cell.focus()
    cell.click()
    said = page.locator("#overlap ~ .pointed").first.inner_text()
    assert said.startswith("model 1 and model 2: ")
    assert "errors shared of" in said
    page.close()


def test_without_a_script_every_number_of_the_heatmaps_is_there(
    browser: Browser, runs_leaderboard: Path
) -> None:
    context = browser.new_context(java_script_enabled=False)
    shown = context.new_page()
    shown.goto(runs_leaderboard.as_uri())
    heatmap = shown.locator("table.heatmap").first
    assert heatmap.is_visible()
    assert heatmap.locator("td[title]").count() == 4 * 3
    ground = heatmap.locator("td.up5").first.evaluate("cell => getComputedStyle(cell).backgroundColor")
    assert ground.startswith("rgba(31, 111, 176")
    context.close()
