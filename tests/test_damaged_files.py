"""Each file that users bring goes through the readers that tell damages: their own tests have the kinds of these."""

import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from repope_eval.benchmarks.benchmark import OWN_LABELS, make_benchmark
from repope_eval.benchmarks.construction import read_object_lists
from repope_eval.benchmarks.pope_file import read_annotations, read_rows
from repope_eval.benchmarks.sources import load_benchmark
from repope_eval.cluster.sweep_plan import read_model_list, read_resources
from repope_eval.errors import RepopeError
from repope_eval.foreign_answers.formats import join_file
from repope_eval.foreign_answers.rows import question_texts
from repope_eval.settings.config import BenchSettings, ColumnSettings
from repope_eval.system.rows import read_row_file

LONGEST_LINE = 400
"""Of a message, in characters, without the folder of the file."""

DASH_B_BENCH = BenchSettings(name="dash_b", source="dash_b", variants=("dash_b",))
ASKED = [("a.jpg", "café"), ("a.jpg", "dog"), ("b.jpg", "dog"), ("c.jpg", "cat")]
POPE = [
    {"question_id": number, "image": image, "text": f"Is there a {name} in the image?", "label": "yes"}
    for number, (image, name) in enumerate(ASKED, 1)
]
ANSWERS = [{"image": row["image"], "question": row["text"], "response": "Oui né"} for row in POPE]
OBJECTS = [{"image": f"{name}.jpg", "objects": ["café", "dog", "cat"]} for name in "abcd"]
COCO = {
    "images": [{"id": number, "file_name": f"{number}.jpg"} for number in range(3)],
    "annotations": [{"image_id": number, "category_id": 1} for number in range(3)],
    "categories": [{"id": 2, "name": "dog"}, {"id": 1, "name": "café"}],
}
NESTED = {
    "random": {
        str(row["question_id"]): {"text": row["text"], "response": "Oui né", "image": "x"} for row in POPE
    }
}
INDEX = {"coco": {"café": ["0.png", "1.png"], "dog": ["0.png", "2.png"]}}
DASH_B = [
    {"img_id": file, "object_name": name, "gt": "yes", "response": "Oui né"}
    for name, files in INDEX["coco"].items()
    for file in files
]


def _lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _document(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _table(rows: list[dict[str, Any]], separator: str) -> str:
    cells = [list(rows[0]), *(list(row.values()) for row in rows)]
    return "".join(separator.join(f'"{cell}"' for cell in row) + "\n" for row in cells)


def _workbook(table: bytes) -> bytes:
    """A workbook of a tab-separated table."""
    book = openpyxl.Workbook()
    for line in table.decode().splitlines():
        book.active.append([cell.strip('"') for cell in line.split("\t")])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def _read_relabels(path: Path) -> Any:
    whole = path.with_name("whole.jsonl")
    whole.write_text(_lines(POPE), encoding="utf-8")
    rows = read_rows(whole)
    relabelled = {"custom": read_rows(path)}
    return make_benchmark("custom", {"custom": rows}, relabelled, OWN_LABELS, {}).label_sets


def _read_answers(path: Path) -> Any:
    whole = path.with_name("whole.jsonl")
    whole.write_text(_lines(POPE), encoding="utf-8")
    benchmark = make_benchmark("custom", {"random": read_rows(whole)}, {}, OWN_LABELS, {})
    return join_file(read_row_file(path), ColumnSettings(), benchmark, None)[0].answers


def _read_questions(path: Path) -> Any:
    return question_texts(read_row_file(path).rows, str(path))


def _read_index(path: Path) -> Any:
    other = path.with_name("dash_benchmark_neg.json")
    other.write_text("{}")
    return load_benchmark(DASH_B_BENCH, path.parent.parent).questions


def _read_dash_b_answers(path: Path) -> Any:
    whole = path.with_name("dash_benchmark_pos.json")
    whole.write_text(_document(INDEX), encoding="utf-8")
    whole.with_name("dash_benchmark_neg.json").write_text("{}")
    benchmark = load_benchmark(DASH_B_BENCH, path.parent.parent)
    return join_file(read_row_file(path), ColumnSettings(), benchmark, None)[0].answers


@dataclass(frozen=True)
class Format:
    """A kind of file that users bring."""

    name: str
    text: str
    read: Callable[[Path], Any]
    pack: Callable[[bytes], bytes] = bytes
    """What makes the file of its text."""


FORMATS = {
    "questions": Format("q.jsonl", _lines(POPE), read_rows),
    "questions as CSV": Format("q.csv", _table(POPE, ","), read_rows),
    "relabels": Format("r.json", _lines(POPE), _read_relabels),
    "annotator": Format("a.jsonl", _lines(POPE), read_annotations),
    "annotator as XLSX": Format("a.xlsx", _table(POPE, "\t"), read_annotations, _workbook),
    "object lists": Format("o.jsonl", _lines(OBJECTS), read_object_lists),
    "COCO instances": Format("o.json", _document(COCO), read_object_lists),
    "answers as JSON lines": Format("x.jsonl", _lines(ANSWERS), _read_answers),
    "answers as JSON list": Format("x.json", _document(ANSWERS), _read_answers),
    "answers as CSV": Format("x.csv", _table(ANSWERS, ","), _read_answers),
    "answers as TSV": Format("x.tsv", _table(ANSWERS, "\t"), _read_answers),
    "answers as XLSX": Format("x.xlsx", _table(ANSWERS, "\t"), _read_answers, _workbook),
    "answers as nested JSON": Format("x.json", _document(NESTED), _read_answers),
    "questions= of score": Format("q.jsonl", _lines(POPE), _read_questions),
    "index of DASH-B": Format("dash_benchmark_pos.json", _document(INDEX), _read_index),
    "answers of DASH-B": Format("x.json", _document(DASH_B), _read_dash_b_answers),
    "models.txt": Format("models.txt", "dog limit=3\ncafé limit=3\novis2_1b\n", read_model_list),
    "resources.csv": Format(
        "resources.csv",
        "models,gpus,cpus,memory,time,overrides\ncafé,1,4,64G,04:00:00,\ndog*,1,4,64G,04:00:00,limit=3\n",
        read_resources,
    ),
}

OTHER_NAMES = {"image": "picture", "text": "frage", "response": "said", "objects": "things", "models": "who"}
"""Of columns and fields."""


def _renamed(text: str) -> str:
    return re.sub("|".join(OTHER_NAMES), lambda found: OTHER_NAMES[found[0]], text)


def _half(content: bytes) -> bytes:
    return content[: len(content) // 2 + 3]


DAMAGES: dict[str, Callable[[Format], bytes]] = {
    "Latin-1": lambda format: format.pack(format.text.encode("latin-1")),
    "cut in the middle": lambda format: _half(format.pack(format.text.encode())),
    "other header": lambda format: format.pack(_renamed(format.text).encode()),
}
UNSEEN = {
    ("models.txt", "cut in the middle"),  # names are looked up, and folders compared, where the list is used
    ("models.txt", "other header"),
    ("index of DASH-B", "other header"),  # it has none
    ("annotator as XLSX", "Latin-1"),  # a workbook has an encoding of its own
    ("answers as XLSX", "Latin-1"),
}
"""Formats that do not show a damage."""


@pytest.mark.parametrize("name", FORMATS)
def test_a_damaged_file_is_read_right_or_refused_in_a_line(name: str, tmp_path: Path) -> None:
    format = FORMATS[name]
    path = tmp_path / "dash_b" / format.name
    path.parent.mkdir()
    path.write_bytes(format.pack(format.text.encode()))
    whole = format.read(path)
    path.write_bytes(format.pack(format.text.replace("\n", "\r\n").encode()))
    assert format.read(path) == whole
    for damage, damaged in DAMAGES.items():
        if (name, damage) in UNSEEN:
            continue
        path.write_bytes(damaged(format))
        with pytest.raises(RepopeError) as caught:
            format.read(path)
        line = str(caught.value)
        assert "\n" not in line
        assert line.startswith(str(path)), damage
        assert len(line.replace(str(path.parent), "")) < LONGEST_LINE
