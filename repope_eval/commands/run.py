"""`python -m repope_eval`: ask a model the questions of benchmarks, and score its answers."""

from collections.abc import Sequence

from repope_eval import pipeline
from repope_eval.settings.config import RunSettings


def execute(settings: RunSettings, command: str) -> None:
    """Asks, scores and reports."""
    pipeline.run(settings, command)


def execute_together(settings: Sequence[RunSettings], command: str) -> None:
    """Asks the questions of several benchmarks together, and scores and reports each by itself."""
    pipeline.run_together(settings, command)
