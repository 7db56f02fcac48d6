"""The exact test that exchanges two models' answers within images, against sums in plain loops."""

from fractions import Fraction
from itertools import product
from math import comb

import numpy as np
import pytest

from repope_eval.scoring import exchange
from repope_eval.scoring.exchange import Counts, exchange_p, n_differing


def models(*differing: tuple[int, int], n_alike: int = 30) -> tuple[Counts, Counts]:
    """Two models of one variant: by how much the second has fewer true and more false positives in an image."""
    first = np.tile(np.array([[[3, 4]]], np.uint8), (n_alike + len(differing), 1, 1))
    second = first.copy()
    for image, (less_tp, more_fp) in enumerate(differing):
        second[image, 0] = (3 - less_tp, 4 + more_fp)
    return first, second


@pytest.mark.parametrize("k", [1, 2, 4, 5, 6, 8, 30])
def test_answers_that_all_moved_one_way_have_the_p_of_a_sign_test(k: int) -> None:
    first, second = models(*[(1, 0)] * k)
    assert n_differing(first, second) == k
    assert exchange_p(first, second) == pytest.approx(2 / 2**k, rel=1e-9)


def test_answers_of_one_kind_have_the_p_of_a_sign_test() -> None:
    """Three of ten go the other way."""
    first, second = models(*[(0, 1)] * 10)
    first[:3], second[:3] = second[:3].copy(), first[:3].copy()
    tail = sum(comb(10, n) for n in range(4))
    assert exchange_p(first, second) == pytest.approx(2 * tail / 2**10, rel=1e-9)


def several_variants(n_images: int) -> tuple[Counts, Counts]:
    """Two models that differ in each image and in each of three variants."""
    generator = np.random.default_rng(4)
    tp = generator.integers(0, 4, (2, n_images, 3))
    whole = tp + generator.integers(1, 5, (2, n_images, 3))
    first, second = np.stack([tp, whole], axis=-1).astype(np.uint8)
    return first, second


def mean_f1(counts: np.ndarray) -> Fraction:
    totals = [[int(number) for number in of_cell] for of_cell in counts.sum(axis=0, dtype=int)]
    jaccard = [Fraction(tp, whole) for tp, whole in totals]
    return sum((2 * each / (1 + each) for each in jaccard), Fraction(0)) / len(jaccard)


def test_of_a_mean_all_variants_are_exchanged_together() -> None:
    first, second = several_variants(9)
    found = abs(mean_f1(first) - mean_f1(second))
    n_large = 0
    for turned in product([False, True], repeat=9):
        swapped = np.array(turned)[:, None, None]
        one, other = np.where(swapped, second, first), np.where(swapped, first, second)
        n_large += abs(mean_f1(one) - mean_f1(other)) >= found
    assert exchange_p(first, second) == pytest.approx(n_large / 2**9, rel=1e-9)


def test_drawn_exchanges_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = several_variants(12)
    exact = exchange_p(first, second)
    monkeypatch.setattr(exchange, "MOST_EXCHANGES", 10)
    assert exchange_p(first, second) == pytest.approx(exact, abs=0.015)
    first, second = models(*[(1, 0)] * 40)
    assert exchange_p(first, second) == pytest.approx(1 / (1 + exchange.DRAWN_EXCHANGES))  # never nothing


def test_who_is_first_does_not_matter() -> None:
    first, second = several_variants(8)
    assert exchange_p(first, second) == exchange_p(second, first)


def test_an_f1_that_an_exchange_leaves_undefined_counts_as_large() -> None:
    """Only one image has a positive question or a yes; exchanged, it is the other model that has no F1."""
    first = np.zeros((4, 1, 2), np.uint8)
    first[0], first[1] = (1, 1), (0, 1)
    second = first.copy()
    second[:2] = 0
    assert exchange_p(first, second) == 1
