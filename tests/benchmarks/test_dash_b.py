"""DASH-B: questions out of its index files or the Hub dataset, and images out of folders or the same dataset."""

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import CommandLine
from PIL import Image

from repope_eval.benchmarks import dash_b
from repope_eval.benchmarks.dash_b import read_index
from repope_eval.benchmarks.sources import find_benchmark_images, load_benchmark
from repope_eval.errors import RepopeError
from repope_eval.settings.config import BenchSettings
from repope_eval.system.writing import write_json

INDEXES: dict[str, Any] = {
    "neg": {"coco": {"backpack": ["7.png", "8.png"]}, "objects": {"Orange": ["7.png"]}},
    "pos": {"coco": {"backpack": ["7.jpg", "0.jpg"]}, "objects": {"Orange": ["0.jpg"]}},
}
NAMES = [
    *("neg/coco/backpack/7.png", "neg/coco/backpack/8.png", "neg/objects/Orange/7.png"),
    *("pos/coco/backpack/7.jpg", "pos/coco/backpack/0.jpg", "pos/objects/Orange/0.jpg"),
]


@pytest.fixture(autouse=True)
def _offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def settings(**others: Any) -> BenchSettings:
    given = {"images_from": "hub", "hub_dataset": "nobody/no-dash-b"} | others
    return BenchSettings(name="dash_b", source="dash_b", variants=("dash_b",), **given)


def write_indexes(data_dir: Path, **changes: Any) -> None:
    (data_dir / "dash_b").mkdir(parents=True, exist_ok=True)
    for kind, index in (INDEXES | changes).items():
        path = data_dir / "dash_b" / f"dash_benchmark_{kind}.json"
        path.write_text(index if isinstance(index, str) else json.dumps(index))


def encoded(number: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 12), (number * 30, 50, 200)).save(buffer, "PNG")
    return buffer.getvalue()


def hub_rows() -> list[dict[str, Any]]:
    rows = []
    for kind, answer in (("neg", "no"), ("pos", "yes")):
        for objects in INDEXES[kind].values():
            rows += [
                {
                    "question": f"Can you see a {name} in this image? Please answer only with yes or no.",
                    "question_id": str(len(rows)),
                    "object": name,
                    "answer": answer,
                    "img_id": file,
                }
                for name, files in objects.items()
                for file in files
            ]
    return [row | {"image": {"bytes": encoded(number), "path": None}} for number, row in enumerate(rows)]


def parquet(folder: Path, rows: list[dict[str, Any]]) -> str:
    import datasets
    import pyarrow
    import pyarrow.parquet

    folder.mkdir()
    texts = {name: datasets.Value("string") for name in rows[0] if name != "image"}
    schema = datasets.Features({**texts, "image": datasets.Image()}).arrow_schema
    pyarrow.parquet.write_table(
        pyarrow.Table.from_pylist(rows, schema=schema), folder / "test-00000-of-00001.parquet"
    )
    return str(folder)


def refusal(data_dir: Path, **others: Any) -> str:
    with pytest.raises(RepopeError) as caught:
        load_benchmark(settings(**others), data_dir)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_questions_and_labels_of_the_index_files(tmp_path: Path) -> None:
    write_indexes(tmp_path)
    benchmark = load_benchmark(settings(), tmp_path)
    assert [question.image for question in benchmark.questions] == NAMES
    assert {question.object for question in benchmark.questions} == {"backpack", "Orange"}
    assert benchmark.questions[2].text == (
        "Can you see a Orange in this image? Please answer only with yes or no."
    )
    (label_set,) = benchmark.label_sets
    assert label_set.name == "dash_b"
    assert list(label_set.variants["dash_b"].values()) == [False] * 3 + [True] * 3
    assert set(benchmark.hashes) == {"dash_benchmark_neg.json", "dash_benchmark_pos.json"}
    assert len(benchmark.first_images(4).questions) == 4


def test_the_real_index_files(shared: Path) -> None:
    benchmark = load_benchmark(settings(), shared)
    (label_set,) = benchmark.label_sets
    labels = list(label_set.variants["dash_b"].values())
    assert (len(labels), sum(labels)) == (2682, 1341)
    assert len({question.image for question in benchmark.questions}) == 2682
    assert len({question.object for question in benchmark.questions}) == 70


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ("{", ": is no JSON ("),
        ([], ": is no index of DASH-B, which is {source set: {object: [file names]}}; put"),
        ('{"coco": {"bed": ["1.png"], "bed": ["2.png"]}}', ": an object has 'bed' twice; keep one"),
        (
            {"coco": {"bed": ["\ud800.png"]}},
            ": the name of an image is 'coco/bed/\\ud800.png', with half of a char",
        ),
        ({"coco": {"bed": [7]}}, ": is no index of DASH-B"),
        ({"coco": {"bed": ["7.png", "7.png"]}}, ": 'coco', 'bed': a file name stands twice; keep one"),
    ],
)
def test_a_broken_index_file(index: Any, message: str, tmp_path: Path) -> None:
    write_indexes(tmp_path, pos=index)
    assert refusal(tmp_path).startswith(f"{tmp_path / 'dash_b' / 'dash_benchmark_pos.json'}{message}")


def test_an_index_that_leads_out_of_its_folder(tmp_path: Path) -> None:
    write_indexes(tmp_path, pos={"coco": {"bed": ["../../x.jpg"]}})
    assert "leads out of the image folder" in refusal(tmp_path)


def test_one_index_file_alone(tmp_path: Path) -> None:
    write_indexes(tmp_path)
    missing = tmp_path / "dash_b" / "dash_benchmark_neg.json"
    missing.unlink()
    assert refusal(tmp_path).startswith(f"{missing}: is missing beside the other index file; put")


def test_images_of_its_folders(tmp_path: Path) -> None:
    for number, name in enumerate(NAMES):
        path = tmp_path / ("dash_b" if number < 3 else "elsewhere") / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = find_benchmark_images(settings(images=str(tmp_path / "elsewhere")), tmp_path, NAMES)
    assert list(found) == NAMES
    assert found[NAMES[5]] == tmp_path / "elsewhere" / NAMES[5]


@pytest.mark.parametrize("images_from", ["download", "hub"])
def test_missing_images_are_counted_named_and_mended(images_from: str, tmp_path: Path) -> None:
    path = tmp_path / "dash_b" / NAMES[0]
    path.parent.mkdir(parents=True)
    path.touch()
    with pytest.raises(RepopeError) as caught:
        find_benchmark_images(settings(images_from=images_from), tmp_path, NAMES)
    line = str(caught.value)
    assert line.startswith(
        f"5 of 6 images of DASH-B missing ({', '.join(NAMES[1:4])}, ...) in {tmp_path / 'dash_b'}: unpack its "
        "neg.zip and pos.zip there, or name the folder that holds neg and pos with bench.images=FOLDER"
    )
    assert ("bench.images_from=hub" in line) == (images_from == "download")
    assert ("nobody/no-dash-b cannot be loaded" in line) == (images_from == "hub")


def test_missing_images_are_copied_out_of_the_dataset(tmp_path: Path) -> None:
    dataset = parquet(tmp_path / "hub", hub_rows())
    found = find_benchmark_images(settings(hub_dataset=dataset), tmp_path, NAMES)
    assert [found[name].read_bytes() for name in NAMES] == [encoded(number) for number in range(6)]
    assert found[NAMES[0]] == tmp_path / "dash_b" / NAMES[0]


def test_images_the_dataset_lacks_are_told(tmp_path: Path) -> None:
    dataset = parquet(tmp_path / "hub", hub_rows()[:4])
    with pytest.raises(RepopeError, match=re.escape(f"2 of 6 images of DASH-B missing ({NAMES[4]}, ")):
        find_benchmark_images(settings(hub_dataset=dataset), tmp_path, NAMES)
    assert (tmp_path / "dash_b" / NAMES[3]).is_file()


def test_without_index_files_all_is_made_of_the_dataset_once(tmp_path: Path) -> None:
    dataset = parquet(tmp_path / "hub", hub_rows())
    benchmark = load_benchmark(settings(hub_dataset=dataset), tmp_path)
    names = [question.image for question in benchmark.questions]
    assert names == [re.sub("coco|objects", "hub", name) for name in NAMES]
    found = find_benchmark_images(settings(hub_dataset=dataset), tmp_path, names)
    assert [found[name].read_bytes() for name in names] == [encoded(number) for number in range(6)]
    offline = settings(images_from="download")
    assert load_benchmark(offline, tmp_path).questions == benchmark.questions
    assert find_benchmark_images(offline, tmp_path, names) == found


def test_without_index_files_and_dataset(tmp_path: Path) -> None:
    where = tmp_path / "dash_b"
    none = f"{where}: holds no dash_benchmark_neg.json and no dash_benchmark_pos.json"
    assert refusal(tmp_path, images_from="download") == (
        f"{none}; put them there, or have them made of the Hub dataset with bench.images_from=hub"
    )
    assert refusal(tmp_path).startswith(
        f"{none}, and they cannot be made of the Hub dataset (images of the d"
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"question": "Is there a bed?"},
            "asks 'Is there a bed?', not 'Can you see a backpack in this image?",
        ),
        ({"img_id": "8.png"}, "row 2: question 'Can you see a backpack"),
        ({"img_id": "../8.png"}, "leads out of the image folder"),
    ],
)
def test_a_dataset_of_something_else(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    first, *rest = hub_rows()
    dataset = parquet(tmp_path / "hub", [first | change, *rest])
    assert message in refusal(tmp_path, hub_dataset=dataset)
    assert not (tmp_path / "dash_b").exists()


def test_a_run_from_the_dataset_to_the_scores(tmp_path: Path, command_line: CommandLine) -> None:
    dataset = parquet(tmp_path / "hub", hub_rows())
    result = command_line(
        "bench=dash_b", f"bench.hub_dataset={dataset}", f"data_dir={tmp_path}", f"out={tmp_path / 'run'}"
    )
    assert result.returncode == 0, result.stderr
    cell = json.loads((tmp_path / "run" / "scores.json").read_text())["scores"]["dash_b"]["dash_b"]
    assert (cell["n_questions"], cell["n_answered"]) == (6, 6)


def test_an_index_far_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "index.json"
    path.write_text("{}")
    assert read_index(path) == {}
    monkeypatch.setattr(dash_b, "LARGEST", 1)
    with pytest.raises(RepopeError, match=f"^{path}: is too large for an index of DASH-B"):
        read_index(path)


def test_where_one_index_file_cannot_be_written_the_next_call_makes_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = parquet(tmp_path / "hub", hub_rows())
    with monkeypatch.context() as patch:
        written: list[Path] = []

        def write_one(path: Path, document: object) -> None:
            if written:
                raise RepopeError(f"{path}: cannot be written (No space left on device)")
            written.append(path)
            write_json(path, document)

        patch.setattr(dash_b, "write_json", write_one)
        assert "No space left" in refusal(tmp_path, hub_dataset=dataset)
    assert list((tmp_path / "dash_b").iterdir()) == []
    assert len(load_benchmark(settings(hub_dataset=dataset), tmp_path).questions) == 6
