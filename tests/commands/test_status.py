"""`python -m repope_eval status`, on real runs."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import warm_commands
from conftest import CommandLine
from demo_runs import FIRST_IMAGES, FIRST_QUESTIONS


def test_it_shows_what_is_complete_and_what_failed(
    tmp_path: Path, unbroken: Path, command_line: CommandLine
) -> None:
    shutil.copytree(unbroken, tmp_path / "work" / "runs" / "demo" / "tiny")
    assert command_line("model.checkpoint=nowhere", "model.name=seen").returncode == 1  # by who typed it
    failed = command_line("model.checkpoint=nowhere", "model.name=lost", "limit=2", SLURM_JOB_ID="12")
    assert failed.returncode == 1
    result = command_line("status")
    assert result.returncode == 0, result.stderr
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert any(line.startswith("demo/tiny complete 1,026 of 1,026") for line in lines)
    (line,) = [line for line in lines if line.startswith("demo/lost failed: ")]
    assert line.removeprefix("demo/lost failed: ") in " ".join(failed.stderr.split())
    assert lines[-1] == "2 runs: 1 failed, 1 complete"


def test_foreign_answers_to_a_part_of_the_questions_show_which_part(
    tmp_path: Path, unbroken: Path, command_line: CommandLine
) -> None:
    part = tmp_path / "part.jsonl"
    part.write_text("".join((unbroken / "answers.jsonl").read_text().splitlines(keepends=True)[:600]))
    assert command_line("score", f"answers={part}").returncode == 0
    shown = " ".join(command_line("status").stdout.split())
    assert "demo/part complete 600 of 1,026" in shown


def test_json_of_a_folder_without_runs_and_of_none(command_line: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "work" / "runs").mkdir()
    result = command_line("status", "json=true")
    document = json.loads(result.stdout)
    assert (document["runs"], document["states"]) == ("runs", [])
    missing = command_line("status", "runs=nowhere")
    assert (missing.returncode, missing.stderr.count("\n")) == (1, 1)


def test_watching_follows_a_run_to_its_end(tmp_path: Path) -> None:
    """A run is stopped where it is by SIGSTOP, so that it cannot end before it is looked at."""
    run = warm_commands.start("batch_size=1", FIRST_IMAGES, folder=tmp_path)
    stored = tmp_path / "runs" / "demo" / "tiny" / "answers.jsonl"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (stored.exists() and stored.stat().st_size):
        time.sleep(0.02)
    run.send_signal(signal.SIGSTOP)
    watching = subprocess.Popen(
        [sys.executable, "-m", "repope_eval", "status", "watch=1", "json=true"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watching.stdout is not None
    (first,) = json.loads(watching.stdout.readline())["states"]
    run.send_signal(signal.SIGCONT)
    assert (first["state"], first["of"], first["model"]) == ("running", FIRST_QUESTIONS, "tiny")
    assert 0 < first["done"] < FIRST_QUESTIONS
    assert first["rate"] > 0
    rest = watching.communicate(timeout=180)[0].splitlines()
    run.communicate(timeout=60)
    assert run.returncode == 0
    (last,) = json.loads(rest[-1])["states"]
    assert (last["state"], last["done"]) == ("complete", FIRST_QUESTIONS)
