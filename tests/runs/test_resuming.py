"""Runs that end early: killed, told to stop, robbed of their folder; and what is left when they go on."""

import json
import os
import signal
import time
from pathlib import Path
from random import Random

import pytest
from conftest import CommandLine
from demo_runs import FIRST_IMAGES, FIRST_QUESTIONS, answers, comparable, start


def probabilities(folder: Path) -> dict[tuple[str, str], tuple[float, float]]:
    return {(line["image"], line["question"]): (line["p_yes"], line["p_no"]) for line in answers(folder)}


def test_a_run_killed_at_odd_moments_ends_as_an_unbroken_one(
    short_unbroken: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    random = Random(20250415)
    folder = tmp_path / "run"
    for _ in range(3):
        before = len(answers(folder)) if (folder / "answers.jsonl").exists() else 0
        process = start(folder, FIRST_IMAGES, stored=random.choice([0, 10, 50, 90]))
        time.sleep(random.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if (folder / "answers.jsonl").exists():
            assert len(answers(folder)) >= before
    assert json.loads((folder / "manifest.json").read_text())["status"] == "running"
    stored = len(answers(folder))
    assert 0 < stored < FIRST_QUESTIONS
    result = command_line(f"out={folder}", FIRST_IMAGES)
    assert result.returncode == 0, result.stderr
    assert f"asking {FIRST_QUESTIONS - stored} questions" in result.stderr
    assert comparable(folder) == comparable(short_unbroken)
    expected = probabilities(short_unbroken)
    for question, found in probabilities(folder).items():
        assert found == pytest.approx(expected[question], abs=1e-5)


@pytest.mark.parametrize(
    ("number", "status", "words"),
    [(signal.SIGINT, 130, ()), (signal.SIGTERM, 143, ("workers=2",)), (signal.SIGHUP, 129, ())],
)
def test_a_signal_has_the_batch_finished_and_says_how_to_go_on(
    tmp_path: Path, number: int, status: int, words: tuple[str, ...]
) -> None:
    folder = tmp_path / "run"
    process = start(folder, FIRST_IMAGES, *words)
    os.killpg(process.pid, number)  # as a terminal and a scheduler do: its workers get it too
    _, errors = process.communicate(timeout=60)
    assert process.returncode == status
    stored = answers(folder)
    questions_by_image = {line["image"]: 0 for line in stored}
    for line in stored:
        questions_by_image[line["image"]] += 1
    assert min(questions_by_image.values()) >= 9  # no image is left half asked
    more = "".join(f" {word}" for word in words)
    assert errors.strip().splitlines()[-2:] == [
        f"{signal.Signals(number).name}: finishing the batch in hand, then stopping; once more to stop at once",
        f"interrupted: {len(stored)} of {FIRST_QUESTIONS} answers are safe in {folder / 'answers.jsonl'}; go on with: "
        f"python -m repope_eval out={folder} batch_size=1 {FIRST_IMAGES}{more}",
    ]
    assert "Traceback" not in errors


def test_a_signal_while_the_model_loads_ends_at_once(tmp_path: Path) -> None:
    process = start(tmp_path / "run", stored=0)
    deadline = time.monotonic() + 60
    while not (tmp_path / "run" / "manifest.json").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "Traceback" not in errors
    assert errors.strip().splitlines()[-1].startswith("interrupted")
    assert not (tmp_path / "run").exists()
