"""Tables of questions as tests write them: the demo in every form, and single rows with changes."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import datasets
import pyarrow
import pyarrow.parquet
from openpyxl import Workbook
from PIL import Image
from run_folders import demo

from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.settings.config import BenchSettings, TableColumns

IMAGES = DEMO_FOLDER / "images"


ROW = {"image": "a.jpg", "question": "Is there a cup in the image?", "label": "yes"}


TEXT = datasets.Value("string")


ALL_COLUMNS = TableColumns(variant="variant", relabel="relabel", question_id="id")


def settings(questions: Path | str, **given: Any) -> BenchSettings:
    return BenchSettings(name="table", source="table", variants=(), questions=str(questions), **given)


def demo_rows() -> list[dict[str, Any]]:
    """Every row of the demo, with both labels."""
    benchmark = demo()
    pope, repope = (label_set.variants for label_set in benchmark.label_sets)
    corrected = {True: "yes", False: "no", None: "ambiguous"}
    return [
        {
            "image": question.image,
            "question": question.text,
            "label": "yes" if pope[variant][question] else "no",
            "relabel": corrected[repope[variant].get(question)],
            "variant": variant,
            "id": number,
        }
        for variant, ids in benchmark.ids.items()
        for number, question in ids.items()
    ]


def of_rows(tmp_path: Path, *changes: Mapping[str, Any]) -> Path:
    return write_json(tmp_path / "own.jsonl", [{**ROW, **change} for change in changes])


def picture(colour: str = "teal", kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 12), colour).save(buffer, kind)
    return buffer.getvalue()


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter="\t" if path.suffix == ".tsv" else ",")
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_json(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    lines = [json.dumps(row) for row in rows]
    path.write_text("\n".join(lines) if path.suffix == ".jsonl" else f"[{','.join(lines)}]")
    return path


def write_workbook(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    workbook = Workbook()
    for cells in (list(rows[0]), *(list(row.values()) for row in rows)):
        workbook.active.append(cells)  # type: ignore[union-attr]
    workbook.save(path)
    return path


def write_parquet(path: Path, rows: Sequence[Mapping[str, Any]], **kinds: Any) -> Path:
    """Parquet whose images stand in it; `kinds` are features of `datasets`."""
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    schema = None
    if kinds:
        text = datasets.Value("string")
        schema = datasets.Features({name: kinds.get(name, text) for name in columns}).arrow_schema
    pyarrow.parquet.write_table(pyarrow.table(columns, schema=schema), path)
    return path


def embedded(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    contents = {row["image"]: (IMAGES / row["image"]).read_bytes() for row in rows}
    return [{**row, "image": {"bytes": contents[row["image"]], "path": row["image"]}} for row in rows]


def hub_folder(folder: Path) -> Path:
    """A dataset as the Hub has them: embedded images, and labels that are numbers of named classes."""
    folder.mkdir()
    rows = [{**row, "label": int(row["label"] == "yes"), "id": str(row["id"])} for row in demo_rows()]
    kinds = {"image": datasets.Image(), "label": datasets.ClassLabel(names=["absent", "present"])}
    write_parquet(folder / "test-00000-of-00001.parquet", embedded(rows), **kinds)
    return folder


def hub_words(address: str) -> dict[str, str]:
    return {"HF_ENDPOINT": address, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
