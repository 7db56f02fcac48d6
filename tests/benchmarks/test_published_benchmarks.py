"""POPEv2, and POPE on A-OKVQA and GQA: the published files, how large they are, and where their images come from."""

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import CommandLine
from fault_server import FaultServer
from PIL import Image

from repope_eval.benchmarks import pope_seem
from repope_eval.benchmarks.benchmark import Benchmark, BenchmarkSize
from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.benchmarks.pope_file import POPE_VARIANTS
from repope_eval.benchmarks.popev2 import VARIANTS, popev2_benchmark
from repope_eval.benchmarks.sources import SOURCES, benchmark_size, find_benchmark_images, load_benchmark
from repope_eval.errors import RepopeError
from repope_eval.settings.config import BenchSettings, TableColumns


def of_popev2(**given: object) -> BenchSettings:
    return BenchSettings(name="popev2", source="popev2", variants=VARIANTS, **given)  # type: ignore[arg-type]


def test_the_published_file_has_500_pairs(published: Path) -> None:
    benchmark = load_benchmark(of_popev2(), published)
    assert len(benchmark.questions) == 1000
    (labels,) = benchmark.label_sets
    assert {variant: (len(of), sum(of.values())) for variant, of in labels.variants.items()} == {
        "photograph": (500, 500),
        "painted_out": (500, 0),
    }
    assert len(set(benchmark.groups.values())) == 500
    assert {question.image.rpartition("/")[0] for question in benchmark.questions} == {
        "train2017",
        "popev2/images",
    }


def test_both_of_a_pair_right_is_told(published: Path, command_line: CommandLine, tmp_path: Path) -> None:
    """By a model that is right about all; `test_own_figures` has those that always say the same."""
    benchmark = load_benchmark(of_popev2(), published)
    answers, out = tmp_path / "answers.jsonl", tmp_path / "run"
    lines = [
        {
            "image": question.image,
            "question": question.text,
            "response": "Yes" if question.image.startswith("train2017") else "No",
        }
        for question in benchmark.questions
    ]
    answers.write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = command_line(
        "score", f"answers={answers}", "bench=popev2", f"data_dir={published}", f"out={out}"
    )
    assert result.returncode == 0, result.stderr
    document = json.loads((out / "scores.json").read_text())
    assert (document["groups"]["popev2"]["n"], document["groups"]["popev2"]["n_right"]) == (500, 500)
    scores = document["scores"]["popev2"]
    assert scores["photograph"]["accuracy"] == 1
    assert scores["painted_out"]["accuracy"] == 1
    assert "Groups of questions that are all answered right" in " ".join(result.stdout.split())
    assert 'id="groups"' in (out / "report.html").read_text()


ROW = {
    "image_id": 7,
    "image_name": "/coco/train2017/000000000007.jpg",
    "target_object": "cup",
    "query": "Is there a cup in the image?",
    "label": "Yes",
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"image_name": "elsewhere/1.jpg"},
            "image 'elsewhere/1.jpg', label 'yes'; an image in /coco/train2017/",
        ),
        ({"label": "perhaps"}, "label 'perhaps'"),
        ({"query": ""}, "the query is empty"),
    ],
)
def test_a_row_of_another_form_is_refused(change: dict[str, str], message: str, tmp_path: Path) -> None:
    path = tmp_path / "annotations.json"
    path.write_text(json.dumps([ROW | change]))
    with pytest.raises(RepopeError, match=message):
        popev2_benchmark("popev2", VARIANTS, path, {})


def test_photographs_are_fetched_and_painted_ones_are_to_be_unpacked(
    server: FaultServer, tmp_path: Path
) -> None:
    Image.new("RGB", (8, 6), "teal").save(tmp_path / "one.jpg")
    server.files["train2017/000000000007.jpg"] = (tmp_path / "one.jpg").read_bytes()
    names = ["popev2/images/000000000007.jpg", "train2017/000000000007.jpg"]
    given = of_popev2(images_url=f"{server.url}/train2017")
    with pytest.raises(
        RepopeError, match=r"1 of 2 images of POPEv2 missing \(popev2/images/000000000007.jpg\)"
    ) as caught:
        find_benchmark_images(given, tmp_path, names)
    assert "images.zip of github.com/AoiDragon/POPE" in str(caught.value)
    assert (tmp_path / "train2017" / "000000000007.jpg").is_file()
    (tmp_path / "popev2" / "images").mkdir(parents=True)
    (tmp_path / "one.jpg").rename(tmp_path / names[0])
    assert find_benchmark_images(given, tmp_path, names) == {name: tmp_path / name for name in names}


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


def of_variants(source: Any, variants: tuple[str, ...], **given: Any) -> BenchSettings:
    return BenchSettings(name="any", source=source, variants=variants, **given)


@pytest.mark.parametrize(
    "source", [name for name, source in SOURCES.items() if source.sizes and name != "chair"]
)
def test_a_known_size_is_that_of_the_published_files(source: str, published: Path) -> None:
    bench = of_variants(source, SOURCES[source].variants)
    benchmark = load_benchmark(bench, published.parent if source in ("coco", "dash_b") else published)
    for variants, size in SOURCES[source].sizes.items():
        asked = {question for variant in variants for question in benchmark.ids[variant].values()}
        assert size == BenchmarkSize(len({question.image for question in asked}), len(asked))


def test_a_known_size_needs_no_file(tmp_path: Path) -> None:
    whole = {
        name: benchmark_size(of_variants(name, source.variants), tmp_path)
        for name, source in SOURCES.items()
        if source.sizes
    }
    assert whole == {
        "coco": BenchmarkSize(500, 5127),
        "pope_aokvqa": BenchmarkSize(500, 5145),
        "pope_gqa": BenchmarkSize(500, 5171),
        "popev2": BenchmarkSize(1000, 1000),
        "amber": BenchmarkSize(1004, 14_206),
        "dash_b": BenchmarkSize(2682, 2682),
        "chair": BenchmarkSize(500, 1500),
    }
    assert not list(tmp_path.iterdir())


def test_some_of_the_variants_are_counted(shared: Path) -> None:
    size = benchmark_size(of_variants("coco", ("popular", "random")), shared)
    assert (size.images, 3000 < size.questions < 5127) == (500, True)


def test_what_nobody_published_is_counted(tmp_path: Path) -> None:
    assert benchmark_size(of_variants("demo", SOURCES["demo"].variants), tmp_path) == BenchmarkSize(100, 1026)
    mine = of_variants("custom", ("mine",), questions=str(DEMO_FOLDER / "pope_random.jsonl"))
    assert benchmark_size(mine, tmp_path) == BenchmarkSize(100, 600)
    columns = TableColumns(question="text")
    table = of_variants("table", (), questions=str(DEMO_FOLDER / "pope_random.jsonl"), columns=columns)
    assert benchmark_size(table, tmp_path) == BenchmarkSize(100, 600)
