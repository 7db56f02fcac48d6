"""The site that `make docs` builds: all pages, no broken link, and a build that fails where there is one."""

import re
from pathlib import Path

import pytest
from built_site import build, make_site, sources
from conftest import MadeOnce
from documentation_pages import TEXTS

from docs_making.examples import FOLDER, PAGES
from docs_making.links import mistakes


@pytest.fixture
def site(made_once: MadeOnce) -> Path:
    """The built site, only to be read."""
    return made_once("documentation", make_site) / "site"


def test_every_page_is_built_and_no_link_is_broken(site: Path) -> None:
    pages = {path.relative_to(site).with_suffix(".md") for path in site.rglob("*.html")}
    examples = {Path(FOLDER, page).with_suffix(".md") for page in PAGES}
    assert pages - {Path("404.md")} - examples == {
        Path(page[5:]) for page in TEXTS if page.startswith("docs/")
    }
    assert list(mistakes(site)) == []


def test_the_start_page_leads_to_every_example(site: Path) -> None:
    linked = re.findall(rf'href="{FOLDER}/([^"]+)"', (site / "index.html").read_text(encoding="utf-8"))
    assert linked == list(PAGES)


@pytest.mark.parametrize("page", ["results", "scale"])
def test_what_was_measured_is_on_the_site(site: Path, page: str) -> None:
    text = (site / "reference" / f"{page}.html").read_text(encoding="utf-8")
    assert text.count("<table>") >= 2
    assert "--8&lt;--" not in text
    assert "--8<--" not in text


@pytest.mark.parametrize("link", ["none.md", "index.md#none"])
def test_a_broken_link_ends_the_build(tmp_path: Path, link: str) -> None:
    folder = tmp_path / "documentation"
    sources(folder)
    with (folder / "docs" / "tutorial" / "laptop.md").open("a", encoding="utf-8") as page:
        page.write(f"\n[text]({link})\n")
    built = build(folder)
    assert built.returncode != 0
    assert "tutorial/laptop.md" in built.stdout + built.stderr
