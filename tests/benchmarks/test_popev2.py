"""POPEv2: the published file's counts, an always-yes model on it, and where its images come from."""

import json
from pathlib import Path

import pytest
from conftest import CommandLine
from fault_server import FaultServer
from PIL import Image

from repope_eval.benchmarks.popev2 import VARIANTS, popev2_benchmark
from repope_eval.benchmarks.sources import find_benchmark_images, load_benchmark
from repope_eval.errors import RepopeError
from repope_eval.settings.config import BenchSettings


def settings(**given: object) -> BenchSettings:
    return BenchSettings(name="popev2", source="popev2", variants=VARIANTS, **given)  # type: ignore[arg-type]


def test_the_published_file_has_500_pairs(published: Path) -> None:
    benchmark = load_benchmark(settings(), published)
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


@pytest.mark.parametrize(("wrong", "right"), [("Yes", 0), ("No", 0), ("", 500)])
def test_both_of_a_pair_right_is_told(
    wrong: str, right: int, published: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    """A model that says the same to all, and one that is right about all."""
    benchmark = load_benchmark(settings(), published)
    answers, out = tmp_path / "answers.jsonl", tmp_path / "run"
    lines = [
        {
            "image": question.image,
            "question": question.text,
            "response": wrong or ("Yes" if question.image.startswith("train2017") else "No"),
        }
        for question in benchmark.questions
    ]
    answers.write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = command_line(
        "score", f"answers={answers}", "bench=popev2", f"data_dir={published}", f"out={out}"
    )
    assert result.returncode == 0, result.stderr
    document = json.loads((out / "scores.json").read_text())
    assert (document["groups"]["popev2"]["n"], document["groups"]["popev2"]["n_right"]) == (500, right)
    scores = document["scores"]["popev2"]
    assert scores["photograph"]["accuracy"] == (0 if wrong == "No" else 1)
    assert scores["painted_out"]["accuracy"] == (0 if wrong == "Yes" else 1)
    assert "Groups of questions that are all answered right" in result.stdout
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
    given = settings(images_url=f"{server.url}/train2017")
    with pytest.raises(
        RepopeError, match=r"1 of 2 images of POPEv2 missing \(popev2/images/000000000007.jpg\)"
    ) as caught:
        find_benchmark_images(given, tmp_path, names)
    assert "images.zip of github.com/AoiDragon/POPE" in str(caught.value)
    assert (tmp_path / "train2017" / "000000000007.jpg").is_file()
    (tmp_path / "popev2" / "images").mkdir(parents=True)
    (tmp_path / "one.jpg").rename(tmp_path / names[0])
    assert find_benchmark_images(given, tmp_path, names) == {name: tmp_path / name for name in names}
