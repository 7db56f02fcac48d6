"""The page of `annotate` in a browser: opened, read, and labelled on."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import warm_commands
from playwright.sync_api import Browser, Locator, Page, Route, expect
from served import served, words

from repope_eval.benchmarks.custom import DEMO_FOLDER

FEW = ("scene_035.png", "scene_113.png", "scene_102.png")
KEYS = {"yes": "y", "no": "n", "ambiguous": "a"}

MEASURE = """
window.delays = [];
addEventListener("keydown", () => { window.pressed = performance.now(); }, true);
addEventListener("DOMContentLoaded", () => {
  const next = () => requestAnimationFrame(() => window.delays.push(performance.now() - window.pressed));
  new MutationObserver(next).observe(document.getElementById("place"), { childList: true });
});
"""
"""Notes the milliseconds from each key to the frame that shows the next question."""

Answers = Mapping[tuple[str, str], str]


@dataclass
class Told:
    """What a page did besides showing itself."""

    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@contextmanager
def opened(
    browser: Browser,
    address: str,
    *,
    changed: Mapping[str, str] | None = None,
    reads_guideline: bool = False,
    **options: Any,
) -> Iterator[tuple[Page, Told]]:
    """The page in a window of its own, with some words of its programs changed, and its guideline closed."""
    told = Told()
    context = browser.new_context(**{"viewport": {"width": 1300, "height": 900}, **options})
    context.add_init_script(MEASURE)
    page = context.new_page()
    page.on("console", lambda message: told.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: told.errors.append(str(error)))
    page.on("request", lambda request: told.requests.append(request.url))
    if changed:
        page.route("**/*.js?*", partial(_answer_changed, changed))
    page.goto(address)
    count(page).filter(has_text="labelled").wait_for()
    if not reads_guideline and page.locator("dialog[open]").count() > 0:
        page.keyboard.press("Escape")
    try:
        yield page, told
    finally:
        context.close()


def _answer_changed(changed: Mapping[str, str], route: Route) -> None:
    response = route.fetch()
    text = response.text()
    for old, new in changed.items():
        text = text.replace(old, new)
    route.fulfill(response=response, body=text)


@contextmanager
def labelling(
    browser: Browser, out: Path, questions: Path, **options: Any
) -> Iterator[tuple[warm_commands.Command, Page, Told]]:
    """The server at which the first annotator labels, and the page in a window of its own."""
    with (
        served(*words(out, "first", f"questions={questions}")) as (process, address),
        opened(browser, address, **options) as (page, told),
    ):
        yield process, page, told


def rows(name: str) -> list[dict[str, Any]]:
    """The rows about a few images in one of the demo's files."""
    lines = (DEMO_FOLDER / f"{name}_random.jsonl").read_text().splitlines()
    return [row for row in map(json.loads, lines) if row["image"] in FEW]


def answers(name: str) -> dict[tuple[str, str], str]:
    return {(row["image"], row["text"]): row["label"] for row in rows(name)}


def count(page: Page) -> Locator:
    return page.locator("#count")


def asked(page: Page) -> tuple[str, str]:
    page.locator("#place").filter(has_text="Question").wait_for()
    return page.locator("#image-name").inner_text(), page.locator("#question").inner_text()


def seen(page: Page) -> None:
    """Waits until an image is on the page: before that, keys are not taken."""
    page.locator("#stage img").wait_for()
    page.evaluate("document.querySelector('#stage img').decode()")
    page.wait_for_timeout(20)


def label(page: Page, key: str, stored: int, of: int) -> None:
    """Presses a key, and waits until so many labels are stored."""
    seen(page)
    page.keyboard.press(key)
    expect(count(page)).to_have_text(f"{stored} of {of} labelled")


def label_all(page: Page, truth: Answers, of: int) -> None:
    for stored in range(1, of + 1):
        label(page, KEYS[truth[asked(page)]], stored, of)
    expect(page.locator("#question")).to_have_text("All questions are labelled")


def stored_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]
