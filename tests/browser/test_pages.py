"""The pages in a browser: they ask nobody for anything, run nothing that a model said, fit, sort and filter."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
import warm_commands
from made_pages import NAUGHTY
from playwright.sync_api import Browser, Page, expect
from run_folders import answer_lines, demo, write_run

pytestmark = pytest.mark.installed

ColorScheme = Literal["light", "dark"]

WIDE: tuple[int, ColorScheme] = (1280, "light")
NARROW: tuple[int, ColorScheme] = (390, "dark")


@dataclass
class Told:
    """What a page did besides showing itself."""

    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)


def report(*words: str) -> None:
    warm_commands.run("report", *words, draws=True).check_returncode()


@pytest.fixture(scope="module")
def naughty_leaderboard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of runs whose names want to be markup, or are long with spaces and without, and one that is left out."""
    out, benchmark = tmp_path_factory.mktemp("naughty"), demo()
    for number, name in enumerate((*NAUGHTY, "a model " * 30, "20261126_172915_samples_pope")):
        write_run(out / "runs" / str(number), benchmark, name, answer_lines(benchmark, 0.03 * number, number))
    write_run(out / "runs" / "few", benchmark, NAUGHTY[1], answer_lines(benchmark.first_images(5)))
    report(f"runs={out / 'runs'}", f"out={out}")
    return out / "leaderboard.html"


@pytest.fixture(scope="module")
def naughty_run_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a run whose answers want to be markup: wrong ones, so that they are shown."""
    folder = tmp_path_factory.mktemp("answers")
    lines = answer_lines(demo(), 0.5, yes=f"Yes {NAUGHTY[0]}", no=f"No {NAUGHTY[1]}")
    (folder / "answers.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    words = ("score", f"answers={folder / 'answers.jsonl'}", f"out={folder / 'run'}")
    warm_commands.run(*words, draws=True).check_returncode()
    return folder / "run" / "report.html"


@contextmanager
def opened(
    browser: Browser, path: Path, width: int = 1280, scheme: ColorScheme = "light"
) -> Iterator[tuple[Page, Told]]:
    """A page in a window of that width, which has loaded all it wants."""
    told = Told()
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.on("console", lambda message: told.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: told.errors.append(str(error)))
    page.on("request", lambda request: told.requests.append(request.url))
    page.on("dialog", lambda dialog: (told.dialogs.append(dialog.message), dialog.dismiss()))
    page.goto(path.as_uri(), wait_until="load")
    try:
        yield page, told
    finally:
        context.close()


def asked_for(told: Told, path: Path) -> list[str]:
    """What was asked for beyond the file and what stands in it."""
    return [url for url in told.requests if url != path.as_uri() and not url.startswith("data:")]


A4_WIDTH = 703
"""Pixels between the margins of a printed page."""


def tables_say_that_they_scroll(page: Page) -> bool:
    """Whether a hint stands above each table that is wider than the window, and above no other."""
    hints = page.locator(".wide").evaluate_all(
        "all => all.map(wide => [wide.scrollWidth > wide.clientWidth + 1, !wide.previousElementSibling.hidden])"
    )
    return all(is_wide == has_hint for is_wide, has_hint in hints)


def fits_on_paper(page: Page) -> bool:
    """Whether the gallery is printed as far as it says, and no table is wider than the paper."""
    page.set_viewport_size({"width": A4_WIDTH, "height": 1000})
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    assert (
        page.locator(".gallery > li:visible").count() == page.locator(".gallery > li:not(.unprinted)").count()
    )
    widths = page.locator(".wide > table").evaluate_all("tables => tables.map(table => table.offsetWidth)")
    return max(widths) <= A4_WIDTH


WINDOWS = (
    ("leaderboard", WIDE),
    ("run_page", WIDE),
    ("naughty_leaderboard", WIDE),
    ("naughty_leaderboard", NARROW),
    ("naughty_run_page", NARROW),
    ("relabelling_page", NARROW),
    ("relabelling_page", WIDE),
    ("estimates_page", NARROW),
    ("queue_page", NARROW),
    ("mention_page", NARROW),
    ("asking_page", NARROW),
)
"""Each page in windows in which something else may go wrong; names that want to be markup are long, too."""
OF_NAUGHTY = (
    "naughty_leaderboard",
    "naughty_run_page",
    "relabelling_page",
    "estimates_page",
    "queue_page",
    "mention_page",
    "asking_page",
)


@pytest.mark.parametrize(("name", "window"), WINDOWS)
def test_a_page_fits_says_no_error_runs_no_names_and_asks_for_nothing(
    name: str, window: tuple[int, ColorScheme], browser: Browser, request: pytest.FixtureRequest
) -> None:
    width, scheme = window
    path = request.getfixturevalue(name)
    with opened(browser, path, width, scheme) as (page, told):
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert page.evaluate("document.body.scrollWidth <= document.body.clientWidth")
        color, ground = page.evaluate(
            "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
        )
        brightness = [sum(map(int, value[4:-1].split(","))) for value in (color, ground)]
        assert (brightness[0] < brightness[1]) == (scheme == "light")
        assert tables_say_that_they_scroll(page)
        if name in OF_NAUGHTY:
            text = page.locator("body").inner_text()
            assert all(naughty in text for naughty in NAUGHTY)
            assert page.locator("script").count() == 1
            assert page.locator("img[onerror], img[src='x']").count() == 0
        # Whatever the names are, F1 under both label sets is seen without scrolling.
        if "leaderboard" in name:
            heading = page.locator("#standings th", has_text="F1, RePOPE").bounding_box()
            assert heading is not None
            assert heading["x"] + heading["width"] <= width
        # What models say is shown as text, and never executed.
        assert page.locator("script").count() == 1
        assert page.locator("img[onerror], img[src='x']").count() == 0
        text = page.locator("body").inner_text()
        assert name in ("leaderboard", "run_page") or all(naughty in text for naughty in NAUGHTY)
        assert fits_on_paper(page)
        assert told.errors == []
        assert told.dialogs == []
        assert asked_for(told, path) == []


def column(page: Page, table: str, number: int = 1) -> list[str]:
    """What stands in a column of the rows that are shown."""
    return page.locator(f"#{table} tbody tr:visible td:nth-child({number})").all_inner_texts()


def ranked(page: Page) -> list[str]:
    """The models that the ranking shows."""
    return column(page, "standings", 2)


def test_the_tables_of_scores_need_not_be_scrolled(
    browser: Browser, run_page: Path, leaderboard: Path
) -> None:
    for path, name in ((run_page, "In percent"), (run_page, "Counts"), (leaderboard, "Models by F1")):
        with opened(browser, path, 1100) as (page, _):
            table = page.locator(f".wide[aria-label^='{name}']")
            assert table.evaluate("wide => wide.scrollWidth <= wide.clientWidth")


def test_on_a_phone_f1_is_seen_first(
    browser: Browser, run_page: Path, leaderboard: Path, estimates_page: Path
) -> None:
    with opened(browser, run_page, 390) as (page, _):
        before, after = page.locator(".headline .value").all()
        for value in (before, after):
            box = value.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] < 200
            assert box["x"] + box["width"] <= 390
    headings = {
        leaderboard: ("#standings", "F1, POPE", "F1, RePOPE"),
        estimates_page: ("#f1", "F1, old labels", "F1, true labels", "change in points"),
    }
    for path, (place, *titles) in headings.items():
        with opened(browser, path, 390) as (page, _):
            for title in titles:
                box = page.locator(f"{place} th", has_text=title).bounding_box()
                assert box is not None
                assert box["x"] + box["width"] <= 390


SMALLEST_LETTERS = """drawings => drawings.flatMap(drawing => {
  const scale = drawing.getBoundingClientRect().width / drawing.viewBox.baseVal.width;
  return [...drawing.querySelectorAll("text")].map(text => parseFloat(getComputedStyle(text).fontSize) * scale);
}).reduce((one, other) => Math.min(one, other))"""
"""The pixels of the smallest letters of drawings."""


def test_on_a_phone_the_letters_of_charts_can_be_read(
    browser: Browser, run_page: Path, leaderboard: Path
) -> None:
    for path in (run_page, leaderboard):
        with opened(browser, path, 390) as (page, _):
            assert page.locator("figure svg").evaluate_all(SMALLEST_LETTERS) >= 11
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
            hint = page.locator("figure .scrolls").first
            assert hint.inner_text().startswith("This chart is wider than the window")
            assert tables_say_that_they_scroll(page)
            page.set_viewport_size({"width": 1280, "height": 900})
            expect(hint).to_be_hidden()


VALUES = """drawing => [...drawing.querySelectorAll("text")].filter(
  text => /--(first|second)/.test(text.getAttribute("style")) ||
    /^(\\d+ of \\d+|POPE|RePOPE)$/.test(text.textContent)
).map(text => text.getBoundingClientRect().right)"""
"""Where a drawing's values end, which are in a label set's colour or say of how many, and its label sets' names."""


@pytest.mark.parametrize("name", ["counts", "hallucinated_objects", "missed_objects"])
def test_on_a_phone_the_values_of_a_chart_are_seen_without_scrolling(
    name: str, browser: Browser, run_page: Path
) -> None:
    with opened(browser, run_page, 390) as (page, _):
        ends = page.locator(f"svg[aria-labelledby^='{name}-title']").evaluate(VALUES)
        assert len(ends) > 6
        assert max(ends) <= 390


def test_a_click_or_a_key_on_a_heading_sorts_and_another_turns_the_order_round(
    browser: Browser, leaderboard: Path
) -> None:
    with opened(browser, leaderboard) as (page, _):
        page.get_by_label("variant").first.select_option("random")
        before = ranked(page)
        assert len(before) == 17
        assert before[:3] == ["Ovis2-4B", "Ovis2-8B", "InternVL2.5-78B"]
        heading = page.locator("#standings th", has_text="F1, POPE")
        heading.click()
        best_first = ranked(page)
        assert best_first != before
        heading.click()
        assert ranked(page) == best_first[::-1]
        heading.focus()
        page.keyboard.press("Enter")
        assert ranked(page) == best_first
        page.locator("#standings th", has_text="model").click()
        assert ranked(page) == sorted(before, key=str.lower)


def test_every_heading_of_every_sortable_table_sorts(browser: Browser, naughty_leaderboard: Path) -> None:
    with opened(browser, naughty_leaderboard) as (page, told):
        for heading in page.locator("table.sortable thead th").all():
            heading.evaluate("heading => heading.click()")
            assert heading.get_attribute("aria-sort") in ("ascending", "descending")
        assert told.errors == []


def test_filters_hide_the_rows_that_do_not_fit(browser: Browser, leaderboard: Path) -> None:
    with opened(browser, leaderboard) as (page, _):
        page.locator("form[data-table='standings'] input").fill("ovis")
        assert sorted(ranked(page)) == ["Ovis2-1B", "Ovis2-2B", "Ovis2-4B", "Ovis2-8B"]
        assert page.locator("form[data-table='standings'] + output").inner_text() == "4 of 17 rows"
        page.locator("form[data-table='standings'] input").fill("")
        assert len(ranked(page)) == 17
        page.get_by_text("Precision, recall, accuracy").click()
        variant, labels = page.locator("form[data-table='metrics'] select").all()
        variant.select_option("random")
        assert len(column(page, "metrics")) == 17 * 2
        labels.select_option("RePOPE")
        assert len(column(page, "metrics")) == 17
        page.locator("form[data-table='metrics'] input").fill("no such model")
        assert column(page, "metrics") == []
        assert page.locator("form[data-table='metrics'] + output").inner_text() == "No row fits the filter."


def test_one_variant_of_the_ranking_is_shown_and_another_can_be_chosen(
    browser: Browser, leaderboard: Path
) -> None:
    with opened(browser, leaderboard) as (page, _):
        headings = page.locator("#standings tr.group:visible")
        chooser = page.locator("form[data-table='standings'] select")
        assert headings.all_inner_texts() == ["mean"]
        assert chooser.locator("option").all_inner_texts() == [
            "mean", "random", "popular", "adversarial", "all",
        ]  # fmt: skip
        best = ranked(page)
        chooser.select_option("popular")
        assert (headings.all_inner_texts(), len(ranked(page))) == (["popular"], 17)
        chooser.select_option("all")
        assert headings.all_inner_texts() == ["mean", "random", "popular", "adversarial"]
        assert ranked(page)[:17] == best
        chooser.select_option("mean")
        page.emulate_media(media="print")  # on paper nobody can choose
        assert len(ranked(page)) == 4 * 17


def test_without_scripts_every_variant_of_the_ranking_is_shown(browser: Browser, leaderboard: Path) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.goto(leaderboard.as_uri())
    assert page.locator("#standings tr.group:visible").count() == 4
    assert page.locator("#standings tbody tr:visible td:first-child").count() == 4 * 17
    assert page.locator("form:visible").count() == 0
    page.close()


def test_the_address_keeps_what_was_chosen(browser: Browser, leaderboard: Path) -> None:
    with opened(browser, leaderboard) as (page, told):
        page.locator("form[data-table='standings'] select").select_option("random")
        page.locator("form[data-table='standings'] input").fill("Ovis2 & more?#")
        page.locator("form[data-table='standings'] input").fill("Ovis2")
        page.locator("#standings th", has_text="change of F1").click()
        chosen = ranked(page)
        assert page.evaluate("location.hash") == (
            "#?standings.sort=-change+of+F1&standings.variant=random&standings.model=Ovis2"
        )
        page.get_by_role("link", name="Further metrics").click()
        expect(page).to_have_url(re.compile(r"#every\?standings\.sort="))  # told a little after the click
        assert ranked(page) == chosen
        page.reload()
        assert ranked(page) == chosen
        heading = page.locator("#every")
        expect(heading).to_be_in_viewport()
        page.get_by_role("link", name="How to cite").click()
        page.locator("form[data-table='standings'] input").fill("")
        assert len(ranked(page)) == 17
        page.go_back()  # to the address with the search
        expect(page.locator("form[data-table='standings'] input")).to_have_value("Ovis2")
        assert ranked(page) == chosen
        assert told.errors == []


@pytest.mark.parametrize(
    "hash", ["#every", "#?standings.variant=none+such&standings.sort=-no+column&x=1&y", "#?", "#?=%", "#no"]
)
def test_an_address_that_names_no_choice_of_the_page_changes_nothing(
    hash: str, browser: Browser, leaderboard: Path
) -> None:
    with opened(browser, leaderboard) as (page, told):
        before = ranked(page)
        page.goto("about:blank")
        page.goto(leaderboard.as_uri() + hash)
        assert ranked(page) == before
        assert page.locator("#standings tr.group:visible").all_inner_texts() == ["mean"]
        if hash == "#every":
            expect(page.locator("#every")).to_be_in_viewport()
        assert told.errors == []


@pytest.mark.parametrize("name", ["run_page", "relabelling_page", "queue_page"])
def test_a_gallery_filters_and_its_pictures_open(
    name: str, browser: Browser, request: pytest.FixtureRequest
) -> None:
    with opened(browser, request.getfixturevalue(name)) as (page, told):
        cards = page.locator(".gallery > li:visible")
        before = cards.count()
        assert before > 0
        page.locator("section.filterable [name='object']").fill("no such object")
        assert cards.count() == 0
        page.reload()  # the address has the filter
        assert cards.count() == 0
        assert page.locator("section.filterable .quiet output").inner_text() == "No question fits the filter."
        page.locator("section.filterable [name='object']").fill("")
        assert cards.count() == before
        look_at_pictures(page)
        assert told.errors == []


def test_a_queue_shows_a_question_a_card_and_counts_images_once(browser: Browser, queue_page: Path) -> None:
    with opened(browser, queue_page) as (page, _):
        names = page.locator(".gallery > li .name").all_text_contents()
        assert len(names) == 100
        told = page.locator("section.filterable .quiet output")
        assert told.inner_text() == f"100 questions about {len(set(names))} images."
        assert len(set(names)) < 100
        more = page.get_by_role("button", name="Show more of the 60 further questions")
        assert page.locator(".gallery > li:visible").count() == 40
        more.click()
        assert page.locator(".gallery > li:visible").count() == 80
        page.locator("pre.selected").click()
        assert page.evaluate("getSelection().toString()").startswith(
            "python -m repope_eval annotate questions="
        )


def test_a_gallery_is_searched_by_what_the_model_answered(browser: Browser, tmp_path: Path) -> None:
    lines = answer_lines(demo(), 0.3)
    wanted = {"response": "No, but I CANNOT tell <b>for sure</b>."}
    (tmp_path / "answers.jsonl").write_text(
        "".join(json.dumps(line | (wanted if place < 200 else {})) + "\n" for place, line in enumerate(lines))
    )
    words = ("score", f"answers={tmp_path / 'answers.jsonl'}", f"out={tmp_path / 'run'}")
    warm_commands.run(*words, draws=True).check_returncode()
    with opened(browser, tmp_path / "run" / "report.html") as (page, told):
        items = page.locator(".gallery [data-kind]:visible")
        page.locator("section.filterable [name='response']").fill(" cannot TELL ")
        assert 0 < items.count() <= 200
        assert {text.inner_text() for text in items.locator(".response").all()} == {wanted["response"]}
        section = page.locator("#gallery").inner_text()
        assert "The filter leaves " in section
        assert "answers.jsonl has all" in section
        page.locator("section.filterable [name='response']").fill("no such answer")
        assert items.count() == 0
        assert told.errors == []


def look_at_pictures(page: Page) -> None:
    """Opens the first picture, goes on to the second and round to the last, and closes it."""
    names = page.locator(".gallery > li:has(.opener) .name").all_text_contents()
    first = page.get_by_role("button", name=f"Enlarge {names[0]}")
    first.click()
    dialog = page.get_by_role("dialog", name="Enlarged picture")
    shown = dialog.locator(".name")
    assert (shown.inner_text(), dialog.locator("output").inner_text()) == (names[0], f"1 of {len(names)}")
    assert dialog.get_by_role("img", name=names[0]).evaluate("image => image.naturalWidth") > 0
    assert (
        dialog.locator("[data-kind]").count()
        == page.locator(".gallery > li").first.locator("[data-kind]").count()
    )
    page.keyboard.press("ArrowRight")
    assert shown.inner_text() == names[1]
    dialog.get_by_role("button", name="Previous picture").click()
    page.keyboard.press("ArrowLeft")
    assert (shown.inner_text(), dialog.locator("output").inner_text()) == (
        names[-1],
        f"{len(names)} of {len(names)}",
    )
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    # The browser says a moment later that it closed.
    expect(page.get_by_role("button", name=f"Enlarge {names[-1]}")).to_be_focused()
