"""A run is the same whoever is asked: with an asker that has no model, no device and no batches."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator, Sequence
from pathlib import Path

import pytest
from conftest import ASKED_FILES, PROJECT, visible_files
from demo_runs import answers
from fake_asker import FakeAsker, load_fake_asker
from run_folders import DEMO

from repope_eval.asking.asker import AskedImage, find_asker, group_by_image
from repope_eval.asking.loaders import load_transformers_asker
from repope_eval.cluster.sweep_plan import unfinished_runs
from repope_eval.errors import InterruptionError, RepopeError
from repope_eval.models.families import FAMILIES
from repope_eval.pipeline import run
from repope_eval.records import Answer, Question
from repope_eval.runs.finished_runs import read_runs
from repope_eval.runs.folder import close_log
from repope_eval.settings.composition import model_settings
from repope_eval.settings.config import RunSettings

WITHOUT_TORCH = """
import sys
from pathlib import Path
from matplotlib.figure import Figure
from test_asker import ask
from warm_commands import EMPTY_DRAWINGS
Figure.savefig = lambda _, file, *, format, **__: file.write(EMPTY_DRAWINGS[format])
ask(Path(sys.argv[1]))
assert not {"torch", "transformers", "accelerate"} & set(sys.modules)
"""


def ask(out: Path, checkpoint: str = "gpt", **changes: object) -> None:
    """Asks the fake asker about four images."""
    model = dataclasses.replace(model_settings("tiny"), name="fake", family="fake", checkpoint=checkpoint)
    settings = RunSettings(model=model, bench=DEMO, limit=4, out=str(out))
    run(dataclasses.replace(settings, **changes), "the command")  # type: ignore[arg-type]


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[Path, None, None]:
    monkeypatch.setattr(FakeAsker, "asked", [])
    monkeypatch.setattr(FakeAsker, "ended", [])
    yield tmp_path / "run"
    close_log()


def test_an_asker_without_torch_goes_through_the_whole_run(tmp_path: Path) -> None:
    out = tmp_path / "run"
    paths = os.pathsep.join(str(PROJECT / folder) for folder in ("tests", "tests/asking/native"))
    words = [sys.executable, "-c", WITHOUT_TORCH, str(out)]
    ended = subprocess.run(
        words, env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert visible_files(out) == ASKED_FILES
    assert {line["response"] for line in answers(out)} == {"Yes"}
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["status"] == "complete"
    assert (manifest["identity"]["model.family"], manifest["identity"]["model.checkpoint"]) == ("fake", "gpt")
    assert manifest["server"] == {"model": "gpt", "version": "1"}
    assert manifest["device"] == {}
    n_questions = len(answers(out))
    assert manifest["counts"] == dict.fromkeys(("questions", "answered", "asked"), n_questions) | {
        "resumed": 0
    }
    inference = manifest["inference"]
    assert (inference["engine"], inference["images"], inference["questions"]) == ("fake", 4, n_questions)
    scores = json.loads((out / "scores.json").read_text())["scores"]
    assert scores["repope"]["mean"]["recall"] == scores["repope"]["mean"]["yes_ratio"] == 1
    assert "Yes" in (out / "report.html").read_text(encoding="utf-8")
    (found,), _ = read_runs(out, unfinished_runs)
    assert len(found.answers) == n_questions


def test_a_failed_request_is_no_answer_and_the_rest_is_asked_later(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeAsker, "answers_images", 3)
    with pytest.raises(RepopeError, match=r"\.png: the server answered 500; start it again"):
        ask(out)
    first = list(FakeAsker.asked)
    assert {line["image"] for line in answers(out)} == set(first)
    assert len(first) == 3
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["ended"]["how"], manifest["inference"]["images"]) == ("failed", 3)
    monkeypatch.setattr(FakeAsker, "answers_images", None)
    ask(out)
    assert len(FakeAsker.asked) == len(set(FakeAsker.asked)) == 4

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a model is loaded")

    monkeypatch.setattr(FakeAsker, "__init__", refuse)
    ask(out)  # all is answered: nobody is asked


def test_a_signal_ends_it_between_two_images(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = FakeAsker.ask

    def interrupted(self: FakeAsker, images: Sequence[AskedImage]) -> Generator[list[Answer], None, None]:
        found = asked(self, images)
        yield next(found)
        os.kill(os.getpid(), signal.SIGTERM)
        yield from found

    monkeypatch.setattr(FakeAsker, "ask", interrupted)
    with pytest.raises(
        InterruptionError, match=r"\d+ of \d+ answers are safe in .*go on with: the command"
    ) as caught:
        ask(out)
    assert caught.value.exit_status == 143
    assert {line["image"] for line in answers(out)} == set(FakeAsker.asked)
    assert len(FakeAsker.asked) == 2  # the one that was in hand when the signal came is stored
    assert FakeAsker.ended == ["asking"]


def test_answers_of_another_source_or_identity_are_left_alone(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(out, limit=2)
    before = answers(out)
    with pytest.raises(RepopeError, match=r"model\.checkpoint is 'gpt' there and 'other' here"):
        ask(out, checkpoint="other")
    monkeypatch.setattr(FakeAsker, "version", "2")
    with pytest.raises(RepopeError, match=r"server\.version is '1' there and '2' here"):
        ask(out)
    assert answers(out) == before


def test_an_asker_that_cannot_be_loaded_leaves_nothing(out: Path) -> None:
    with pytest.raises(RepopeError, match="batch_size: this asker has none"):
        ask(out, batch_size="2")
    assert not out.exists()


def test_each_family_has_its_asker() -> None:
    assert {find_asker(family) for family in FAMILIES} == {load_transformers_asker}
    assert find_asker("fake") is load_fake_asker
    with pytest.raises(RepopeError, match=r"model\.family=other: no such family; there are internvl2_5, "):
        find_asker("other")


def test_an_images_questions_come_together_whatever_their_order() -> None:
    questions = [Question(image, text, "") for text in ("a?", "b?") for image in ("2.png", "1.png")]
    paths = {image: Path("folder") / image for image in ("1.png", "2.png")}
    assert group_by_image(questions, paths) == [
        AskedImage(paths["2.png"], (questions[0], questions[2])),
        AskedImage(paths["1.png"], (questions[1], questions[3])),
    ]
