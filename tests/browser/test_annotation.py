"""`annotate` in a browser: people label by keys and by touch, and nothing that they press is lost or leaves."""

import json
import resource
import signal
import statistics
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import warm_commands
from annotated import write_lines
from playwright.sync_api import Browser, CDPSession, Locator, Page, expect
from served import ended, served, words

from repope_eval.benchmarks.demo import DEMO_FOLDER
from repope_eval.benchmarks.pope_file import read_rows

pytestmark = pytest.mark.installed

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
def opened(browser: Browser, address: str, **options: Any) -> Iterator[tuple[Page, Told]]:
    """The page in a window of its own."""
    told = Told()
    context = browser.new_context(**{"viewport": {"width": 1300, "height": 900}, **options})
    context.add_init_script(MEASURE)
    page = context.new_page()
    page.on("console", lambda message: told.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: told.errors.append(str(error)))
    page.on("request", lambda request: told.requests.append(request.url))
    page.goto(address)
    try:
        yield page, told
    finally:
        context.close()


def rows(name: str) -> list[dict[str, Any]]:
    """The rows about a few images in one of the demo's files."""
    lines = (DEMO_FOLDER / f"{name}_random.jsonl").read_text().splitlines()
    return [row for row in map(json.loads, lines) if row["image"] in FEW]


def answers(name: str) -> dict[tuple[str, str], str]:
    return {(row["image"], row["text"]): row["label"] for row in rows(name)}


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """The demo's questions about a few images."""
    return write_lines(tmp_path / "questions.jsonl", *rows("pope"))


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


def test_two_people_label_a_third_decides_and_relabel_gives_the_corrected_labels(
    browser: Browser, questions: Path, tmp_path: Path
) -> None:
    first, second = answers("annotator_first"), answers("annotator_second")
    disputed = {key for key in first if {first[key], second[key]} == {"yes", "no"}}
    planted = next(key for key in first if key not in disputed and first[key] == second[key] == "no")
    people = {"first": {**first, planted: "yes"}, "second": second}
    disputed.add(planted)
    files = {name: tmp_path / f"{name}.jsonl" for name in (*people, "third")}
    delays: list[float] = []
    for name, truth in people.items():
        command = words(files[name], name, f"questions={questions}")
        with served(*command) as (_, address), opened(browser, address) as (page, told):
            label(page, "a", 1, len(first))  # a slip
            label(page, "u", 0, len(first))
            label_all(page, truth, len(first))
            delays += page.evaluate("window.delays")[1:]
            assert told.errors == []
            assert all(url.startswith(address.partition("?")[0]) for url in told.requests)
    print(f"from key to next question: median {statistics.median(delays):.1f} ms, most {max(delays):.1f} ms")
    assert statistics.median(delays) < 50
    both = f"annotators=[{files['first']},{files['second']}]"
    truth = {**answers("decider"), planted: "no"}
    with (
        served(*words(files["third"], "third", both, "decide=true")) as (_, address),
        opened(browser, address) as (page, told),
    ):
        expect(page.locator("#views li strong")).to_have_count(2)
        assert {"One says yes", "One says no"} == set(page.locator("#views li strong").all_inner_texts())
        label_all(page, truth, len(disputed))
        assert told.errors == []
    out = tmp_path / "relabelled.jsonl"
    result = warm_commands.run(
        "relabel", f"questions={questions}", both, f"decider={files['third']}", f"out={out}"
    )
    assert result.returncode == 0, result.stderr
    assert {(row.question.image, row.question.text): row.label for row in read_rows(out)} == answers("repope")


def test_undo_notes_and_a_change_of_mind_are_lines_of_the_file(
    browser: Browser, questions: Path, tmp_path: Path
) -> None:
    out, of = tmp_path / "first.jsonl", len(rows("pope"))
    with (
        served(*words(out, "first", f"questions={questions}")) as (_, address),
        opened(browser, address) as (page, told),
    ):
        first = asked(page)
        label(page, "y", 1, of)
        second = asked(page)
        label(page, "n", 2, of)
        label(page, "u", 1, of)
        assert asked(page) == second
        page.keyboard.press("m")
        page.locator("#text").fill("behind the tree")
        page.keyboard.press("Enter")
        expect(page.locator("#note")).to_have_text("behind the tree")
        label(page, "a", 2, of)
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        assert asked(page) == first
        expect(page.locator("[data-label='yes']")).to_have_attribute("aria-pressed", "true")
        label(page, "N", 2, of)
        assert asked(page) not in (first, second)
        page.keyboard.press("Control+a")
        page.reload()
        expect(count(page)).to_have_text(f"2 of {of} labelled")
        assert asked(page) not in (first, second)
        assert told.errors == []
    said = [((line["image"], line["question"]), line["label"], line["note"]) for line in stored_lines(out)]
    assert said == [
        (first, "yes", ""),
        (second, "no", ""),
        (second, None, ""),
        (second, None, "behind the tree"),
        (second, "ambiguous", "behind the tree"),
        (first, "no", ""),
    ]


def test_a_server_that_is_killed_loses_nothing(browser: Browser, questions: Path, tmp_path: Path) -> None:
    out, of = tmp_path / "first.jsonl", len(rows("pope"))
    command = words(out, "first", f"questions={questions}")
    with served(*command) as (process, address), opened(browser, address) as (page, _):
        for stored in (1, 2, 3):
            label(page, "y", stored, of)
        unanswered = asked(page)
        assert ended(process, signal.SIGKILL).returncode == -signal.SIGKILL
        seen(page)
        page.keyboard.press("n")
        notice = page.get_by_role("alert")
        expect(notice).to_contain_text("Not stored yet: No. The server does not answer.")
        expect(notice).to_contain_text("open the address that it prints")
        assert asked(page) == unanswered
        assert len(stored_lines(out)) == 3
    with out.open("a") as file:
        file.write('{"image": "cut sh')
    with served(*command) as (_, address), opened(browser, address) as (page, _):
        expect(count(page)).to_have_text(f"3 of {of} labelled")
        assert asked(page) == unanswered
        label(page, "n", 4, of)
    assert [line["label"] for line in stored_lines(out)] == ["yes", "yes", "yes", "no"]


def test_a_server_that_hangs_is_said_and_the_key_kept(
    browser: Browser, questions: Path, tmp_path: Path
) -> None:
    out, of = tmp_path / "first.jsonl", len(rows("pope"))
    with (
        served(*words(out, "first", f"questions={questions}")) as (process, address),
        opened(browser, address) as (page, _),
    ):
        seen(page)
        process.send_signal(signal.SIGSTOP)
        page.keyboard.press("y")
        expect(page.get_by_role("alert")).to_contain_text("Not stored yet: the server takes its time.")
        process.send_signal(signal.SIGCONT)
        expect(count(page)).to_have_text(f"1 of {of} labelled")
        expect(page.get_by_role("alert")).to_have_count(0)
    assert [line["label"] for line in stored_lines(out)] == ["yes"]


def test_a_disk_that_is_full_for_a_while_is_said_and_the_key_kept(
    browser: Browser, questions: Path, tmp_path: Path
) -> None:
    out, of = tmp_path / "first.jsonl", len(rows("pope"))
    with (
        served(*words(out, "first", f"questions={questions}")) as (process, address),
        opened(browser, address) as (page, _),
    ):
        label(page, "y", 1, of)
        question, size = asked(page), out.stat().st_size
        _, most = resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size + 5, resource.RLIM_INFINITY))
        seen(page)
        page.keyboard.press("a")
        expect(page.get_by_role("alert")).to_contain_text("Not stored yet: Ambiguous.")
        expect(page.get_by_role("alert")).to_contain_text("cannot be written (File too large)")
        assert asked(page) == question
        assert out.stat().st_size == size
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most, most))
        page.get_by_role("button", name="Try again").click()
        expect(count(page)).to_have_text(f"2 of {of} labelled")
        expect(page.get_by_role("alert")).to_have_count(0)
    assert [line["label"] for line in stored_lines(out)] == ["yes", "ambiguous"]


def test_the_older_of_two_tabs_stores_nothing_until_it_is_told_to_go_on(
    browser: Browser, questions: Path, tmp_path: Path
) -> None:
    out, of = tmp_path / "first.jsonl", len(rows("pope"))
    with (
        served(*words(out, "first", f"questions={questions}")) as (_, address),
        opened(browser, address) as (older, _),
        opened(browser, address) as (newer, _),
    ):
        label(newer, "n", 1, of)
        expect(older.get_by_role("alert")).to_contain_text(
            "Another tab or window has taken over", timeout=9_000
        )
        older.keyboard.press("y")
        older.get_by_role("button", name="Go on here").click()
        expect(count(older)).to_have_text(f"1 of {of} labelled")
        label(older, "y", 2, of)
        seen(newer)
        newer.keyboard.press("a")
        expect(newer.get_by_role("alert")).to_contain_text("Another tab or window has taken over")
    assert [line["label"] for line in stored_lines(out)] == ["no", "yes"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_it_fits_and_is_used_by_touch(
    scheme: str, browser: Browser, questions: Path, tmp_path: Path
) -> None:
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
    out, of = tmp_path / "first.jsonl", len(rows("pope"))
    with (
        served(*words(out, "first", f"questions={questions}")) as (_, address),
        opened(browser, address, **phone, color_scheme=scheme) as (page, told),
    ):
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
    with (
        served(*words(tmp_path / "first.jsonl", "first", f"questions={questions}")) as (_, address),
        opened(browser, address, **phone) as (page, _),
    ):
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
    with (
        served(*words(tmp_path / "first.jsonl", "first", f"questions={questions}")) as (_, address),
        opened(browser, address) as (page, _),
    ):
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
