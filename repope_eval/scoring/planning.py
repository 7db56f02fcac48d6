"""How many images a comparison of F1 takes, from a pilot: two runs or more on some of the images, or a single run.

Runs of a pilot say themselves how much their differences vary from image to image. A single run says how much one
question can move F1; how many of its questions another run answers otherwise is assumed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import isnan, sqrt

import numpy as np

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.bootstrap import variant_cells
from repope_eval.scoring.confusion import Values
from repope_eval.scoring.differences import FEWEST_DIFFERING
from repope_eval.scoring.estimates import CONFIDENCE
from repope_eval.scoring.exchange import n_differing
from repope_eval.scoring.power import Aim
from repope_eval.scoring.protocols import Protocol
from repope_eval.scoring.shared_questions import Cell, QuestionSet, Sampled, SharedQuestions
from repope_eval.wording import counted

FEWEST_PILOT_IMAGES = 50
"""With fewer images a pilot knows too little of what images differ by (`perf/planning.py`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How much the difference of two runs varies under one label set and variant, as a pilot shows it."""

    first: str
    second: str | None
    """None: a run that is assumed."""
    n_images: int
    """Images of the pilot that have labelled questions which both answered."""
    error: float | None = None
    """The standard error of the difference of F1 over so many images; None where the pilot cannot tell it."""
    bounds: tuple[float, float] | None = None
    """The ends of its 95 % interval, as far as so small a pilot knows it; None where it rests on an assumption."""
    reason: str | None = None
    """Why the pilot cannot tell it."""

    def images(self, aim: Aim, difference: float) -> int | None:
        """How many images show a difference."""
        return None if self.error is None else aim.images(self.n_images, self.error, difference)

    def images_bounds(self, aim: Aim, difference: float) -> tuple[int, int] | None:
        """The ends of the 95 % interval of that number."""
        if self.bounds is None:
            return None
        low, high = (aim.images(self.n_images, error, difference) for error in self.bounds)
        return low, high

    def detectable(self, aim: Aim, n_images: int) -> float | None:
        """The smallest difference that so many images show."""
        return None if self.error is None else aim.detectable(self.error * sqrt(self.n_images / n_images))


def spreads_of_pairs(
    models: Mapping[str, Mapping[Question, Answer]], label_sets: Sequence[LabelSet], protocol: Protocol
) -> dict[Cell, tuple[Spread, ...]]:
    """The spreads of all pairs of two models or more, by label set and variant, each on what both answered.

    The standard error is that of the infinitesimal jackknife, as in `differences`: the square root of the sum over
    images of the square of what each moves the difference by.
    """
    questions = SharedQuestions(models, label_sets, protocol)
    pairs_by_questions: dict[QuestionSet, list[tuple[str, str]]] = {}
    for pair in combinations(models, 2):
        pairs_by_questions.setdefault(questions.shared_by(pair), []).append(pair)
    spreads: dict[Cell, list[Spread]] = {cell: [] for cell in questions.cells}
    for among, pairs in pairs_by_questions.items():
        names = list(dict.fromkeys(name for pair in pairs for name in pair))
        f1 = questions.sample([(name, among) for name in names], ["f1"], drawn=[])["f1"]
        for cell, sampled in f1.items():
            n_images = questions.n_images(among, cell)
            of_each = {name: sampled.model(index) for index, name in enumerate(names)}
            spreads[cell] += [
                spread_of_pair(pair, [of_each[name] for name in pair], n_images) for pair in pairs
            ]
    return {cell: tuple(of_cell) for cell, of_cell in spreads.items()}


def spread_of_pair(pair: tuple[str, str], of_each: Sequence[Sampled], n_images: int) -> Spread:
    """The spread of one pair of models in one cell.

    Args:
        pair: their names.
        of_each: F1 of each of them, without replicates.
        n_images: the images of the cell's labelled questions.
    """
    first, second = of_each
    plain = Spread(first=pair[0], second=pair[1], n_images=n_images)
    n_differ = n_differing(first.f1_counts, second.f1_counts)
    reason = _missing_reason(n_images, float(first.values - second.values))
    if reason is None and n_differ < FEWEST_DIFFERING:
        reason = f"their answers differ in {counted(n_differ, 'image')}, and a plan takes {FEWEST_DIFFERING}"
    if reason is not None:
        return replace(plain, reason=reason)
    moves = first.influences - second.influences
    error = float(np.linalg.norm(moves))
    low, high = deviation_bounds(moves, n_images)
    return replace(plain, error=error, bounds=(error * low, error * high))


def _missing_reason(n_images: int, value: float) -> str | None:
    if n_images < FEWEST_PILOT_IMAGES:
        return f"{counted(n_images, 'image')}, and a plan takes {FEWEST_PILOT_IMAGES}"
    return "F1 is undefined" if isnan(value) else None


def deviation_bounds(moves: Values, n_images: int) -> tuple[float, float]:
    """The 95 % interval of the standard deviation of what images move a difference by, over the one that they show.

    That of a variance by the chi-square distribution, whose degrees of freedom n - 1 are those of normal values. The
    variance of n others with kurtosis k varies as one with 2 n / (k - 1) degrees of freedom does (G. E. P. Box,
    "Non-normality and Tests on Variances", Biometrika 40 (1953), 318-335). Most images move a difference by nothing, so
    k is large.

    Args:
        moves: what each image moves it by, [images]; those that are missing move it by nothing.
        n_images: how many they are.
    """
    from scipy.special import gammaincinv  # its import takes longer than most plans

    kurtosis = float(n_images * (moves**4).sum() / (moves**2).sum() ** 2)
    freedom = 2 * n_images / max(kurtosis - 1, 1)
    tail = (1 - CONFIDENCE) / 2
    low, high = (sqrt(freedom / (2 * gammaincinv(freedom / 2, share))) for share in (1 - tail, tail))
    return low, high


def spreads_of_one(
    name: str,
    answers: Mapping[Question, Answer],
    label_sets: Sequence[LabelSet],
    protocol: Protocol,
    flips: float,
) -> dict[Cell, tuple[Spread, ...]]:
    """The spread of a run's difference from one that is assumed, by label set and variant.

    The other run is assumed to answer a share of the questions otherwise, each by chance for itself, as often for the
    better as for the worse. Let F be F1, and S = tp + fp + the number of questions with label yes, of which 2 tp is
    F1's part. Then another answer moves F1 by (2 - F) / S where the label is yes, and by F / S where it is no, to
    either side, which are the derivatives of 2 tp / S. Moves to either side have mean 0, so that the variance of the
    difference is the sum of flips * move^2 over the questions. A question of several variants moves their mean by the
    mean of its moves in them, 0 where it is none of a variant's.

    That flips are independent is an assumption, too: LLaVA-1.5 7B and 13B take 1 % more images than independent flips
    of as many questions would, and up to 12 % more where one of them was made worse (`perf/planning.py`).

    Args:
        flips: the share of the questions that are answered otherwise.
    """
    questions = SharedQuestions({name: answers}, label_sets, protocol)
    among = questions.shared_by([name])
    f1 = questions.sample([(name, among)], ["f1"], drawn=[])["f1"]
    counting = [
        question
        for question, answer in answers.items()
        if protocol.unparsed == "not_yes" or protocol.read(answer.response) is not None
    ]
    by_name = {label_set.name: label_set.variants for label_set in label_sets}
    spreads: dict[Cell, tuple[Spread, ...]] = {}
    for label_set, variant, cells in variant_cells(label_sets):
        sampled, n_images = f1[label_set, variant].model(0), questions.n_images(among, (label_set, variant))
        reason = _missing_reason(n_images, float(sampled.values))
        error = None
        if reason is None:
            of_variants = by_name[label_set]
            labels = [of_variants[variant]] if len(cells) == 1 else list(of_variants.values())
            moves = _moves(counting, labels, sampled.f1_counts.sum(axis=0))
            error = sqrt(flips * float((moves**2).sum()))
        spread = Spread(first=name, second=None, n_images=n_images, error=error, reason=reason)
        spreads[label_set, variant] = (spread,)
    return spreads


def _moves(
    questions: Sequence[Question], labels: Sequence[Mapping[Question, bool]], f1_counts: Values
) -> Values:
    """By how much another answer to each question moves the mean of F1 over some variants, [questions].

    Args:
        questions: those with an answer that counts.
        labels: those of each variant.
        f1_counts: the two numbers of `shares` for F1, [variants, 2].
    """
    moves = np.zeros(len(questions))
    for of_variant, (part, whole) in zip(labels, f1_counts.tolist(), strict=True):
        total = part + whole
        f1 = 2 * part / total
        move_of = {True: (2 - f1) / total, False: f1 / total, None: 0.0}
        moves += [move_of[of_variant.get(question)] for question in questions]
    return moves / len(labels)
