"""What is exported: a finished run, read from its folder without changing it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from repope_eval.errors import RepopeError
from repope_eval.files.json_files import read_json
from repope_eval.files.links import require_inside
from repope_eval.files.texts import content_hash
from repope_eval.leaderboard.finished_runs import FoundRun, read_run, state_of
from repope_eval.records import Variant
from repope_eval.runs.layout import ANSWERS, MANIFEST, SCORES
from repope_eval.runs.manifest_form import SCORES_SHA256, read_manifest
from repope_eval.scoring.estimates import Estimate, Interval
from repope_eval.scoring.intervals import INTERVAL_FIGURES
from repope_eval.settings.applicable import SERVER
from repope_eval.settings.config import Protocol

UNREAD = "none of the answers is a yes or a no by the protocol"
"""The reason why there is no F1 of answers that none was read of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredCell:
    """The figures of one variant under one label set."""

    label_set: str
    variant: Variant
    figures: Mapping[str, Estimate]
    """Those of `INTERVAL_FIGURES` that the run has, by name; the value of an undefined one is None."""
    n_questions: float
    n_answered: float
    n_unparsed: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How a model was asked by this program."""

    family: str
    checkpoint: str
    """Hub id, absolute path of a local folder, or the name that a server has for it."""
    commit: str | None
    max_new_tokens: int
    prompt: str | None
    """The text around each question, with QUESTION in its place; None where a server makes it."""
    command: str
    began: str | None
    """When the first question was asked, in ISO 8601."""

    @property
    def is_by_server(self) -> bool:
        """Whether the model was behind a server."""
        return self.family == SERVER


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredRun:
    """A finished run: its answers, what they came from, and its figures."""

    folder: Path
    found: FoundRun
    protocol: Protocol
    cells: tuple[ScoredCell, ...]
    """By label set and variant, in the order of `scores.json`."""
    n_images: int
    """Images with an answer, which the intervals are over."""
    n_questions: int
    """Distinct questions of the benchmark, or of the images that the run was limited to."""
    n_answered: int
    n_benchmark_questions: int | None
    """Distinct questions of the whole benchmark; None where an earlier version, which did not note it, made the run."""
    asking: Asking | None
    """None where the answers came from elsewhere."""
    is_partial: bool
    """Whether it was limited to the first images of the benchmark."""
    doubts: tuple[str, ...]
    """What the run found that checked its answers, and found more differences than are explained."""
    version: str
    """The version of this program that the run was made by."""
    finished: str | None
    """When the answers were all there, in ISO 8601."""
    has_written_scores: bool
    """Whether `scores.json` has the hash that the manifest notes of it."""

    @property
    def is_unread(self) -> bool:
        """Whether none of the answers is a yes or a no by the protocol."""
        return all(0 < cell.n_answered == cell.n_unparsed for cell in self.cells)

    @property
    def is_whole(self) -> bool:
        """Whether every question of the benchmark has an answer."""
        return not self.is_partial and self.n_answered == self.n_questions


def read_scored_run(folder: Path) -> ScoredRun:
    """Reads a run folder of `run` or `score`.

    Raises:
        RepopeError: it is no run's folder, the run has not ended, it has no answers, or a file is broken.
    """
    if not (folder / MANIFEST).is_file():
        raise RepopeError(
            f"run={folder}: is no run folder, since it has no {MANIFEST}; name one that a run or score wrote "
            "(by default runs/BENCH/MODEL)"
        )
    manifest = read_manifest(folder / MANIFEST)
    if manifest.get("status") != "complete":
        raise RepopeError(f"run={folder}: {state_of(folder)}, and export it then")
    found = read_run(folder, folder.resolve().name)
    if not found.answers:
        raise RepopeError(f"run={folder}: {ANSWERS} holds no answer, so there is nothing to export")
    if not (folder / SCORES).is_file():
        raise RepopeError(f"run={folder}: has no {SCORES}; type its command again, which scores its answers")
    require_inside(folder / SCORES)
    try:
        return _scored_run(folder, found, manifest)
    except KeyError as error:
        raise RepopeError(
            f"run={folder}: {SCORES} or {MANIFEST} lacks {error.args[0]}; type the run's command again, which "
            "writes them anew"
        ) from error
    except (TypeError, ValueError, AttributeError) as error:
        raise RepopeError(
            f"run={folder}: {SCORES} is no run's ({error}); type the run's command again, which writes it anew"
        ) from error


def _scored_run(folder: Path, found: FoundRun, manifest: Mapping[str, Any]) -> ScoredRun:
    scores, settings = read_json(folder / SCORES), manifest["settings"]
    n_benchmark_questions = manifest["benchmark"].get("questions")
    if scores["protocol"] not in get_args(Protocol):
        raise ValueError(f"its protocol is {scores['protocol']!r}")
    starts = manifest.get("starts", ())
    checks = [start.get("verified", {}) for start in starts]
    return ScoredRun(
        folder=folder,
        found=found,
        protocol=scores["protocol"],
        cells=scored_cells(scores["scores"]),
        n_images=int(scores["n_images"]),
        n_questions=int(manifest["counts"]["questions"]),
        n_answered=int(manifest["counts"]["answered"]),
        n_benchmark_questions=None if n_benchmark_questions is None else int(n_benchmark_questions),
        asking=_asking(found, manifest) if isinstance(settings["model"], dict) else None,
        is_partial=manifest.get("partial") is True,
        doubts=tuple(check.get("line") or "answers in doubt" for check in checks if check.get("in_doubt")),
        version=str(manifest.get("versions", {}).get("repope-eval", "unknown")),
        finished=manifest.get("finished"),
        has_written_scores=manifest.get(SCORES_SHA256) == content_hash(folder / SCORES),
    )


def scored_cells(document: Mapping[str, Mapping[Variant, Mapping[str, Any]]]) -> tuple[ScoredCell, ...]:
    """The cells of `scores` in `scores.json`, in its order.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is no such document.
    """
    return tuple(
        _cell(label_set, variant, cell)
        for label_set, by_variant in document.items()
        for variant, cell in by_variant.items()
    )


def _asking(found: FoundRun, manifest: Mapping[str, Any]) -> Asking:
    model = manifest["settings"]["model"]
    return Asking(
        family=str(model["family"]),
        checkpoint=found.facts["model.checkpoint"],
        commit=manifest.get("checkpoint", {}).get("commit"),
        max_new_tokens=int(model["max_new_tokens"]),
        prompt=manifest.get("prompt"),
        command=str(manifest["command"]),
        began=manifest.get("started"),
    )


def _cell(label_set: str, variant: Variant, cell: Mapping[str, Any]) -> ScoredCell:
    totals = {name: float(cell[name]) for name in ("n_questions", "n_answered", "n_unparsed")}
    figures = {
        name: Estimate(
            value=_number(cell[name]),
            interval=_interval(cell["ci95"].get(name)),
            method=cell["ci95_method"].get(name),
            reason=cell["reasons"].get(name, ""),
        )
        for name in INTERVAL_FIGURES
        if name in cell  # one that an earlier version did not have is not exported
    }
    if 0 < totals["n_answered"] == totals["n_unparsed"]:
        # Where a protocol counts what it cannot read as wrong, F1 is 0, which would say something of the model.
        figures |= {name: Estimate(reason=UNREAD) for name in ("f1", "f1_balanced") if name in figures}
    return ScoredCell(label_set=label_set, variant=variant, figures=figures, **totals)


def _number(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"a figure is {value!r}")
    return value


def _interval(ends: Any) -> Interval:
    if ends is None:
        return None
    low, high = map(_number, ends)
    if low is None or high is None:
        raise ValueError(f"an interval is {ends!r}")
    return low, high
