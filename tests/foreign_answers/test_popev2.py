"""Rows of POPEv2's own file with responses: the two images of a pair, whose file names are equal, are told apart."""

import json
from pathlib import Path
from typing import Any

import pytest
from answer_examples import refuses, responses

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.popev2 import VARIANTS
from repope_eval.benchmarks.sources import load_benchmark
from repope_eval.foreign_answers.benchmark_codes import POPEV2_RESPONSES
from repope_eval.foreign_answers.formats import join_file
from repope_eval.foreign_answers.joining import Joined
from repope_eval.records import LabelSet, Question
from repope_eval.settings.config import BenchSettings, ColumnSettings
from repope_eval.system.rows import RowFile

Row = dict[str, Any]

CUP = "Is there a cup in the image?"
PHOTOGRAPH = Question("train2017/000000000007.jpg", CUP, "cup")
PAINTED_OUT = Question("popev2/images/000000000007.jpg", CUP, "cup")
BENCHMARK = Benchmark(
    "popev2",
    (LabelSet("popev2", {}),),
    {"photograph": {"a": PHOTOGRAPH}, "painted_out": {"b": PAINTED_OUT}},
    {},
)


def row(image: str, **fields: Any) -> Row:
    return {
        "image_id": 7,
        "image_name": image,
        "target_object": "cup",
        "query": CUP,
        "label": "Yes",
        **fields,
    }


def joined(*rows: Row, bench: Benchmark = BENCHMARK) -> Joined:
    return join_file(RowFile(where="answers", rows=rows), ColumnSettings(), bench, None)[0]


@pytest.mark.parametrize("field", POPEV2_RESPONSES)
@pytest.mark.parametrize("folder", ["", "D:\\data\\POPEv2"])
def test_names_of_images_are_those_of_the_authors_file(field: str, folder: str) -> None:
    found = joined(
        row(f"{folder}/images/000000000007.jpg", **{field: "No"}),
        row(f"{folder}/coco/train2017/000000000007.jpg", **{field: "Yes, a cup."}),
    )
    assert responses(found) == {PAINTED_OUT: "No", PHOTOGRAPH: "Yes, a cup."}


def test_they_join_under_names_in_common_use_as_well() -> None:
    found = joined(
        {"image": "/images/000000000007.jpg", "question": CUP, "response": "No"},
        {"image": "/coco/train2017/000000000007.jpg", "question": CUP, "response": "Yes"},
    )
    assert responses(found) == {PAINTED_OUT: "No", PHOTOGRAPH: "Yes"}


def test_a_file_name_alone_may_be_either_of_a_pair() -> None:
    with refuses(
        "answers, row 1: the image '000000000007.jpg' may be train2017/000000000007.jpg or popev2/images"
    ):
        joined(row("000000000007.jpg", response="No"))


def test_of_another_benchmark_they_are_refused_with_the_right_one() -> None:
    with refuses(
        "answers: its rows are named as POPEv2's (image_name, query); give bench=popev2, or columns.image="
    ):
        joined(
            row("/images/000000000007.jpg", response="No"),
            bench=Benchmark("repope", (LabelSet("pope", {}),), {"random": {1: PHOTOGRAPH}}, {}),
        )


def test_the_published_rows_join_one_by_one(published: Path) -> None:
    benchmark = load_benchmark(BenchSettings(name="popev2", source="popev2", variants=VARIANTS), published)
    rows = json.loads((published / "popev2" / "annotations.json").read_text())
    found = joined(*[{**each, "response": each["label"]} for each in rows], bench=benchmark)
    assert (len(found.answers), found.unjoined, found.n_conflicts) == (1000, (), 0)
    (labels,) = benchmark.label_sets
    told = {asked: label for of_variant in labels.variants.values() for asked, label in of_variant.items()}
    assert {asked: said == "Yes" for asked, said in responses(found).items()} == told
