"""What sbatch is told, by a script in its place: arrays, the report behind them, and refusals."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from repope_eval.cluster.run_state import read_task_records
from repope_eval.cluster.submission import Submissions, prepare, shell_script, submit
from repope_eval.cluster.sweep_plan import Group, ListedRun, Needs, SweepPlan, read_model_list
from repope_eval.errors import RepopeError
from repope_eval.settings.composition import model_settings
from repope_eval.settings.config import BenchSettings, SlurmSettings
from repope_eval.settings.named_files import shipped_folder

TOLD = ("MODELS", "OVERRIDES", "RUNS", "SETUP", "PYTHON", "SBATCH_EXPORT")
SBATCH = f"""\
cd "$(dirname "$0")"
number=$(($(cat count 2>/dev/null || echo 100) + 1)); echo $number > count
{{ printf '%s\\n' "$@"; for name in {" ".join(TOLD)}; do printenv $name | sed "s/^/$name=/"; done; }} > call$number
if [ "$number" = "$REFUSED" ]; then
    echo 'sbatch: error: invalid partition specified: gpus' >&2
    echo 'sbatch: error: Batch job submission failed: Invalid partition name specified' >&2
    exit 1
fi
echo "$number$CLUSTER"
"""
RUNS = (
    ListedRun(line=1, model="tiny"),
    ListedRun(line=4, model="tiny", words=("model.name=a", "model.question_suffix=in a word")),
)
SMALL = Group(needs=Needs(gpus=1, cpus=4, memory="64G", time="04:00:00"), runs=RUNS)
LARGE = Group(
    needs=Needs(gpus=4, cpus=16, memory="256G", time="24:00:00"),
    runs=(ListedRun(line=2, model="internvl2_5_78b", words=("model.device_map=auto",)),),
)


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a script in sbatch's place, and what it was called with: call101, ..."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, script in (("sbatch", SBATCH), ("scancel", 'echo "$@" > "$(dirname "$0")/cancelled"\n')):
        (folder / name).write_text(f"#!/bin/sh\n{script}")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    for name in (*TOLD, "REFUSED", "CLUSTER"):
        monkeypatch.delenv(name, raising=False)
    return folder


def settings(**given: Any) -> SlurmSettings:
    bench = BenchSettings(name="demo", source="demo", variants=("random",))
    return SlurmSettings(model=model_settings("tiny"), bench=bench, **given)


def prepared(
    folder: Path, *groups: Group, words: tuple[str, ...] = ("bench=demo",), **given: Any
) -> Submissions:
    return prepare(SweepPlan(groups=groups, words=words, runs=folder), settings(**given), ())


def call(slurm: Path, number: int) -> list[str]:
    return (slurm / f"call{number}").read_text().splitlines()


def test_each_group_is_an_array_and_the_report_follows(slurm: Path, tmp_path: Path) -> None:
    runs = tmp_path / "a sweep, 100%"
    setup = tmp_path / "setup.sh"
    words = ("bench=demo", "data_dir=/my data,here")
    site = {"partition": "gpu", "account": "me", "sbatch": ("--qos=high",), "setup": str(setup)}
    jobs = submit(prepared(runs, SMALL, LARGE, words=words, **site))
    assert [job for job, _ in jobs] == ["101", "102", "103"]
    options = ["--partition=gpu", "--account=me", "--qos=high"]
    tasks = f"{tmp_path}/a sweep, 100%%/tasks"
    told = {"RUNS": str(runs), "SETUP": str(setup), "PYTHON": sys.executable}
    overrides = "bench=demo 'data_dir=/my data,here'"
    for number, needs, last in (
        (101, ["--gres=gpu:1", "--cpus-per-task=4", "--mem=64G", "--time=04:00:00"], 1),
        (102, ["--gres=gpu:4", "--cpus-per-task=16", "--mem=256G", "--time=24:00:00"], 0),
    ):
        called = call(slurm, number)
        assert called[:-5] == [
            "--parsable",
            f"--array=0-{last}",
            *needs,
            f"--output={tasks}/%A_%a.log",
            *options,
            str(shipped_folder("slurm") / "sweep.sbatch"),
        ]
        variables = dict(line.split("=", 1) for line in called[-5:])
        listed = read_model_list(Path(variables.pop("MODELS")))
        assert variables == {"OVERRIDES": overrides, **told}
        group = {101: SMALL, 102: LARGE}[number]
        assert [(run.model, run.words) for run in listed] == [(run.model, run.words) for run in group.runs]
    called = call(slurm, 103)
    assert called[:-3] == [
        "--parsable",
        "--dependency=afterany:101:102",
        f"--output={tasks}/report-%j.log",
        *options,
        str(shipped_folder("slurm") / "report.sbatch"),
    ]
    assert dict(line.split("=", 1) for line in called[-3:]) == told


def test_the_lines_for_a_shell_do_the_same(
    slurm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLUSTER", ";north")
    submissions = prepared(tmp_path / "it's", SMALL, LARGE, words=("data_dir=/it's here",))
    assert [job for job, _ in submit(submissions)] == ["101", "102", "103"]
    calls = [call(slurm, number) for number in (101, 102, 103)]
    (slurm / "count").unlink()
    ended = subprocess.run(
        ["bash", "-euc", shell_script(submissions)], capture_output=True, text=True, check=True, timeout=60
    )
    assert ended.stdout == "103;north\n"
    assert [call(slurm, number) for number in (101, 102, 103)] == calls


def test_options_of_hydra_go_behind_the_words_of_every_run(slurm: Path, tmp_path: Path) -> None:
    plan = SweepPlan(groups=(SMALL,), words=("bench=mine",), runs=tmp_path)
    submissions = prepare(plan, settings(), ("--config-dir", "/my files"))
    overrides = submissions.arrays[0].environment["OVERRIDES"]
    assert shlex.split(overrides) == ["bench=mine", "--config-dir", "/my files"]


def test_a_task_without_a_gpu_asks_for_none(slurm: Path, tmp_path: Path) -> None:
    group = Group(needs=Needs(gpus=0, cpus=1, memory="2G", time="10"), runs=RUNS)
    submit(prepared(tmp_path, group))
    assert "--gres=none" in call(slurm, 101)


def test_a_list_of_an_earlier_sweep_stays_as_it_was(tmp_path: Path) -> None:
    (before,) = prepared(tmp_path, SMALL).arrays
    (same,) = prepared(tmp_path, SMALL).arrays
    (after,) = prepared(tmp_path, Group(needs=SMALL.needs, runs=RUNS[:1])).arrays
    assert same.environment["MODELS"] == before.environment["MODELS"] != after.environment["MODELS"]
    assert len(read_model_list(Path(before.environment["MODELS"]))) == len(RUNS)


@pytest.mark.parametrize(
    ("export", "passed"),
    [("NONE", "MODELS,RUNS,PYTHON,OVERRIDES"), ("HOME", "HOME,MODELS,RUNS,PYTHON,OVERRIDES"), ("ALL", "ALL")],
)
def test_a_site_that_exports_nothing_exports_what_the_script_is_told(
    slurm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, export: str, passed: str
) -> None:
    monkeypatch.setenv("SBATCH_EXPORT", export)
    submit(prepared(tmp_path, SMALL))
    assert f"SBATCH_EXPORT={passed}" in call(slurm, 101)


@pytest.mark.parametrize(
    ("refused", "what", "cancelled"),
    [
        ("101", "array of 2 with 1 GPU each", None),
        ("102", "array of 1 with 4 GPUs each", "101\n"),
        ("103", "leaderboard", "101 102\n"),
    ],
)
def test_a_refusal_leaves_nothing_in_the_queue_and_says_what_sbatch_said(
    slurm: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    refused: str,
    what: str,
    cancelled: str | None,
) -> None:
    monkeypatch.setenv("REFUSED", refused)
    with pytest.raises(RepopeError) as caught:
        submit(prepared(tmp_path, SMALL, LARGE))
    assert str(caught.value) == (
        f"{what}: not submitted, and nothing else of this sweep: sbatch: error: invalid partition specified: gpus "
        "sbatch: error: Batch job submission failed: Invalid partition name specified"
    )
    assert not (slurm / f"call{int(refused) + 1}").exists()
    found = (slurm / "cancelled").read_text() if (slurm / "cancelled").exists() else None
    assert found == cancelled


def test_no_sbatch_is_told_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submissions = prepared(tmp_path, SMALL)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RepopeError, match=r"^sbatch: no such program here; .*dry_run=true"):
        submit(submissions)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        RepopeError, match=r"^runs=.*file/x: cannot be made or written .*choose another runs="
    ):
        prepared(tmp_path / "file" / "x", SMALL)


def test_what_is_submitted_waits_by_its_record(slurm: Path, tmp_path: Path) -> None:
    submit(prepared(tmp_path, SMALL, LARGE))
    waiting = {record.job: record for record in read_task_records(tmp_path)}
    assert {job: record.out for job, record in waiting.items()} == {
        "101_0": tmp_path / "tiny",
        "101_1": tmp_path / "a",
        "102_0": tmp_path / "internvl2_5_78b",
    }
    assert {(record.started, record.ended) for record in waiting.values()} == {(None, "")}


def test_what_was_cancelled_waits_for_nothing(
    slurm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFUSED", "102")
    with pytest.raises(RepopeError, match="not submitted"):
        submit(prepared(tmp_path, SMALL, LARGE))
    assert read_task_records(tmp_path) == ()
