"""CHAIR as a benchmark: its images, prompts, truth and verdicts, and where its truth comes from."""

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from coco_examples import write_coco
from fault_server import FaultServer, serving
from run_folders import demo

from repope_eval.benchmarks import chair
from repope_eval.benchmarks.pope_file import POPE_VARIANTS
from repope_eval.benchmarks.sources import load_benchmark, load_truth
from repope_eval.captions.coco_files import COCO_FILES, image_name
from repope_eval.errors import RepopeError
from repope_eval.settings.config import BenchSettings

FIRST, SECOND, THIRD = map(image_name, (42, 73, 99))
MARKED = {42: ["dog", "couch"], 73: ["cup"], 99: ["kite"]}
LABELS = {(FIRST, "dog"): ("yes", "no"), (FIRST, "cat"): ("no", "yes"), (SECOND, "cup"): ("yes", None)}
"""The labels of POPE and of RePOPE; None of an ambiguous question, which RePOPE's files lack."""


def _pope_file(kind: int) -> bytes:
    rows = [
        {
            "question_id": number,
            "image": image,
            "text": f"Is there a {name} in the image?",
            "label": labels[kind],
        }
        for number, ((image, name), labels) in enumerate(LABELS.items(), 1)
        if labels[kind]
    ]
    return "\n".join(map(json.dumps, rows)).encode()


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with small files in the place of POPE's and COCO's."""
    folder = tmp_path / "annotations"
    write_coco(folder, MARKED)
    hashes = {}
    for variant in POPE_VARIANTS:
        for kind, name in enumerate(("pope", "repope")):
            path = folder / f"coco_{name}_{variant}.json"
            path.write_bytes(_pope_file(kind))
            hashes[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(chair, "ANNOTATIONS", replace(chair.ANNOTATIONS, sha256=hashes))
    return tmp_path


def settings(**given: Any) -> BenchSettings:
    return BenchSettings(**{"name": "chair", "source": "chair", "variants": ("describe",), **given})


DEMO = BenchSettings(name="demo_captions", source="demo_captions", variants=("describe",))


def test_the_demos_truth_is_its_annotation_and_its_relabelling(tmp_path: Path) -> None:
    benchmark, asked = load_benchmark(DEMO, tmp_path), demo()
    assert benchmark.truth is not None
    assert len(benchmark.questions) == len(benchmark.truth.objects) == 100
    assert [each.image for each in benchmark.questions] == list(
        dict.fromkeys(each.image for each in asked.questions)
    )
    before, after = (label_set.distinct for label_set in asked.label_sets)
    for question, label in before.items():
        objects, verdicts = benchmark.truth.objects[question.image], benchmark.truth.verdicts[question.image]
        assert (question.object in objects) is label
        assert verdicts[question.object] == {True: "yes", False: "no", None: "ambiguous"}[after.get(question)]
    assert benchmark.truth.judges == {"RePOPE": len(before)}
    assert benchmark.truth.told("{annotation} says") == "The annotation says"
    assert set().union(*benchmark.truth.objects.values()) == set(benchmark.truth.vocabulary.objects)


def test_the_demos_truth_of_any_images(tmp_path: Path) -> None:
    truth = load_truth(DEMO, tmp_path, ["scene_001.png", FIRST])
    assert list(truth.objects) == ["scene_001.png"]


def test_peoples_labels_of_the_demo_know_its_objects_alone(tmp_path: Path) -> None:
    path = labels_file(tmp_path / "labels.jsonl", ("scene_001.png", "key", "yes"))
    truth = load_benchmark(replace(DEMO, relabels=str(path)), tmp_path).truth
    assert truth is not None
    assert truth.verdicts["scene_001.png"]["key"] == "yes"
    labels_file(path, ("scene_001.png", "dog", "yes"))
    with pytest.raises(RepopeError, match="asks for none of the annotation's 24 objects"):
        load_benchmark(replace(DEMO, relabels=str(path)), tmp_path)


def test_the_images_are_popes_and_repope_has_verdicts(data_dir: Path) -> None:
    benchmark = load_benchmark(settings(), data_dir)
    assert [(each.image, each.text) for each in benchmark.questions] == [
        (FIRST, "Describe this image."),
        (SECOND, "Describe this image."),
    ]
    assert benchmark.truth is not None
    assert benchmark.truth.objects == {FIRST: {"dog", "couch"}, SECOND: {"cup"}}
    assert benchmark.truth.verdicts == {FIRST: {"dog": "no", "cat": "yes"}, SECOND: {"cup": "ambiguous"}}
    assert not benchmark.label_sets


def test_limit_leaves_the_first_images(data_dir: Path) -> None:
    assert {each.image for each in load_benchmark(settings(), data_dir).first_images(1).questions} == {FIRST}


def test_anybodys_images(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "images.txt").write_text("99 42")
    benchmark = load_benchmark(settings(image_list=str(tmp_path / "images.txt")), data_dir)
    assert [each.image for each in benchmark.questions] == [THIRD, FIRST]
    assert benchmark.truth is not None
    assert set(benchmark.truth.verdicts) == {FIRST}
    assert "images.txt" in benchmark.hashes


def test_images_of_another_year_are_refused(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "images.txt").write_text("42 100")
    with pytest.raises(
        RepopeError, match="1 image of 2 are none of val2014, first COCO_val2014_000000000100"
    ):
        load_benchmark(settings(image_list=str(tmp_path / "images.txt")), data_dir)


def labels_file(path: Path, *rows: tuple[str, str, str | None], **more: Any) -> Path:
    """A file of people's labels as `relabel` writes it, of rows of image, object and label."""
    lines = [
        {"image": image, "question": f"Is there a {name} in the image?", "label": label, **more}
        for image, name, label in rows
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_peoples_labels_count_before_repopes(data_dir: Path) -> None:
    path = labels_file(
        data_dir / "labels.jsonl", (FIRST, "dog", "yes"), (FIRST, "kite", "ambiguous"), (THIRD, "kite", "no")
    )
    benchmark = load_benchmark(settings(relabels=str(path)), data_dir)
    assert benchmark.truth is not None
    assert benchmark.truth.verdicts == {
        FIRST: {"dog": "yes", "cat": "yes", "kite": "ambiguous"},
        SECOND: {"cup": "ambiguous"},
    }
    assert benchmark.truth.judges == {"RePOPE": 2, "people's labels in labels.jsonl": 2}
    assert benchmark.hashes["labels.jsonl"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert benchmark.questions == load_benchmark(settings(), data_dir).questions


def test_without_labels_of_people_all_verdicts_are_repopes(data_dir: Path) -> None:
    truth = load_benchmark(settings(), data_dir).truth
    assert truth is not None
    assert (truth.judges, truth.judge) == ({"RePOPE": 3}, "RePOPE")


def test_what_people_dispute_has_no_verdict(data_dir: Path) -> None:
    path = labels_file(data_dir / "labels.jsonl", (FIRST, "kite", "no"))
    with path.open("a") as file:
        row = {"image": FIRST, "question": "Is there a couch in the image?", "label": None, "disputed": True}
        file.write(json.dumps(row))
    truth = load_benchmark(settings(relabels=str(path)), data_dir).truth
    assert truth is not None
    assert truth.verdicts[FIRST] == {"dog": "no", "cat": "yes", "kite": "no"}


@pytest.mark.parametrize(
    ("rows", "more", "told"),
    [
        ([(FIRST, "unicorn", "yes")], {}, "asks for none of COCO's 80 objects"),
        (
            [("other.jpg", "dog", "yes")],
            {},
            "'other.jpg' is none of the annotated images, such as COCO_val2014_",
        ),
        ([(THIRD, "kite", "no")], {}, "has no label of one of the 2 images that are described"),
        ([(FIRST, "dog", "maybe")], {}, "the label is 'maybe'"),
        ([(FIRST, "dog", "yes")], {"p_sampled": 1.0}, "is a queue with COCO's own labels"),
    ],
)
def test_labels_of_something_else_are_refused(
    data_dir: Path, rows: list[tuple[str, str, str]], more: dict[str, Any], told: str
) -> None:
    path = labels_file(data_dir / "labels.jsonl", *rows, **more)
    with pytest.raises(RepopeError, match=told) as refusal:
        load_benchmark(settings(relabels=str(path)), data_dir)
    assert "labels.jsonl" in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_an_object_with_two_labels_is_refused(data_dir: Path) -> None:
    path = labels_file(data_dir / "labels.jsonl", (FIRST, "dog", "yes"))
    with path.open("a") as file:
        file.write(json.dumps({"image": FIRST, "question": "Is there a dog in this image?", "label": "no"}))
    with pytest.raises(RepopeError, match=r"'dog' in COCO_val2014_000000000042\.jpg has two labels"):
        load_benchmark(settings(relabels=str(path)), data_dir)


def test_the_truth_of_any_images(data_dir: Path) -> None:
    truth = load_truth(settings(), data_dir, [THIRD, "other.jpg", FIRST])
    assert list(truth.objects) == [THIRD, FIRST]
    assert set(truth.verdicts) == {FIRST}


@pytest.mark.parametrize(
    ("given", "prompts"),
    [
        ({}, {"describe": "Describe this image."}),
        (
            {"variants": ("detail", "short")},
            {variant: chair.PROMPTS[variant] for variant in ("detail", "short")},
        ),
        ({"prompt": "What is in it?\nTell all."}, {"describe": "What is in it?\nTell all."}),
    ],
)
def test_prompts(data_dir: Path, given: dict[str, Any], prompts: dict[str, str]) -> None:
    ids = load_benchmark(settings(**given), data_dir).ids
    assert {variant: {each.text for each in of.values()} for variant, of in ids.items()} == {
        variant: {prompt} for variant, prompt in prompts.items()
    }


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"prompt": "Is there a dog in the image?"}, "asks for yes or no"),
        ({"prompt": "Describe it. Answer with yes or no."}, "asks for yes or no"),
        ({"prompt": " "}, "bench.prompt: is empty"),
        ({"prompt": "Tell.", "variants": ("describe", "short")}, "is one prompt, and 2 variants"),
        ({"variants": ("long",)}, "no such variant as long"),
    ],
)
def test_prompts_that_describe_nothing_are_refused(data_dir: Path, given: dict[str, Any], told: str) -> None:
    with pytest.raises(RepopeError, match=told):
        load_benchmark(settings(**given), data_dir)


def test_cocos_files_are_read_once(data_dir: Path) -> None:
    first = load_benchmark(settings(), data_dir)
    for name in COCO_FILES:
        (data_dir / "annotations" / name).unlink()
    assert load_benchmark(settings(), data_dir) == first


def test_cocos_files_may_lie_elsewhere(data_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "coco").mkdir()
    for name in COCO_FILES:
        (data_dir / "annotations" / name).rename(tmp_path / "coco" / name)
    benchmark = load_benchmark(settings(annotations=str(tmp_path / "coco")), data_dir)
    assert benchmark.truth is not None


@pytest.fixture
def server(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    """A server of COCO's archive, which data_dir lacks."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in COCO_FILES:
            path = data_dir / "annotations" / name
            archive.write(path, f"annotations/{name}")
            path.unlink()
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(chair, "ARCHIVE_SERVERS", ())  # COCO's own, which is asked last
    monkeypatch.setattr(
        chair, "ARCHIVE_MD5", hashlib.md5(content.getvalue(), usedforsecurity=False).hexdigest()
    )
    with serving() as state:
        state.files["coco/annotations_trainval2014.zip"] = content.getvalue()
        yield state


def test_cocos_archive_is_fetched_and_removed(server: FaultServer, data_dir: Path) -> None:
    benchmark = load_benchmark(settings(annotations_url=f"{server.url}/coco"), data_dir)
    assert benchmark.truth is not None
    assert benchmark.truth.objects[FIRST] == {"dog", "couch"}
    assert [path.name for path in (data_dir / "chair").iterdir()] == [chair.KEPT]
    assert load_benchmark(settings(), data_dir) == benchmark  # and asks nobody again


def test_an_archive_that_is_damaged_is_refused(
    server: FaultServer, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chair, "ARCHIVE_MD5", "0" * 32)
    with pytest.raises(RepopeError, match="so it is not COCO's archive"):
        load_benchmark(settings(annotations_url=f"{server.url}/coco"), data_dir)
    assert not list((data_dir / "chair").iterdir())
