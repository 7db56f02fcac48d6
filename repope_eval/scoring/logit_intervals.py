"""The interval of a figure between 0 and 1, such as AUROC, of which few questions may decide how far it is from 1.

Near an end replicates are skewed, and where a few questions make all of the difference, their percentiles hold the
truth too seldom. So the standard error of the replicates is taken to the logit scale, and Student's t stands for the
normal distribution, since few questions tell the standard error badly, too. Its degrees of freedom are the number of
independent events of which a count would vary by as large a share: the square of the distance to the nearer end over
the variance of the replicates. Where that are very few, the next images may hold errors that none of these shows, and
there is no interval. `perf/confidence.py` measures how often the intervals hold.
"""

from math import log, sqrt

import numpy as np

from repope_eval.scoring.confusion import Values
from repope_eval.scoring.estimates import CONFIDENCE, Estimate


def logit_estimate(value: float, drawn: Values, fewest_events: int) -> Estimate:
    """A figure with its 95 % interval, or with the reason why there is none; without either where it is NaN.

    Args:
        value: the figure.
        drawn: the figure in each replicate, [replicates].
        fewest_events: with fewer independent events than these there is no interval.
    """
    if np.isnan(value):
        return Estimate()
    if np.isnan(drawn).any():
        return Estimate(value=value, reason="undefined in a replicate")
    variance = float(drawn.var())
    if variance == 0 or not 0 < value < 1:
        return Estimate(value=value, reason="the same in every replicate, of which no interval can be made")
    events = min(value, 1 - value) ** 2 / variance
    if events < fewest_events:
        return Estimate(
            value=value,
            reason=f"a few questions decide it: it is as unsure as a count of fewer than {fewest_events} errors",
        )
    error = sqrt(variance) / (value * (1 - value))
    return Estimate(value=value, interval=student_interval(value, error, events))


def student_interval(value: float, error: float, freedom: float) -> tuple[float, float]:
    """The interval of a value between 0 and 1 by Student's t on the scale of the logit.

    Args:
        value: not 0 or 1.
        error: its standard error on that scale.
        freedom: the degrees of freedom of that error.
    """
    from scipy.special import expit, stdtrit  # slow to import

    middle, half = log(value / (1 - value)), float(stdtrit(freedom, (1 + CONFIDENCE) / 2)) * error
    return float(expit(middle - half)), float(expit(middle + half))
