"""Questions about one image come together: the intervals of shares of them, and how much their errors cluster."""

from math import sqrt
from statistics import NormalDist

from repope_eval.scoring.bootstrap import FEWEST_IMAGES
from repope_eval.scoring.confusion import Values, shares
from repope_eval.scoring.protocols import Protocol

CONFIDENCE = 0.95


def wilson(part: int, whole: int, unit: float = 1.0) -> tuple[float, float] | None:
    """The 95 % score interval of a binomial share, times a unit; None where there is nothing to share.

    With z = 1.96, p = part / whole and n = whole: (p + z^2 / 2n -+ z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n).
    Source: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", Journal of the
    American Statistical Association 22 (1927), 209-212.
    """
    if whole == 0:
        return None
    quantile = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    share, squared = part / whole, quantile**2
    middle = share + squared / (2 * whole)
    half = quantile * sqrt(share * (1 - share) / whole + squared / (4 * whole**2))
    scale = unit / (1 + squared / whole)
    return max(0.0, (middle - half) * scale), min(unit, (middle + half) * scale)


def clopper_pearson(share: float, size: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The exact interval of a share of `size` independent questions, which need not be a whole number.

    Its ends are quantiles of beta distributions. Source: C. J. Clopper and E. S. Pearson, "The Use of Confidence
    or Fiducial Limits Illustrated in the Case of the Binomial", Biometrika 26 (1934), 404-413.
    """
    part, rest, tail = share * size, (1 - share) * size, (1 - confidence) / 2
    low = 0.0 if part <= 0 else _beta_quantile(tail, part, rest + 1)
    high = 1.0 if rest <= 0 else _beta_quantile(1 - tail, part + 1, rest)
    return low, high


def clustered_interval(
    part: Values, whole: Values, confidence: float = CONFIDENCE
) -> tuple[float, float] | None:
    """The interval of sum(part) / sum(whole), both [images]; None where fewer than two images have a whole.

    It is Clopper and Pearson's for the number of independent questions that tell as much as these do. That is their
    number divided by the design effect, and times (t of as many questions / t of as many images)^2, since few images
    show the variance. The design effect is the share's variance between images over that of independent questions, and
    at least 1. Source: E. L. Korn and B. I. Graubard, "Confidence Intervals for Proportions with Small Expected
    Number of Positive Counts Estimated from Survey Data", Survey Methodology 24 (1998), 193-201.
    """
    n_images, n = int((whole > 0).sum()), float(whole.sum())
    if n_images < 2:
        return None
    share = float(part.sum()) / n
    residuals = part - share * whole
    variance = n_images / (n_images - 1) * float(residuals @ residuals) / n**2
    independent = share * (1 - share) / n
    design_effect = max(1.0, variance / independent) if independent > 0 else 1.0
    correction = _student_quantile(n - 1, confidence) / _student_quantile(n_images - 1, confidence)
    return clopper_pearson(share, n / design_effect * min(1.0, correction) ** 2, confidence)


def f1_width_ratios(counts: Values, protocol: Protocol) -> tuple[float, ...]:
    """Widths of F1's intervals over images, as multiples of those over questions, for each cell that has one.

    Above 1, an image's questions stand or fall together, and an interval over questions would be too narrow.

    Args:
        counts: [images, cells, outcomes].
        protocol: the protocol, which says what becomes of unparsed answers.
    """
    ratios = (_f1_width_ratio(counts[:, cell], protocol) for cell in range(counts.shape[1]))
    return tuple(ratio for ratio in ratios if ratio is not None)


def _f1_width_ratio(counts: Values, protocol: Protocol) -> float | None:
    """The square root of F1's design effect in one cell, [images, outcomes].

    None where no answer is an error, no image has two questions, or too few images show how errors come.

    The variances over images and over questions are both taken within labels, with the number of questions of either
    label given: what an image's questions have in common by the benchmark's making (POPE asks about each image as
    often with either label) says nothing about errors. F1 = 2 tp / (tp + fp + positives) moves with a hit by
    fp + positives and with a false alarm by -tp, times the same factor. Over images, its variance is that of the sums
    of these in an image, less what the label's rate lets expect; over questions, hits and false alarms are binomial.
    """
    of_whole = shares(counts, protocol)
    (tp, positives), (tn, negatives) = of_whole["recall"], of_whole["tnr"]
    fp = negatives - tn
    n_questions = positives + negatives
    n_images = int((n_questions > 0).sum())
    if n_images < FEWEST_IMAGES or n_questions.max() < 2 or not positives.sum() or not negatives.sum():
        return None
    recall, false_alarms = tp.sum() / positives.sum(), fp.sum() / negatives.sum()
    of_hit, of_false_alarm = fp.sum() + positives.sum(), -tp.sum()
    in_images = of_hit * (tp - recall * positives) + of_false_alarm * (fp - false_alarms * negatives)
    over_images = n_images / (n_images - 1) * float(in_images @ in_images)
    over_questions = float(
        of_hit**2 * positives.sum() * recall * (1 - recall)
        + of_false_alarm**2 * negatives.sum() * false_alarms * (1 - false_alarms)
    )
    return sqrt(over_images / over_questions) if over_questions else None


def _student_quantile(freedom: float, confidence: float) -> float:
    """The quantile of Student's t: t lies between it and its negative with that confidence."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + confidence) / 2))


def _beta_quantile(probability: float, first: float, second: float) -> float:
    """The quantile of the beta distribution with these two parameters."""
    from scipy.special import betaincinv  # its import takes longer than most scores, and few need it

    return float(betaincinv(first, second, probability))
