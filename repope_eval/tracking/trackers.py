"""Which trackers there are, and how a scored run is passed on to one.

A new tracker is a file beside these with a function `log_run`, an entry in `TRACKERS`, its name in `Tracker` of the
settings, and an extra in `pyproject.toml`, all of the package's name.
"""

import logging
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec

from repope_eval.errors import RepopeError
from repope_eval.process.signals import heed
from repope_eval.runs.folder import RunFolder
from repope_eval.scoring.scores import Scores
from repope_eval.settings.config import RunSettings, ScoreSettings, Tracker
from repope_eval.tracking.tracked_run import TrackedRun, tracked_run
from repope_eval.wording import installing_extra

log = logging.getLogger(__name__)

NO_TRACKER = "none"

TRACKERS: Mapping[Tracker, str] = {
    "trackio": "repope_eval.tracking.trackio_runs:log_run",
    "wandb": "repope_eval.tracking.wandb_runs:log_run",
}
"""The function that passes a run on, which imports the package of its name; it returns where the run can be seen."""


def require_tracker(name: Tracker) -> None:
    """Looks whether a tracker's package is there, without importing it.

    Raises:
        RepopeError: it is not installed.
    """
    if name != NO_TRACKER and find_spec(name) is None:
        raise RepopeError(f"track={name}: {name} is not installed; install it with {installing_extra(name)}")


def track(settings: RunSettings | ScoreSettings, folder: RunFolder, scores: Scores) -> None:
    """Passes a scored run on to the tracker that is set, if any; where that fails, a warning says so."""
    name = settings.track
    if name == NO_TRACKER:
        return
    module, _, function = TRACKERS[name].partition(":")
    try:
        log_run: Callable[[TrackedRun], str] = getattr(import_module(module), function)
        where = log_run(tracked_run(settings, folder, scores))
    except Exception as error:
        # Of any kind, since it is a library's: the run is scored, and must not fail by it.
        heed()
        reason = " ".join(str(error).split()) or type(error).__name__
        log.warning(
            "the run is scored, but %s has not taken it (%s); the same command asks nothing anew and tries again",
            name,
            reason,
        )
        return
    log.info("tracked by %s: %s", name, where)
