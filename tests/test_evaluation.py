"""A run from Python: the command's run folder and mistakes, and a program around it that is left as it was."""

import json
import logging
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import hydra
import pytest
from conftest import ASKED_FILES, CommandLine, visible_files
from demo_runs import answers
from fake_asker import FakeAsker
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig

import repope_eval

FAKE = {"family": "fake"}


@pytest.fixture(autouse=True)
def _in_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(FakeAsker, "asked", [])


def evaluated(**settings: Any) -> repope_eval.Scores:
    return repope_eval.evaluate("tiny", "demo", model_settings=FAKE, **settings)


def document(folder: str | Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((Path(folder) / "scores.json").read_text(encoding="utf-8"))
    return read


def test_a_run_leaves_its_folder_and_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    scores = evaluated(limit=3, out=Path("runs") / "it's mine")
    folder = Path("runs", "it's mine")
    assert visible_files(folder) == ASKED_FILES
    assert scores.to_dict() == document(folder)
    assert scores.n_questions == scores.n_answered == len(answers(folder))
    assert capsys.readouterr().out == ""
    assert "results are in runs/it's mine" in (folder / "run.log").read_text()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["command"].startswith("python -m repope_eval model=tiny bench=demo model.family=fake ")


def test_what_the_command_asked_is_scored_alike_and_not_asked_again(
    unbroken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(unbroken, "run")
    monkeypatch.setattr("repope_eval.pipeline.find_asker", lambda _: pytest.fail)
    scores = repope_eval.evaluate("tiny", "demo", out="run")
    assert scores.to_dict() == document("run") == document(unbroken)
    assert "nothing to ask" in Path("run", "run.log").read_text()


def test_a_second_call_goes_on_from_the_first(caplog: pytest.LogCaptureFixture) -> None:
    for limit in (2, 3):
        assert evaluated(limit=limit).n_images == limit
    assert len(FakeAsker.asked) == 3
    with pytest.raises(repope_eval.RepopeError, match="choose another out=, or leave limit= out"):
        evaluated(limit=1)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"limit": "x", "protocol": "mine"}, ["limit=x", "protocol=mine"]),
        ({"model_settings": {"dtyp": "float32"}}, ["model.dtyp=float32"]),
        ({"bench_settings": {"variants": ["none"]}}, ["bench.variants=[none]"]),
        ({"out": "/proc/run"}, ["out=/proc/run"]),
    ],
)
def test_a_mistake_is_told_as_on_the_command_line(
    settings: dict[str, Any], words: list[str], command_line: CommandLine
) -> None:
    with pytest.raises(repope_eval.RepopeError) as raised:
        repope_eval.evaluate("tiny", "demo", **settings)
    told = command_line("model=tiny", "bench=demo", *words)
    assert told.stderr == f"{raised.value}\n"


@pytest.mark.parametrize(
    ("model", "bench", "said"),
    [
        ("tinny", "demo", r"^model=tinny: no such model \(did you mean tiny\?\)"),
        ("tiny", ["demo", "repope"], r"^bench=\[demo,repope\]: one name is expected"),
    ],
)
def test_a_name_that_is_none_is_told(model: Any, bench: Any, said: str) -> None:
    with pytest.raises(repope_eval.RepopeError, match=said):
        repope_eval.evaluate(model, bench)


def test_settings_of_hydra_are_none_here() -> None:
    with pytest.raises(repope_eval.RepopeError, match=r"^hydra.run.dir: no such key"):
        evaluated(**{"hydra.run.dir": "elsewhere"})
    assert not Path("elsewhere").exists()


def test_the_last_of_two_values_counts() -> None:
    settings = {"model.max_new_tokens": 7, "limit": 1, "out": "run"}
    repope_eval.evaluate("tiny", "demo", model_settings=FAKE | {"max_new_tokens": 5}, **settings)
    assert json.loads(Path("run", "manifest.json").read_text())["settings"]["model"]["max_new_tokens"] == 7


def test_several_processes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(repope_eval.RepopeError, match="start python -m repope_eval with torchrun"):
        evaluated()


@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_a_signal_ends_it_after_the_batch_in_hand(
    number: signal.Signals, error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(number)
    with monkeypatch.context() as patch:
        patch.setattr(FakeAsker, "verify", lambda _: os.kill(os.getpid(), number))
        with pytest.raises(error) as raised:
            evaluated(limit=3, out="run")
    assert signal.getsignal(number) is before
    assert len(FakeAsker.asked) == 1
    assert "answers are safe in run/answers.jsonl; go on with: python -m" in str(raised.value.__cause__)
    if error is SystemExit:
        assert raised.value.args == (143,)
    assert evaluated(limit=3, out="run").n_images == len(FakeAsker.asked) == 3


def test_the_program_around_it_is_left_as_it_was(tmp_path: Path) -> None:
    package, own = logging.getLogger("repope_eval"), logging.FileHandler(tmp_path / "own.log")
    package.addHandler(own)
    before = (package.level, list(package.handlers))
    try:
        evaluated(limit=1)
        assert (package.level, package.handlers) == before
    finally:
        package.removeHandler(own)
        own.close()
    assert "asking " in (tmp_path / "own.log").read_text()


def test_hydra_knows_nothing_of_it_afterwards() -> None:
    store = ConfigStore.instance()
    before, was_ready = dict(store.repo), HydraConfig.initialized()
    for _ in range(2):
        evaluated(limit=1)
        assert ConfigStore.instance() is store
        assert store.repo == before
        assert not GlobalHydra.instance().is_initialized()
        assert HydraConfig.initialized() is was_ready


def test_another_program_of_hydras_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    # Another test of this process may have told Hydra of this package's groups.
    others = {
        name: held for name, held in ConfigStore.instance().repo.items() if name not in ("model", "bench")
    }
    monkeypatch.setattr(ConfigStore.instance(), "repo", others)
    ConfigStore.instance().store(name="theirs", group="model", node={"size": 7})
    ConfigStore.instance().store(name="theirs", node={"defaults": [{"model": "theirs"}, "_self_"], "a": 1})
    with hydra.initialize(version_base="1.2", config_path=None):
        HydraConfig.instance().set_config(hydra.compose("theirs", return_hydra_config=True))
        assert evaluated(limit=1).n_images == 1
        assert hydra.compose("theirs") == {"model": {"size": 7}, "a": 1}
        assert HydraConfig.get().runtime.choices["model"] == "theirs"
    HydraConfig.instance().cfg = None


def test_a_whole_table_is_evaluated_with_its_settings(tmp_path: Path) -> None:
    from repope_eval.benchmarks.custom import DEMO_FOLDER

    rows = [json.loads(line) for line in (DEMO_FOLDER / "pope_random.jsonl").read_text().splitlines()][:12]
    table = "".join(f"{row['image']},{row['text']},{row['label']}\n" for row in rows)
    (tmp_path / "my table.csv").write_text(f"image,question,truth\n{table}")
    settings = {"questions": "my table.csv", "images": DEMO_FOLDER / "images", "columns": {"label": "truth"}}
    scores = repope_eval.evaluate("tiny", "table", model_settings=FAKE, bench_settings=settings)
    assert (scores.n_questions, scores.bench) == (12, "my table")
