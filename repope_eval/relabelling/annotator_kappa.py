"""How sure Cohen's kappa of two annotators is."""

from collections.abc import Sequence

import numpy as np

from repope_eval.benchmarks.pope_file import ANNOTATOR_LABELS
from repope_eval.relabelling.rule import Outcome
from repope_eval.scoring.bootstrap import FEWEST_IMAGES, REPLICATES, drawn_totals, drawn_weights, interval_of
from repope_eval.scoring.confusion import Values, ratio
from repope_eval.scoring.estimates import Estimate

FEWEST_APART = 20
"""With fewer questions that the two disagree on, replicates say too little of others."""


def kappa_of(outcomes: Sequence[Outcome]) -> Estimate:
    """Kappa over the questions that both labelled, with its interval by a bootstrap over images.

    What is unclear in an image is so in several of its questions, so images are drawn, not questions (S. Vanbelle and
    A. Albert, "A Bootstrap Method for Comparing Correlated Kappa Coefficients", Journal of Statistical Computation and
    Simulation 78 (2008), 1009-1015, with images for subjects). Few images or few disagreements give no interval.
    """
    places = {label: place for place, label in enumerate(ANNOTATOR_LABELS)}
    images: dict[str, int] = {}
    rows, cells = [], []
    for outcome in outcomes:
        if outcome.first is not None and outcome.second is not None:
            rows.append(images.setdefault(outcome.row.question.image, len(images)))
            cells.append(len(places) * places[outcome.first] + places[outcome.second])
    counts = np.zeros((len(images), len(places) ** 2))
    np.add.at(counts, (rows, cells), 1)
    total = counts.sum(axis=0)
    kappa = float(_kappas(total))
    if np.isnan(kappa):
        return Estimate(reason="undefined where both give one and the same label throughout")
    n_apart = int(total.sum() - np.trace(_as_squares(total)))
    if len(images) < FEWEST_IMAGES:
        return Estimate(value=kappa, reason=f"fewer than {FEWEST_IMAGES} images were labelled by both")
    if n_apart < FEWEST_APART:
        return Estimate(value=kappa, reason=f"the two disagree on fewer than {FEWEST_APART} questions")
    drawn = [_kappas(drawn_totals(weights, counts)) for weights in drawn_weights(len(images), REPLICATES)]
    return Estimate(value=kappa, interval=interval_of(np.concatenate(drawn)), method="bootstrap")


def _as_squares(counts: Values) -> Values:
    """Counts of shape [..., both labels] as [..., labels of the first, labels of the second]."""
    side = len(ANNOTATOR_LABELS)
    return counts.reshape(*counts.shape[:-1], side, side)


def _kappas(counts: Values) -> Values:
    """Kappa of counts, [...] of [..., both labels]: how far two annotators agree beyond chance.

    kappa = (p_o - p_e) / (1 - p_e), where p_o is the share of questions with equal labels, and p_e the sum over the
    labels of the product of the two annotators' shares of it (J. Cohen, "A Coefficient of Agreement for Nominal
    Scales", Educational and Psychological Measurement 20 (1960), 37-46). Both shares are taken times the number of
    questions squared: whole numbers, so that NaN, where p_e is 1 or there are no questions, is exact.
    """
    squares = _as_squares(counts)
    n_questions = squares.sum(axis=(-2, -1))
    observed = np.trace(squares, axis1=-2, axis2=-1) * n_questions
    expected = (squares.sum(axis=-1) * squares.sum(axis=-2)).sum(axis=-1)
    return ratio(observed - expected, n_questions**2 - expected)
