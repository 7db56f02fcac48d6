"""Which questions people look at: the most doubtful ones, and others that are drawn where it matters.

Looking at doubtful labels alone flatters every model that disagreed with them; the sample says what the rest is like.
An estimate that divides by the probabilities is unbiased for any, and is surest where they grow with the error expected
(D. G. Horvitz and D. J. Thompson, "A Generalization of Sampling Without Replacement From a Finite Universe", Journal of
the American Statistical Association 47 (1952), 663-685). What is expected of a question is the chance that its label is
wrong times what that changes: its doubt, and the root mean square of its effects on the figures of all runs and on
their differences (C.-E. Särndal, B. Swensson and J. Wretman, "Model Assisted Survey Sampling", 1992, section 12.2,
where probabilities in proportion to the standard deviation that a model expects are the best ones).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from repope_eval.records import Question, Variant
from repope_eval.relabelling.estimation import FigureOf, Tally, linearised, mean_figure
from repope_eval.relabelling.sampled_labels import Floats, Sample

FLOOR = 0.2
"""What is added to each doubt, since labels that nobody doubts are wrong at times."""
LEAST_SHARE = 0.1
"""What is added to the expected error of each question, in parts of the mean, so that none is all but left out."""


@dataclass(frozen=True, slots=True)
class LabelEffects:
    """How much it would change a figure of one run if a question's label were wrong."""

    value: float
    """The figure by the labels that there are; NaN where it is undefined."""
    flipped: Floats
    """Its change where the label is the opposite, [questions]."""
    dropped: Floats
    """Its change where the question is ambiguous and counts nowhere, [questions]."""


def label_effects(
    tallies: Mapping[Variant, Tally], old: Mapping[Question, bool], figure_of: FigureOf
) -> LabelEffects:
    """The effects on the mean of a figure over the variants, which is taken for linear in the counts.

    Args:
        tallies: what the run adds to the counts of each variant.
        old: the labels, in the order of the tallies' rows.
        figure_of: the figure of some counts.
    """
    sample = Sample.of(old, {}, dict.fromkeys(old, 1.0))
    figure = mean_figure(
        [linearised(tally, sample, sample.labels, 1.0, figure_of) for tally in tallies.values()]
    )
    now = np.where(sample.old, figure.yes, figure.no)
    return LabelEffects(figure.value, np.where(sample.old, figure.no, figure.yes) - now, -now)


def question_effects(
    runs: Mapping[str, Mapping[Variant, Tally]], old: Mapping[Question, bool], figure_of: FigureOf
) -> dict[Question, float]:
    """How much it would change the figures of runs, and their differences, if a question's label were wrong.

    A label can be wrong in two ways: it is the opposite, or the question is ambiguous and counts nowhere. Of both
    effects on a figure that is linear in the counts, the squares are added: their mean over the runs, and that over the
    pairs of runs, which is twice the variance over the runs.

    Args:
        runs: what each run adds to the counts of each variant.
        old: the labels, in the order of the tallies' rows.
        figure_of: the leading figure of some counts, whose mean over the variants is meant.
    """
    of_runs = [label_effects(tallies, old, figure_of) for tallies in runs.values()]
    squares: Floats = np.zeros(len(old))
    for changes in (
        np.array([each.flipped for each in of_runs]),
        np.array([each.dropped for each in of_runs]),
    ):
        squares += (changes**2).mean(axis=0)
        if len(changes) > 1:
            squares += 2 * changes.var(axis=0, ddof=1)
    return dict(zip(old, np.sqrt(squares).tolist(), strict=True))


@dataclass(frozen=True, slots=True)
class Chance:
    """How a question came to be looked at, or not."""

    probability: float
    """The probability of being looked at: 1 for the most doubtful ones, and where much is expected to be wrong."""
    is_drawn: bool
    """Whether it is looked at."""


def design(
    scores: Mapping[Question, float],
    budget: int,
    sample: int,
    seed: int,
    effects: Mapping[Question, float] | None = None,
) -> dict[Question, Chance]:
    """Chooses the questions to look at, the most doubtful first.

    Args:
        scores: how doubtful each question's label is, 0 or more.
        budget: number of the most doubtful questions, all of which are looked at.
        sample: number of the others that are drawn, without replacement.
        seed: the seed of the drawing.
        effects: how much a wrong label of each would change (see `question_effects`); None: all alike.
    """
    order = sorted(scores, key=lambda question: (-scores[question], question))
    certain, rest = order[:budget], order[budget:]
    chances = {question: Chance(1.0, True) for question in certain}
    sizes = expected_errors(
        np.array([scores[question] for question in rest]),
        np.array([1.0 if effects is None else effects[question] for question in rest]),
    )
    probabilities = inclusion_probabilities(sizes, min(sample, len(rest)))
    drawn = systematic(probabilities, np.random.default_rng(seed))
    for index, question in enumerate(rest):
        chances[question] = Chance(float(probabilities[index]), index in drawn)
    return chances


def expected_errors(scores: Floats, effects: Floats) -> Floats:
    """What is expected of each question's label to be wrong by, up to a factor; above 0 for each."""
    if not effects.any():
        effects = np.ones(len(scores))
    errors: Floats = (scores + FLOOR) * effects
    return errors + LEAST_SHARE * errors.mean() if len(errors) else errors


def inclusion_probabilities(sizes: Floats, count: float) -> Floats:
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
