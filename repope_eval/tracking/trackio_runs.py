"""Runs passed on to trackio: by default a SQLite file on this machine; `TRACKIO_*` of the environment say otherwise."""

import io
from contextlib import redirect_stdout

from repope_eval.tracking.tracked_run import TrackedRun


def log_run(run: TrackedRun) -> str:
    """Logs one run; how its project is looked at."""
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
