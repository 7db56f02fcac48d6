"""`annotate` in a browser: images on a phone and close by, read aloud, missing and damaged."""

from pathlib import Path

import pytest
from annotated import write_lines
from annotation_pages import asked, count, labelling, opened, rows, seen, stored_lines
from playwright.sync_api import Browser, CDPSession, Page, expect
from served import served

pytestmark = pytest.mark.installed


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """The demo's questions about a few images."""
    return write_lines(tmp_path / "questions.jsonl", *rows("pope"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_it_fits_and_is_used_by_touch(
    scheme: str, browser: Browser, questions: Path, tmp_path: Path
) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    out, of = tmp_path / "first.jsonl", len(rows("pope"))
    with labelling(browser, out, questions, **phone, color_scheme=scheme) as (_, page, told):
        seen(page)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        for button in page.locator("#labels button, #tools button").all():
            box = button.bounding_box()
            assert box is not None
            assert box["height"] >= 44
            assert button.evaluate("each => each.scrollWidth <= each.clientWidth")
            assert 0 <= box["x"] <= box["x"] + box["width"] <= 390
        color, ground = page.evaluate(
            "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
        )
        brightness = [sum(map(int, value[4:-1].split(","))) for value in (color, ground)]
        assert (brightness[0] < brightness[1]) == (scheme == "light")
        page.get_by_role("button", name="Ambiguous").tap()
        expect(count(page)).to_have_text(f"1 of {of} labelled")
        page.get_by_role("button", name="Undo").tap()
        expect(count(page)).to_have_text(f"0 of {of} labelled")
        assert told.errors == []
    assert [line["label"] for line in stored_lines(out)] == ["ambiguous", None]


def scale(page: Page) -> float:
    """How many times as large as the whole image the image is shown."""
    found = page.evaluate("new DOMMatrix(getComputedStyle(document.querySelector('#stage img')).transform).a")
    return float(found)


def touch(fingers: CDPSession, kind: str, *points: tuple[int, int]) -> None:
    """Puts fingers on the screen, moves them, or takes them off."""
    fingers.send(
        "Input.dispatchTouchEvent",
        {
            "type": kind,
            "touchPoints": [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)],
        },
    )


def test_two_fingers_show_an_image_closer(browser: Browser, questions: Path, tmp_path: Path) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    with labelling(browser, tmp_path / "first.jsonl", questions, **phone) as (_, page, _):
        seen(page)
        fingers = page.context.new_cdp_session(page)
        touch(fingers, "touchStart", (150, 300), (250, 300))
        for far in (10, 30, 50):
            touch(fingers, "touchMove", (150 - far, 300), (250 + far, 300))
        touch(fingers, "touchEnd")
        assert scale(page) == pytest.approx(2, abs=0.1)


def test_an_image_is_looked_at_closely_and_read_aloud(
    browser: Browser, questions: Path, tmp_path: Path
) -> None:
    with labelling(browser, tmp_path / "first.jsonl", questions) as (_, page, _):
        seen(page)
        page.mouse.move(400, 300)
        page.mouse.wheel(0, -300)
        page.wait_for_timeout(100)
        assert scale(page) > 1
        page.keyboard.press("0")
        assert scale(page) == 1
        page.mouse.click(400, 300)
        assert scale(page) == 3
        page.mouse.click(400, 300)
        assert scale(page) == 1
        said = page.locator("[aria-live='polite']").inner_text()
        assert said.startswith("Question 1 of ")
        assert asked(page)[1] in said
        assert page.get_by_role("button", name="Yes").get_attribute("aria-keyshortcuts") == "y"
        assert page.get_by_role("progressbar", name="Questions labelled").count() == 1


def test_missing_and_damaged_images_are_said_and_take_no_label(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(b"no image")
    rows = [{"image": name, "question": "Is there a cat in the image?"} for name in ("a.png", "gone.png")]
    queue = write_lines(tmp_path / "queue.jsonl", *rows)
    out = tmp_path / "first.jsonl"
    command = [
        "annotate",
        f"questions={queue}",
        f"images={tmp_path / 'images'}",
        "annotator=first",
        f"out={out}",
    ]
    with served(*command) as (_, address), opened(browser, address) as (page, _):
        expect(page.locator("#skipped")).to_have_text("1 question left out: no image")
        expect(page.locator("#stage")).to_contain_text("This image cannot be shown")
        page.keyboard.press("y")
        page.wait_for_timeout(100)
        expect(count(page)).to_have_text("0 of 1 labelled")
    assert not out.exists()
