"""AMBER: the published files' counts, an always-yes model on them, and images out of a dataset like the Hub's."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from conftest import CommandLine
from PIL import Image

from repope_eval.benchmarks import amber
from repope_eval.benchmarks.amber import VARIANTS, amber_benchmark
from repope_eval.benchmarks.published_files import file_hash
from repope_eval.benchmarks.sources import find_benchmark_images, load_benchmark
from repope_eval.errors import RepopeError
from repope_eval.records import Answer
from repope_eval.scoring.own_figures import amber_figures, read_exactly
from repope_eval.settings.config import BenchSettings


def settings(**given: object) -> BenchSettings:
    return BenchSettings(name="amber", source="amber", variants=VARIANTS, **given)  # type: ignore[arg-type]


def test_the_published_files_have_the_counts_that_were_measured(published: Path) -> None:
    benchmark = load_benchmark(settings(), published)
    assert len(benchmark.questions) == 14_206
    assert len({question.image for question in benchmark.questions}) == 1004
    assert {variant: len(ids) for variant, ids in benchmark.ids.items()} == {
        "existence": 4924,
        "state": 2 * 2382,
        "number": 2 * 1036,
        "action": 2 * 396,
        "relation": 975 + 689,
    }
    (labels,) = benchmark.label_sets
    rows_with_yes = {
        variant: sum(labels.variants[variant][question] for question in ids.values())
        for variant, ids in benchmark.ids.items()
    }
    assert rows_with_yes == {"existence": 0, "state": 2382, "number": 1036, "action": 396, "relation": 975}


def test_an_answer_file_is_scored_with_the_authors_figures_beside_ours(
    published: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    """It says yes to all but to the questions about existence, whose noes it ends with a full stop."""
    benchmark = load_benchmark(settings(), published)
    no = set(benchmark.ids["existence"].values())
    answers = tmp_path / "answers.jsonl"
    lines = [
        {"image": asked.image, "question": asked.text, "response": "No." if asked in no else "Yes"}
        for asked in benchmark.questions
    ]
    answers.write_text("".join(json.dumps(line) + "\n" for line in lines))
    out = tmp_path / "run"
    result = command_line("score", f"answers={answers}", "bench=amber", f"data_dir={published}", f"out={out}")
    assert result.returncode == 0, result.stderr
    document = json.loads((out / "scores.json").read_text())
    exactly, read = document["amber"]["exactly Yes or No"], document["amber"]["repope"]
    no_no = dict.fromkeys(("precision", "f1"), "nothing was answered no")
    always_yes = {"n": 1664, "accuracy": 58.6, "precision": None, "recall": 0.0, "f1": None, "reasons": no_no}
    assert exactly["relation"] == read["relation"] == always_yes
    nothing_right = {**always_yes, "n": 4924, "accuracy": 0.0}
    assert exactly["existence"] == nothing_right
    # 2 / (2 + .001) = .9995
    assert read["existence"] == {
        "n": 4924,
        "accuracy": 100.0,
        "precision": 100.0,
        "recall": 100.0,
        "f1": 100.0,
        "reasons": {},
    }
    # Noes due: 4924 + 2382 + 1036 + 396 + 689 = 9427, of which 4924 are said, 52.2 %; 1.044 / 1.5221 = .68590
    assert read["all"]["recall"] == 52.2
    assert read["all"]["f1"] == 68.6
    ours = document["scores"]["amber"]
    assert ours["existence"]["tnr"] == 1
    assert ours["existence"]["f1"] is None
    assert ours["existence"]["recall"] is None
    assert "AMBER's own figures in percent" in result.stdout
    page = (out / "report.html").read_text()
    assert 'id="amber"' in page
    assert "All questions about existence have the label no" in page
    assert "TNR" in page[: page.index('id="amber"')]
    assert [line.split() for line in result.stdout.splitlines() if "existence" in line][1] == [
        *("existence", "AMBER", "0", "0", "4918", "0", "4918", "100.0", "–", "–", "–")
    ]


ORIGINAL = """
    all        89.7  94.7  89.5  92.0
    existence  89.5 100.0  89.5  94.4
    attribute  89.9  90.4  89.2  89.8
    state      89.7  90.3  88.9  89.6
    number     90.1  90.5  89.6  90.0
    action     90.7  91.1  90.2  90.6
    relation   89.7  85.3  90.7  87.9
"""
"""Accuracy, precision, recall and F1 that the authors' `inference.py` prints of the answers below."""


def test_the_figures_are_those_that_the_authors_program_prints(published: Path) -> None:
    """The answers are wrong in one of ten cases, which a seed chooses; a question that stands twice has one answer."""
    benchmark = load_benchmark(settings(), published)
    (labels,) = benchmark.label_sets
    by_id = {number: question for ids in benchmark.ids.values() for number, question in ids.items()}
    label_of = labels.distinct
    chosen = random.Random(1)
    answers = {
        question: Answer(question, "Yes" if label_of[question] ^ (chosen.random() < 0.1) else "No")
        for _, question in sorted(by_id.items())  # the later of two rows with one question gives its answer
    }
    found = amber_figures(benchmark.ids, labels.variants, answers, read_exactly)
    lines = [
        f"{name:9}  {each.accuracy:4} {each.precision:5} {each.recall:5} {each.f1:5}"
        for name, each in found.items()
    ]
    assert [line.split() for line in lines] == [line.split() for line in ORIGINAL.strip().splitlines()]


QUERIES = [
    {"id": 1005, "image": "AMBER_1.jpg", "query": "Is the sky sunny in this image?"},
    {"id": 1006, "image": "AMBER_2.jpg", "query": "Is there a boat in this image?"},
]
TRUTHS = [
    {"id": 1, "type": "generative", "truth": ["sky"]},
    {"id": 1005, "type": "discriminative-attribute-state", "truth": "yes"},
    {"id": 1006, "type": "discriminative-hallucination", "truth": "no"},
]


def written(folder: Path, queries: object = QUERIES, truths: object = TRUTHS) -> tuple[Path, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / "query_discriminative.json", folder / "annotations.json"
    for path, content in zip(paths, (queries, truths), strict=True):
        path.write_text(json.dumps(content))
    return paths


def test_a_question_that_names_no_object_is_grouped_by_its_kind(tmp_path: Path) -> None:
    benchmark = amber_benchmark("amber", VARIANTS, *written(tmp_path), {})
    assert {question.image: question.object for question in benchmark.questions} == {
        "AMBER_1.jpg": "state",
        "AMBER_2.jpg": "boat",
    }


@pytest.mark.parametrize(
    ("queries", "truths", "message"),
    [
        (QUERIES, TRUTHS[:2], "id 1006 has no type and label in annotations.json"),
        ([{"id": 1005, "image": "AMBER_1.jpg"}], TRUTHS, "id 1005: the query is None, not a text"),
        (
            [*QUERIES, {**QUERIES[0], "id": 7}],
            [*TRUTHS, {**TRUTHS[1], "id": 7, "truth": "no"}],
            "has two labels",
        ),
    ],
)
def test_files_that_do_not_fit_together_are_refused(
    queries: object, truths: object, message: str, tmp_path: Path
) -> None:
    with pytest.raises(RepopeError, match=message):
        amber_benchmark("amber", VARIANTS, *written(tmp_path, queries, truths), {})


def test_images_come_out_of_a_dataset_like_the_hubs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queries, _ = written(tmp_path / "data" / "amber")
    made_up = replace(amber.QUERIES, sha256={queries.name: file_hash(queries)})
    monkeypatch.setattr(amber, "QUERIES", made_up)
    Image.new("RGB", (8, 6), "teal").save(tmp_path / "one.jpg")
    content = (tmp_path / "one.jpg").read_bytes()
    dataset = tmp_path / "dataset"
    dataset.mkdir()
    for part, rows in (("existence", QUERIES[1:]), ("attribute", QUERIES[:1]), ("relation", QUERIES[:1])):
        columns = {
            "image": [{"bytes": content, "path": None} for _ in rows],
            "id": [row["id"] for row in rows],
            "query": [row["query"] for row in rows],
        }
        file = dataset / f"discriminative-{part}-00000-of-00001.parquet"
        pyarrow.parquet.write_table(pyarrow.table(columns), file)
    names = ["AMBER_1.jpg", "AMBER_2.jpg"]
    given = settings(images_from="hub", hub_dataset=str(dataset))
    found = find_benchmark_images(given, tmp_path / "data", names)
    assert found == {name: tmp_path / "data" / "amber" / "images" / name for name in names}
    with pytest.raises(RepopeError, match=r"1 of 1 image of AMBER missing \(AMBER_9.jpg\)"):
        find_benchmark_images(given, tmp_path / "data", ["AMBER_9.jpg"])
    with pytest.raises(RepopeError, match=r"bench\.images_from=hub"):
        find_benchmark_images(settings(), tmp_path / "data", ["AMBER_9.jpg"])
