"""`python -m repope_eval score`: score answers that came from elsewhere."""

import logging

from hydra.core.hydra_config import HydraConfig

from repope_eval import pipeline
from repope_eval.config import ScoreSettings

SETTINGS = ScoreSettings

log = logging.getLogger(__name__)


def execute(settings: ScoreSettings, command: str) -> None:
    """Joins, scores and shows."""
    if not any(word.startswith("bench=") for word in HydraConfig.get().overrides.task):
        log.info("bench= is not given, so bench=%s is taken; RePOPE is bench=repope", settings.bench.name)
    pipeline.score_answers(settings, command)
