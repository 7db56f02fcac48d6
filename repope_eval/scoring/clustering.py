"""How much the errors about one image come together: F1's uncertainty over images against that over questions.

Both are taken within labels, with the number of questions of either label given: what an image's questions have in
common by the benchmark's making (POPE asks about each image as often with either label) is no matter of errors.
"""

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from repope_eval.scoring.bootstrap import FEWEST_IMAGES
from repope_eval.scoring.confusion import shares
from repope_eval.scoring.protocols import Protocol


def f1_width_ratios(counts: NDArray[np.float64], protocol: Protocol) -> tuple[float, ...]:
    """Width of F1's interval over images, as a multiple of that over questions, for each cell where there is one.

    Above 1, an image's questions stand or fall together, and an interval over questions would be too narrow.

    Args:
        counts: [images, cells, outcomes].
        protocol: says what becomes of unparsed answers.
    """
    ratios = (f1_width_ratio(counts[:, cell], protocol) for cell in range(counts.shape[1]))
    return tuple(ratio for ratio in ratios if ratio is not None)


def f1_width_ratio(counts: NDArray[np.float64], protocol: Protocol) -> float | None:
    """Of one cell, [images, outcomes]: the square root of F1's design effect.

    None where no answer is an error, no image has two questions, or too few images show how errors come.

    F1 = 2 tp / (tp + fp + positives) moves with a hit by fp + positives and with a false alarm by -tp, times the
    same factor. Over images, its variance is that of the sums of these in an image, each taken from what the
    label's rate lets expect; over questions, hits and false alarms are binomial.
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
