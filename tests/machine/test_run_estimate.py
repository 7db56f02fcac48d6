"""What a run took stands beside what was estimated, on a known GPU alone; on a CPU nothing is said."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import CommandLine

import repope_eval
from repope_eval import pipeline
from repope_eval.benchmarks.benchmark import BenchmarkSize
from repope_eval.commands import run as commands_run
from repope_eval.machine import run_estimate
from repope_eval.machine.memory_need import published_shape
from repope_eval.machine.run_estimate import estimate_asking, note_estimate
from repope_eval.machine.speed import estimate_speed, named_card
from repope_eval.records import Answer, Question
from repope_eval.reporting.results import estimate_line
from repope_eval.runs.manifest import Manifest
from repope_eval.settings.composition import model_settings
from repope_eval.settings.config import BenchSettings, ModelSettings, RunSettings

H100 = {"name": "cuda", "gpu": "NVIDIA H100 80GB HBM3", "threads": 8}
FACTS = {
    "engine": "shared",
    "images": 500,
    "questions": 5127,
    "seconds": 52.31,
    "workers": 8,
    "batch_size": 32,
}


def settings(model: ModelSettings) -> RunSettings:
    bench = BenchSettings(name="repope", source="coco", variants=("random",))
    return RunSettings(model=model, bench=bench, out="run")


VICUNA = settings(model_settings("llava_next_vicuna_7b"))


def answers(*tokens: int) -> list[Answer]:
    """Two answers about each image, the second one a token long."""
    return [
        Answer(Question(f"{image}.jpg", text, text), "yes", number)
        for image, tokens_of in enumerate(tokens)
        for text, number in (("a", tokens_of), ("b", 1))
    ]


def test_the_estimate_is_of_what_was_asked_with_answers_as_long_as_they_were() -> None:
    shape = published_shape(VICUNA.model.checkpoint)
    assert shape is not None
    expected = estimate_speed(
        shape, BenchmarkSize(500, 5127), named_card("H100"), workers=8, answer_tokens=20, images_at_once=32
    )
    assert expected is not None
    found = estimate_asking(VICUNA, FACTS, H100, answers(10, 30))
    assert found == {"card": "H100", "seconds": round(expected.seconds, 1), "binds": "compute"}


@pytest.mark.parametrize(
    ("facts", "device"),
    [
        ({}, {"name": "cpu", "gpu": None, "threads": 8}),
        ({}, {"name": "cuda", "gpu": "NVIDIA Thing"}),
        ({}, {}),
        ({"engine": "sequential"}, H100),
        ({"asked_with": ["amber"]}, H100),
        ({"images": 0, "questions": 0}, H100),
    ],
)
def test_where_it_would_be_of_something_else_there_is_none(
    facts: dict[str, Any], device: dict[str, Any]
) -> None:
    assert estimate_asking(VICUNA, FACTS | facts, device, answers(3)) is None


def test_a_model_over_several_gpus_or_that_cannot_be_counted_has_none(tmp_path: Path) -> None:
    spread = settings(replace(VICUNA.model, device_map="auto"))
    assert estimate_asking(spread, FACTS, H100, answers(3)) is None
    gone = ModelSettings(name="mine", family="chat", checkpoint=str(tmp_path / "gone"))
    assert estimate_asking(settings(gone), FACTS, H100, answers(3)) is None


def test_the_manifest_has_it_once_and_a_line_tells_it(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path / "manifest.json", {})
    manifest.note(inference=FACTS, starts=[{"device": H100}])
    note_estimate(VICUNA, manifest, answers(3))
    written = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    assert written["inference"] == FACTS | {"estimate": {"card": "H100", "seconds": 47.1, "binds": "compute"}}
    assert estimate_line(written) == (
        "asking took 52 s, where 47 s were estimated from the data sheet of H100, bound by compute"
    )
    note_estimate(VICUNA, manifest, answers(300))  # a later start that asked nothing
    assert manifest.facts["inference"]["estimate"]["seconds"] == 47.1


def test_nothing_is_said_of_a_run_on_a_cpu(unbroken: Path) -> None:
    manifest = json.loads((unbroken / "manifest.json").read_text(encoding="utf-8"))
    assert "estimate" not in manifest["inference"]
    assert estimate_line(manifest) == ""
    assert "were estimated" not in (unbroken / "report.html").read_text(encoding="utf-8")


def test_the_page_and_the_console_tell_it(unbroken: Path, command_line: CommandLine, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(unbroken, run)
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    estimate = {"card": "H100", "seconds": 3.0, "binds": "kernel launches"}
    manifest["inference"] |= {"seconds": 4.0, "estimate": estimate}
    (run / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    result = command_line(f"out={run}")
    line = (
        "asking took 4.0 s, where 3.0 s were estimated from the data sheet of H100, bound by kernel launches"
    )
    assert line in result.stderr
    assert line in (run / "report.html").read_text(encoding="utf-8")


def test_a_run_notes_it_before_it_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On this CPU, which is taken for a card."""
    monkeypatch.setattr(run_estimate, "card_of", lambda _: named_card("T4"))
    repope_eval.evaluate("tiny", "demo", limit=1, out=str(tmp_path / "run"))
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    estimate = manifest["inference"]["estimate"]
    assert estimate["card"] == "T4"
    assert 0 <= estimate["seconds"] < 1
    assert estimate_line(manifest) in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


def test_the_command_notes_it_too_whether_for_one_benchmark_or_several(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[RunSettings] = []
    monkeypatch.setattr(pipeline, "note_estimate", lambda noted, *_: given.append(noted))
    bench = BenchSettings(name="demo", source="demo", variants=("random",))
    asked = RunSettings(model=model_settings("tiny"), bench=bench, limit=1, out=str(tmp_path / "run"))
    commands_run.execute(asked, "")
    commands_run.execute_together([asked], "")
    assert given == [asked] * 2
