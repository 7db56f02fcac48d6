"""Tables of questions: the demo written as each kind of them, variants, and what other benchmarks do not read."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import FIRST_IMAGES, CommandLine
from hub_server import HubServer
from question_tables import (
    ALL_COLUMNS,
    IMAGES,
    demo_rows,
    embedded,
    hub_folder,
    hub_words,
    of_rows,
    settings,
    write_csv,
    write_json,
    write_parquet,
    write_workbook,
)
from run_folders import demo

from repope_eval.benchmarks.sources import find_benchmark_images, load_benchmark
from repope_eval.errors import RepopeError
from repope_eval.settings.config import BenchSettings, TableColumns


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("demo.json", write_json),
        ("demo.jsonl", write_json),
        ("demo.csv", write_csv),
        ("demo.tsv", write_csv),
        ("demo.xlsx", write_workbook),
        ("demo.parquet", lambda path, rows: write_parquet(path, embedded(rows))),
    ],
)
def test_the_demo_is_the_same_in_every_form(
    name: str, write: Callable[[Path, Sequence[Mapping[str, Any]]], Path], tmp_path: Path
) -> None:
    path = write(tmp_path / name, demo_rows())
    given = settings(path, columns=ALL_COLUMNS, images=str(IMAGES))
    found, original = load_benchmark(given, tmp_path), demo()
    assert [each.name for each in found.label_sets] == ["original", "corrected"]
    assert [each.variants for each in found.label_sets] == [each.variants for each in original.label_sets]
    numbers = {variant: {str(number): one for number, one in of.items()} for variant, of in found.ids.items()}
    assert numbers == {
        variant: {str(number): one for number, one in of.items()} for variant, of in original.ids.items()
    }
    assert [question.object for question in found.questions] == [one.object for one in original.questions]
    assert set(found.hashes) == {name, "rows"}
    names = [question.image for question in found.questions]
    images = find_benchmark_images(given, tmp_path / "data", names)
    assert all(images[name].read_bytes() == (IMAGES / name).read_bytes() for name in names)


def test_the_demo_as_each_kind_of_table_has_the_demos_scores(
    short_unbroken: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    """A CSV with columns of other names, a Parquet file with its images in it, and a dataset of a Hub."""
    renamed = {
        "image": "file",
        "question": "prompt",
        "label": "answer",
        "relabel": "fixed",
        "variant": "part",
    }
    rows = [{renamed[key]: value for key, value in row.items() if key in renamed} for row in demo_rows()]
    table = write_csv(tmp_path / "own.csv", rows)
    parquet = write_parquet(tmp_path / "own.parquet", embedded(demo_rows()))
    (tmp_path / "data").mkdir()
    words = ("model=tiny", "bench=table", FIRST_IMAGES, "verify=0", f"data_dir={tmp_path / 'data'}")
    in_csv = [f"columns.{field}={name}" for field, name in renamed.items()]
    in_parquet = ["columns.variant=variant", "columns.relabel=relabel"]
    kinds = {
        "csv": [f"bench.questions={table}", f"bench.images={IMAGES}", *in_csv],
        "parquet": [f"bench.questions={parquet}", *in_parquet],
        "hub": [
            "bench.questions=hub:owner/presence",
            *in_parquet,
            "labels.yes=[present,yes]",
            "labels.no=[absent,no]",
        ],
    }
    with HubServer({"owner/presence": hub_folder(tmp_path / "hub")}) as server:
        for kind, own in kinds.items():
            out = tmp_path / kind
            environment = hub_words(server.address) if kind == "hub" else {}
            result = command_line(*words, *own, f"out={out}", **environment)
            assert result.returncode == 0, result.stderr
            found, of_demo = (
                json.loads((folder / "scores.json").read_text())["scores"] for folder in (out, short_unbroken)
            )
            assert list(found.items()) == [
                ("original", of_demo["pope"]),
                ("corrected", of_demo["repope"]),
            ]


def test_some_variants_are_chosen_and_unknown_ones_refused(tmp_path: Path) -> None:
    path = of_rows(
        tmp_path, {"part": "easy", "pair": 1}, {"part": "hard", "image": "b.jpg", "pair": 1}, {"part": 3}
    )
    columns = TableColumns(variant="part", group="pair")
    given = BenchSettings(name="t", source="table", variants=("hard",), questions=str(path), columns=columns)
    benchmark = load_benchmark(given, tmp_path)
    assert list(benchmark.ids) == ["hard"]
    assert list(benchmark.groups) == list(benchmark.questions)
    assert list(load_benchmark(settings(path, columns=columns), tmp_path).ids) == ["easy", "hard", "3"]
    with pytest.raises(
        RepopeError, match=r"no such variant as esy \(did you mean easy\?\); there are easy, hard"
    ):
        load_benchmark(
            BenchSettings(name="t", source="table", variants=("esy",), questions=str(path), columns=columns),
            tmp_path,
        )


def test_a_table_that_has_changed_is_read_again(tmp_path: Path) -> None:
    path = of_rows(tmp_path, {})
    assert len(load_benchmark(settings(path), tmp_path).questions) == 1
    of_rows(tmp_path, {}, {"image": "b.jpg"})
    assert len(load_benchmark(settings(path), tmp_path).questions) == 2


def test_columns_are_not_read_by_other_benchmarks(tmp_path: Path) -> None:
    given = BenchSettings(
        name="demo", source="demo", variants=("random",), columns=TableColumns(label="answer")
    )
    with pytest.raises(RepopeError, match=r"bench\.columns: not read by bench=demo"):
        load_benchmark(given, tmp_path)
