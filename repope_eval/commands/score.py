"""`python -m repope_eval score`: score answers that came from elsewhere."""

from repope_eval import pipeline
from repope_eval.config import ScoreSettings

SETTINGS = ScoreSettings


def execute(settings: ScoreSettings, command: str) -> None:
    """Joins, scores and shows."""
    pipeline.score_answers(settings, command)
