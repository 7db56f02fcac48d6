"""The page of a comparison in a browser: it fits a phone, asks nobody for anything, and its questions filter."""

import json
from pathlib import Path

import pytest
import warm_commands
from compared import answer_file, scored_run
from playwright.sync_api import Browser
from run_folders import demo, told_lines

pytestmark = pytest.mark.installed

NAUGHTY = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def page_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run against answers that want to be markup, some of which are read differently."""
    folder = tmp_path_factory.mktemp("comparison")
    lines = told_lines(demo(), 0.7, yes=f"Yes {NAUGHTY}")[:900]
    b = answer_file(folder / f"{'long-name-of-' * 3}b.jsonl", lines)
    words = (f"a={scored_run(folder / 'a')}", f"b={b}", "protocol_b=lmms_eval", "margin=.02", f"out={folder}")
    warm_commands.run("compare", *words, draws=True).check_returncode()
    return folder / "compare.html"


@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (390, "dark")])
def test_the_page_fits_and_filters(width: int, scheme: str, browser: Browser, page_path: Path) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("dialog", lambda dialog: (told.append(dialog.message), dialog.dismiss()))
    page.on(
        "request",
        lambda request: None if request.url.startswith(("data:", "file:")) else told.append(request.url),
    )
    page.goto(page_path.as_uri(), wait_until="load")
    try:
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert NAUGHTY in page.locator("body").inner_text()
        kinds = page.locator("section.filterable [name='kind'] option")
        assert kinds.count() >= 5
        document = json.loads(page_path.with_name("compare.json").read_text())
        for kind in ("only a is right", "read differently", "only a answered"):
            number = sum(each["kind"] == kind for each in document["questions"])
            page.locator("section.filterable [name='kind']").select_option(kind)
            noun = "question" if number == 1 else "questions"
            said = page.locator("section.filterable output").inner_text()
            assert said.startswith(f"The filter leaves {number} {noun} about ")
            shown = page.locator(".gallery .kind:visible").all_inner_texts()
            assert shown
            assert set(shown) == {kind}
        page.locator("section.filterable [name='object']").focus()
        page.keyboard.type("no such object")
        assert page.locator(".gallery > li:visible").count() == 0
        assert told == []
    finally:
        context.close()


def test_the_page_of_equal_answers_has_no_error_and_nothing_to_filter(
    browser: Browser, tmp_path: Path
) -> None:
    run = scored_run(tmp_path / "run")
    words = (f"a={run}", f"b={run}", "labels_a=pope", "labels_b=repope", f"out={tmp_path}")
    warm_commands.run("compare", *words, draws=True).check_returncode()
    page = browser.new_page()
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.goto((tmp_path / "compare.html").as_uri(), wait_until="load")
    try:
        assert "every answer is read the same" in page.locator("#gallery").inner_text()
        assert page.locator("form, button.more").count() == 0
        assert told == []
    finally:
        page.close()
