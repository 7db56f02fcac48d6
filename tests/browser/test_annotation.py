"""`annotate` in a browser: people label by keys and by touch, and nothing that they press is lost or leaves."""

import resource
import signal
import statistics
from pathlib import Path

import pytest
import warm_commands
from annotated import line, write_lines
from annotation_pages import (
    answers,
    asked,
    count,
    label,
    label_all,
    labelling,
    opened,
    rows,
    seen,
    stored_lines,
)
from playwright.sync_api import Browser, expect
from served import ended, served, words

from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.benchmarks.pope_file import read_rows
from repope_eval.relabelling.queue import blind_order, read_questions
from repope_eval.relabelling.session import WINDOW

pytestmark = pytest.mark.installed


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    """The demo's questions about a few images."""
    return write_lines(tmp_path / "questions.jsonl", *rows("pope"))


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
    with labelling(browser, out, questions) as (_, page, told):
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
        expect(page.locator("#question")).not_to_have_text(first[1])  # as many are labelled as before
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


def test_many_questions_come_as_they_are_asked(browser: Browser, tmp_path: Path) -> None:
    queue, out = DEMO_FOLDER / "pope_random.jsonl", tmp_path / "first.jsonl"
    asked_in_order = blind_order(read_questions([queue]), "first")
    of, before = len(asked_in_order), 2 * WINDOW - 2
    write_lines(out, *(line(question, "no") for question in asked_in_order[:before]))
    with labelling(browser, out, queue) as (_, page, told):
        for stored in range(before + 1, before + 5):
            about = asked_in_order[stored - 1]
            expect(page.locator("#place")).to_have_text(f"Question {stored} of {of}")
            assert asked(page) == (about.image, about.text)
            label(page, "y", stored, of)
        told_of = [url.partition("?")[0].rpartition("/")[2] for url in told.requests if "/questions/" in url]
        assert told_of == [str(WINDOW), str(2 * WINDOW)]
        page.reload()
        asked(page)
        page.keyboard.press("ArrowLeft")
        expect(page.locator("#place")).to_have_text(f"Question {before + 4} of {of}")
        for undone in (*range(before + 3, before - 1, -1), before - 1):
            page.keyboard.press("u")
            expect(count(page)).to_have_text(f"{undone} of {of} labelled")
        about = asked_in_order[before - 1]
        assert asked(page) == (about.image, about.text)
        assert told.errors == []


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
    with labelling(browser, out, questions) as (process, page, _):
        seen(page)
        process.send_signal(signal.SIGSTOP)
        page.keyboard.press("y")
        page.keyboard.press("y")
        expect(page.get_by_role("alert")).to_contain_text("Not stored yet: Yes. The server takes its time.")
        process.send_signal(signal.SIGCONT)
        expect(count(page)).to_have_text(f"1 of {of} labelled")
        expect(page.get_by_role("alert")).to_have_count(0)
    assert [line["label"] for line in stored_lines(out)] == ["yes"]


def test_what_is_done_while_the_disk_is_slow_is_stored_in_order(
    browser: Browser, questions: Path, tmp_path: Path
) -> None:
    """A page that had given up on a label let it be undone, while the server stored it some seconds later."""
    out, of = tmp_path / "first.jsonl", len(rows("pope"))
    impatient = {"PATIENCE = 10_000": "PATIENCE = 700", "LONG = 1_500": "LONG = 100"}
    with (
        served(*words(out, "first", f"questions={questions}")) as (process, address),
        opened(browser, address, changed=impatient) as (page, _),
    ):
        label(page, "n", 1, of)
        question = asked(page)
        seen(page)
        process.send_signal(signal.SIGSTOP)
        notice = page.get_by_role("alert")
        page.keyboard.press("y")
        expect(notice).to_contain_text("Not stored yet: Yes. The server has not answered for a while")
        page.keyboard.press("u")
        expect(notice).to_contain_text("Not stored yet: Yes, then Undo.")
        page.keyboard.press("ArrowLeft")
        assert asked(page) == question
        process.send_signal(signal.SIGCONT)
        expect(notice).to_have_count(0, timeout=9_000)
        expect(count(page)).to_have_text(f"1 of {of} labelled")
        expect(page.locator("[data-label='yes']")).to_have_attribute("aria-pressed", "false")
        assert asked(page) == question
        page.keyboard.press("u")
        expect(count(page)).to_have_text(f"0 of {of} labelled")
    assert [line["label"] for line in stored_lines(out)] == ["no", "yes", None, None]


def test_a_note_that_is_being_written_goes_with_the_label_and_is_kept_by_whatever_ends_it(
    browser: Browser, questions: Path, tmp_path: Path
) -> None:
    out, of = tmp_path / "first.jsonl", len(rows("pope"))
    with labelling(browser, out, questions) as (process, page, _):

        def write(note: str) -> None:
            seen(page)
            page.keyboard.press("m")
            page.locator("#text").fill(note)

        write("by a click")
        page.get_by_role("button", name="Yes").click()
        expect(count(page)).to_have_text(f"1 of {of} labelled")
        seen(page)
        process.send_signal(signal.SIGSTOP)
        page.keyboard.press("n")
        write("while the label is stored")
        process.send_signal(signal.SIGCONT)
        expect(count(page)).to_have_text(f"2 of {of} labelled")
        assert page.locator("#text").input_value() == "while the label is stored"
        process.send_signal(signal.SIGSTOP)
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Ambiguous").click()
        process.send_signal(signal.SIGCONT)
        expect(page.locator("#place")).to_have_text(f"Question 3 of {of}")
        write("by going back")
        page.get_by_role("button", name="Back").click()
        expect(page.locator("#note")).to_have_text("while the label is stored")
        write("taken back")
        page.keyboard.press("Escape")
        expect(page.locator("#writing")).to_be_hidden()
        write("by undo")
        page.get_by_role("button", name="Undo").click()
        expect(count(page)).to_have_text(f"1 of {of} labelled")
        expect(page.locator("#note")).to_have_text("by undo")
    assert [(line["label"], line["note"]) for line in stored_lines(out)] == [
        ("yes", "by a click"),
        ("no", ""),
        ("no", "while the label is stored"),
        ("ambiguous", "while the label is stored"),
        (None, "by going back"),
        ("ambiguous", "by undo"),
        (None, "by undo"),
    ]


def test_a_disk_that_is_full_for_a_while_is_said_and_the_key_kept(
    browser: Browser, questions: Path, tmp_path: Path
) -> None:
    out, of = tmp_path / "first.jsonl", len(rows("pope"))
    with labelling(browser, out, questions) as (process, page, _):
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


def test_shift_and_a_label_leave_room_for_a_note_on_the_same_question(
    browser: Browser, questions: Path, tmp_path: Path
) -> None:
    out, of = tmp_path / "first.jsonl", len(rows("pope"))
    with labelling(browser, out, questions) as (process, page, told):
        place, text = page.locator("#place"), page.locator("#text")
        expect(page.locator("#asked .hint")).to_have_text("Shift and y, n or a: with a note")
        label(page, "Shift+A", 1, of)
        expect(page.locator("label[for='text']")).to_have_text("Note on question 1")
        expect(page.get_by_role("button", name="Keep and go on")).to_be_visible()
        page.keyboard.type("a yoyo, not a ball")  # letters that are keys otherwise
        page.keyboard.press("Enter")
        expect(place).to_have_text(f"Question 2 of {of}")
        expect(text).to_be_hidden()
        label(page, "Shift+N", 2, of)  # and no note after all
        page.keyboard.press("Enter")
        expect(place).to_have_text(f"Question 3 of {of}")
        label(page, "Shift+Y", 3, of)
        text.fill("dropped")
        page.keyboard.press("Escape")
        expect(place).to_have_text(f"Question 4 of {of}")
        seen(page)
        process.send_signal(signal.SIGSTOP)  # all of it before the server answers
        page.keyboard.press("Shift+Y")
        page.keyboard.type("at once")
        page.keyboard.press("Enter")
        process.send_signal(signal.SIGCONT)
        expect(place).to_have_text(f"Question 5 of {of}")
        label(page, "n", 5, of)
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        expect(page.locator("#note")).to_have_text("at once")
        page.keyboard.press("m")  # of a question that was labelled before: the page stays
        text.fill("later")
        expect(page.get_by_role("button", name="Keep", exact=True)).to_be_visible()
        page.keyboard.press("Enter")
        expect(page.locator("#note")).to_have_text("later")
        expect(place).to_have_text(f"Question 4 of {of}")
        assert told.errors == []
    assert [(line["label"], line["note"]) for line in stored_lines(out)] == [
        ("ambiguous", ""),
        ("ambiguous", "a yoyo, not a ball"),
        ("no", ""),
        ("yes", ""),
        ("yes", ""),
        ("yes", "at once"),
        ("no", ""),
        ("yes", "later"),
    ]


def test_any_question_is_gone_to_by_its_number(browser: Browser, questions: Path, tmp_path: Path) -> None:
    out, of = tmp_path / "first.jsonl", len(rows("pope"))
    with labelling(browser, out, questions) as (_, page, told):
        place, number = page.locator("#place"), page.get_by_label("Go to question")
        label(page, "y", 1, of)
        page.keyboard.press("m")
        page.locator("#text").fill("kept by leaving")
        place.click()
        number.fill(str(of))
        page.keyboard.press("Enter")
        expect(place).to_have_text(f"Question {of} of {of}")
        expect(number).to_be_hidden()
        label(page, "n", 2, of)
        page.keyboard.press("g")
        assert number.input_value() == "2"
        page.keyboard.type("1")  # in place of the number that stood there
        page.get_by_role("button", name="Go", exact=True).click()
        expect(place).to_have_text(f"Question 1 of {of}")
        expect(page.locator("[data-label='yes']")).to_have_attribute("aria-pressed", "true")
        for none_such in ("0", str(of + 1), ""):
            page.keyboard.press("g")
            number.fill(none_such)
            page.keyboard.press("Enter")
            expect(number).to_be_focused()
            expect(place).to_have_text(f"Question 1 of {of}")
            page.keyboard.press("Escape")
            expect(number).to_be_hidden()
        assert told.errors == []
    assert [(line["label"], line["note"]) for line in stored_lines(out)] == [
        ("yes", ""),
        (None, "kept by leaving"),
        ("no", ""),
    ]


def test_the_guideline_is_read_before_the_first_label_and_whenever_it_is_asked_for(
    browser: Browser, questions: Path, tmp_path: Path
) -> None:
    out, of = tmp_path / "first.jsonl", len(rows("pope"))
    own = tmp_path / "own.txt"
    own.write_text("Yes: <b>it</b> is\r\nthere.\r\n\r\nAmbiguous: you & I differ.\n")
    command = words(out, "first", f"questions={questions}", f"guideline={own}")
    with served(*command) as (_, address), opened(browser, address, reads_guideline=True) as (page, told):
        panel = page.get_by_role("dialog", name="What the labels mean")
        assert panel.locator("p:not(.hint)").all_inner_texts() == [
            "Yes: <b>it</b> is there.",
            "Ambiguous: you & I differ.",
        ]
        page.keyboard.press("y")  # nothing is labelled behind it
        page.keyboard.press("Enter")
        expect(panel).to_be_hidden()
        expect(page.locator("#writing")).to_be_hidden()
        expect(count(page)).to_have_text(f"0 of {of} labelled")
        page.reload()
        expect(panel).to_be_visible()
        page.mouse.click(5, 5)  # beside it
        expect(panel).to_be_hidden()
        label(page, "y", 1, of)
        page.reload()
        seen(page)
        expect(panel).to_be_hidden()
        for _ in range(2):
            page.keyboard.press("?")
            expect(panel).to_be_visible()
            page.keyboard.press("?")
            expect(panel).to_be_hidden()
        page.get_by_role("button", name="Guide").click()
        panel.get_by_role("button", name="Close").click()
        expect(panel).to_be_hidden()
        label(page, "n", 2, of)
        assert told.errors == []
