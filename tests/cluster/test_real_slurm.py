"""Sweeps on a real SLURM of one node: arrays, signals, a node that vanishes, Hydra's launcher."""

import json
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import warm_commands
from demo_runs import FIRST_IMAGES, FIRST_QUESTIONS, answers, comparable

from repope_eval.cluster.run_state import RunState, TaskRecord, read_task_records
from repope_eval.cluster.sweep_plan import read_sweep

pytestmark = pytest.mark.installed

SLURM_LOCAL = Path(__file__).parent / "slurm-local"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "scancel", "scontrol", "squeue", "sinfo")
RESOURCES = "models,gpus,cpus,memory,time,overrides\ntiny,1,1,2G,10,\n"
THREE = """\
# One that is warned, one that cannot be loaded, one that nothing happens to.
tiny model.name=warned batch_size=1
tiny model.name=broken model.checkpoint=/nowhere

tiny model.name=plain
"""


@pytest.fixture
def slurm(running_slurm: Path) -> Iterator[Path]:
    """The same, whose queue a test leaves empty."""
    yield running_slurm
    subprocess.run(["scancel", "--user", str(os.getuid())], check=False)
    wait_for(lambda: not queue(), "the queue to be empty")


@pytest.fixture(scope="module")
def running_slurm() -> Iterator[Path]:
    """The folder of a SLURM that runs, and is what sbatch and the others speak to."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [program for program in PROGRAMS if shutil.which(program, path=path) is None]
    if missing:
        reason = f"no SLURM here ({', '.join(missing)}); tests/install_debian_packages.sh installs it"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="slurm-", dir="/tmp"))  # short, and without spaces
    environment = {**os.environ, "PATH": path, "SLURM_LOCAL_PORT": str(two_free_ports())}
    try:
        started = subprocess.run(
            [SLURM_LOCAL, "start", folder],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert started.returncode == 0, started.stderr
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", path)
            patch.setenv("SLURM_CONF", str(folder / "slurm.conf"))
            yield folder
    finally:
        subprocess.run([SLURM_LOCAL, "stop", folder], check=False, timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


def two_free_ports() -> int:
    """The first of two that follow one another."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port


def said(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=60).stdout


def queue() -> str:
    return said("squeue", "--noheader", "--format=%i %T %r")


def wait_for(reached: Callable[[], bool], what: str, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, f"waited for {what}; the queue:\n{queue()}"
        time.sleep(0.02)


def submit(folder: Path, lines: str, python: Path) -> tuple[str, str]:
    """Submits a sweep over `lines` into `folder`/runs; the numbers of its array and of its report."""
    folder.mkdir(exist_ok=True)
    (folder / "models.txt").write_text(lines)
    (folder / "resources.csv").write_text(RESOURCES)
    words = ["models=models.txt", "resources=resources.csv", "runs=runs", FIRST_IMAGES]
    ended = warm_commands.run("slurm", *words, folder=folder, python=python)
    assert ended.returncode == 0, ended.stderr
    array, report = re.findall(r"^(\d+): ", ended.stdout, flags=re.MULTILINE)
    return array, report


def submit_alone(folder: Path, lines: str, python: Path) -> str:
    """The same without the report."""
    array, report = submit(folder, lines, python)
    said("scancel", report)
    return array


def record(runs: Path, job: str) -> TaskRecord | None:
    return next((found for found in read_task_records(runs) if found.job == job), None)


def has_ended(runs: Path, job: str) -> bool:
    found = record(runs, job)
    return found is not None and found.ended not in ("", "requeued")


def ended(runs: Path, job: str) -> TaskRecord:
    """The record of a task, once it has ended for good."""
    wait_for(lambda: has_ended(runs, job), f"{job} to end")
    found = record(runs, job)
    assert found is not None
    return found


def restarts(runs: Path, job: str) -> int:
    """How often SLURM had started a task before it last did."""
    lines = (runs / "tasks" / f"{job}.task").read_text().splitlines()
    return int([line.removeprefix("restarts=") for line in lines if line.startswith("restarts=")][-1])


def log_of(task: TaskRecord) -> str:
    assert task.log is not None
    return task.log.read_text()


def wait_for_answers(run: Path, more_than: int = 0) -> int:
    """How many are stored, once there are more than so many."""
    path = run / "answers.jsonl"
    wait_for(lambda: path.exists() and path.read_bytes().count(b"\n") > more_than, f"answers in {run}")
    return len(answers(run))


def warn(runs: Path, job: str) -> int:
    """What SLURM does before a time limit: the run's answers when it has queued itself again."""
    task = record(runs, job)
    assert task is not None
    with subprocess.Popen(["scancel", "--batch", "--signal=USR1", job]) as signalling:
        wait_for(lambda: "queued again to go on" in log_of(task), f"{job} to queue itself again")
        # Where the job was gone before SLURM had noted the signal, scancel waits and sends it to the next start.
        signalling.kill()
    assert "ended=requeued\n" in (runs / "tasks" / f"{job}.task").read_text()
    assert (task.out / "answers.jsonl").read_bytes().endswith(b"\n")
    return len(answers(task.out))


def test_a_sweep_survives_a_warning_and_a_broken_model_and_ends_in_a_leaderboard(
    slurm: Path, tmp_path: Path, short_unbroken: Path, warm_python: Path
) -> None:
    runs = tmp_path / "runs"
    array, report = submit(tmp_path, THREE, warm_python)
    assert f"{report} PENDING Dependency" in queue()
    every_task_waits_or_runs(runs, array)
    stored = wait_for_warning(runs, f"{array}_0")
    broken_task_fails_alone(runs, f"{array}_1")
    warned_task_goes_on(runs, f"{array}_0", stored, short_unbroken)
    assert ended(runs, f"{array}_2").ended == "0"
    leaderboard_has_two(runs, report)
    status_tells_of_two_and_the_broken_one(runs)


def test_each_of_several_benchmarks_is_a_sweep_of_its_own(
    slurm: Path, tmp_path: Path, warm_python: Path
) -> None:
    (tmp_path / "own" / "bench").mkdir(parents=True)
    (tmp_path / "own" / "bench" / "few.yaml").write_text("source: demo\nvariants: [random]\n")
    (tmp_path / "models.txt").write_text("tiny\n")
    (tmp_path / "resources.csv").write_text(RESOURCES)
    words = ["models=models.txt", "resources=resources.csv", "limit=5", "--config-dir", "own"]
    submitted = warm_commands.run("slurm", "bench=[demo,few]", *words, folder=tmp_path, python=warm_python)
    assert submitted.returncode == 0, submitted.stderr
    jobs = re.findall(r"^(\d+): (array|leaderboard)", submitted.stdout, flags=re.MULTILINE)
    assert [what for _, what in jobs] == ["array", "leaderboard"] * 2
    (demo, _), _, (few, _), _ = jobs
    numbers = []
    for name, array in (("demo", demo), ("few", few)):
        task = ended(tmp_path / "runs" / name, f"{array}_0")
        assert task.ended == "0", log_of(task)
        numbers.append(len(answers(tmp_path / "runs" / name / "tiny")))
        board = tmp_path / "runs" / name / "leaderboard" / "leaderboard.json"
        wait_for(board.exists, f"the leaderboard of {name}")
        assert json.loads(board.read_text())["bench"] == name
    assert numbers[0] > numbers[1] > 0


def status(runs: Path) -> dict[str, RunState]:
    """What `status` says of each run."""
    return {state.out: state for state in read_sweep(runs)}


def every_task_waits_or_runs(runs: Path, array: str) -> None:
    found = status(runs)
    assert list(found) == ["warned", "broken", "plain"]
    assert [state.job for state in found.values()] == [f"{array}_{number}" for number in range(3)]
    assert found["plain"].state == "waiting"  # two run at a time, in their order


def wait_for_warning(runs: Path, job: str) -> int:
    wait_for_answers(runs / "warned")
    running = status(runs)["warned"]
    assert (running.state, running.host, running.of) == ("running", platform.node(), FIRST_QUESTIONS)
    assert 0 < running.done < FIRST_QUESTIONS
    stored = warn(runs, job)
    assert 0 < stored < FIRST_QUESTIONS
    waiting = status(runs)["warned"]
    assert (waiting.state, waiting.done, waiting.host) == ("waiting", stored, None)
    return stored


def broken_task_fails_alone(runs: Path, job: str) -> None:
    task = ended(runs, job)
    assert (task.ended, task.out, restarts(runs, job)) == ("1", runs / "broken", 0)
    assert "model.checkpoint=/nowhere: no such folder" in log_of(task)
    assert "JobState=FAILED" in said("scontrol", "show", "job", job)
    assert "ExitCode=1:0" in said("scontrol", "show", "job", job)
    state = status(runs)["broken"]
    assert state.state == "failed"
    assert state.line.startswith("model.checkpoint=/nowhere: no such folder")


def warned_task_goes_on(runs: Path, job: str, stored: int, unbroken: Path) -> None:
    task = ended(runs, job)
    assert task.ended == "0"
    assert restarts(runs, job) >= 1
    assert f"asking {FIRST_QUESTIONS - stored} questions" in log_of(task)
    assert comparable(runs / "warned") == comparable(unbroken)


def leaderboard_has_two(runs: Path, report: str) -> None:
    wait_for(lambda: not queue(), "the report")
    board = runs / "leaderboard" / "leaderboard.json"
    assert board.exists(), (runs / "tasks" / f"report-{report}.log").read_text()
    assert {model["model"] for model in json.loads(board.read_text())["models"]} == {"warned", "plain"}
    assert "plain" in board.with_suffix(".html").read_text()


def status_tells_of_two_and_the_broken_one(runs: Path) -> None:
    found = status(runs)
    assert {name: state.state for name, state in found.items()} == {
        "warned": "complete",
        "broken": "failed",
        "plain": "complete",
    }
    shown = warm_commands.run("status", f"runs={runs}").stdout
    assert shown.endswith(f"broken failed: {found['broken'].line}\n3 runs: 1 failed, 2 complete\n")


def test_a_run_folder_is_one_tasks_and_a_vanished_nodes_task_goes_on(
    slurm: Path, tmp_path: Path, warm_python: Path
) -> None:
    runs, line = tmp_path / "runs", "tiny batch_size=1\n"
    first = submit_alone(tmp_path, line, warm_python)
    wait_for_answers(runs / "tiny")
    process = json.loads((runs / "tiny" / "manifest.json").read_text())["process"]["id"]
    os.kill(process, signal.SIGSTOP)  # it has the folder as long as is wanted
    second_task_is_refused(tmp_path, line, first, warm_python)
    assert (status(runs)["tiny"].state, status(runs)["tiny"].job) == ("running", f"{first}_0")
    stored = len(answers(runs / "tiny"))
    node_vanishes_and_comes_back(slurm, process)
    lost = status(runs)["tiny"]
    assert lost.state in ("waiting", "running")  # SLURM may have found it a node again
    assert lost.done >= stored
    task = ended(runs, f"{first}_0")
    assert (task.ended, restarts(runs, task.job)) == ("0", 1)
    assert f"asking {FIRST_QUESTIONS - stored} questions" in log_of(task)
    assert status(runs)["tiny"].state == "complete"


def second_task_is_refused(folder: Path, line: str, first: str, python: Path) -> None:
    second = submit_alone(folder, line, python)
    task = ended(folder / "runs", f"{second}_0")
    assert task.ended == "1"
    assert re.search(
        rf"is being written by process \d+ on \S+, SLURM job {first}_0; wait for it", log_of(task)
    )


def is_started_by_task(process: psutil.Process) -> bool:
    """Whether it stands for the Python of a task of this SLURM."""
    with suppress(psutil.Error):
        words, told = process.cmdline(), process.environ()
        return str(warm_commands.WARM_PYTHON) in words and told.get("SLURM_CONF") == os.environ["SLURM_CONF"]
    return False


def node_vanishes_and_comes_back(slurm: Path, run: int) -> None:
    """SLURM's programs on the node and all of a task die at once, as with the power; later the node starts anew.

    The step is stopped first and killed last: alive, it would tell SLURM that the script has ended; and where it dies
    before the run, which is stopped, the kernel sends the script SIGHUP, on which it would record an end.
    """
    (python,) = [each for each in psutil.process_iter() if is_started_by_task(each)]
    script, step = python.parents()[:2]
    os.kill(int((slurm / "slurmd.pid").read_text()), signal.SIGKILL)
    os.kill(step.pid, signal.SIGSTOP)
    for process in (script.pid, python.pid, run, step.pid):
        os.kill(process, signal.SIGKILL)
    node = said("sinfo", "--noheader", "--format=%n").strip()
    # What SLURM finds out by itself after SlurmdTimeout, five minutes.
    subprocess.run(["scontrol", "update", f"NodeName={node}", "State=DOWN", "Reason=vanished"], check=True)
    (slurm / "slurmd.pid").unlink(missing_ok=True)
    subprocess.run(["slurmd"], check=True, capture_output=True)


def test_hydras_launcher_runs_a_sweep_and_a_preempted_run_goes_on(
    slurm: Path, tmp_path: Path, warm_python: Path
) -> None:
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    launcher = [
        "hydra/launcher=submitit_slurm",
        "hydra.launcher.partition=gpu",
        "hydra.launcher.cpus_per_task=1",
    ]
    words = [FIRST_IMAGES, "batch_size=1", "out=runs/${limit}", *launcher]
    process = warm_commands.start("-m", *words, folder=tmp_path, python=warm_python)
    preempted = tmp_path / "runs" / "40"
    wait_for_answers(preempted)
    job = json.loads((preempted / "manifest.json").read_text())["process"]["job"]
    subprocess.run(["scancel", "--signal=USR2", job], check=True, timeout=60)
    wait_for(lambda: ending_of(preempted) == "interrupted", "the run to end")
    assert (preempted / "answers.jsonl").read_bytes().endswith(b"\n")
    stored = len(answers(preempted))
    output = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert 0 < stored < FIRST_QUESTIONS
    assert f"asking {FIRST_QUESTIONS - stored} questions" in (preempted / "run.log").read_text()
    assert (preempted / "scores.json").exists()


def ending_of(run: Path) -> str | None:
    """How a run ended early, as its manifest says."""
    found = json.loads((run / "manifest.json").read_text())["ended"]
    return found["how"] if found else None
