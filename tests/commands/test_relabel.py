"""`relabel`: what annotators settle, where their disputes go, and that no file of anybody's is lost."""

import csv
import hashlib
import json
import logging
import re
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from conftest import CommandLine
from PIL import Image

from repope_eval.benchmarks.audit_queue import Queued, read_queue, write_queue
from repope_eval.benchmarks.demo import DEMO_FOLDER
from repope_eval.benchmarks.pope_file import read_annotations, read_rows, write_rows
from repope_eval.commands.relabel import execute
from repope_eval.errors import RepopeError
from repope_eval.records import Question
from repope_eval.settings.benchmark_commands import RelabelSettings

VARIANTS = ("random", "popular", "adversarial")
NAMES = ("dog", "cat", "car")
AT = "2026-01-01T00:00:00+00:00"


def rows(*labels: str | None, first: int = 0) -> list[dict[str, Any]]:
    """Rows about things in order, as an annotator has them."""
    return [
        {"image": "a.jpg", "question": f"Is there a {name} in the image?", "label": label}
        for name, label in zip(NAMES[first:], labels, strict=False)
    ]


def questions(*labels: str, first: int = 0) -> list[dict[str, Any]]:
    return [
        {"question_id": number, "image": row["image"], "text": row["question"], "label": row["label"]}
        for number, row in enumerate(rows(*labels, first=first), 1)
    ]


def lines(path: Path, of: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in of))
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that names are given in, with questions about three things and two annotators' files."""
    monkeypatch.chdir(tmp_path)
    lines(tmp_path / "questions.jsonl", questions("yes", "yes", "yes"))
    lines(tmp_path / "first.jsonl", rows("yes", "no", "ambiguous"))
    lines(tmp_path / "second.jsonl", rows("yes", "yes", "yes"))
    return tmp_path


def relabel(**changes: Any) -> None:
    settings = {
        "questions": "questions.jsonl",
        "annotators": ("first.jsonl", "second.jsonl"),
        "out": "new.jsonl",
    }
    execute(RelabelSettings(**{**settings, **changes}), "")


def refusal(**changes: Any) -> str:
    with pytest.raises(RepopeError) as caught:
        relabel(**changes)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def labels(path: Path) -> dict[str, str]:
    return {row.question.object: row.label for row in read_rows(path)}


def test_disputes_go_to_a_file_that_a_decider_fills_in(folder: Path) -> None:
    assert refusal() == (
        "the annotators disagree on 1 of 3 questions, which are in new_disputed.jsonl: fill in each label (yes, no "
        "or ambiguous) and give decider=new_disputed.jsonl"
    )
    disputed = folder / "new_disputed.jsonl"
    assert json.loads(disputed.read_text()) == {
        "question_id": 2,
        "image": "a.jpg",
        "text": "Is there a cat in the image?",
        "label": None,
        "first": "no",
        "second": "yes",
    }
    assert not (folder / "new.jsonl").exists()
    assert refusal(decider="new_disputed.jsonl").startswith(
        "new_disputed.jsonl, line 1: the label is None; allowed"
    )
    disputed.write_text(disputed.read_text().replace("null", '"No "'))
    relabel(decider="new_disputed.jsonl")
    assert labels(folder / "new.jsonl") == {"dog": "yes", "cat": "no"}


def test_disputes_that_somebody_may_have_filled_in_are_not_replaced(folder: Path) -> None:
    refusal()
    disputed = folder / "new_disputed.jsonl"
    disputed.write_text("my work")
    assert refusal() == (
        "the annotators disagree on 1 of 3 questions: new_disputed.jsonl is there already; fill in its labels and give "
        "decider=new_disputed.jsonl, or remove it to have it written anew"
    )
    assert disputed.read_text() == "my work"


@pytest.mark.parametrize(
    "out", ["questions.jsonl", "first.jsonl", "./second.jsonl", "link.jsonl", "decider.jsonl"]
)
def test_a_file_that_is_read_is_not_written(out: str, folder: Path) -> None:
    lines(folder / "decider.jsonl", rows("no", "no", "no"))
    (folder / "link.jsonl").symlink_to("questions.jsonl")
    before = {path.name: path.read_text() for path in folder.iterdir()}
    line = refusal(out=out, decider="decider.jsonl")
    assert line == f"out={out}: {Path(out)} is one of the files to be read; choose another out="
    assert {path.name: path.read_text() for path in folder.iterdir()} == before


def test_a_file_that_is_there_is_not_replaced_and_nothing_is_read_first(folder: Path) -> None:
    (folder / "new.jsonl").write_text("earlier work")
    line = refusal(annotators=("first.jsonl", "gone.jsonl"))
    assert line == "out=new.jsonl: new.jsonl exists; remove it or choose another out="


@pytest.mark.parametrize(
    ("annotators", "decider"),
    [
        (("first.jsonl", "first.jsonl"), None),
        (("first.jsonl", "./first.jsonl"), None),
        (("first.jsonl", "link.jsonl"), None),
        (("gone.jsonl", "gone.jsonl"), None),
        (("n" * 5000, "n" * 5000), None),
        (("first.jsonl", "second.jsonl"), "link.jsonl"),
    ],
)
def test_one_file_is_not_two_peoples(annotators: tuple[str, str], decider: str | None, folder: Path) -> None:
    (folder / "link.jsonl").symlink_to("first.jsonl")
    line = refusal(annotators=annotators, decider=decider)
    assert line.endswith(": is given for two annotators; each, and the decider, needs a file of their own")


@pytest.mark.parametrize("name", ["gone.jsonl", "n" * 5000, "."])
def test_a_file_that_cannot_be_read_is_named(name: str, folder: Path) -> None:
    (folder / "new.jsonl").touch()
    assert refusal(annotators=("first.jsonl", name)).startswith("out=new.jsonl: new.jsonl exists")
    (folder / "new.jsonl").unlink()
    assert refusal(annotators=("first.jsonl", name)).startswith(f"{name}: cannot be read (")


def test_a_copy_is_told(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("repope_eval"), "propagate", True)
    shutil.copy("first.jsonl", "copy.jsonl")
    relabel(annotators=("first.jsonl", "copy.jsonl"))
    assert (
        "first.jsonl and copy.jsonl hold the same, letter by letter: are they of two people?"
        in caplog.messages
    )


def test_tables_are_read_as_well(folder: Path) -> None:
    with (folder / "first.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["label", "question", "image"], delimiter=";")
        writer.writeheader()
        writer.writerows(rows("YES", " no", "Ambiguous "))
    book = openpyxl.Workbook()
    for row in [list(rows("")[0]), *(list(row.values()) for row in rows("yes", "no", "no"))]:
        book.active.append(row)
    book.save(folder / "second.xlsx")
    (folder / "questions.json").write_text(json.dumps(questions("yes", "yes", "no")))
    relabel(questions="questions.json", annotators=("first.csv", "second.xlsx"))
    assert labels(folder / "new.jsonl") == {"dog": "yes", "cat": "no"}


def test_several_variants_go_into_files_of_their_names(folder: Path) -> None:
    lines(folder / "a.jsonl", questions("yes", "no"))
    lines(folder / "b.json", questions("no", "yes", first=1))
    lines(folder / "second.jsonl", rows("yes", "no", "yes"))
    relabel(questions=("a.jsonl", "b.json"), out="new")
    assert [path.name for path in sorted((folder / "new").iterdir())] == ["a.jsonl", "b.json"]
    assert labels(folder / "new" / "a.jsonl") == {"dog": "yes", "cat": "no"}
    assert labels(folder / "new" / "b.json") == {"cat": "no"}
    line = refusal(questions=("a.jsonl", "b.json"), out="new")
    assert line == "out=new: new/a.jsonl exists; remove it or choose another out="


def test_disputes_of_several_variants_are_one_file_in_the_folder(folder: Path) -> None:
    lines(folder / "a.jsonl", questions("yes", "no"))
    lines(folder / "b.csv.jsonl", questions("no", "yes", first=1))
    line = refusal(questions=("a.jsonl", "b.csv.jsonl"), out="new")
    assert line.startswith(
        "the annotators disagree on 1 of 3 questions, which are in new/disputed.jsonl: fill in"
    )
    assert (folder / "new" / "disputed.jsonl").read_text().count("\n") == 1


def test_variants_whose_files_have_one_name_cannot_go_into_one_folder(folder: Path) -> None:
    (folder / "other").mkdir()
    for names in (("questions.jsonl", "other/questions.jsonl"), ("questions.jsonl", "other/questions.csv")):
        assert refusal(questions=names, out="new") == (
            f"questions: {names[0]} and {names[1]} would both be written to new/questions.jsonl; give them other names"
        )


def test_an_annotator_who_labels_a_pair_of_two_variants_twice_is_told(folder: Path) -> None:
    lines(folder / "first.jsonl", rows("yes", "no", "no") + rows("yes"))
    assert refusal() == "first.jsonl: 'a.jpg', 'Is there a dog in the image?' stands twice; keep one"


def test_all_variants_of_the_demo_at_once(command_line: CommandLine, tmp_path: Path) -> None:
    """Through the program, from what two people and a decider said of each variant, as one file each."""
    for who in ("annotator_first", "annotator_second", "decider"):
        said = {
            (row["image"], row["text"]): row
            for variant in VARIANTS
            for row in map(json.loads, (DEMO_FOLDER / f"{who}_{variant}.jsonl").read_text().splitlines())
        }
        lines(tmp_path / "work" / f"{who}.jsonl", list(said.values()))
    files = ",".join(str(DEMO_FOLDER / f"pope_{variant}.jsonl") for variant in VARIANTS)
    words = [f"questions=[{files}]", "annotators=[annotator_first.jsonl,annotator_second.jsonl]", "out=new"]
    ended = command_line("relabel", *words, "decider=decider.jsonl")
    assert ended.returncode == 0, ended.stderr
    for variant in VARIANTS:
        assert read_rows(tmp_path / "work" / "new" / f"pope_{variant}.jsonl") == read_rows(
            DEMO_FOLDER / f"repope_{variant}.jsonl"
        )


def test_of_several_variants_all_are_written_or_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse_the_second(path: Path, of: Any) -> None:
        if path.name == "second_variant.jsonl":
            raise RepopeError(f"{path}: cannot be written (No space left on device)")
        write_rows(path, of)

    lines(folder / "second_variant.jsonl", questions("yes", "yes", "yes"))
    lines(folder / "second.jsonl", rows("yes", "no", "ambiguous"))
    monkeypatch.setattr("repope_eval.benchmarks.question_file.write_rows", refuse_the_second)
    variants = ("questions.jsonl", "second_variant.jsonl")
    assert "No space left" in refusal(questions=variants, out="all")
    assert not list((folder / "all").iterdir())


def log_lines(*labels: str | None, by: str, first: int = 0) -> list[dict[str, Any]]:
    """Lines as the page for annotators appends them, an hour after one another."""
    return [
        row | {"annotator": by, "at": f"2026-01-05T{hour:02}:00:00+00:00", "note": f"{by} says"}
        for hour, row in enumerate(rows(*labels, first=first))
    ]


@pytest.fixture
def logs(folder: Path) -> Path:
    """The folder with logs of two people who have not labelled everything, and of a decider."""
    lines(folder / "first.jsonl", log_lines("no", "yes", by="Anna"))
    lines(folder / "second.jsonl", [*log_lines("yes", "no", "yes", by="Ben"), *log_lines("no", by="Ben")])
    lines(folder / "decider.jsonl", log_lines("yes", by="Carla", first=1))
    return folder


def json_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_part_is_settled_where_it_is_asked_for(logs: Path) -> None:
    assert refusal() == (
        "the first annotator lacks 1 question: a.jpg, 'Is there a car in the image?'; add their labels, or give "
        "partial=true, which leaves them unsettled"
    )
    relabel(partial=True)
    assert labels(logs / "new.jsonl") == {"dog": "no"}
    assert not (logs / "new_disputed.jsonl").exists()
    relabel(partial=True, decider="decider.jsonl", out="decided.jsonl")
    assert labels(logs / "decided.jsonl") == {"dog": "no", "cat": "yes"}


def test_what_is_ambiguous_is_told_from_what_nobody_looked_at(logs: Path) -> None:
    lines(logs / "first.jsonl", log_lines("ambiguous", "no", by="Anna"))
    relabel(partial=True)
    assert json_lines(logs / "new_labels.jsonl") == [
        {"image": "a.jpg", "question": "Is there a dog in the image?", "label": "ambiguous"},
        {"image": "a.jpg", "question": "Is there a cat in the image?", "label": "no"},
    ]
    assert [row.label for row in read_annotations(logs / "new_labels.jsonl")] == ["ambiguous", "no"]


def test_it_is_told_how_many_are_settled_and_why_the_others_are_not(
    logs: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(logging.getLogger("repope_eval"), "propagate", True)
    caplog.set_level(logging.INFO)
    relabel(partial=True)
    for line in (
        "Cohen's kappa of the two annotators: 0.0000",
        "The two annotators give the same label to 1 (50.00 %) of the 2 questions that both labelled.",
        "Of 1 settled question, 1 (100.00 %) changed from yes to no or from no to yes, and 0 (0.00 %) turned out "
        "ambiguous.",
        "Not settled and left out: 2 of 3 questions (1 in dispute, 1 not labelled by both).",
        "new.jsonl has 1 of 3 questions",
    ):
        assert line in caplog.messages
    printed = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["first:", "yes", "0", "1", "0"] in printed
    assert ["first:", "no", "0", "1", "0"] in printed
    relabel(partial=True, decider="decider.jsonl", out="decided.jsonl")
    assert (
        "Of 1 question with yes against no, Carla decided 1 as Anna, 0 as Ben, and found 0 ambiguous."
        in caplog.messages
    )


def test_a_part_of_which_nothing_is_settled_is_refused_and_nothing_is_written(logs: Path) -> None:
    lines(
        logs / "first.jsonl", log_lines("no", None, by="Anna", first=1) + log_lines(None, by="Anna", first=1)
    )
    before = sorted(logs.iterdir())
    assert refusal(partial=True).startswith("none of 3 questions is settled, so nothing is written: both ")
    assert sorted(logs.iterdir()) == before


def test_a_decider_who_leaves_some_out_is_told_and_taken_for_a_part(folder: Path) -> None:
    lines(folder / "first.jsonl", rows("yes", "no", "no"))
    lines(folder / "decider.jsonl", rows("no", first=2))
    line = refusal(decider="decider.jsonl")
    assert line.startswith(
        "the decider lacks 1 question: a.jpg, 'Is there a cat in the image?'; add their labels"
    )
    relabel(decider="decider.jsonl", partial=True)
    assert labels(folder / "new.jsonl") == {"dog": "yes", "car": "no"}


def test_a_log_of_other_questions_is_refused(logs: Path) -> None:
    lines(logs / "second.jsonl", [row | {"image": "b.jpg"} for row in log_lines("yes", by="Ben")])
    assert refusal(partial=True) == (
        "the second annotator labels 1 question beyond those asked: b.jpg, 'Is there a dog in the image?'; image and "
        "text must be as in the questions' file"
    )


def test_two_logs_of_one_person_are_refused(logs: Path) -> None:
    lines(logs / "second.jsonl", log_lines("yes", "no", "yes", by="Anna"))
    assert refusal(partial=True).startswith(
        "first.jsonl and second.jsonl are both by annotator 'Anna'; the two "
    )


@pytest.mark.parametrize("end", ["labels.jsonl", "card.md"])
def test_what_stands_beside_out_is_not_replaced_but_for_the_page(end: str, logs: Path) -> None:
    (logs / f"new_{end}").write_text("my licence")
    (logs / "new_relabelling.html").write_text("an earlier page")
    assert refusal(partial=True) == f"out=new.jsonl: new_{end} exists; remove it or choose another out="
    assert (logs / f"new_{end}").read_text() == "my licence"
    assert not (logs / "new.jsonl").exists()
    (logs / f"new_{end}").unlink()
    relabel(partial=True)
    assert "Of 1 settled question," in (logs / "new_relabelling.html").read_text()


def test_the_files_about_several_variants_stand_beside_their_folder(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines(folder / "second.jsonl", rows("yes", "no", "yes"))
    (folder / "inside").mkdir()
    monkeypatch.chdir(folder / "inside")
    words = {"questions": ("../questions.jsonl",), "annotators": ("../first.jsonl", "../second.jsonl")}
    relabel(**words, out="new")
    assert sorted(path.name for path in (folder / "inside").iterdir()) == [
        "new",
        "new_card.md",
        "new_labels.jsonl",
        "new_relabelling.html",
    ]
    relabel(**words, out=".")
    assert (folder / "inside" / "questions.jsonl").exists()
    assert (folder / "inside_card.md").exists()


def test_pictures_come_from_a_folder_that_is_there(
    logs: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("repope_eval"), "propagate", True)
    assert refusal(partial=True, images="gone") == (
        "images=gone: is no folder; give the one that the images are in"
    )
    (logs / "images").mkdir()
    relabel(partial=True, images="images")
    assert "1 image of 1 not in images, so the page has no picture of them: a.jpg" in caplog.messages
    assert "<img" not in (logs / "new_relabelling.html").read_text()
    Image.new("RGB", (64, 48), "teal").save(logs / "images" / "a.jpg")
    relabel(partial=True, images="images", out="other.jsonl")
    assert '<img src="data:image/webp;base64,' in (logs / "other_relabelling.html").read_text()


def test_an_image_outside_its_folder_is_refused(folder: Path) -> None:
    outside = {"image": "../secret.png"}
    lines(folder / "questions.jsonl", [row | outside for row in questions("yes")])
    for name in ("first.jsonl", "second.jsonl"):
        lines(folder / name, [row | outside for row in rows("no")])
    assert refusal(images=".").startswith("image name '../secret.png' leads out of the image folder")
    assert not (folder / "new.jsonl").exists()


def test_the_card_has_the_hashes_of_what_was_read_and_written(logs: Path) -> None:
    relabel(partial=True, decider="decider.jsonl")
    card = (logs / "new_card.md").read_text()
    names = ("questions", "first", "second", "decider", "new", "new_labels")
    for path in (logs / f"{name}.jsonl" for name in names):
        assert f"{path.name} " in card
        assert hashlib.sha256(path.read_bytes()).hexdigest() in card
    assert str(logs) not in card


def write_queue_of_things(path: Path, *sampled: bool) -> Path:
    """A queue of the three things, all with label yes, of which some are to be looked at."""
    queue = [
        Queued(
            question=Question(row["image"], row["question"], name),
            label=True,
            score=1.0,
            p_sampled=0.5,
            sampled=each,
        )
        for name, row, each in zip(NAMES, rows("yes", "yes", "yes"), sampled, strict=True)
    ]
    write_queue(path, queue)
    return path


def test_of_a_queue_the_part_to_be_looked_at_is_relabelled_and_written_as_a_queue(folder: Path) -> None:
    queue = write_queue_of_things(folder / "queue.jsonl", True, False, True)
    dog, _, car = read_queue(queue).values()
    lines(folder / "first.jsonl", [rows("no")[0], *rows("yes", first=2)])
    lines(folder / "second.jsonl", [rows("no")[0], *rows("no", first=2)])
    assert "the annotators disagree on 1 of 2 questions" in refusal(questions="queue.jsonl")
    (disputed,) = map(json.loads, (folder / "new_disputed.jsonl").read_text().splitlines())
    assert (disputed["question_id"], disputed["text"]) == (3, car.question.text)
    lines(folder / "decider.jsonl", rows("yes", first=2))
    relabel(questions="queue.jsonl", decider="decider.jsonl")
    assert list(read_queue(folder / "new.jsonl").values()) == [replace(dog, label=False), car]
    written = map(json.loads, (folder / "new.jsonl").read_text().splitlines())
    assert all(line["relabelled"] is True for line in written)


def test_a_relabelled_queue_has_one_name_and_says_what_nobody_was_to_look_at(
    folder: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO)
    write_queue_of_things(folder / "queue.jsonl", True, False, True)
    for who in ("first", "second"):
        lines(folder / f"{who}.jsonl", [rows("no")[0], *rows("yes", first=2)])
    relabel(questions="queue.jsonl", out="rq4.jsonl")
    left_out = "Not for people to look at, and left out: 1 other question of the queue."
    assert left_out in caplog.messages
    card, page = (folder / name for name in ("rq4_card.md", "rq4_relabelling.html"))
    assert left_out in card.read_text()
    assert left_out in page.read_text()
    assert "| queue   | yes" in card.read_text()
    assert 'data-variants="queue"' in page.read_text()
    assert "rq4" not in page.read_text()
    assert re.search(r"^\W*queue +\W* *yes ", capsys.readouterr().out, re.MULTILINE)


def test_a_queue_and_a_file_in_popes_format_keep_their_forms(folder: Path) -> None:
    write_queue_of_things(folder / "queue.jsonl", True, True, True)
    lines(folder / "first.jsonl", rows("yes", "ambiguous", "yes"))
    relabel(questions=("questions.jsonl", "queue.jsonl"), out="new")
    assert labels(folder / "new" / "questions.jsonl") == {"dog": "yes", "car": "yes"}
    assert [each.question.object for each in read_queue(folder / "new" / "queue.jsonl").values()] == [
        "dog",
        "car",
    ]


def test_a_queue_of_which_nothing_is_to_be_looked_at_is_refused(folder: Path) -> None:
    write_queue_of_things(folder / "queue.jsonl", False, False, False)
    assert refusal(questions="queue.jsonl") == (
        "queue.jsonl: none of its questions is to be looked at (sampled); is it the right queue?"
    )


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_demo_gives_its_relabelled_file_byte_for_byte(variant: str, folder: Path) -> None:
    relabel(
        questions=str(DEMO_FOLDER / f"pope_{variant}.jsonl"),
        annotators=tuple(
            str(DEMO_FOLDER / f"annotator_{who}_{variant}.jsonl") for who in ("first", "second")
        ),
        decider=str(DEMO_FOLDER / f"decider_{variant}.jsonl"),
    )
    assert (folder / "new.jsonl").read_bytes() == (DEMO_FOLDER / f"repope_{variant}.jsonl").read_bytes()


def test_a_published_file_that_asks_the_same_twice_is_relabelled(
    published: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    """POPE on GQA: one question of its adversarial file stands twice, and both rows get the label."""
    source = published / "pope_seem" / "gqa_pope_seem_adversarial.json"
    rows = json.loads(source.read_text())
    repeated = Counter((row["image"], row["text"]) for row in rows).most_common(1)[0][0]
    for name in ("first", "second"):
        lines = [
            {"image": image, "question": text, "label": "yes", "annotator": name, "at": AT, "note": ""}
            for image, text in ((rows[0]["image"], rows[0]["text"]), repeated)
        ]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    people = f"annotators=[{tmp_path / 'first.jsonl'},{tmp_path / 'second.jsonl'}]"
    out = tmp_path / "relabelled.jsonl"
    result = command_line("relabel", f"questions={source}", people, "partial=true", f"out={out}")
    assert result.returncode == 0, result.stderr
    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(row["image"], row["text"]) for row in found].count(repeated) == 2
    assert len(found) == 3
    assert {row["label"] for row in found} == {"yes"}
