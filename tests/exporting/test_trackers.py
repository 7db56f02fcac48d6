"""Scored runs passed on to trackers: to stand-ins that have the functions which are called, and to those installed."""

import inspect
import json
import logging
import re
import shutil
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest
from conftest import CommandLine
from run_folders import DEMO, answer_lines, demo

from repope_eval import pipeline
from repope_eval.commands.score import score_answers
from repope_eval.errors import RepopeError
from repope_eval.exporting import trackers
from repope_eval.exporting.trackers import NO_TRACKER, TRACKERS, require_tracker
from repope_eval.runs.folder import close_log
from repope_eval.settings.config import ModelSettings, RunSettings, ScoreSettings, Tracker
from repope_eval.system.secrets import mark_environment_text
from repope_eval.wording import installing_extra

INSTALLED = [name for name in TRACKERS if find_spec(name) is not None]
"""Trackers whose packages are there: wandb comes with the extra `dev`."""


def test_each_tracker_that_can_be_named_is_there() -> None:
    assert (NO_TRACKER, *TRACKERS) == get_args(Tracker)
    assert "wandb" in INSTALLED


def write_answers(folder: Path, response: str | None = None) -> Path:
    lines = [line | ({"response": response} if response else {}) for line in answer_lines(demo())]
    (folder / "answers.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder / "answers.jsonl"


def scored(folder: Path, track: Tracker, response: str | None = None, **settings: Any) -> Path:
    """The folder of a run that was scored and tracked in this process."""
    settings = {"out": str(folder / "run"), **settings}
    answers = str(write_answers(folder, response))
    score_answers(ScoreSettings(bench=DEMO, answers=answers, track=track, **settings), "score ...")
    close_log()
    return folder / "run"


class FakeTrackio(ModuleType):
    """Has what is called of trackio, with the parameters that are given, and keeps it."""

    def __init__(self, failure: Exception | None = None) -> None:
        super().__init__("trackio")
        self.given: dict[str, Any] = {}
        self.failure = failure

    def init(
        self,
        project: str,
        name: str | None = None,
        config: dict[str, Any] | None = None,
        embed: bool = True,
        auto_log_gpu: bool | None = None,
        auto_log_cpu: bool | None = None,
    ) -> None:
        print("* Trackio project initialized")
        assert (embed, auto_log_gpu, auto_log_cpu) == (False, False, False)
        self.given = {"project": project, "name": name, "config": config}

    def log(self, metrics: dict[str, Any], step: int | None = None) -> None:
        if self.failure:
            raise self.failure
        self.given["metrics"] = metrics

    def finish(self) -> None:
        self.given["is_finished"] = True


@pytest.fixture
def trackio(monkeypatch: pytest.MonkeyPatch) -> Callable[..., FakeTrackio]:
    def put(failure: Exception | None = None) -> FakeTrackio:
        fake = FakeTrackio(failure)
        fake.__spec__ = find_spec("json")
        monkeypatch.setitem(sys.modules, "trackio", fake)
        return fake

    return put


def test_configuration_and_figures_are_those_of_the_runs_files(
    trackio: Callable[..., FakeTrackio], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fake = trackio()
    folder = scored(tmp_path, "trackio", track_project="mine")
    given = fake.given
    assert (given["project"], given["name"], given["is_finished"]) == ("mine", "answers on demo", True)
    manifest = json.loads((folder / "manifest.json").read_text())
    config = json.loads(json.dumps(given["config"]))
    assert config.pop("protocol") == "repope"
    assert config.pop("report") == f"{folder}/report.html"
    assert config == {name: manifest[name] for name in config}
    assert {"settings", "benchmark", "versions", "counts", "finished"} <= set(config)
    scores = json.loads((folder / "scores.json").read_text())["scores"]
    for label_set, by_variant in scores.items():
        for variant, cell in by_variant.items():
            names = [f"{label_set}/{variant}/f1{end}" for end in ("", "_low", "_high")]
            assert [given["metrics"][name] for name in names] == [cell["f1"], *cell["ci95"]["f1"]]
    assert "Trackio project initialized" not in capsys.readouterr().out


def test_an_undefined_figure_is_not_told(trackio: Callable[..., FakeTrackio], tmp_path: Path) -> None:
    fake = trackio()
    scored(tmp_path, "trackio", response="No")
    assert "pope/random/f1" not in fake.given["metrics"]
    assert fake.given["metrics"]["pope/random/recall"] == 0


def test_what_the_environment_holds_is_not_told(trackio: Callable[..., FakeTrackio], tmp_path: Path) -> None:
    fake = trackio()
    hidden = tmp_path / "hidden_place"
    scored(tmp_path, "trackio", out=mark_environment_text(str(hidden), "${oc.env:PLACE}"))
    assert (hidden / "scores.json").is_file()
    assert fake.given["config"]["report"] == "${oc.env:PLACE}/report.html"
    assert "hidden_place" not in json.dumps(fake.given["config"])


def test_a_tracker_that_fails_leaves_the_run_as_it_is(
    trackio: Callable[..., FakeTrackio], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fake = trackio(OSError("no space\nleft"))
    folder = scored(tmp_path, "trackio")
    assert json.loads((folder / "manifest.json").read_text())["status"] == "complete"
    assert (folder / "report.html").is_file()
    (warning,) = [each for each in caplog.records if each.levelno == logging.WARNING]
    assert (
        "the run is scored, but trackio has not taken it (no space left); the same command" in warning.message
    )
    assert fake.given["is_finished"]


def test_without_the_package_nothing_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trackers, "find_spec", lambda _: None)
    line = rf"^track=wandb: wandb is not installed; install it with {re.escape(installing_extra('wandb'))}$"
    with pytest.raises(RepopeError, match=line):
        scored(tmp_path, "wandb")
    model = ModelSettings(name="none", family="chat", checkpoint="none")
    settings = RunSettings(model=model, bench=DEMO, out=str(tmp_path / "run"), track="wandb")
    with pytest.raises(RepopeError, match=line):
        pipeline.run(settings, "run ...")
    assert [path.name for path in tmp_path.iterdir()] == ["answers.jsonl"]


def test_without_a_tracker_none_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trackers, "find_spec", lambda _: None)
    require_tracker("none")


def test_a_run_is_written_by_wandb_offline(unbroken: Path, command_line: CommandLine, tmp_path: Path) -> None:
    shutil.copytree(unbroken, tmp_path / "run")
    environment = {"WANDB_MODE": "offline", "WANDB_DIR": str(tmp_path), "SECRET": "do-not-tell"}
    result = command_line(f"out={tmp_path / 'run'}", "track=wandb", "track_project=mine", **environment)
    assert result.returncode == 0, result.stderr
    assert "tracked by wandb: " in result.stderr
    (written,) = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    content = written.read_bytes()
    for told in (
        b"mine",
        b"tiny on demo",
        b"repope",
        b"adversarial",
        b"f1_balanced_low",
        b"/run/report.html",
    ):
        assert told in content
    assert b"do-not-tell" not in content
    assert not list(tmp_path.glob("wandb/offline-run-*/files/*"))


def test_nobody_logged_in_is_a_warning(unbroken: Path, command_line: CommandLine, tmp_path: Path) -> None:
    shutil.copytree(unbroken, tmp_path / "run")
    environment = {"WANDB_MODE": "online", "WANDB_DIR": str(tmp_path), "HOME": str(tmp_path)}
    environment |= {"WANDB_API_KEY": "", "NETRC": str(tmp_path / "netrc")}
    result = command_line(f"out={tmp_path / 'run'}", "track=wandb", **environment)
    assert result.returncode == 0, result.stderr
    assert "the run is scored, but wandb has not taken it (No API key configured" in result.stderr


if (
    "trackio" in INSTALLED
):  # it is no part of `dev`: it takes an older Pillow, in whose pixels goldens may differ

    def test_the_stand_in_has_the_parameters_of_trackio() -> None:
        import trackio

        for function in ("init", "log", "finish"):
            mine = inspect.signature(getattr(FakeTrackio(), function)).parameters
            assert set(mine) <= set(inspect.signature(getattr(trackio, function)).parameters)

    def test_a_run_is_written_by_trackio(unbroken: Path, command_line: CommandLine, tmp_path: Path) -> None:
        shutil.copytree(unbroken, tmp_path / "run")
        folder = tmp_path / "trackio"
        result = command_line(f"out={tmp_path / 'run'}", "track=trackio", TRACKIO_DIR=str(folder))
        assert result.returncode == 0, result.stderr
        assert b"repope/mean/f1_high" in (folder / "repope_eval.db").read_bytes()
