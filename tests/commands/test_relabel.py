"""`relabel`: what annotators settle, where disputes go, the part of a queue, and that no file is lost."""

import csv
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
from relabelled_files import (
    AT,
    NAMES,
    VARIANTS,
    labels,
    lines,
    questions,
    refusal,
    relabel,
    rows,
)

from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.benchmarks.pope_file import read_rows, write_rows
from repope_eval.errors import RepopeError
from repope_eval.records import Question
from repope_eval.relabelling.queue import Queued, read_queue, write_queue


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
    assert (
        refusal()
        == "first.jsonl, line 4: 'a.jpg', 'Is there a dog in the image?' stands twice, first in line 1; keep one"
    )


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
    monkeypatch.setattr("repope_eval.relabelling.queue.write_rows", refuse_the_second)
    variants = ("questions.jsonl", "second_variant.jsonl")
    assert "No space left" in refusal(questions=variants, out="all")
    assert not list((folder / "all").iterdir())


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
    left_out = "Not selected for labelling, and left out: 1 other question of the queue."
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


def test_an_audited_queue_says_what_was_chosen_and_estimates_the_rest(
    folder: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten questions were chosen as doubtful and all flipped; of ninety others thirty were drawn, and one is wrong."""
    caplog.set_level(logging.INFO)
    queue = [
        Queued(
            question=Question(f"{number}.jpg", "Is there a dog in the image?", "dog"),
            label=True,
            score=1.0,
            p_sampled=1.0 if number < 10 else 1 / 3,
            sampled=number < 40,
        )
        for number in range(100)
    ]
    write_queue(folder / "queue.jsonl", queue)
    said = [
        {
            "image": each.question.image,
            "question": each.question.text,
            "label": "no" if number < 11 else "yes",
        }
        for number, each in enumerate(queue[:40])
    ]
    for who in ("first", "second"):
        lines(folder / f"{who}.jsonl", said)
    relabel(questions="queue.jsonl")
    chosen = (
        "Of the questions looked at, 10 were chosen for their doubt or for what they would change, so these "
        "shares are no error rate of the benchmark."
    )
    apart = "By the 30 drawn from the other 90, an estimated 3.3 % (95 % interval 0.2–12.3) of these 90 are flipped"
    whole = "; 13.0 % (95 % interval 10.2–21.0)"
    card, page = (
        (folder / name).read_text().replace("\\", "").replace("\u00a0", " ")
        for name in ("new_card.md", "new_relabelling.html")
    )
    for text in ("\n".join(caplog.messages), card, page):
        for words in (chosen, apart, whole, ", over the queue's questions and not the benchmark's"):
            assert words in text.replace("&#39;", "'")
    console = capsys.readouterr().out
    for text in (console, card, page):
        assert "Label changes of the settled questions, 10 of which were not drawn" in text
        assert "looked at for certain" in text
    for text in (console, card):
        assert "13.0 (10.2–21.0)" in text
    assert "13.0<small>10.2–21.0</small>" in page
