"""The gamma interval: how far a sum of rare events, each with its weight, may lie from what is expected of it.

Source: M. P. Fay and E. J. Feuer, "Confidence Intervals for Directly Standardized Rates: A Method Based on the Gamma
Distribution", Statistics in Medicine 16 (1997), 791-801. Events that have not been met yet show in no variance, so the
upper end is that of the sum with one further event. They give it the largest weight that there is.
"""

from repope_eval.scoring.estimates import CONFIDENCE


def gamma_interval(
    total: float, variance: float, further: float, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """The interval of what is expected of a sum of weighted counts of rare events.

    Args:
        total: the sum.
        variance: its estimated variance, which is the sum of squared weights where events are independent.
        further: the weight of the further event.
        confidence: the interval's.
    """
    tail = (1 - confidence) / 2
    return (
        _gamma_quantile(total, variance, tail),
        max(total, _gamma_quantile(total + further, variance + further**2, 1 - tail)),
    )


def _gamma_quantile(mean: float, variance: float, probability: float) -> float:
    """The quantile of the gamma distribution of a mean and a variance; 0 where both are 0."""
    from scipy.special import gammaincinv  # its import takes longer than most scores, and few need it

    return float(variance / mean * gammaincinv(mean**2 / variance, probability)) if variance > 0 else 0.0
