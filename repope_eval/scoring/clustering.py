"""Questions about one image come together: the intervals of shares of them, and how much their errors cluster."""

from math import sqrt
from statistics import NormalDist

from repope_eval.scoring.bootstrap import FEWEST_IMAGES
from repope_eval.scoring.confusion import Values, shares
from repope_eval.scoring.estimates import CONFIDENCE
from repope_eval.scoring.protocols import Protocol
from repope_eval.scoring.rare_events import gamma_interval


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


def clustered_interval(
    part: Values, whole: Values, questions: Values | None = None, confidence: float = CONFIDENCE
) -> tuple[float, float] | None:
    """The interval of sum(part) / sum(whole), both [images]; None where fewer than two images have a whole.

    What is rarer, the part or the rest, is a sum over images of rare events: images with few or many errors, for
    instance. It has the gamma interval of such sums, by its variance between images, or by that of independent
    questions where this is greater. Images seen may all be better than others, so its upper end allows for one further
    image that is as bad as the worst seen, or bad in half of its questions if that is worse.

    Args:
        part: e.g. how many questions about each image are answered right.
        whole: e.g. how many there are.
        questions: about each image, of which half may be wrong in the further one, where they are not the whole.
        confidence: the interval's.
    """
    n_images, n = int((whole > 0).sum()), float(whole.sum())
    if n_images < 2:
        return None
    share = float(part.sum()) / n
    is_part_rare = share <= 0.5
    rare = part if is_part_rare else whole - part
    residuals = part - share * whole
    between_images = n_images / (n_images - 1) * float(residuals @ residuals) / n**2
    variance = max(between_images, share * (1 - share) / n)
    questions = whole if questions is None else questions
    # Of the image that a question is about, on average.
    n_questions = float(questions @ questions) / float(questions.sum())
    further = max(float(rare.max()), n_questions / 2, 1.0)
    low, high = gamma_interval(float(rare.sum()) / n, variance, further / n, confidence)
    high = min(1.0, high)
    return (low, high) if is_part_rare else (1 - high, 1 - low)


def number_of_events(part: Values, whole: Values) -> float:
    """In how many images the errors are, or the right answers if these are in fewer; both are [images].

    An image with many of them outweighs others. So it is the number of images with equally many that would show as
    much: sum(w)^2 / sum(w^2) of the numbers w in each image (L. Kish, "Survey Sampling", 1965, section 11.7).
    """
    sides = ((float(side.sum()), float(side @ side)) for side in (part, whole - part))
    return min(total**2 / squares if squares else 0.0 for total, squares in sides)


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
