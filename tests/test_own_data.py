"""Files of a user's own, with corrected labels, through every command: nothing calls them POPE's, or cites POPE."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import CommandLine
from question_tables import IMAGES, demo_rows, write_csv, write_json

from repope_eval.commands.export import FORMATS
from repope_eval.system.rows import read_row_file

STRANGER = re.compile(r"\b(?:Re)?POPE.{,60}")
"""Another's benchmark by its name; the program's own name has no capitals."""

N_IMAGES = 25

Rows = Sequence[dict[str, Any]]


def own_rows() -> Rows:
    """Rows of two variants about the demo's first images."""
    rows = [row for row in demo_rows() if row["variant"] != "adversarial"]
    images = list(dict.fromkeys(row["image"] for row in rows))[:N_IMAGES]
    return [row for row in rows if row["image"] in images]


def table(folder: Path) -> list[str]:
    write_csv(folder / "mine.csv", own_rows())
    return ["bench=table", "bench.questions=mine.csv", "columns.relabel=relabel", "columns.variant=variant"]


def custom(folder: Path) -> list[str]:
    rows = [row for row in own_rows() if row["variant"] == "random"]
    for name, label in (("mine.jsonl", "label"), ("better.jsonl", "relabel")):
        of_file = [
            {"question_id": row["id"], "image": row["image"], "text": row["question"], "label": row[label]}
            for row in rows
            if row[label] != "ambiguous"
        ]
        write_json(folder / name, of_file)
    return ["bench=custom", "bench.questions=mine.jsonl", "bench.relabels=better.jsonl"]


def write_answers(path: Path, wrong: int) -> None:
    """Answers that are the corrected labels but for one in so many, of which every other one says neither."""
    turned = {"yes": "No", "no": "Perhaps", "ambiguous": "Yes"}
    rows = [
        {
            "image": row["image"],
            "question": row["question"],
            "response": turned[row["relabel"]] if number % wrong == 0 else row["relabel"],
        }
        for number, row in enumerate(own_rows())
    ]
    write_json(path, list({(row["image"], row["question"]): row for row in rows}.values()))


def texts(folder: Path) -> Iterator[tuple[str, str]]:
    """The name and content of every file that people or programs read."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".pdf":
            yield path.relative_to(folder).as_posix(), f"{path.name} {path.read_text()}"


def read(path: str) -> Any:
    return json.loads(Path(path).read_text())


@pytest.mark.parametrize("make", [table, custom])
def test_own_data_has_no_strangers_name(
    make: Callable[[Path], list[str]],
    command_line: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder, said = tmp_path / "work", []
    monkeypatch.chdir(folder)
    bench = [*make(folder), f"bench.images={IMAGES}"]

    def run(*words: str, draws: bool = False) -> None:
        result = command_line(*words, draws=draws)
        assert result.returncode == 0, result.stderr
        said.append(result.stdout + result.stderr)

    run("data", *bench)
    for model, wrong in (("one", 7), ("two", 4)):
        write_answers(Path(f"{model}.jsonl"), wrong)
        own = [f"answers={model}.jsonl", f"model={model}", f"out=made/runs/{model}"]
        run("score", *own, "protocol=all", *bench, draws=model == "one")
    run("report", "runs=made/runs", "out=made/board", draws=True)
    run("compare", "a=made/runs/one", "b=made/runs/two", "out=made/gap")
    run(
        "compare",
        "a=made/runs/one",
        "b=made/runs/one",
        "labels_a=original",
        "labels_b=corrected",
        "out=made/own",
    )
    run("audit", "runs=made/runs", bench[0], "budget=20", "sample=20", "out=made/audit")
    queue = "made/audit/queue.jsonl"
    sampled = [row for row in read_row_file(Path(queue)).rows if row["sampled"]]
    write_json(Path("kim.jsonl"), [row | {"label": "no", "annotator": "kim"} for row in sampled])
    run("estimate", "runs=made/runs", bench[0], f"queue={queue}", "labels=kim.jsonl", "out=made/estimates")
    for form in FORMATS:
        run("export", "run=made/runs/one", f"format={form}", "dataset=me/mine", f"out=made/exports/{form}")

    scores = read("made/runs/one/scores.json")
    assert list(scores["scores"]) == list(scores["missing"]) == ["original", "corrected"]
    assert scores["relabelling"]["variants"][0]["removed"] != [0, 0, 0, 0]
    (samples,) = Path("made/exports/lmms_eval").iterdir()
    run("score", f"answers={samples}", "out=made/again", *bench)
    assert read("made/again/scores.json")["scores"] == scores["scores"]
    found = dict(texts(Path("made")))
    assert "Errors under the original labels" in found["runs/one/figures/relabelling.svg"]
    for page in ("runs/one/report.html", "board/leaderboard.html"):
        assert "Cite the source of the questions." in found[page]
    named = {path: STRANGER.findall(text) for path, text in found.items() if STRANGER.search(text)}
    assert named == {}
    assert STRANGER.findall("\n".join(said)) == []
