"""Captions on the command line: files as programs write them, and those that cannot be scored."""

import json
from pathlib import Path

import pytest
from coco_examples import write_shared_truth
from conftest import CommandLine
from test_mentions import CHAIR

from repope_eval.captions.mentions import coco_vocabulary

ANNOTATIONS = CHAIR.parent / "annotations"

pytestmark = pytest.mark.skipif(
    not (CHAIR.is_dir() and ANNOTATIONS.is_dir()),
    reason=f"{CHAIR} or {ANNOTATIONS} is not here: public captions with COCO's truth, and RePOPE's files",
)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """RePOPE's files, and files of COCO's format with the truth of the images that occur here."""
    folder = tmp_path_factory.mktemp("data")
    write_shared_truth(CHAIR.parent, folder / "annotations")
    assert len(coco_vocabulary().objects) == 80
    return folder


def scored(
    command_line: CommandLine,
    data_dir: Path,
    tmp_path: Path,
    answers: object,
    *words: str,
    look: str = "work/runs/chair/one",
) -> dict[str, object]:
    result = command_line(
        "score", "bench=chair", f"data_dir={data_dir}", f"answers={answers}", "model=one", *words
    )
    assert result.returncode == 0, result.stderr
    document: dict[str, object] = json.loads((tmp_path / look / "scores.json").read_text())
    return document


@pytest.mark.parametrize("name", ["opera_llava15_beam5.jsonl", "pope_llava_short.json"])
def test_public_captions_have_their_published_figures(
    command_line: CommandLine, data_dir: Path, tmp_path: Path, name: str
) -> None:
    document = scored(command_line, data_dir, tmp_path, CHAIR / "captions" / name)
    expected = json.loads((CHAIR / "expected" / f"{name.partition('.')[0]}.json").read_text())["figures"]
    of_coco = document["captions"]["describe"]["scores"]["coco"]  # type: ignore[index]
    found = of_coco | {figure: each["value"] for figure, each in of_coco["estimates"].items()}
    assert {key: found[key] for key in expected} == expected
    assert document["kind"] == "captions"
    page = (tmp_path / "work" / "runs" / "chair" / "one" / "report.html").read_text()
    assert "mentions in" in page
    assert '<mark class="open"' in page


def write(path: Path, *captions: str) -> Path:
    """Captions of the first images of POPE."""
    images = list(
        dict.fromkeys(
            json.loads(line)["image"]
            for line in (ANNOTATIONS / "coco_pope_random.json").read_text().splitlines()
        )
    )
    rows = [{"image_id": image, "caption": text} for image, text in zip(images, captions, strict=False)]
    path.write_text(json.dumps(rows))
    return path


def test_captions_without_a_mention_are_said_and_not_scored_as_perfect(
    command_line: CommandLine, data_dir: Path, tmp_path: Path
) -> None:
    path = write(tmp_path / "french.json", *["Une photo d'un chien."] * 20)
    document = scored(command_line, data_dir, tmp_path, path)
    estimates = document["captions"]["describe"]["scores"]["coco"]["estimates"]  # type: ignore[index]
    assert (estimates["chair_i"]["value"], estimates["chair_s"]["value"]) == (None, None)
    page = (tmp_path / "work" / "runs" / "chair" / "one" / "report.html").read_text()
    assert "No caption mentions one of COCO&#39;s 80 objects in English" in page


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (
            [{"image_id": 42, "caption": "A dog."}] * 2,
            "row 2: a second caption of COCO_val2014_000000000042.jpg",
        ),
        ([{"image_id": 42, "caption": " "}], "row 1: the caption is empty"),
        ([{"image_id": 42}], "row 1: has no caption"),
        ([{"image_id": 1, "caption": "A dog."}], "1 image of 1 are none of val2014"),
        (
            [
                {"image_id": 42, "prompt": "a", "caption": "A."},
                {"image_id": 73, "prompt": "b", "caption": "B."},
            ],
            "captions to 2 prompts, such as 'a' and 'b'; score each prompt's by itself",
        ),
    ],
)
def test_files_that_cannot_be_scored(
    command_line: CommandLine, data_dir: Path, tmp_path: Path, rows: list[dict[str, object]], told: str
) -> None:
    if any(row["image_id"] == 42 for row in rows):
        known = [int(number) for number in json.loads((CHAIR / "truth.json").read_text())][:2]
        rows = [{**row, "image_id": known[0 if row["image_id"] == 42 else 1]} for row in rows]
        told = told.replace("000000000042", f"{known[0]:012d}")
    path = tmp_path / "captions.json"
    path.write_text(json.dumps(rows))
    result = command_line("score", "bench=chair", f"data_dir={data_dir}", f"answers={path}")
    assert result.returncode == 1
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_two_runs_of_captions_are_compared(command_line: CommandLine, data_dir: Path, tmp_path: Path) -> None:
    for out, name in (("first", "opera_llava15_greedy.jsonl"), ("second", "opera_llava15_beam5.jsonl")):
        scored(command_line, data_dir, tmp_path, CHAIR / "captions" / name, f"out={out}", look=f"work/{out}")
    result = command_line("compare", "a=first", "b=second", f"data_dir={data_dir}")
    assert result.returncode == 0, result.stderr
    said = " ".join(result.stdout.split())
    assert "under COCO's truth: −1.1 points (95 % " in said
    assert "within chance" in said
    document = json.loads((tmp_path / "work" / "compare" / "compare.json").read_text())
    assert document["n_shared_images"] == 500
    assert (tmp_path / "work" / "compare" / "compare.html").is_file()
    result = command_line("compare", "a=first", "b=second", f"data_dir={data_dir}", "margin=.01")
    assert result.returncode == 1
    assert result.stderr.strip() == (
        "margin=0.01: says how far F1 of two results may differ that answer yes or no, and both describe images; leave "
        "it out"
    )


def test_an_export_of_captions_is_refused(command_line: CommandLine, data_dir: Path, tmp_path: Path) -> None:
    scored(command_line, data_dir, tmp_path, write(tmp_path / "captions.json", "A dog.", "A cat."))
    result = command_line("export", "run=runs/chair/one", "format=model_card", "out=card")
    assert result.returncode == 1
    assert "describes images, and an export is of answers of yes and no" in result.stderr
