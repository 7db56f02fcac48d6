"""The tutorial of relabelling, followed from its beginning to its end: each command finds what those before it left."""

import json
import shlex
import shutil
from pathlib import Path

import pytest
from conftest import CommandLine
from documentation_pages import BLOCKS, PROGRAM, TEXTS
from served import ended, served

from repope_eval.benchmarks.custom import DEMO_FOLDER

PAGE = "docs/tutorial/relabel-it.md"
SAID_BY = {"kim": "annotator_first", "lee": "annotator_second", "sam": "decider"}
"""Whose labels of the demo each person of the tutorial gives."""


def label_queue(person: str, queue: Path, out: Path) -> None:
    """Adds what a person says about the questions of the queue that are to be looked at."""
    said = {
        (row["image"], row["text"]): row["label"]
        for path in DEMO_FOLDER.glob(f"{SAID_BY[person]}_*.jsonl")
        for row in map(json.loads, path.read_text().splitlines())
    }
    asked = [row for row in map(json.loads, queue.read_text().splitlines()) if row["sampled"]]
    lines = [
        {
            "image": row["image"],
            "question": row["question"],
            "annotator": person,
            "at": "2026-01-05T09:00:00Z",
        }
        | {"label": said[row["image"], row["question"]]}
        for row in asked
    ]
    if person == "lee":  # who slips once, so that there is something to decide
        slip = next(line for line in lines if line["label"] != "ambiguous")
        slip["label"] = "no" if slip["label"] == "yes" else "yes"
    with out.open("a") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)


@pytest.mark.parametrize("page", [PAGE, "docs/tutorial/laptop.md"])
def test_the_environment_is_activated_after_make_demo_and_before_the_next_command(page: str) -> None:
    text = TEXTS[page]
    made, activated = text.index("make demo"), text.index("`. .venv/bin/activate`")
    assert made < activated < text.index(f"\n{PROGRAM}", made)


def test_it_leads_from_doubtful_labels_to_estimated_scores(
    command_line: CommandLine, tmp_path: Path, unbroken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    shutil.copytree(unbroken, work / "runs" / "demo" / "tiny")
    (work / "repope_eval" / "demo").mkdir(parents=True)
    (work / "repope_eval" / "demo" / "benchmark").symlink_to(DEMO_FOLDER)
    monkeypatch.chdir(work)
    commands = [command for block in BLOCKS if block.page == PAGE for command in block.commands]
    followed = []
    for words in (shlex.split(command)[3:] for command in commands if command.startswith(PROGRAM)):
        followed.append(words[0])
        if words[0] == "annotate":
            with served(*words) as (process, _):
                ended(process)
            (person,) = (word.partition("=")[2] for word in words if word.startswith("annotator="))
            label_queue(person, work / "audit" / "queue.jsonl", work / f"{person}.jsonl")
        else:
            result = command_line(*words)
            assert result.returncode == 0, result.stderr
    assert followed == ["audit", "annotate", "annotate", "annotate", "relabel", "estimate"]
    assert "<img " in (work / "relabelled_relabelling.html").read_text()
    estimates = json.loads((work / "estimates" / "estimates.json").read_text())["runs"]["tiny"]["mean"]["f1"]
    assert estimates["ci95"][0] <= estimates["estimate"] <= estimates["ci95"][1]
