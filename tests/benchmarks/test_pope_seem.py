"""POPE on A-OKVQA and GQA: the published files' counts, where they come from, and an always-yes model on them."""

import json
from pathlib import Path

import pytest
from conftest import CommandLine
from fault_server import FaultServer
from PIL import Image

from repope_eval.benchmarks import pope_seem
from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.pope_file import POPE_VARIANTS
from repope_eval.benchmarks.sources import find_benchmark_images, load_benchmark
from repope_eval.errors import RepopeError
from repope_eval.settings.config import BenchSettings


def settings(name: str, **given: object) -> BenchSettings:
    return BenchSettings(name=name, source=name, variants=POPE_VARIANTS, **given)  # type: ignore[arg-type]


def loaded(name: str, published: Path) -> Benchmark:
    return load_benchmark(settings(name), published)


@pytest.mark.parametrize(("name", "distinct"), [("pope_aokvqa", 5145), ("pope_gqa", 5171)])
def test_the_published_files_have_the_counts_that_were_measured(
    name: str, distinct: int, published: Path
) -> None:
    benchmark = loaded(name, published)
    assert len(benchmark.questions) == distinct
    assert len({question.image for question in benchmark.questions}) == 500
    assert {variant: len(ids) for variant, ids in benchmark.ids.items()} == dict.fromkeys(POPE_VARIANTS, 3000)
    (labels,) = benchmark.label_sets
    assert labels.name == "pope"
    counts = {variant: (len(of), sum(of.values())) for variant, of in labels.variants.items()}
    # One question stands twice in the adversarial file, with the label no both times.
    assert counts == {"random": (3000, 1500), "popular": (3000, 1500), "adversarial": (2999, 1500)}


@pytest.mark.parametrize("name", ["pope_aokvqa", "pope_gqa"])
def test_a_model_that_always_says_yes_is_scored(
    name: str, published: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    answers = tmp_path / "answers.jsonl"
    answers.write_text(
        "".join(
            json.dumps({"image": question.image, "question": question.text, "response": "Yes"}) + "\n"
            for question in loaded(name, published).questions
        )
    )
    out = tmp_path / "run"
    result = command_line(
        "score", f"answers={answers}", f"bench={name}", f"data_dir={published}", f"out={out}"
    )
    assert result.returncode == 0, result.stderr
    scores = json.loads((out / "scores.json").read_text())["scores"]["pope"]
    assert scores["random"]["f1"] == scores["popular"]["f1"] == pytest.approx(2 / 3)
    assert scores["adversarial"]["precision"] == pytest.approx(1500 / 2999)
    assert {scores[variant]["tnr"] for variant in POPE_VARIANTS} == {0}


def test_question_files_come_from_the_first_mirror_that_has_the_right_ones(
    server: FaultServer, published: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    for name in pope_seem.GQA.sha256:
        content = (published / "pope_seem" / name).read_bytes()
        server.files |= {f"changed/{name}": content + b" ", f"right/{name}": content}
    mirrors = " ".join(f"{server.url}/{name}" for name in ("gone", "changed", "right"))
    words = ("data", "bench=pope_gqa", f"data_dir={tmp_path}", "fetch_images=false")
    result = command_line(*words, f"bench.annotations_url={mirrors}")
    assert result.returncode == 0, result.stderr
    gone, changed, *_ = [line for line in result.stderr.splitlines() if " next" in line]
    assert f"3 of 3 annotation files could not be fetched, the first from {server.url}/gone/" in gone
    assert gone.endswith(f"; trying {server.url}/changed next")
    assert "SHA-256 is" in changed
    assert changed.endswith(f"; trying {server.url}/right next")
    assert "pope_gqa: question files are right, 5171 distinct questions" in result.stderr
    printed = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "adversarial POPE 3,000 2,999 1,500 1,499 500" in printed
    assert "licence: MIT" in result.stdout
    asked = len(server.asked)
    assert command_line(*words).returncode == 0  # what is there is not fetched again
    assert len(server.asked) == asked


def test_images_of_gqa_come_from_either_folder_of_visual_genomes(server: FaultServer, tmp_path: Path) -> None:
    Image.new("RGB", (8, 6), "teal").save(tmp_path / "one.jpg")
    content = (tmp_path / "one.jpg").read_bytes()
    server.files |= {"VG_100K/1.jpg": content, "VG_100K_2/2.jpg": content}
    address = " ".join(f"{server.url}/{folder}" for folder in ("VG_100K", "VG_100K_2"))
    bench = settings("pope_gqa", images_url=address)
    found = find_benchmark_images(bench, tmp_path, ["1.jpg", "2.jpg"])
    assert found == {name: tmp_path / "gqa" / name for name in ("1.jpg", "2.jpg")}
    with pytest.raises(RepopeError) as caught:
        find_benchmark_images(bench, tmp_path, ["1.jpg", "3.jpg"])
    assert str(caught.value).startswith(
        f"1 of 2 GQA images missing (3.jpg) in {tmp_path / 'gqa'}: unpack GQA's images.zip there"
    )


def test_images_of_a_okvqa_are_cocos(tmp_path: Path) -> None:
    names = ["COCO_val2014_000000000001.jpg"]
    (tmp_path / "val2014").mkdir()
    (tmp_path / "val2014" / names[0]).write_bytes(b"")
    assert find_benchmark_images(settings("pope_aokvqa"), tmp_path, names) == {
        names[0]: tmp_path / "val2014" / names[0]
    }
