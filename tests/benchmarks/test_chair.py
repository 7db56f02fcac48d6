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

from repope_eval.benchmarks import chair
from repope_eval.benchmarks.pope_file import POPE_VARIANTS
from repope_eval.benchmarks.sources import load_benchmark
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
