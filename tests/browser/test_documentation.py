"""The documentation's site in a browser: it asks no other server for anything, has no errors, and fits a telephone."""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Literal
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from built_site import make_site
from conftest import MadeOnce
from playwright.sync_api import Browser, Page

from docs_making.examples import FOLDER

pytestmark = pytest.mark.installed

NARROW = {"width": 390, "height": 844}


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and logs nothing."""

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def site(made_once: MadeOnce) -> Path:
    return made_once("documentation", make_site) / "site"


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where the site is served."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=NARROW, color_scheme="dark")
    yield context.new_page()
    context.close()


def test_no_page_asks_another_server_or_has_an_error(site: Path, address: str, page: Page) -> None:
    errors: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    paths = [
        path
        for path in sorted(site.rglob("*.html"))
        if path.name != "404.html" and path.parent.name != FOLDER
    ]
    wide = []
    for path in paths:
        page.goto(f"{address}/{path.relative_to(site)}")
        if not page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"):
            wide.append(path.name)
    page.wait_for_load_state("networkidle")
    assert errors == []
    assert {urlsplit(url).netloc for url in requests if not url.startswith(("data:", "blob:"))} == {
        urlsplit(address).netloc
    }
    assert wide == []
    assert len(requests) > len(paths)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_start_page_and_others_keep_the_rules_of_accessibility(
    width: int, scheme: Literal["light", "dark"], address: str, browser: Browser
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    for name in ("index.html", "how-to/score-answers.html", "reference/figures.html"):
        page.goto(f"{address}/{name}", wait_until="networkidle")
        broken = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        assert [(rule["id"], node["html"]) for rule in broken for node in rule["nodes"]] == [], name
    context.close()


def test_words_of_the_pages_are_found(address: str, page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(f"{address}/index.html", wait_until="networkidle")
    page.keyboard.press("Control+k")
    page.get_by_placeholder("Search").fill("preempted")
    page.get_by_text("Time limits and failures").first.wait_for(timeout=10_000)
