"""`slurm` through the command line: shown, refused, and told what is missing."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import CommandLine

RESOURCES = "models,gpus,cpus,memory,time,overrides\n*,2,8,128G,12:00:00,model.device_map=auto\n"


def test_what_would_be_submitted_is_shown_and_nothing_is(command_line: CommandLine, tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / "models.txt").write_text("tiny\n\nmine limit=3\n")
    (work / "resources.csv").write_text(RESOURCES)
    (work / "own" / "model").mkdir(parents=True)
    (work / "own" / "model" / "mine.yaml").write_text("family: internvl2_5\ncheckpoint: demo\n")
    words = ["models=models.txt", "resources=resources.csv", "bench=demo", "limit=2", "partition=gpu"]
    more = ['sbatch=["--qos=high"]', "dry_run=true", "--config-dir", "own"]
    result = command_line("slurm", *words, *more, PATH="/nowhere")
    assert result.returncode == 0, result.stderr
    array, report = [line for line in result.stdout.splitlines() if "sbatch" in line]
    assert f"OVERRIDES='bench=demo limit=2 --config-dir {work / 'own'}'" in array
    assert f"RUNS={work / 'runs' / 'demo'} PYTHON={sys.executable}" in array
    assert "--array=0-1 --gres=gpu:2 --cpus-per-task=8 --mem=128G --time=12:00:00" in array
    assert "--partition=gpu --qos=high" in array
    assert '"--dependency=afterany:${job1%%;*}"' in report
    (row,) = [line for line in result.stdout.splitlines() if line.split()[:1] == ["2"]]
    assert row.split() == ["2", "2", "8", "128G", "12:00:00", "tiny", "mine"]
    (listed,) = (work / "runs" / "demo" / "tasks").glob("models-*.txt")
    assert listed.read_text() == "tiny model.device_map=auto\nmine model.device_map=auto limit=3\n"


def test_words_for_each_run_come_through_the_shells_as_they_were_typed(
    command_line: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "work" / "models.txt").write_text("tiny model.name=a\n")
    word = "model.question_suffix=' it\\'s \"so\", (yes) $HOME `ls` *'"
    result = command_line("slurm", "models=models.txt", "bench=demo", word, "dry_run=true")
    assert result.returncode == 0, result.stderr
    (array,) = [line for line in result.stdout.splitlines() if line.startswith("job1=$(")]
    assignments = array.removeprefix("job1=$(").partition(" sbatch ")[0]
    script = array.removesuffix(")").split()[-1]
    python = tmp_path / "python"  # in Python's place: writes its words into a file, a line each
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$(dirname "$0")/words"\n')
    python.chmod(0o755)
    task = f"SLURM_ARRAY_TASK_ID=0 {assignments} PYTHON={python} bash {script}"
    subprocess.run(["bash", "-euc", task], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    out = tmp_path / "work" / "runs" / "demo" / "a"
    told = ["model=tiny", f"out={out}", "model.name=a", "bench=demo", word]
    assert (tmp_path / "words").read_text().splitlines()[2:] == told


def test_of_several_benchmarks_each_has_arrays_and_a_folder_of_its_own(
    command_line: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "work" / "models.txt").write_text("tiny\n")
    words = ["models=models.txt", "dry_run=true", "limit=2", "bench.variants=[random]"]
    result = command_line("slurm", "bench=[repope,demo]", *words)
    assert result.returncode == 0, result.stderr
    arrays = [line for line in result.stdout.splitlines() if line.startswith("job1=$(")]
    for name, array in zip(("repope", "demo"), arrays, strict=True):
        assert f"OVERRIDES='bench={name} limit=2 " in array
        assert f"RUNS={tmp_path / 'work' / 'runs' / name} " in array
    assert re.findall(r"Arrays of (\w+),", result.stdout) == ["repope", "demo"]
    one = command_line("slurm", "bench=[repope,demo]", *words, "runs=all")
    assert one.stderr.startswith("runs=all: is one folder for 2 benchmarks, each of which needs its own; ")
    wrong = command_line("slurm", "bench=[demo,nothing]", *words)
    assert wrong.returncode == 1
    assert "sbatch" not in wrong.stdout


@pytest.mark.parametrize(
    ("lines", "words", "message"),
    [
        (
            "tiny\ninternvl2_8b\n",
            [],
            "models.txt, line 2: internvl2_8b: no such model (did you mean internvl2_5_8b, internvl3_8b or "
            "internvl2_5_78b?); `models` lists them",
        ),
        (
            "\ntiny lmit=3\n",
            [],
            "models.txt, line 2: lmit: no such key (did you mean limit?) (--help lists the keys)",
        ),
        (
            "tiny limit=1,2\n",
            [],
            "models.txt, line 1: limit=1,2: several values, which need -m: one run for each",
        ),
        ("", [], "models.txt: names no model; give one a line"),
        (None, [], "models.txt: cannot be read (No such file or directory); give models=FILE"),
        ("tiny\n", ["lmit=3"], "lmit: no such key (did you mean limit?) (--help lists the keys)"),
        (
            "tiny\n",
            ["bench.name="],
            "bench.name=: a name that stays inside the folder of runs, such as mine or org/mine, is expected",
        ),
        (
            "tiny\n",
            [],
            "sbatch: no such program here; submit from a machine of the cluster, or see with dry_run=true what would "
            "be submitted",
        ),
    ],
)
def test_what_is_wrong_is_a_line_before_anything_is_submitted(
    command_line: CommandLine, tmp_path: Path, lines: str | None, words: list[str], message: str
) -> None:
    if lines is not None:
        (tmp_path / "work" / "models.txt").write_text(lines)
    result = command_line("slurm", "models=models.txt", *words, PATH="/nowhere")
    assert result.returncode == 1
    assert result.stderr == f"{message}\n"


def test_two_sweeps_in_one_command_are_two(command_line: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "work" / "models.txt").write_text("tiny limit=3\n")
    result = command_line(
        "slurm", "-m", "models=models.txt", "bench=demo,repope", "dry_run=true", "device=cpu"
    )
    assert result.returncode == 0, result.stderr
    for bench in ("demo", "repope"):
        assert f"OVERRIDES='bench={bench} device=cpu'" in result.stdout
        assert len(list((tmp_path / "work" / "runs" / bench / "tasks").glob("models-*.txt"))) == 1
