"""Scored runs passed on to experiment trackers: what a run's manifest has, and its figures.

A new tracker is a function here as `log_to_wandb` is, an entry in `TRACKERS`, its name in `Tracker` of the settings,
and an extra in `pyproject.toml`, all of the package's name.
"""

import io
import logging
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from repope_eval.errors import RepopeError
from repope_eval.runs.folder import RunFolder
from repope_eval.runs.layout import PAGE
from repope_eval.scoring.caption_scores import AnyScores, CaptionScores
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.scores import Scores
from repope_eval.settings.config import RunSettings, ScoreSettings, Tracker
from repope_eval.system.secrets import as_written
from repope_eval.system.signals import raise_if_interrupted
from repope_eval.wording import installing_extra

log = logging.getLogger(__name__)


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
    """The figures by `LABELS/VARIANT/FIGURE`, with the ends of the 95 % interval as `FIGURE_low` and `FIGURE_high`;
    undefined ones are left out."""


def tracked_run(settings: RunSettings | ScoreSettings, folder: RunFolder, scores: AnyScores) -> TrackedRun:
    """The run in a folder, which is scored.

    Args:
        settings: the run's; where its folder's name came from an environment variable, the variable's name is told.
        folder: the run's, with its finished manifest.
        scores: those under the run's own protocol.
    """
    place = str(as_written(settings.out)) if settings.out else str(folder.path)
    protocol = {"protocol": scores.protocol} if isinstance(scores, Scores) else {}
    facts = {name: folder.manifest.facts[name] for name in _FACTS if name in folder.manifest.facts}
    return TrackedRun(
        project=settings.track_project,
        name=f"{scores.model} on {scores.bench}",
        configuration={**facts, **protocol, "report": f"{place}/{PAGE}"},
        figures=_figures(scores),
    )


def _figures(scores: AnyScores) -> dict[str, float]:
    figures: dict[str, float | None] = {}
    if isinstance(scores, CaptionScores):
        for variant, captions in scores.variants.items():
            for truth, of_truth in captions.figures.items():
                figures |= _with_ends(f"{truth}/{variant}", of_truth.estimates)
        return {name: float(value) for name, value in figures.items() if value is not None}
    for label_set, by_variant in scores.cells.items():
        for variant, cell in by_variant.items():
            figures |= _with_ends(f"{label_set}/{variant}", cell.estimates)
            for count in ("n_questions", "n_answered", "n_unparsed"):
                figures[f"{label_set}/{variant}/{count}"] = getattr(cell.figures, count)
    return {name: float(value) for name, value in figures.items() if value is not None}


def _with_ends(place: str, estimates: Mapping[str, Estimate]) -> dict[str, float | None]:
    """Figures and the ends of their intervals, by name behind the place."""
    figures: dict[str, float | None] = {}
    for figure, one in estimates.items():
        low, high = one.interval or (None, None)
        figures |= {
            f"{place}/{figure}": one.value,
            f"{place}/{figure}_low": low,
            f"{place}/{figure}_high": high,
        }
    return figures


def log_to_trackio(run: TrackedRun) -> str:
    """Logs one run; returns how its project is looked at."""
    import trackio  # slow to import, and an extra

    with redirect_stdout(io.StringIO()):  # it prints instructions; the log has a line
        trackio.init(
            project=run.project,
            name=run.name,
            config=dict(run.configuration),
            embed=False,
            auto_log_gpu=False,
            auto_log_cpu=False,
        )
        try:
            trackio.log(dict(run.figures))
        finally:
            trackio.finish()
    return f"trackio show --project {run.project} shows it"


def log_to_wandb(run: TrackedRun) -> str:
    """Logs one run; returns its address, or the folder that holds it.

    Raises:
        RepopeError: it is switched off.
        wandb.Error: nobody is logged in, or the server cannot be reached.
    """
    import wandb  # slow to import, and an extra

    # What is sent is what is given here: no console, no code, no command line, nothing of the machine.
    settings = wandb.Settings(
        silent=True,
        console="off",
        save_code=False,
        disable_git=True,
        disable_job_creation=True,
        x_disable_meta=True,
        x_disable_machine_info=True,
        x_disable_stats=True,
        x_save_requirements=False,
    )
    # Silent before it looks for a login: a run that ends at night must not wait at a question.
    wandb.setup(settings)
    with wandb.init(
        project=run.project, name=run.name, config=dict(run.configuration), settings=settings
    ) as logged:
        if logged.disabled:
            raise RepopeError("it is switched off by WANDB_MODE=disabled")
        logged.log(dict(run.figures))
        folder, address = logged.settings.sync_dir, logged.url
    return address or f"{folder} (wandb sync sends it)"


NO_TRACKER = "none"

TRACKERS: Mapping[Tracker, str] = {
    "trackio": "repope_eval.exporting.trackers:log_to_trackio",
    "wandb": "repope_eval.exporting.trackers:log_to_wandb",
}
"""The function that passes a run on, which imports the package of its name; it returns where the run can be seen."""


def require_tracker(name: Tracker) -> None:
    """Looks whether a tracker's package is there, without importing it.

    Raises:
        RepopeError: it is not installed.
    """
    if name != NO_TRACKER and find_spec(name) is None:
        raise RepopeError(f"track={name}: {name} is not installed; install it with {installing_extra(name)}")


def track(settings: RunSettings | ScoreSettings, folder: RunFolder, scores: AnyScores) -> None:
    """Passes a scored run on to the tracker that is set, if any; where that fails, a warning says so."""
    name = settings.track
    if name == NO_TRACKER:
        return
    module, _, function = TRACKERS[name].partition(":")
    try:
        log_run: Callable[[TrackedRun], str] = getattr(import_module(module), function)
        where = log_run(tracked_run(settings, folder, scores))
    except Exception as error:
        # A library may raise any kind of error; the run is scored, and must not fail by it.
        raise_if_interrupted()
        reason = " ".join(str(error).split()) or type(error).__name__
        log.warning(
            "the run is scored, but %s has not taken it (%s); the same command asks nothing anew and tries again",
            name,
            reason,
        )
        return
    log.info("tracked by %s: %s", name, where)
