"""How much the errors about one image come together: intervals over images against intervals over questions."""

from dataclasses import replace

import numpy as np

from repope_eval import config
from repope_eval.scoring.bootstrap import REPLICATES, SEED, interval_of
from repope_eval.scoring.confusion import OUTCOMES, Confusion, figure_values
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.scores import Scores


def f1_width_ratios(scores: Scores) -> tuple[float, ...]:
    """Width of F1's interval over images, as a multiple of that over questions, for each label set and variant.

    Above 1, an image's questions stand or fall together, and an interval over questions would be too narrow.
    What is undefined is left out.
    """
    ratios = []
    for label_set, confusions in scores.confusions.items():
        for variant, confusion in confusions.items():
            over_images = scores.intervals[label_set][variant]["f1"]
            over_questions = _f1_interval(confusion, scores.protocol)
            if over_images and over_questions and over_questions[0] < over_questions[1]:
                ratios.append((over_images[1] - over_images[0]) / (over_questions[1] - over_questions[0]))
    return tuple(ratios)


def _f1_interval(confusion: Confusion, protocol: config.Protocol) -> tuple[float, float] | None:
    """By a bootstrap over the answered questions: drawn one by one, their outcomes are multinomial."""
    answered = replace(confusion, unanswered=0)
    counts = np.array([getattr(answered, name) for name in OUTCOMES], dtype=np.float64)
    n_answered = int(counts.sum())
    if not n_answered:
        return None
    drawn = np.random.default_rng(SEED).multinomial(n_answered, counts / n_answered, size=REPLICATES)
    return interval_of(figure_values(drawn.astype(np.float64), PROTOCOLS[protocol])["f1"])
