"""How long a table of a million questions takes to be read, of each kind, beside the same questions in POPE's format.

    python perf/million_rows.py [--rows 1000000]

Twenty questions about each image, which the table names. Each kind is read in a process of its own, by the product's
`load_benchmark`; peaks are of the whole process. The last column is against `bench=custom` in the same run.
"""

import argparse
import csv
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from gauges import forget_peak, peak_gigabytes, print_table

QUESTIONS_OF_AN_IMAGE = 20

Row = dict[str, str]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of each table; default: 1000000")
    n_rows = parser.parse_args().rows
    measured: list[tuple[str, float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, (source, write) in KINDS.items():
            path = Path(folder) / f"questions.{kind.rpartition(' ')[2]}"
            write(path, rows(n_rows))
            measured.append((kind, *_apart(source, path, n_rows)))
            path.unlink()
    base = measured[0][1]
    print_table(
        ("kind", "seconds", "peak GB", "custom x"),
        [[kind, f"{spent:.3f}", f"{peak:.2f}", f"{spent / base:.2f}"] for kind, spent, peak in measured],
    )
    print(f"{n_rows:,} rows of each kind were read, and each row is a question")


def rows(count: int) -> Iterator[Row]:
    for number in range(count):
        image, thing = divmod(number, QUESTIONS_OF_AN_IMAGE)
        yield {
            "question_id": str(number),
            "image": f"{image:07}.jpg",
            "text": f"Is there a thing{thing} in the image?",
            "label": "yes" if number % 3 else "no",
        }


def _write_lines(path: Path, rows: Iterator[Row]) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def _write_csv(path: Path, rows: Iterator[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["question_id", "image", "text", "label"])
        writer.writeheader()
        writer.writerows(rows)


def _write_parquet(path: Path, rows: Iterator[Row]) -> None:
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(list(rows)), path)


KINDS: dict[str, tuple[str, Callable[[Path, Iterator[Row]], None]]] = {
    "custom jsonl": ("custom", _write_lines),
    "table jsonl": ("table", _write_lines),
    "table csv": ("table", _write_csv),
    "table parquet": ("table", _write_parquet),
}
"""The benchmark's source and the writer of each kind; the last word is the file's extension."""


def _apart(source: str, path: Path, n_rows: int) -> tuple[float, float]:
    """Seconds and peak of reading a table in another process."""
    context = get_context("spawn")
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_read, args=(source, path, n_rows, sending))
    process.start()
    sending.close()
    found: tuple[float, float] = receiving.recv()
    process.join()
    return found


def _read(source: Any, path: Path, n_rows: int, sending: Any) -> None:
    from repope_eval.benchmarks.sources import load_benchmark
    from repope_eval.settings.config import BenchSettings, TableColumns

    columns = (
        TableColumns(question="text", question_id="question_id") if source == "table" else TableColumns()
    )
    variants = () if source == "table" else ("custom",)
    settings = BenchSettings(
        name=source, source=source, variants=variants, questions=str(path), columns=columns
    )
    forget_peak()
    started = time.perf_counter()
    benchmark = load_benchmark(settings, path.parent)
    spent = time.perf_counter() - started
    assert len(benchmark.questions) == n_rows
    sending.send((spent, peak_gigabytes()))


if __name__ == "__main__":
    main()
