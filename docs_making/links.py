"""Checks a built site: its own links lead to pages and places that exist, and no page loads anything from elsewhere.

python -m docs_making.links site
"""

import sys
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {("link", "href"), ("script", "src"), ("img", "src"), ("iframe", "src"), ("source", "src")}
"""Elements and attributes whose addresses a browser asks for by itself."""

LOADING_RELATIONS = ("stylesheet", "icon", "preload", "preconnect", "modulepreload")
"""What a `link` element has to be for a browser to ask for its address."""


class PageParser(HTMLParser):
    """Collects what a page points to, and the places in it that can be pointed to."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.places: set[str] = {""}

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Notes where an element points, what it loads, and the place that it is."""
        values = {name: value or "" for name, value in attributes}
        self.places |= {values[name] for name in ("id", "name") if name in values}
        for name in ("href", "src"):
            if name in values:
                self.links.append(values[name])
                relations = set(values.get("rel", "").split())
                if (tag, name) in LOADED and (tag != "link" or relations & set(LOADING_RELATIONS)):
                    self.loads.append(values[name])


@cache
def parsed(path: Path) -> PageParser:
    """Reads a page of the site; each page is read once."""
    parser = PageParser()
    parser.feed(path.read_text(encoding="utf-8"))
    return parser


def mistakes(site: Path) -> Iterator[str]:
    """A line for each link that leads nowhere, and for each thing that is loaded from elsewhere."""
    for page in sorted(site.rglob("*.html")):
        where = page.relative_to(site)
        yield from (f"{where}: loads {url}" for url in parsed(page).loads if urlsplit(url).netloc)
        if page.name == "404.html":  # it is shown at any address, and links from the root
            continue
        for link in dict.fromkeys(parsed(page).links):
            url = urlsplit(link)
            if url.scheme or url.netloc:
                continue
            target = (page.parent / unquote(url.path)).resolve() if url.path else page
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                yield f"{where}: {link} does not exist"
            elif target.suffix == ".html" and unquote(url.fragment) not in parsed(target).places:
                yield f"{where}: {link} is no place of that page"


if __name__ == "__main__":
    found = list(mistakes(Path(sys.argv[1]).resolve()))
    sys.exit("\n".join(found) or 0)
