"""Whole files of other programs about the real POPE, written, read and joined: no answer goes to another question."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from real_answers import VARIANTS, benchmark

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.foreign_answers.formats import join_file
from repope_eval.records import Question
from repope_eval.settings.config import ColumnSettings
from repope_eval.system.rows import read_row_file

HUB_ORDER = ("adversarial", "popular", "random")
INSTRUCTION = "\nAnswer the question using a single word or phrase."


def code(asked: Question) -> str:
    """A response that says which question it answers."""
    return f"{asked.image} {asked.object}"


def require_all(path: Path, bench: Benchmark, asked: Iterable[Question]) -> None:
    joined, _ = join_file(read_row_file(path), ColumnSettings(), bench, None)
    assert set(joined.answers) == set(asked)
    assert all(answer.response == code(question) for question, answer in joined.answers.items())
    assert (joined.unjoined, joined.n_conflicts) == ((), 0)


def write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_the_papers_answers(shared: Path, tmp_path: Path) -> None:
    bench = benchmark(shared)
    document = {
        variant: {
            str(key): {"text": asked.text, "response": code(asked), "image": asked.image, "label": "yes"}
            for key, asked in bench.ids[variant].items()
        }
        for variant in VARIANTS
    }
    path = tmp_path / "model_POPE_answers.json"
    path.write_text(json.dumps(document, indent=4))
    require_all(path, bench, bench.questions)


@pytest.mark.parametrize("rows", [9000, 50])
def test_samples_of_lmms_eval(rows: int, shared: Path, tmp_path: Path) -> None:
    bench = benchmark(shared)
    asked = [question for variant in HUB_ORDER for question in bench.ids[variant].values()][:rows]
    samples = (
        {"doc_id": number, "target": "no", "filtered_resps": [code(question)]}
        | {"doc_hash": "0", "input": question.text + INSTRUCTION}
        for number, question in enumerate(asked)
    )
    require_all(write_lines(tmp_path / "x_samples_pope.jsonl", samples), bench, asked)


@pytest.mark.parametrize(("order", "rows"), [("files", 40), ("images", 5127)])
def test_tables_of_vlmevalkit(order: str, rows: int, shared: Path, tmp_path: Path) -> None:
    bench = benchmark(shared)
    distinct = dict.fromkeys(question for variant in HUB_ORDER for question in bench.ids[variant].values())
    asked = list(distinct)
    if order == "images":
        first = {image: place for place, image in enumerate(dict.fromkeys(q.image for q in asked))}
        asked.sort(key=lambda question: first[question.image])
    standing = {variant: set(bench.ids[variant].values()) for variant in HUB_ORDER}
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(["index", "question", "answer", "category", "prediction"])
    for number, question in enumerate(asked[:rows]):
        category = ",".join(variant for variant in HUB_ORDER if question in standing[variant])
        sheet.append([number, question.text, "Yes", category, code(question)])
    book.save(tmp_path / "model_POPE.xlsx")
    require_all(tmp_path / "model_POPE.xlsx", bench, asked[:rows])
