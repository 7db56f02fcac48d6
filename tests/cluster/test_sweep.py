"""The scripts for SLURM, run as SLURM would run them."""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from conftest import FAMILY_MODELS, PROJECT
from sweep_tasks import SCRIPT, environment_of, program, record

from repope_eval.settings.composition import compose, initialized, register
from repope_eval.settings.config import RunSettings
from repope_eval.system.environment import moment, now

REPORT = PROJECT / "slurm" / "report.sbatch"


def run_task(task: str, folder: Path, **told: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", str(SCRIPT)],
        cwd=folder,
        env=environment_of(task, **told),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def words(folder: Path) -> list[str]:
    """Those that the run was started with."""
    return (folder / "words").read_text().splitlines()[2:]


def recorded_lines(runs: Path) -> list[str]:
    """The lines of the only record, of which `status` reads some."""
    (path,) = runs.rglob("tasks/*.task")
    return path.read_text().splitlines()


def test_a_task_evaluates_its_line_with_the_overrides(tmp_path: Path, warm_python: Path) -> None:
    models = tmp_path / "models.txt"
    models.write_text("internvl2_5_1b\ntiny\n")
    overrides = "limit=2 protocol=pope"
    told = {"MODELS": str(models), "OVERRIDES": overrides, "RUNS": str(tmp_path / "all")}
    result = run_task("1", tmp_path, PYTHON=str(warm_python), **told)
    assert result.returncode == 0, result.stderr
    scores = json.loads((tmp_path / "all" / "tiny" / "scores.json").read_text())
    assert (scores["model"], scores["protocol"]) == ("tiny", "pope")
    assert record(tmp_path / "all").ended == "0"


@pytest.mark.parametrize(
    ("task", "models", "message"),
    [("7", "models.txt", "has no line 8 for task 7"), ("0", "none.txt", "no such list of models")],
)
def test_a_task_without_a_line_says_so(tmp_path: Path, task: str, models: str, message: str) -> None:
    (tmp_path / "models.txt").write_text("tiny\n")
    result = run_task(task, tmp_path, MODELS=models)
    assert result.returncode == 1
    assert message in result.stderr


def test_comments_and_blank_lines_count_and_have_nothing_done(tmp_path: Path, python: str) -> None:
    (tmp_path / "models.txt").write_text("# small ones\n\n  # and\nlast_one_without_an_end")
    for task in range(3):
        result = run_task(str(task), tmp_path, MODELS="models.txt", PYTHON=python)
        assert result.returncode == 0
        assert f"line {task + 1} names no model" in result.stdout
    assert not (tmp_path / "words").exists()
    assert run_task("3", tmp_path, MODELS="models.txt", PYTHON=python).returncode == 0
    assert words(tmp_path)[0] == "model=last_one_without_an_end"


@pytest.mark.parametrize(
    ("line", "folder", "further"),
    [
        ("tiny model.name=a limit=2", "a", ["model.name=a", "limit=2"]),
        ("tiny 'model.question_suffix=\"in a word\"'", "tiny", ['model.question_suffix="in a word"']),
        ("tiny limit=2\r", "tiny", ["limit=2"]),
        ("tiny 'data_dir=it'\"'\"'s'", "tiny", ["data_dir=it's"]),
    ],
)
def test_words_are_those_of_a_shell(
    tmp_path: Path, python: str, line: str, folder: str, further: list[str]
) -> None:
    (tmp_path / "models.txt").write_bytes(f"{line}\n".encode())
    result = run_task("0", tmp_path, MODELS="models.txt", PYTHON=python, OVERRIDES="'bench=demo'")
    assert result.returncode == 0, result.stderr
    out = tmp_path / "runs" / folder
    assert words(tmp_path) == ["model=tiny", f"out={out}", *further, "bench=demo"]
    (recorded,) = (line for line in recorded_lines(tmp_path) if line.startswith("words="))
    assert shlex.split(recorded.removeprefix("words=")) == words(tmp_path)
    assert record(tmp_path).out == out


def test_a_quote_that_is_not_closed_fails_the_task(tmp_path: Path, python: str) -> None:
    (tmp_path / "models.txt").write_text("tiny 'limit=2\n")
    result = run_task("0", tmp_path, MODELS="models.txt", PYTHON=python)
    assert result.returncode == 1
    assert "models.txt, line 1, or OVERRIDES: a quote is not closed" in result.stderr


def test_a_word_with_a_control_character_fails_the_task(tmp_path: Path, python: str) -> None:
    (tmp_path / "models.txt").write_text("tiny\n")
    result = run_task("0", tmp_path, MODELS="models.txt", PYTHON=python, OVERRIDES="out=here/\\\nINFO")
    assert (result.returncode, (tmp_path / "words").exists()) == (1, False)
    assert result.stderr == "models.txt, line 1, or OVERRIDES: a word holds a control character\n"


def test_a_line_may_have_a_run_folder_of_its_own(tmp_path: Path, python: str) -> None:
    (tmp_path / "models.txt").write_text("tiny out=elsewhere/tiny\n")
    assert run_task("0", tmp_path, MODELS="models.txt", PYTHON=python).returncode == 0
    assert words(tmp_path) == ["model=tiny", "out=elsewhere/tiny"]
    assert record(tmp_path).out == tmp_path / "elsewhere" / "tiny"


def test_a_folder_with_odd_characters_is_what_hydra_reads(tmp_path: Path, python: str) -> None:
    runs = tmp_path / "it's (a) sweep, of=two: 100% ~"
    (tmp_path / "models.txt").write_text("tiny\n")
    result = run_task("0", tmp_path, MODELS="models.txt", PYTHON=python, RUNS=str(runs))
    assert result.returncode == 0, result.stderr
    assert record(runs).out == runs / "tiny"
    register(RunSettings)
    with initialized(None):
        assert compose(RunSettings, words(tmp_path)).out == str(runs / "tiny")


def test_a_record_says_what_was_started_where_and_when(tmp_path: Path, python: str) -> None:
    (tmp_path / "models.txt").write_text("tiny\n")
    log = tmp_path / "task.log"
    before = now()
    with log.open("w") as output:
        subprocess.run(
            ["bash", str(SCRIPT)],
            cwd=tmp_path,
            env=environment_of(
                "0", MODELS="models.txt", PYTHON=python, SLURM_ARRAY_JOB_ID="17", SLURM_RESTART_COUNT="2"
            ),
            stdout=output,
            check=True,
            timeout=60,
        )
    found = record(tmp_path)
    assert (found.job, found.log, found.ended) == ("17_0", log, "0")
    assert found.host == os.uname().nodename
    assert found.started is not None
    assert moment(before) <= found.started <= moment(now())
    assert recorded_lines(tmp_path)[-3:] == ["restarts=2", "ended=", "ended=0"]


def test_a_run_that_fails_fails_its_task_with_its_status(tmp_path: Path) -> None:
    (tmp_path / "models.txt").write_text("tiny\n")
    failing = program(tmp_path / "failing", "exit 3")
    assert run_task("0", tmp_path, MODELS="models.txt", PYTHON=failing).returncode == 3
    assert record(tmp_path).ended == "3"


def test_the_setup_is_sourced_first_and_may_look_at_what_is_not_set(tmp_path: Path, python: str) -> None:
    (tmp_path / "models.txt").write_text("tiny\n")
    (tmp_path / "setup.sh").write_text(f'echo "[$NOBODY_SET_THIS]"\nexport PYTHON={shlex.quote(python)}\n')
    result = run_task("0", tmp_path, MODELS="models.txt", PYTHON="/none", SETUP="./setup.sh")
    assert result.returncode == 0, result.stderr
    assert "[]" in result.stdout
    assert words(tmp_path)[0] == "model=tiny"


def test_a_setup_that_fails_fails_the_task_on_record(tmp_path: Path, python: str) -> None:
    (tmp_path / "models.txt").write_text("tiny\n")
    (tmp_path / "setup.sh").write_text("false\n")
    result = run_task("0", tmp_path, MODELS="models.txt", PYTHON=python, SETUP="./setup.sh")
    assert result.returncode == 1
    assert not (tmp_path / "words").exists()
    assert record(tmp_path).ended == "1"


def test_the_shipped_list_names_every_model_smallest_first() -> None:
    listed = (PROJECT / "slurm" / "models.txt").read_text().split()
    assert sorted(listed) == sorted(set(FAMILY_MODELS) - {"tiny"})
    sizes = [float(size.replace("_", ".")) for name in listed for size in re.findall(r"_(\d+(?:_5)?)b", name)]
    assert sizes == sorted(sizes)
    assert len(sizes) == len(listed)


def test_the_report_is_of_the_folder_of_runs(tmp_path: Path, python: str) -> None:
    runs = tmp_path / "a sweep"
    runs.mkdir()
    (tmp_path / "setup.sh").write_text('echo "[$NOBODY_SET_THIS]"\n')
    result = subprocess.run(
        ["bash", str(REPORT)],
        cwd=tmp_path,
        env={**os.environ, "PYTHON": python, "RUNS": "a sweep", "SETUP": "./setup.sh"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "words").read_text().splitlines() == ["-m", "repope_eval", "report", f"runs='{runs}'"]
