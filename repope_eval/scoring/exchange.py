"""Whether two models differ where few of their answers do: an exact test that exchanges their answers within images.

Were two models alike, it would be chance which of them gave which of an image's answers. So each image's answers may be
exchanged between the two, and p is the share of all exchanges whose difference of F1 is at least as large as the one
that was found, in either direction. The test holds its level for any number of images, since it takes none of them for
many (R. A. Fisher, "The Design of Experiments", 1935, section 21; for F1: A. Yeh, "More Accurate Tests for the
Statistical Significance of Result Differences", COLING 2000).
"""

from math import log, prod

import numpy as np
from numpy.typing import NDArray

from repope_eval.scoring.bootstrap import SEED
from repope_eval.scoring.confusion import Values, ratio

DRAWN_EXCHANGES = 10_000
MOST_EXCHANGES = 2**19
"""Up to so many different exchanges are all counted, so that those of 19 images always are. Of more, some are drawn."""

_ROUNDING = 1e-12
"""Differences of F1 that are no further apart are the same."""

Counts = NDArray[np.integer]
"""What a model's F1 is made of, [images, cells, 2]: the two numbers of `shares`. F1 is the mean over the cells."""


def n_differing(first: Counts, second: Counts) -> int:
    """The number of images about which two models differ in what F1 counts."""
    return int((first != second).any(axis=(1, 2)).sum())


def exchange_p(first: Counts, second: Counts) -> float:
    """The two-sided p value of no difference between two models' F1; 1 where no image differs.

    Where exchanges are drawn, the one that was found is among them: p is (1 + those as large) / (1 + drawn), which
    holds its level, too (B. Phipson and G. K. Smyth, "Permutation P-values Should Never Be Zero", Statistical
    Applications in Genetics and Molecular Biology 9 (2010), article 39). An exchange that leaves F1 undefined counts as
    large.
    """
    distances = first.astype(np.int64) - second
    total = first.sum(axis=0, dtype=np.int64) + second.sum(axis=0, dtype=np.int64)
    observed = distances.sum(axis=0)
    kinds, n_each = _difference_kinds(distances)
    if prod((n_each + 1).tolist()) <= MOST_EXCHANGES:
        nets, weights = _all_nets(kinds, n_each)
    else:
        nets = np.concatenate([observed.reshape(1, -1), _drawn_nets(kinds, n_each)])
        weights = np.full(len(nets), 1 / len(nets))
    differences = np.abs(_f1_difference(nets.reshape(-1, *observed.shape), total))
    is_large = ~(differences < abs(_f1_difference(observed, total)) - _ROUNDING)
    return float(min(1.0, weights[is_large].sum()))


def _difference_kinds(distances: Counts) -> tuple[Counts, Counts]:
    """The ways in which images differ, [kinds, numbers], and how many images do; a way and its reverse are one.

    An exchange turns the sign of an image, so those of one kind are exchanged in few ways that make a difference.
    """
    flat = distances.reshape(len(distances), -1)
    flat = flat[flat.any(axis=1)]
    # Of a way and its reverse, the one whose first difference is positive stands for both.
    first = flat[np.arange(len(flat)), (flat != 0).argmax(axis=1)]
    kinds, n_each = np.unique(flat * np.sign(first)[:, None], axis=0, return_counts=True)
    return kinds, n_each


def _all_nets(kinds: Counts, n_each: Counts) -> tuple[Counts, Values]:
    """By how much the models differ in sum after each exchange, [exchanges, numbers], and its share of all."""
    nets, weights = np.zeros((1, kinds.shape[1]), np.int64), np.ones(1)
    for kind, n in zip(kinds, n_each.tolist(), strict=True):
        turned = np.arange(n + 1)
        nets = (nets[:, None] + (n - 2 * turned)[:, None] * kind).reshape(-1, len(kind))
        # By logarithms, since 2**n is too large for a float where many images are of one kind.
        ratios = (n - turned[1:] + 1) / turned[1:]
        binomial = np.exp(np.concatenate([[0.0], np.cumsum(np.log(ratios))]) - n * log(2))
        weights = np.outer(weights, binomial).ravel()
    return nets, weights


def _drawn_nets(kinds: Counts, n_each: Counts) -> Counts:
    """By how much the models differ in sum after each of some drawn exchanges, [exchanges, numbers]."""
    generator = np.random.default_rng(SEED)
    turned = generator.binomial(n_each, 0.5, size=(DRAWN_EXCHANGES, len(n_each)))
    nets: Counts = (n_each - 2 * turned) @ kinds
    return nets


def _f1_difference(nets: Counts, totals: Counts) -> Values:
    """The differences of F1, [...], where the counts differ by `nets`, [..., cells, 2], and are `totals` in sum."""
    first, second = ((totals + sign * nets) / 2 for sign in (1, -1))
    difference: Values = _f1(first) - _f1(second)
    return difference


def _f1(counts: Values) -> Values:
    jaccard = ratio(counts[..., 0], counts[..., 1])
    f1: Values = (2 * jaccard / (1 + jaccard)).mean(axis=-1)
    return f1
