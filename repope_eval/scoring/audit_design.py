"""Which questions people look at: the most doubtful ones, and a random sample of the rest with known probabilities.

Looking at doubtful labels alone flatters every model that disagreed with them; the sample says what the rest is like.
Doubtful questions are drawn with a higher probability, since that is where labels turn out wrong: an estimate that
divides by the probabilities is unbiased for any, and is surest where they grow with the error expected (D. G. Horvitz
and D. J. Thompson, "A Generalization of Sampling Without Replacement From a Finite Universe", Journal of the American
Statistical Association 47 (1952), 663-685).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repope_eval.records import Question

FLOOR = 0.2
"""What is added to each score before probabilities are made of them, so that no question is all but left out."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Chance:
    """How a question came to be looked at, or not."""

    probability: float
    """Of being looked at at all: 1 for the most doubtful ones."""
    is_drawn: bool
    """Whether it is looked at."""


def design(scores: Mapping[Question, float], budget: int, sample: int, seed: int) -> dict[Question, Chance]:
    """Chooses the questions to look at, the most doubtful first.

    Args:
        scores: how doubtful each question's label is, 0 or more.
        budget: number of the most doubtful questions, all of which are looked at.
        sample: number of the others that are drawn, without replacement.
        seed: of the drawing.
    """
    order = sorted(scores, key=lambda question: (-scores[question], question))
    certain, rest = order[:budget], order[budget:]
    chances = {question: Chance(1.0, True) for question in certain}
    sizes = np.array([scores[question] + FLOOR for question in rest])
    probabilities = inclusion_probabilities(sizes, min(sample, len(rest)))
    drawn = systematic(probabilities, np.random.default_rng(seed))
    for index, question in enumerate(rest):
        chances[question] = Chance(float(probabilities[index]), index in drawn)
    return chances


def inclusion_probabilities(sizes: Floats, count: int) -> Floats:
    """Probabilities in proportion to sizes, none above 1, that add up to a count.

    Args:
        sizes: positive, at least `count` of them.
        count: how many are drawn.
    """
    probabilities = np.zeros(len(sizes))
    capped = np.zeros(len(sizes), dtype=bool)
    while count > capped.sum():
        free = ~capped
        probabilities[free] = (count - capped.sum()) * sizes[free] / sizes[free].sum()
        above = free & (probabilities >= 1)
        if not above.any():
            break
        capped |= above
        probabilities[capped] = 1
    return probabilities


def systematic(probabilities: Floats, generator: np.random.Generator) -> set[int]:
    """The indexes of a sample of fixed size in which each has its probability.

    Indexes in random order stand side by side on a line, each as long as its probability; whole steps from a random
    start hit those that are drawn (W. G. Madow, "On the Theory of Systematic Sampling, II", Annals of Mathematical
    Statistics 20 (1949), 333-354).
    """
    order = generator.permutation(len(probabilities))
    ends = np.cumsum(probabilities[order])
    count = round(float(ends[-1])) if len(ends) else 0
    hits = np.searchsorted(ends, generator.random() + np.arange(count), side="right")
    return set(order[np.minimum(hits, len(order) - 1)].tolist())
