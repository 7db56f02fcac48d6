"""A chat model's run that is killed again and again."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import psutil
import pytest
import warm_commands
from conftest import CommandLine
from demo_runs import answers, comparable, start

KILLS = int(os.environ.get("REPOPE_KILLS", "3"))
"""How often a run is killed; `REPOPE_KILLS=10` takes a minute or two."""
IMAGES = min(13 * KILLS, 100)
"""Enough for all kills to come before the run is done."""


def probabilities(folder: Path) -> dict[str, float]:
    return {f"{line['image']} {line['question']}": line["p_yes"] for line in answers(folder)}


@pytest.fixture(scope="module")
def words(checkpoint: Callable[[str], Path]) -> list[str]:
    return [
        *("model=chat", f"model.checkpoint={checkpoint('llava')}", "model.dtype=float32"),
        *("model.max_new_tokens=4", "device=cpu", f"limit={IMAGES}"),
    ]


@pytest.fixture(scope="module")
def unbroken(words: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of such a run that nobody kills."""
    folder = tmp_path_factory.mktemp("unbroken") / "run"
    warm_commands.run(f"out={folder}", *words).check_returncode()
    return folder


@pytest.mark.parametrize("workers", [0, 2])
def test_no_answer_is_lost_doubled_or_swapped_over_kills(
    words: list[str], unbroken: Path, command_line: CommandLine, tmp_path: Path, workers: int
) -> None:
    chance, folder = Random(20261201 + workers), tmp_path / "run"
    words = [*words, f"workers={workers}"]
    n_questions = len(answers(unbroken))
    kept: set[tuple[object, ...]] = set()
    for _ in range(KILLS):
        stored = chance.choice([0, 1, 10, 25])
        process = start(folder, *words, stored=stored)
        time.sleep(chance.uniform(0, 0.1 if stored else 2))  # while it loads, or while it answers
        prepare = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert not psutil.wait_procs(prepare, timeout=30)[1]
        found = comparable(folder) if (folder / "answers.jsonl").exists() else []
        assert kept <= set(found) <= set(comparable(unbroken))
        kept = set(found)
        assert len(found) == len(kept) < n_questions
    result = command_line(f"out={folder}", "batch_size=1", *words)
    assert result.returncode == 0, result.stderr
    assert f"asking {n_questions - len(kept)} questions" in result.stderr
    assert comparable(folder) == comparable(unbroken)
    assert probabilities(folder) == pytest.approx(probabilities(unbroken), abs=1e-5)
