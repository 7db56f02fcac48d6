"""Starting a command by Hydra or without it, and launchers: submitit's exceptions, and a process that it starts."""

import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import warm_commands
from demo_runs import answers
from forgotten_groups import forget_groups
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from repope_eval.errors import RepopeError
from repope_eval.settings.config import RunSettings
from repope_eval.settings.launching import Turn, bench_words, is_of_sweep, launch, told_by_launcher
from repope_eval.settings.schema import settings_from


class Launched(NamedTuple):
    """What a command was executed with."""

    settings: list[RunSettings]
    """Those of each benchmark."""
    groups: list[str]
    """The keys of what was composed for the first."""
    bench_words: list[str]
    is_of_sweep: bool
    turn: Turn | None


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[Launched]]]:
    """Launches words, and tells what was executed; Hydra forgets this record's groups before and after."""

    def launch_words(*by_benchmark: list[str]) -> list[Launched]:
        found: list[Launched] = []

        def execute(composed: Sequence[DictConfig], turn: Turn | None) -> None:
            settings = [settings_from(RunSettings, each) for each in composed]
            found.append(Launched(settings, list(composed[0]), bench_words(), is_of_sweep(), turn))

        launch(RunSettings, execute, by_benchmark)
        GlobalHydra.instance().clear()
        return found

    monkeypatch.setattr(sys, "argv", ["repope_eval"])
    forget_groups(monkeypatch)
    yield launch_words
    GlobalHydra.instance().clear()


@pytest.mark.parametrize(
    "by_benchmark",
    [
        [[]],
        [["model=internvl2_5_1b", "limit=3", "out=runs/${bench.name}/a (1)", "model.max_tiles=2"]],
        [[f"bench={name}", "out=runs/${bench.name}"] for name in ("demo", "repope")],
    ],
)
def test_without_an_option_the_run_is_the_one_that_was_checked_and_the_same_as_hydras(
    launched: Callable[..., list[Launched]], monkeypatch: pytest.MonkeyPatch, by_benchmark: list[list[str]]
) -> None:
    composed: list[object] = []
    compose = ConfigLoaderImpl.load_configuration

    def counted(*values: Any, **named: Any) -> DictConfig:
        composed.append(named)
        return compose(*values, **named)

    monkeypatch.setattr(ConfigLoaderImpl, "load_configuration", counted)
    alone = launched(*by_benchmark)
    assert len(composed) == len(by_benchmark)
    assert len(alone) == 1
    assert "hydra" not in alone[0].groups
    assert alone == launched(*([*words, "--run"] for words in by_benchmark))
    assert len(composed) > 2 * len(by_benchmark)


class UncompletedJobError(Exception):
    """As submitit calls its own, which need not be installed."""


def test_a_job_that_is_not_queued_again_is_told_with_the_way_on() -> None:
    with pytest.raises(RepopeError) as caught, told_by_launcher():
        raise UncompletedJobError("Job not requeued because: timed-out too many times.")
    assert str(caught.value).startswith(
        "Job not requeued because: timed-out too many times; the same command goes on"
    )
    assert "hydra.launcher.max_num_timeout=" in str(caught.value)


def test_what_is_no_launchers_stays_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError), told_by_launcher():
        raise ZeroDivisionError


def test_a_process_of_submitit_that_is_told_to_end_keeps_its_batch_and_starts_again(
    tmp_path: Path, warm_python: Path
) -> None:
    """Without SLURM, submitit starts processes here, and starts one again that its handler has end with 144."""
    pytest.importorskip("hydra_plugins.hydra_submitit_launcher")
    words = ["limit=40", "out=runs/${limit}", "batch_size=1", "hydra/launcher=submitit_local"]
    process = warm_commands.start("-m", *words, folder=tmp_path, python=warm_python)
    run = tmp_path / "runs" / "40"
    deadline = time.monotonic() + 120
    while not ((run / "answers.jsonl").exists() and (run / "answers.jsonl").stat().st_size):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    _signal(run, signal.SIGUSR2)
    output = process.communicate(timeout=240)
    assert process.returncode == 0, output
    log = (run / "run.log").read_text()
    assert "SIGUSR2: finishing the batch in hand, then stopping" in log
    first, resumed = (int(number) for number in re.findall(r"asking (\d+) questions", log))
    assert resumed < first == len(answers(run))


def _signal(run: Path, number: int) -> None:
    """Sends a signal to the process that has a run folder."""
    os.kill(json.loads((run / "manifest.json").read_text())["process"]["id"], number)


def test_a_run_of_a_sweep_is_told_which_one_it_is(
    launched: Callable[..., list[Launched]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert [each.turn for each in launched(["limit=2"])] == [None]
    words = ["-m", "model=tiny,ovis2_1b", "limit=range(1,4)", "batch_size=2", "out=${model.name}_${limit}"]
    turns = [each.turn for each in launched(words)]
    assert [(turn.number, turn.total) for turn in turns if turn] == [(number, 6) for number in range(1, 7)]
    assert turns[-1] is not None
    assert turns[-1].words == ("model=ovis2_1b", "limit=3")
