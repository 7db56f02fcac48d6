"""`python -m repope_eval`: ask a model the questions of a benchmark, and score its answers."""

from repope_eval import pipeline
from repope_eval.settings.config import RunSettings


def execute(settings: RunSettings, command: str) -> None:
    """Asks, scores and reports."""
    pipeline.run(settings, command)
