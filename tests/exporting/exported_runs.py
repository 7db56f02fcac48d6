"""Run folders to be exported, made without a model: answers to the embedded benchmark, scored."""

import functools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from run_folders import answer_lines, demo, write_run

from repope_eval.commands.export import FORMATS
from repope_eval.exporting.files import Files
from repope_eval.exporting.scored_run import ScoredRun, read_scored_run, recomputed
from repope_eval.records import Answer
from repope_eval.scoring.scores import score_benchmark
from repope_eval.settings.command_settings import ExportFormat, ExportSettings
from repope_eval.settings.config import Protocol

MODEL = {
    "name": "mine",
    "family": "internvl2_5",
    "checkpoint": "OpenGVLab/InternVL2_5-1B",
    "revision": "main",
    "max_new_tokens": 8,
}
"""The settings of a model on the Hub."""

LIMIT = 5
"""How many images a run is limited to."""

Lines = Sequence[dict[str, Any]]


def asked(manifest: dict[str, Any]) -> None:
    """Makes a manifest that of a run that asked a model."""
    manifest["settings"]["model"] = MODEL
    manifest |= {
        "command": "python -m repope_eval model=mine",
        "started": "2026-01-02T03:04:05+00:00",
        "checkpoint": {"name": MODEL["checkpoint"], "commit": "0123abcd"},
        "prompt": "User: QUESTION\nAssistant:",
        "versions": {"repope-eval": "0.1.0", "transformers": "5.9.0"},
    }


def elsewhere(manifest: dict[str, Any]) -> None:
    """Makes a manifest that of `score`."""
    manifest["settings"] |= {"model": None, "answers": "answers.jsonl"}


def limited(manifest: dict[str, Any]) -> None:
    """Makes a manifest that of a finished run whose command was typed again with a limit."""
    asked(manifest)
    manifest["starts"] = [{"settings": {}, "asked": 1026}, {"settings": {"limit": LIMIT}, "asked": 0}]
    manifest["benchmark"]["questions"] = 1026
    manifest["partial"] = True


def write_limited_run(folder: Path) -> Path:
    """Writes the folder of a run that has all answers, and scored those about its first images."""
    return write_scored_run(folder, change=limited, limit=LIMIT)


def write_drawn_run(folder: Path) -> ScoredRun:
    """Writes the folder of a run with three draws, and reads it with the figures that these come to."""

    def sampled(manifest: dict[str, Any]) -> None:
        asked(manifest)
        manifest["settings"] |= {"model": {**MODEL, "temperature": 0.7, "top_p": 0.9}, "repeats": 3}
        manifest["counts"] = {name: 3 * number for name, number in manifest["counts"].items()}

    draws = [
        line | ({"draw": draw} if draw else {})
        for draw in range(3)
        for line in answer_lines(demo(), 0.1, draw)
    ]
    return recomputed(read_scored_run(write_scored_run(folder, draws, change=sampled)))


def write_scored_run(
    folder: Path,
    lines: Lines | None = None,
    *,
    protocol: Protocol = "repope",
    change: Callable[[dict[str, Any]], Any] = asked,
    limit: int | None = None,
    is_own: bool = True,
) -> Path:
    """Writes the folder of a finished run; `limit` says what is scored, the others are as in `write_run`."""
    benchmark = demo()
    lines = answer_lines(benchmark) if lines is None else lines
    first = [line for line in lines if not line.get("draw")]
    responses = tuple((line["image"], line["question"], line["response"]) for line in first)
    counts, scores = scored(responses, protocol, limit)

    def whole(manifest: dict[str, Any]) -> None:
        manifest |= {"counts": dict(counts), "finished": "2026-01-02T04:05:06+00:00"}
        change(manifest)

    write_run(folder, benchmark, "mine", lines, whole, is_own=is_own)
    (folder / "scores.json").write_text(scores)
    return folder


@functools.cache
def scored(
    responses: tuple[tuple[str, str, str], ...], protocol: Protocol, limit: int | None
) -> tuple[dict[str, int], str]:
    """What a manifest counts, and the content of `scores.json`; most runs have the same answers."""
    first = demo().first_images(limit)
    questions = {(each.image, each.text): each for each in first.questions}
    answers = {
        question: Answer(question, response)
        for image, text, response in responses
        if (question := questions.get((image, text))) is not None
    }
    scores = score_benchmark(first, answers, "mine", protocol)
    counts = {"questions": len(first.questions), "answered": len(answers)}
    return counts, json.dumps(scores.to_dict())


def exported(form: ExportFormat, run: Path | ScoredRun, **settings: Any) -> Files:
    """The files of an export, by their paths."""
    run = read_scored_run(run) if isinstance(run, Path) else run
    return FORMATS[form](run, ExportSettings(run=str(run.folder), format=form, out="out", **settings))


def all_no() -> Lines:
    """The answers of a model that always says no: precision and F1 are undefined."""
    return [line | {"response": "No"} for line in answer_lines(demo())]
