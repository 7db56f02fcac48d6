"""`report.html`: whole in itself, and nothing in it but what it was given, as text."""

import base64
import dataclasses
import hashlib
import re
from itertools import pairwise
from pathlib import Path

import pytest
from html_pages import Page
from PIL import Image
from run_examples import EVIDENCE, run_view, verdict
from score_examples import CELL, UNDEFINED_CELL, scores_of

from repope_eval.reporting.page import RunView, render_run_page

HOSTILE = [
    "<script>alert(1)</script></svg><iframe></style></title></script><b>]]><!-- -->",
    """"><img src=x onerror=alert(1)>' onmouseover='alert(1)&amp;&lt;{{ 7*7 }}{% raw %}$x^2$ \\frac{""",
]


def html(view: RunView) -> str:
    return render_run_page(view).html


@pytest.fixture(scope="module")
def whole() -> str:
    return html(run_view())


def test_the_figures_the_run_and_its_settings_are_shown(whole: str) -> None:
    texts = Page(whole).texts
    assert texts[:2] == ["a-word on repope"] * 2  # title and heading
    for text in (
        "RePOPE",
        "91.9",
        "85.1–89.3",
        "+4.6",
        "+3.5 to +5.7",
        "85.0",
        "0.700",
        "−148",
        "2774",
        "unparsed",
        "1.2 s",
        "Gallery",
        "How to cite",
    ):
        assert text in texts
    for text in ("0.880–0.940", "FN → TN, label error", "yes: a-word", "87.3 (85.1–89.3)"):
        assert text in texts
    assert any("since 52.5\u00a0% of the answered questions that F1 counts have" in text for text in texts)
    assert any("from 83.5 % to 92.8 % whatever each of them is" in text for text in texts)
    assert any(pair == ("0.043", "0.030–0.060") for pair in pairwise(texts))
    assert any("neuhaus2025repope" in text and "li2023pope" in text for text in texts)


def test_what_the_benchmark_measures_stands_above_the_scores() -> None:
    source = html(run_view(measures="It tells & it hides."))
    place = source.index('<p class="measures">It tells &amp; it hides.</p>')
    assert source.index("</h1>") < place < source.index('id="scores"')


def test_the_page_needs_nothing_from_elsewhere(whole: str) -> None:
    found = Page(html(run_view(settings={"url": "https://example.org/annotations"})))
    assert not {"link", "iframe", "object", "embed", "base", "image", "foreignobject"} & set(found.tags)
    for name, value in found.attributes:
        assert not name.startswith("on")
        assert name not in ("src", "srcset", "action", "formaction", "xlink:href")
        if name == "href":
            assert (value or "").startswith("#")
    (style,) = re.findall(r"<style>(.*?)</style>", whole, re.DOTALL)
    for source in (style, *(value or "" for name, value in found.attributes if name == "style")):
        assert not re.search(r"@import|url\((?!#)", source)


def test_only_its_own_script_may_run(whole: str) -> None:
    (policy,) = [value for name, value in Page(whole).attributes if "default-src" in (value or "")]
    (script,) = re.findall(r"<script>(.*?)</script>", whole, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in (policy or "")
    assert "default-src 'none'" in (policy or "")


def test_links_and_references_lead_to_ids_that_occur_once(whole: str) -> None:
    found = Page(whole)
    assert len(found.ids) == len(set(found.ids))
    targets = {value.removeprefix("#") for name, value in found.attributes if name == "href" and value}
    for name, value in found.attributes:
        targets |= set(re.findall(r"url\(#([^)]+)\)", value or ""))
        targets |= set((value or "").split()) if name == "aria-labelledby" else set()
    assert targets <= set(found.ids)
    assert len(targets) > 10


@pytest.mark.draws
@pytest.mark.parametrize("hostile", HOSTILE)
def test_words_of_files_and_models_are_text(hostile: str, whole: str) -> None:
    plain, found = Page(whole), Page(html(run_view(hostile)))
    assert set(found.tags) == set(plain.tags)
    assert {name for name, _ in found.attributes} == {name for name, _ in plain.attributes}
    assert found.texts[:2] == [f"{hostile} on repope"] * 2
    assert found.texts.count(hostile) >= plain.texts.count("a-word") - 12  # charts cut long names


def test_what_no_page_can_hold_is_replaced() -> None:
    source = html(run_view("nul\0 escape\x1b surrogate\ud800"))
    source.encode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f]", source.replace("\n", ""))
    assert "nul\N{REPLACEMENT CHARACTER} escape\N{REPLACEMENT CHARACTER}" in source


def test_settings_are_shown_as_people_write_them() -> None:
    settings = {"none": None, "zero": 0, "no": False, "variants": ("random", "popular"), "long": "x" * 9000}
    shown = dict(pairwise(Page(html(run_view(settings=settings))).texts))
    assert (shown["none"], shown["zero"], shown["no"]) == ("–", "0", "False")
    assert shown["variants"] == "random, popular"
    assert shown["long"].endswith("… (4000 more characters)")


def settings_of(source: str, heading: str) -> dict[str, str]:
    """The settings that a page lists below a heading; none where it has no such heading."""
    _, found, rest = source.partition(heading)
    listed = rest.partition("</dl>")[0] if found else ""
    return dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", listed))


def test_settings_at_their_defaults_are_folded() -> None:
    settings = {
        "limit": 8,
        "protocol": "repope",
        "data_dir": None,
        "model.max_new_tokens": 1024,
        "model.dtype": "float16",
        "bench.labels.yes": ["yes", "true", "1"],
        "bench.labels.no": ["no"],
        "unknown_here": None,
    }
    source = html(run_view(settings=settings))
    assert settings_of(source, "<h3>Settings that are not at their defaults</h3>") == {
        "limit": "8",
        "model.dtype": "float16",
        "bench.labels.no": "no",
        "unknown_here": "–",
    }
    assert settings_of(source, "<details>\n<summary>The settings at their defaults</summary>") == {
        "protocol": "repope",
        "data_dir": "–",
        "model.max_new_tokens": "1024",
        "bench.labels.yes": "yes, true, 1",
    }
    assert "The settings at their defaults" not in html(run_view(settings={"limit": 8}))


def test_the_interval_of_a_figure_is_beside_it(whole: str) -> None:
    assert '<b>87.3</b> <span class="of">(85.1–89.3)</span>' in whole
    (scores, *_) = re.findall(r'<table class="[^"]*beside[^"]*">.*?</table>', whole, re.DOTALL)
    assert "In percent, with the 95 % interval of F1" in scores
    assert re.search(r"91\.9\s*<small>85\.1–89\.3</small>", scores)
    assert "1150" not in scores  # counts have a table of their own


def test_a_prompt_keeps_its_line_breaks() -> None:
    assert "<pre>\n\n&lt;image&gt;\nIs there</pre>" in html(run_view(prompt="\n<image>\nIs there"))


def test_what_is_undefined_is_a_dash_with_its_reason() -> None:
    view = RunView(scores=scores_of({"random": UNDEFINED_CELL}), settings={})
    source = html(view)
    assert "None" not in source
    assert "<td>–</td>" in source
    assert "random, POPE: precision: undefined in 3 of 10000 replicates" in source


def test_what_there_is_nothing_of_has_no_section() -> None:
    scores = scores_of({"random": CELL})
    page = render_run_page(RunView(scores=scores, settings={}))
    found = Page(page.html)
    assert ("class", "measures") not in found.attributes
    assert set(found.ids) >= {"scores", "run", "cite"}
    assert not {"relabelling", "evidence", "protocols", "gallery"} & set(found.ids)
    assert sorted(page.figures) == [
        "counts.pdf",
        "counts.svg",
        "precision_recall.pdf",
        "precision_recall.svg",
    ]


def test_label_sets_may_have_any_names_and_number() -> None:
    names = ("original", "second", "third")
    scores = scores_of({"all": CELL})
    cells = dict.fromkeys(names, scores.cells["pope"])
    scores = dataclasses.replace(scores, cells=cells, evidence={names[0]: {"all": EVIDENCE}})
    settings = {"bench.source": "dash_b"}
    texts = Page(html(RunView(scores=scores, settings=settings))).texts
    assert set(names) <= set(texts)
    assert any("augustin2025dash" in text for text in texts)


def test_pages_and_figures_are_the_same_each_time() -> None:
    assert render_run_page(run_view()) == render_run_page(run_view())


@pytest.mark.draws
def test_a_large_run_stays_below_three_megabytes(tmp_path: Path) -> None:
    words = "\N{GRINNING FACE}'" * 5000
    verdicts = [verdict(image=f"{number}.png", response=words, question=words) for number in range(4000)]
    view = run_view(words)
    answers = view.scores.unparsed * 3000
    picture = tmp_path / "picture.png"
    Image.effect_noise((300, 300), 90).save(picture)
    images = {each.answer.question.image: picture for each in verdicts}
    disagreements = view.scores.disagreements * 3000
    source = html(run_view(verdicts=verdicts, unparsed=answers, disagreements=disagreements, images=images))
    assert len(source.encode()) > 2_900_000
    assert re.search(r"Pictures of \d+ images are left out", source)
    assert len(source.encode()) < 3_000_000
    assert "2850 further rows not shown" in source
    assert re.search(r"<b>\d+ questions not shown</b>", source)


def test_mcc_is_not_said_to_be_independent_of_the_share_of_yes(whole: str) -> None:
    texts = Page(whole).texts
    assert any(text.endswith("label yes, and MCC, which does") for text in texts)
    assert not any("depend less than F1" in text for text in texts)


def test_not_every_figure_is_said_to_have_an_interval(whole: str) -> None:
    assert "Every figure" not in whole


@pytest.mark.parametrize("name", ["amber-x", "repope", "mine"])
def test_a_table_cites_nobody_whatever_it_is_called(name: str) -> None:
    scores = dataclasses.replace(scores_of({"random": CELL}), bench=name)
    html = render_run_page(RunView(scores=scores, settings={"bench.source": "table"})).html
    assert "Cite the source of the questions." in html
    assert "@article" not in html


def test_a_known_benchmark_is_cited_whatever_it_is_called() -> None:
    scores = dataclasses.replace(scores_of({"random": CELL}), bench="mine")
    html = render_run_page(RunView(scores=scores, settings={"bench.source": "amber"})).html
    assert "@article{wang2023amber," in html
