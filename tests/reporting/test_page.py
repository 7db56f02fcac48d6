"""`report.html`: whole in itself, and nothing in it but what it was given, as text."""

import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest
from score_examples import CELL, RELABELLED, UNDEFINED_CELL, scores_of

from repope_eval.reporting.page import render_page

SCRIPT = "<script>alert(1)</script>"


class Page(HTMLParser):
    """The tags, attributes and texts of a page; tags that are not closed in order are an error."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attributes
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and self.open[-1] != "style":
            self.texts.append(data.strip())


def page(model: str = "a-model", **settings: object) -> str:
    scores = scores_of({"random": CELL}, {"random": RELABELLED}, model)
    return render_page(scores, {"bench.name": "repope", **settings}, {"answered": "2772 of 3000 questions"})


def test_the_figures_the_run_and_its_settings_are_shown() -> None:
    texts = Page(page()).texts
    assert texts[:2] == ["a-model on repope", "a-model on repope"]  # title and heading
    for text in (
        "random",
        "RePOPE",
        "0.9193",
        "+0.0461",
        "−148",
        "2774",
        "unparsed",
        "answered",
        "bench.name",
    ):
        assert text in texts
    assert "2772 of 3000 questions" in texts


def test_the_page_needs_nothing_from_elsewhere() -> None:
    source = page(url="https://example.org/annotations")
    found = Page(source)
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form", "a"} & set(found.tags)
    assert not {"src", "href", "srcset", "style", "onload"} & {name for name, _ in found.attributes}
    (style,) = re.findall(r"<style>(.*?)</style>", source, re.DOTALL)
    assert "url(" not in style
    assert "@import" not in style
    assert found.open == []


@pytest.mark.parametrize(
    "hostile", [SCRIPT, '"><img src=x onerror=alert(1)>', "</title><b>", "&amp;", "{{ 7*7 }}"]
)
def test_names_and_settings_are_text(hostile: str) -> None:
    plain = Page(page())
    found = Page(page(hostile, answers=hostile, **{hostile: "value"}))
    assert (set(found.tags), set(found.attributes)) == (set(plain.tags), set(plain.attributes))
    assert found.texts[:2] == [f"{hostile} on repope"] * 2
    assert found.texts.count(hostile) == 2  # as a setting's value and as a key


def test_facts_are_text() -> None:
    source = render_page(scores_of({"random": CELL}), {}, {SCRIPT: SCRIPT})
    assert "<script" not in source
    assert Page(source).texts.count(SCRIPT) == 2


def test_settings_are_shown_as_people_write_them() -> None:
    texts = Page(page(none=None, zero=0, no=False, variants=("random", "popular"), empty=())).texts
    shown = dict(pairwise(texts))
    assert (shown["none"], shown["zero"], shown["no"]) == ("–", "0", "False")
    assert shown["variants"] == "random, popular"


def test_what_is_undefined_is_a_dash() -> None:
    source = render_page(scores_of({"random": UNDEFINED_CELL}), {}, {})
    assert source.count("<td>–</td>") == 2
    assert "None" not in source


def test_a_variants_name_stands_once() -> None:
    assert page().count(">random<") == 1
