"""Several processes that share a run: started by accelerate, or forked with the environment that it gives them."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import warm_commands
from conftest import ASKED_FILES, visible_files
from demo_runs import FIRST_IMAGES, FIRST_QUESTIONS, answers, comparable

ACCELERATE = [str(Path(sys.executable).with_name("accelerate")), "launch", "--multi_gpu", "--num_processes"]


def launch(number: int, python: Path, *words: str) -> "subprocess.Popen[str]":
    """Starts so many ranks as users do, by accelerate, which starts them by torchrun; they share one log.

    `python` is what torchrun starts them with.
    """
    return subprocess.Popen(
        [*ACCELERATE, str(number), "-m", "repope_eval", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHON_EXEC": str(python)},
        start_new_session=True,
    )


def start_ranks(count: int, *words: str) -> list[warm_commands.Command]:
    """Starts so many ranks with the environment that torchrun gives them, without 5 s of imports for each."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    sizes = {"WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count)}
    return [
        warm_commands.start(
            *words, environment={**os.environ, **meeting, **sizes, "RANK": str(rank), "LOCAL_RANK": str(rank)}
        )
        for rank in range(count)
    ]


def ended(process: "subprocess.Popen[str]") -> str:
    """What was said until the end."""
    try:
        return process.communicate(timeout=240)[1]
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def scores(folder: Path) -> object:
    return json.loads((folder / "scores.json").read_text())["scores"]


def wait_for_answers(file: Path, process: warm_commands.Command) -> None:
    deadline = time.monotonic() + 120
    while not (file.exists() and file.read_bytes().count(b"\n") >= 20):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_rank_that_is_killed_ends_the_other_and_three_go_on(short_unbroken: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    slow = (f"out={folder}", FIRST_IMAGES, "batch_size=1", "verify=0")
    other, killed = start_ranks(2, *slow)
    wait_for_answers(folder / "answers.rank-1.jsonl", other)
    killed.kill()
    killed.communicate(timeout=60)
    said = other.communicate(timeout=240)[1]
    assert other.returncode != 0
    assert visible_files(folder) == {
        "answers.rank-0.jsonl",
        "answers.rank-1.jsonl",
        "manifest.json",
        "images.json",
        "run.log",
    }
    safe = sum(file.read_bytes().count(b"\n") for file in folder.glob("answers.rank-*.jsonl"))
    assert (
        f"rank 1 (process {killed.pid}) has ended: {safe} of {FIRST_QUESTIONS} answers are safe in {folder}; go on "
        "with: python -m repope_eval" in said
    )
    three = start_ranks(3, f"out={folder}", FIRST_IMAGES)
    said = "".join(rank.communicate(timeout=240)[1] for rank in three)
    assert [rank.returncode for rank in three] == [0, 0, 0], said
    assert f"asking {FIRST_QUESTIONS - safe} questions" in said
    assert "by 3 processes" in said
    assert comparable(folder) == comparable(short_unbroken)
    assert scores(folder) == scores(short_unbroken)
    assert visible_files(folder) == ASKED_FILES
    manifest = json.loads((folder / "manifest.json").read_text())
    assert len(manifest["inference"]["ranks"]) == 3
    assert manifest["counts"]["resumed"] == safe
    first, second = manifest["starts"]
    assert (first["asked"], second["asked"]) == (safe, FIRST_QUESTIONS - safe)
    # Those of the first one stand in the manifest itself.
    assert second["settings"] == {"batch_size": "auto", "verify": 1}
    assert len(json.loads((folder / "images.json").read_text())) == 40


def test_two_ranks_of_accelerate_end_as_one_process(
    short_unbroken: Path, tmp_path: Path, warm_python: Path
) -> None:
    folder = tmp_path / "run"
    two = launch(2, warm_python, f"out={folder}", FIRST_IMAGES)
    said = ended(two)
    assert two.returncode == 0, said
    assert comparable(folder) == comparable(short_unbroken)
    assert scores(folder) == scores(short_unbroken)


def test_a_sweep_of_more_ranks_than_images_goes_on_after_a_failed_run(tmp_path: Path) -> None:
    checkpoints = f"model.checkpoint={tmp_path / 'none'},demo"
    ranks = start_ranks(3, "-m", checkpoints, "limit=2", f"out={tmp_path}/${{hydra:job.num}}")
    said = "".join(rank.communicate(timeout=240)[1] for rank in ranks)
    assert [rank.returncode for rank in ranks] == [1, 1, 1], said  # one run failed
    assert said.count("none: no such folder") == 1
    assert len({line["image"] for line in answers(tmp_path / "1")}) == 2
    manifests = [json.loads((tmp_path / run / "manifest.json").read_text()) for run in ("0", "1")]
    assert manifests[0]["ended"]["how"] == "failed"
    assert manifests[1]["status"] == "complete"
    assert (
        "rank 2: 2 images left to ask about: none for this process"
        in (tmp_path / "1" / "run.log").read_text()
    )


def test_one_process_goes_on_where_several_were_stopped(short_unbroken: Path, tmp_path: Path) -> None:
    """Their files are put together first, and what they hold is not asked again."""
    folder = tmp_path / "run"
    shutil.copytree(short_unbroken, folder)
    lines = (folder / "answers.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "answers.jsonl").unlink()
    for number in (0, 1):
        (folder / f"answers.rank-{number}.jsonl").write_bytes(b"".join(lines[number::2]))
    result = warm_commands.run(f"out={folder}", FIRST_IMAGES)
    assert result.returncode == 0, result.stderr
    assert f"nothing to ask: all {FIRST_QUESTIONS} answers" in result.stderr
    assert comparable(folder) == comparable(short_unbroken)
