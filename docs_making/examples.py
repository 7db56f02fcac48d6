"""Makes an example of each page for the documentation's site: python -m docs_making.examples site

The pages are what the commands here write, about the embedded benchmark and its tiny model, and about the counts that
the RePOPE paper published. Nothing is fetched. They are the same each time, but for what the page of the run says of
the run itself: when it was, its seconds, and how many answers it checked.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from repope_eval.benchmarks.custom import DEMO_FOLDER

FOLDER = "examples"
"""Where in the site they are."""
PAGES: Mapping[str, str] = {
    "run.html": "runs/demo/tiny/report.html",
    "leaderboard.html": "leaderboard/leaderboard.html",
    "compare.html": "compare/compare.html",
    "relabelling.html": "relabelled_relabelling.html",
    "estimates.html": "estimates/estimates.html",
}
"""What each is called in the site, and in the folder in which the commands run."""

_PEOPLE = {"kim": "annotator_first", "lee": "annotator_second", "sam": "decider"}
"""Whose labels of the embedded benchmark each person gives."""
_QUESTIONS = ",".join(
    str(DEMO_FOLDER / f"pope_{name}.jsonl") for name in ("random", "popular", "adversarial")
)

_ASKING: Sequence[tuple[str, ...]] = (
    ("model=tiny",),
    ("model=tiny", "model.name=tiny-one-tile", "model.max_tiles=1"),
    ("compare", "a=runs/demo/tiny", "b=runs/demo/tiny-one-tile", "out=compare"),
    ("report", "runs=runs", "reference=paper", "bench=repope", "out=leaderboard"),
    ("audit", "runs=runs", "bench=demo", "budget=100", "sample=100", "out=audit"),
)
_RELABELLING: Sequence[tuple[str, ...]] = (
    (
        "relabel",
        "partial=true",
        "annotators=[kim.jsonl,lee.jsonl]",
        "decider=sam.jsonl",
        f"questions=[{_QUESTIONS}]",
        f"images={DEMO_FOLDER / 'images'}",
        "out=relabelled",
    ),
    (
        "estimate",
        "runs=runs",
        "bench=demo",
        "queue=audit/queue.jsonl",
        "labels=relabelled_labels.jsonl",
        "out=estimates",
    ),
)
"""The commands before and after people label what `audit` picks."""


def make_examples(site: Path) -> None:
    """Writes the example pages into a built site.

    Raises:
        RuntimeError: where a command fails, with what it said.
    """
    (site / FOLDER).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for words in _ASKING:
            _run(words, work)
        for person in _PEOPLE:
            _label(person, work)
        for words in _RELABELLING:
            _run(words, work)
        for page, made in PAGES.items():
            shutil.copyfile(work / made, site / FOLDER / page)


def _run(words: Sequence[str], work: Path) -> None:
    command = [sys.executable, "-m", "repope_eval", *words]
    ended = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"{' '.join(words)}: {ended.stdout}{ended.stderr}")


def _label(person: str, work: Path) -> None:
    """Writes what a person says about the questions that are to be looked at."""
    said = {
        (row["image"], row["text"]): row["label"]
        for path in DEMO_FOLDER.glob(f"{_PEOPLE[person]}_*.jsonl")
        for row in _rows(path)
    }
    lines = [
        {
            "image": row["image"],
            "question": row["question"],
            "annotator": person,
            "at": "2026-01-05T09:00:00Z",
            "label": said[row["image"], row["question"]],
        }
        for row in _rows(work / "audit" / "queue.jsonl")
        if row["sampled"]
    ]
    (work / f"{person}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def _rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    make_examples(Path(sys.argv[1]))
