"""Pages that are made for the tests in a browser, with names that want to be markup."""

import json
from pathlib import Path

import warm_commands
from asked_and_told import view_of
from estimates_examples import estimates_view
from mention_examples import FIRST, SECOND, mention_view
from run_folders import answer_lines, demo, write_run

from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.comparison.asking_telling_page import render_asking_telling
from repope_eval.relabelling.estimates_page import render_estimates_page
from repope_eval.relabelling.mention_page import render_mention_page

NAUGHTY = ("<script>alert(1)</script>", "<img src=x onerror=alert(1)>")


def make_relabelling_page(folder: Path) -> Path:
    """The page of a relabelling of the demo, with pictures, by annotators whose names and notes want to be markup."""
    for who, naughty in zip(("first", "second"), NAUGHTY, strict=True):
        rows = map(json.loads, (DEMO_FOLDER / f"annotator_{who}_random.jsonl").read_text().splitlines())
        said = {"annotator": naughty, "at": "2026-01-05T09:00:00Z", "note": f"{naughty} and more " * 5}
        (folder / f"{who}.jsonl").write_text("".join(json.dumps(row | said) + "\n" for row in rows))
    words = [
        f"questions={DEMO_FOLDER / 'pope_random.jsonl'}",
        f"annotators=[{folder / 'first.jsonl'},{folder / 'second.jsonl'}]",
        f"decider={DEMO_FOLDER / 'decider_random.jsonl'}",
        f"images={DEMO_FOLDER / 'images'}",
        f"out={folder / 'new.jsonl'}",
    ]
    warm_commands.run("relabel", *words).check_returncode()
    return folder / "new_relabelling.html"


def make_estimates_page(folder: Path) -> Path:
    """The page of estimates of runs whose names want to be markup."""
    path = folder / "estimates.html"
    path.write_text(render_estimates_page(estimates_view(*NAUGHTY), f"estimate runs='{NAUGHTY[0]}'"))
    return path


def make_queue_page(folder: Path) -> Path:
    """The page of the demo's queue, with pictures, by two models whose names and answers want to be markup."""
    benchmark = demo()
    for number, naughty in enumerate(NAUGHTY, 1):
        lines = answer_lines(benchmark, 0.1 * number, number, yes=f"Yes {naughty}", no=f"No {naughty}")
        write_run(folder / "runs" / str(number), benchmark, naughty, lines)
    words = (f"runs={folder / 'runs'}", "bench=demo", "budget=60", "sample=60", f"out={folder / 'audit'}")
    warm_commands.run("audit", *words).check_returncode()
    return folder / "audit" / "queue.html"


def make_mention_page(folder: Path) -> Path:
    """The page of mentions that nobody has judged, with pictures, by two models whose names want to be markup."""
    captions = {
        naughty: {FIRST: f"{naughty} {'and more ' * 40}a cat. {naughty}", SECOND: f"A kite{naughty}"}
        for naughty in NAUGHTY
    }
    pictures = sorted((DEMO_FOLDER / "images").iterdir())
    view = mention_view(captions, dict(zip((FIRST, SECOND), pictures, strict=False)))
    path = folder / "queue.html"
    path.write_text(render_mention_page(view, "annotate questions=queue.jsonl", f"audit runs='{NAUGHTY[0]}'"))
    return path


def make_asking_page(folder: Path) -> Path:
    """The page of answers against captions, with pictures, of two models whose names and captions want to be markup."""
    letters = {
        "dog": "nnn",
        "cat": "nyy",
        "car": "nyn",
        "cup": "yna",
        "bus": "?nn",
        "tie": "yna",
        "bed": "nna",
    }
    pictures = sorted((DEMO_FOLDER / "images").iterdir())[:3]
    said = {picture.name: letters for picture in pictures}
    text = f"A dog, a cat, a car, a cup, {NAUGHTY[0]} {'and more ' * 40} a bus and a bed."
    view = view_of(said, dict.fromkeys(said, text), NAUGHTY, images={each.name: each for each in pictures})
    path = folder / "compare.html"
    path.write_text(render_asking_telling(view, f"compare a='{NAUGHTY[0]}'"))
    return path
