"""How sure Cohen's kappa of two annotators is."""

from collections.abc import Sequence

import numpy as np

from repope_eval.benchmarks.pope_file import ANNOTATOR_LABELS
from repope_eval.relabelling.rule import Outcome
from repope_eval.scoring.bootstrap import FEWEST_IMAGES
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.kappa import estimate_kappa

FEWEST_APART = 20
"""With fewer questions that the two disagree on, replicates say too little of others."""


def kappa_of(outcomes: Sequence[Outcome]) -> Estimate:
    """Kappa over the questions that both labelled, with its interval by a bootstrap over images.

    Few images or few disagreements give no interval.
    """
    places = {label: place for place, label in enumerate(ANNOTATOR_LABELS)}
    images: dict[str, int] = {}
    cells = []
    for outcome in outcomes:
        if outcome.first is not None and outcome.second is not None:
            row = images.setdefault(outcome.row.question.image, len(images))
            cells.append((row, places[outcome.first], places[outcome.second]))
    tables = np.zeros((len(images), len(places), len(places)))
    for cell in cells:
        tables[cell] += 1
    few = ""
    if len(images) < FEWEST_IMAGES:
        few = f"fewer than {FEWEST_IMAGES} images were labelled by both"
    elif tables.sum() - tables.trace(axis1=1, axis2=2).sum() < FEWEST_APART:
        few = f"the two disagree on fewer than {FEWEST_APART} questions"
    return estimate_kappa(tables, "undefined where both give one and the same label throughout", few)
