"""A chat model's run that is killed again and again."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

import psutil
import pytest
from conftest import CommandLine
from demo_runs import QUESTIONS, answers, comparable, start

KILLS = int(os.environ.get("REPOPE_KILLS", "3"))
"""How often a run is killed; `REPOPE_KILLS=10` takes a minute or two."""


def probabilities(folder: Path) -> dict[str, float]:
    return {f"{line['image']} {line['question']}": line["p_yes"] for line in answers(folder)}


@pytest.mark.parametrize("workers", [0, 2])
def test_no_answer_is_lost_doubled_or_swapped_over_kills(
    checkpoint: Callable[[str], Path], command_line: CommandLine, tmp_path: Path, workers: int
) -> None:
    chance = Random(20261201 + workers)
    words = [
        *("model=chat", f"model.checkpoint={checkpoint('llava')}", "model.dtype=float32"),
        *("model.max_new_tokens=4", "device=cpu", f"workers={workers}"),
    ]
    unbroken, folder = tmp_path / "unbroken", tmp_path / "run"
    result = command_line(f"out={unbroken}", *words)
    assert result.returncode == 0, result.stderr
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
        assert len(found) == len(kept) < QUESTIONS
    result = command_line(f"out={folder}", "batch_size=1", *words)
    assert result.returncode == 0, result.stderr
    assert f"asking {QUESTIONS - len(kept)} questions" in result.stderr
    assert comparable(folder) == comparable(unbroken)
    assert probabilities(folder) == pytest.approx(probabilities(unbroken), abs=1e-5)
