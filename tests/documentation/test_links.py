"""The links of the documentation's pages lead to files and headings that exist, and so do those of the built site."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from conftest import PROJECT
from documentation_pages import BLOCK, TEXTS, linked_path

from docs_making.links import mistakes

LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
SNIPPET = re.compile(r'^--8<-- "([^":]+)', re.MULTILINE)


def slug(heading: str) -> str:
    """The name of a heading's place, which is the same on GitHub and on the site for the headings here."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def places(text: str) -> set[str]:
    return {slug(heading) for heading in HEADING.findall(BLOCK.sub("", text))}


def wrong_links(path: Path, text: str) -> list[str]:
    wrong = []
    for link in LINK.findall(BLOCK.sub("", text)):
        if re.match(r"[a-z]+:", link):
            continue
        target, place = linked_path(path, link), link.partition("#")[2]
        if not target.is_file():
            wrong.append(f"{path.name}: {link} does not exist")
        elif place and place not in places(target.read_text(encoding="utf-8")):
            wrong.append(f"{path.name}: {link} is no heading of that page")
        elif (PROJECT / "docs") in path.parents and (PROJECT / "docs") not in target.parents:
            wrong.append(f"{path.name}: {link} leaves docs, which the site does not")
    return wrong


@pytest.mark.parametrize("page", TEXTS)
def test_links_lead(page: str) -> None:
    assert wrong_links(PROJECT / page, TEXTS[page]) == []


@pytest.mark.parametrize("page", TEXTS)
def test_headings_have_the_same_place_on_github_and_on_the_site(page: str) -> None:
    from markdown.extensions.toc import slugify

    headings = HEADING.findall(BLOCK.sub("", TEXTS[page]))
    assert [slug(heading) for heading in headings] == [
        slugify(re.sub(r"[`*]", "", heading), "-") for heading in headings
    ]
    assert len(set(headings)) == len(headings)


@pytest.mark.parametrize("link", ["none.md", "index.md#none", "#none", "../README.md"])
def test_a_link_that_leads_nowhere_is_found(link: str) -> None:
    assert len(wrong_links(PROJECT / "docs" / "index.md", f"# Title\n\n[text]({link})\n")) == 1


def test_every_page_is_in_the_navigation_once() -> None:
    def pages(entry: object) -> list[str]:
        if isinstance(entry, str):
            return [entry]
        parts = entry if isinstance(entry, list) else entry.values()  # type: ignore[attr-defined]
        return [page for part in parts for page in pages(part)]

    project = tomllib.loads((PROJECT / "zensical.toml").read_text(encoding="utf-8"))["project"]
    assert sorted(pages(project["nav"])) == sorted(page[5:] for page in TEXTS if page.startswith("docs/"))


def test_files_that_pages_include_exist() -> None:
    included = [name for text in TEXTS.values() for name in SNIPPET.findall(text)]
    assert included
    assert all((PROJECT / name).is_file() for name in included)


def site(tmp_path: Path, body: str) -> Path:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.html").write_text('<h1 id="there">B</h1>')
    (tmp_path / "index.html").write_text(body)
    return tmp_path


@pytest.mark.parametrize(
    ("body", "mistake"),
    [
        ('<a href="a/c.html">', "a/c.html does not exist"),
        ('<a href="a/b.html#gone">', "a/b.html#gone is no place of that page"),
        ('<img src="a.png">', "a.png does not exist"),
        ('<script src="https://cdn.example/a.js">', "loads https://cdn.example/a.js"),
        ('<link rel="stylesheet" href="//fonts.example/a.css">', "loads //fonts.example/a.css"),
        ('<a href="a/b.html#there"> <a href="https://example.org"> <link rel="next" href="a/b.html">', None),
    ],
)
def test_the_check_of_the_site_finds_what_is_wrong(tmp_path: Path, body: str, mistake: str | None) -> None:
    folder = site(tmp_path, body)
    expected = [f"index.html: {mistake}"] if mistake else []
    assert list(mistakes(folder)) == expected
    ended = subprocess.run(
        [sys.executable, "-m", "docs_making.links", folder],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr.split("\n")[:-1]) == (int(bool(mistake)), expected)
