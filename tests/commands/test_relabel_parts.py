"""`relabel` of a part: the logs of people who have not labelled all, and what stands beside the relabelled file."""

import hashlib
import logging
from pathlib import Path

import pytest
from PIL import Image
from relabelled_files import (
    json_lines,
    labels,
    lines,
    log_lines,
    questions,
    refusal,
    relabel,
    rows,
    write_logs,
)

from repope_eval.benchmarks.pope_file import read_annotations


@pytest.fixture
def logs(folder: Path) -> Path:
    """The folder with logs of two people who have not labelled everything, and of a decider."""
    write_logs(folder)
    return folder


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


def test_what_is_in_dispute_is_told_from_what_nobody_looked_at(logs: Path) -> None:
    relabel(partial=True)
    dog, cat, _ = rows("no", None, None)
    assert json_lines(logs / "new_labels.jsonl") == [dog, cat | {"disputed": True}]
    assert [row.label for row in read_annotations(logs / "new_labels.jsonl")] == ["no"]
    relabel(partial=True, decider="decider.jsonl", out="decided.jsonl")
    assert [line["label"] for line in json_lines(logs / "decided_labels.jsonl")] == ["no", "yes"]


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
        "Cohen's kappa of the two annotators: 0.000 (no interval: fewer than 100 images were labelled by both)",
        "The two annotators give the same label to 1 (50.0 %) of the 2 questions that both labelled.",
        "Of 1 settled question, 1 (100.0 %) changed from yes to no or from no to yes, and 0 (0.0 %) turned out "
        "ambiguous.",
        "Not settled and left out: 2 of 3 questions (1 in dispute, 1 not labelled by both). What is said of the "
        "settled ones is theirs alone.",
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
