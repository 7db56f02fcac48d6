"""Several benchmarks in one run: questions about one image are asked together, each benchmark is scored by itself."""

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import CommandLine
from demo_runs import answers, comparable, start
from PIL import Image

from repope_eval.benchmarks.custom import DEMO_FOLDER

IMAGES = DEMO_FOLDER / "images"


@pytest.fixture
def own(tmp_path: Path) -> list[str]:
    """The words for two benchmarks of one's own beside the demo: one has half of its questions, the other new ones."""
    rows = [json.loads(line) for line in (DEMO_FOLDER / "pope_random.jsonl").read_text().splitlines() if line]
    half = rows[::2]
    others = [
        {**row, "text": row["text"].replace("in the image", "in this image"), "question_id": number}
        for number, row in enumerate(half)
    ]
    folder = tmp_path / "configs" / "bench"
    folder.mkdir(parents=True)
    for name, questions in (("half", half), ("others", others)):
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in questions))
        settings = {"source": "custom", "variants": ["own"], "questions": str(path), "images": str(IMAGES)}
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(settings))
    return ["--config-dir", str(tmp_path / "configs"), "model=tiny", "verify=0"]


def manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return found


def test_each_has_the_answers_and_scores_that_it_has_alone(
    own: list[str], command_line: CommandLine, tmp_path: Path, short_unbroken: Path
) -> None:
    own.append("limit=10")
    together = command_line(*own, "bench=[demo,half,others]", "out=together/${bench.name}")
    assert together.returncode == 0, together.stderr
    work = tmp_path / "work"
    of_demo = comparable(work / "together" / "demo")
    images = {line[0] for line in of_demo}
    assert len(images) == 10
    assert of_demo == [line for line in comparable(short_unbroken) if line[0] in images]
    for name in ("half", "others"):
        alone = command_line(*own, f"bench={name}", "out=alone/${bench.name}")
        assert alone.returncode == 0, alone.stderr
        assert comparable(work / "together" / name) == comparable(work / "alone" / name)
        scores = [
            json.loads((work / kind / name / "scores.json").read_text()) for kind in ("together", "alone")
        ]
        assert scores[0]["scores"] == scores[1]["scores"]
    asked = {name: manifest(work / "together" / name)["inference"] for name in ("demo", "half", "others")}
    assert asked["demo"]["questions"] == len(of_demo)
    assert asked["demo"]["asked_with"] == ["half", "others"]
    # The half's questions are the demo's, and are asked once.
    n_others = asked["others"]["questions"]
    assert f"asking {len(of_demo) + n_others} questions about" in together.stderr
    for name in asked:
        log = (work / "together" / name / "run.log").read_text()
        assert f"asked {len(of_demo) + n_others:,} questions about" in log


def test_an_interrupted_run_goes_on_with_all_of_them(
    own: list[str], command_line: CommandLine, tmp_path: Path
) -> None:
    runs = tmp_path / "runs"
    out = f"out={runs}/${{bench.name}}"
    words = (*own, "limit=25", "bench=[demo,others]", out)
    process = start(runs / "demo", *words, stored=40)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130
    stored = {name: len(answers(runs / name)) for name in ("demo", "others")}
    line = errors.strip().splitlines()[-1]
    assert f"{sum(stored.values())} of" in line
    assert f"answers are safe in {runs / 'demo' / 'answers.jsonl'} and {runs / 'others'}" in line
    assert "'bench=[demo,others]'" in line
    again = command_line(*words)
    assert again.returncode == 0, again.stderr
    for name in stored:
        found = manifest(runs / name)
        assert found["status"] == "complete"
        assert found["starts"][-1]["resumed"] == stored[name]
        lines = comparable(runs / name)
        assert len(lines) == len({line[:2] for line in lines})
    # Of a benchmark that has all its answers, nothing is asked beside the other.
    shutil.rmtree(runs / "others")
    last = command_line(*words)
    assert last.returncode == 0, last.stderr
    n_of_demo = len(answers(runs / "demo"))
    assert f"nothing to ask: all {n_of_demo} answers are in {runs / 'demo'}" in last.stderr
    assert "asked_with" not in manifest(runs / "others")["inference"]


def test_another_image_of_the_same_name_is_refused(
    own: list[str], command_line: CommandLine, tmp_path: Path
) -> None:
    path = tmp_path / "configs" / "bench" / "others.yaml"
    images = Path(shutil.copytree(IMAGES, tmp_path / "images"))
    path.write_text(path.read_text().replace(str(IMAGES), str(images)))
    words = (*own, "limit=3", "bench=[demo,others]", "out=runs/${bench.name}")
    for picture in images.iterdir():
        Image.new("RGB", (8, 8), "red").save(picture)
    result = command_line(*words)
    assert result.returncode == 1
    line = result.stderr.strip().splitlines()[-1]
    assert ".png of one benchmark is not that of another" in line
    assert line.endswith("ask these benchmarks one after the other")
    shutil.rmtree(images)
    shutil.copytree(IMAGES, images)
    assert command_line(*words).returncode == 0


def test_words_that_go_with_one_benchmark_alone_are_refused(
    own: list[str], command_line: CommandLine
) -> None:
    one_folder = command_line(*own, "bench=[demo,half]", "out=runs/one")
    assert one_folder.returncode == 1
    assert one_folder.stderr.startswith("out=runs/one: is one folder for 2 benchmarks, each of which needs")
    other = command_line("score", "answers=a.jsonl", "bench=[demo,repope]")
    assert (
        other.stderr == "bench=[...]: score takes one benchmark; those that take several: run, data, slurm\n"
    )
    unknown = command_line("bench=[demo,demoo]")
    assert "bench=demoo: no such bench (did you mean demo?)" in unknown.stderr
