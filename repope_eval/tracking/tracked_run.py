"""What a tracker is told of a run: nothing that its manifest and its scores do not have."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from repope_eval.runs.folder import RunFolder
from repope_eval.runs.layout import PAGE
from repope_eval.scoring.scores import Scores
from repope_eval.settings.config import RunSettings, ScoreSettings
from repope_eval.settings.written import as_written

_FACTS = (
    *("command", "settings", "benchmark", "versions", "machine", "device", "checkpoint", "prompt"),
    *("partial", "counts", "seconds", "started", "finished"),
)
"""The parts of a manifest that are passed on, those that it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedRun:
    """One run as a tracker has it."""

    project: str
    name: str
    configuration: Mapping[str, Any]
    figures: Mapping[str, float]
    """By `LABELS/VARIANT/FIGURE`, with the ends of the 95 % interval as `FIGURE_low` and `FIGURE_high`; those that are
    undefined are not there."""


def tracked_run(settings: RunSettings | ScoreSettings, folder: RunFolder, scores: Scores) -> TrackedRun:
    """The run in a folder, which is scored.

    Args:
        settings: of the run; where its folder's name came from an environment variable, the variable's name is told.
        folder: of the run, with its finished manifest.
        scores: under the run's own protocol.
    """
    place = str(as_written(settings.out)) if settings.out else str(folder.path)
    facts = {name: folder.manifest.facts[name] for name in _FACTS if name in folder.manifest.facts}
    return TrackedRun(
        project=settings.track_project,
        name=f"{scores.model} on {scores.bench}",
        configuration={**facts, "protocol": scores.protocol, "report": f"{place}/{PAGE}"},
        figures=_figures(scores),
    )


def _figures(scores: Scores) -> dict[str, float]:
    found: dict[str, float | None] = {}
    for label_set, by_variant in scores.cells.items():
        for variant, cell in by_variant.items():
            for figure, one in cell.estimates.items():
                low, high = one.interval or (None, None)
                name = f"{label_set}/{variant}/{figure}"
                found |= {name: one.value, f"{name}_low": low, f"{name}_high": high}
            for count in ("n_questions", "n_answered", "n_unparsed"):
                found[f"{label_set}/{variant}/{count}"] = getattr(cell.figures, count)
    return {name: float(value) for name, value in found.items() if value is not None}
