"""Cohen's kappa: how far two that sort the same things agree beyond chance, and how sure that is.

kappa = (p_o - p_e) / (1 - p_e), where p_o is the share of things that both sort alike, and p_e the share that would be
so if they sorted as often as they do, but independently. 0 is chance, 1 is full agreement, and two that do not use the
categories equally often cannot reach 1. Source: J. Cohen, "A Coefficient of Agreement for Nominal Scales", Educational
and Psychological Measurement 20 (1960), 37-46.

Images are drawn for its interval, not questions, since what is hard in an image is so in several of its questions (S.
Vanbelle and A. Albert, "A Bootstrap Method for Comparing Correlated Kappa Coefficients", Journal of Statistical
Computation and Simulation 78 (2008), 1009-1015, with images for subjects).
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from repope_eval.scoring.bootstrap import FEWEST_IMAGES, REPLICATES, drawn_totals, drawn_weights
from repope_eval.scoring.confusion import Values, ratio
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.intervals import percentiles
from repope_eval.wording import counted

FEWEST_EACH = 20
"""With fewer images in which both choose the category in question, or one alone does, replicates say too little."""


def kappas(number: Values, alike: Values, products: Values) -> Values:
    """Kappa of counts, each of the same shape; NaN where p_e is 1, and where there is nothing.

    All is taken times the square of the number: whole numbers, so that NaN is exact.

    Args:
        number: how many things both sort.
        alike: how many of them they sort alike.
        products: for each category the product of how often either chooses it, in sum.
    """
    return ratio(alike * number - products, number**2 - products)


def table_kappas(tables: Values) -> Values:
    """Kappa of tables, [...] of [..., category by the first, category by the second]."""
    products = (tables.sum(axis=-1) * tables.sum(axis=-2)).sum(axis=-1)
    return kappas(tables.sum(axis=(-2, -1)), np.trace(tables, axis1=-2, axis2=-1), products)


def estimate_kappa(tables: Values, undefined: str, few: str) -> Estimate:
    """Kappa with its interval over images, or the reason why it has none.

    Args:
        tables: [images, categories, categories], of images in which both sort something.
        undefined: why there is no kappa, where there is none.
        few: why there is no interval; empty where there is enough to draw from.
    """
    total = tables.sum(axis=0)
    kappa = float(table_kappas(total))
    if np.isnan(kappa):
        return Estimate(reason=undefined)
    if few:
        return Estimate(value=kappa, reason=few)
    flat = tables.reshape(len(tables), -1)
    drawn = [
        table_kappas(drawn_totals(weights, flat).reshape(-1, *total.shape))
        for weights in drawn_weights(len(tables), REPLICATES)
    ]
    return replace(percentiles(np.concatenate(drawn)), value=kappa)


def too_few(n_images: int, occurring: Mapping[str, Values]) -> str:
    """Why a kappa of two categories has no interval; empty where there is enough to draw from.

    Args:
        n_images: images in which both sort something.
        occurring: what has to occur in enough images, in words, and how often it does in each, [images].
    """
    if n_images < FEWEST_IMAGES:
        return f"{counted(n_images, 'image')}, and an interval takes {FEWEST_IMAGES}"
    for what, of_images in occurring.items():
        n_there = int((of_images > 0).sum())
        if n_there < FEWEST_EACH:
            return f"{what} in {counted(n_there, 'image')}, and an interval takes {FEWEST_EACH}"
    return ""
