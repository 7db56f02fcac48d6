"""The runs of one model and benchmark that differ in what was shown alone: the images, or something in their place.

A run on `repope` has its blind twins in `runs/repope_gray`, `runs/repope_swapped` and `runs/repope_none`, in folders of
its own name: these are the defaults. A run in another place has none that is found.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from repope_eval.benchmarks.blind import seeing_name
from repope_eval.errors import RepopeError
from repope_eval.records import Answer, Question
from repope_eval.runs.finished_runs import FinishedRun, read_run
from repope_eval.runs.layout import MANIFEST
from repope_eval.runs.manifest_form import read_manifest
from repope_eval.settings.config import BenchSettings, Blind

log = logging.getLogger(__name__)

Pair = tuple[Mapping[Question, Answer], Mapping[Question, Answer]]
"""The answers with the images, and those without."""

_APART = ("bench", "bench.blind")
"""What twins differ in."""


def find_blind_twins(
    folder: Path, bench: BenchSettings, answers: Mapping[Question, Answer]
) -> dict[Blind, Pair]:
    """The pairs that a run is one of, by what was shown in place of the images.

    A twin of other settings or question files is left out, and the log says so.

    Args:
        folder: of the run, as its default is: `RUNS/BENCH/MODEL`.
        bench: the settings of its benchmark.
        answers: those of the run that count.
    """
    if folder.parent.name != bench.name:
        return {}
    base = seeing_name(bench)
    if bench.blind:
        seeing = _twin(folder, base)
        return {} if seeing is None else {bench.blind: (seeing.answers, answers)}
    twins = {shown: _twin(folder, f"{base}_{shown}") for shown in get_args(Blind)}
    return {shown: (answers, twin.answers) for shown, twin in twins.items() if twin is not None}


def _twin(folder: Path, bench: str) -> FinishedRun | None:
    """The run of the same name under another benchmark's; None where there is none, or it is no twin."""
    path = folder.parent.with_name(bench) / folder.name
    if not (path / MANIFEST).is_file():
        return None
    try:
        own, twin = read_manifest(folder / MANIFEST), read_run(path, str(path))
    except RepopeError as error:
        log.info("%s is not shown beside this run: %s", path, error)
        return None
    if differing := _differing(own, twin.manifest):
        log.info("%s is not shown beside this run, since %s differs", path, differing)
        return None
    return twin


def _differing(own: Mapping[str, Any], twin: Mapping[str, Any]) -> str:
    """What two manifests differ in that twins have in common; empty where they differ in nothing else."""
    mine, other = (
        {key: value for key, value in each.get("identity", {}).items() if key not in _APART}
        for each in (own, twin)
    )
    keys = [key for key in {**mine, **other} if mine.get(key) != other.get(key)]
    if own.get("benchmark", {}).get("sha256") != twin.get("benchmark", {}).get("sha256"):
        keys.append("a question file")
    return ", ".join(keys)
