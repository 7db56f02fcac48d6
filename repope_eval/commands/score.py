"""`python -m repope_eval score`: score answers that came from elsewhere."""

import logging
from pathlib import Path

from hydra.core.hydra_config import HydraConfig

from repope_eval import pipeline
from repope_eval.settings.config import ScoreSettings, listed

log = logging.getLogger(__name__)


def execute(settings: ScoreSettings, command: str) -> None:
    """Joins, scores and shows."""
    is_bench_given = any(word.startswith("bench=") for word in HydraConfig.get().overrides.task)
    are_there = all(Path(name).expanduser().exists() for name in listed(settings.answers))
    if are_there and not is_bench_given:  # else that they are not is all there is to say
        log.info("bench= is not given, so bench=%s is taken; RePOPE is bench=repope", settings.bench.name)
    pipeline.score_answers(settings, command)
