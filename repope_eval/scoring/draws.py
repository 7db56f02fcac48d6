"""What chance in the answers does, where a model's answers are sampled: the figure of each draw, and its part of the
interval.

Answers are drawn for each question by itself, so what one image's answers come to is independent of every other's, and
so is what several draws of them come to. The mean figure over draws therefore has its interval over images as any
figure has: an image that is drawn in a replicate brings all of its draws, and the chance in them is part of what
differs between images. More draws make that part smaller, and leave what differs between the images themselves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from repope_eval.records import Answer, Question
from repope_eval.scoring.bootstrap import FEWEST_IMAGES, Cells
from repope_eval.scoring.confusion import OUTCOMES, Values, figure_values
from repope_eval.scoring.intervals import Sample
from repope_eval.scoring.protocols import Protocol, Reading, remembering

_STEP = 1e-3
"""The change of a count by which gradients are taken."""


@dataclass(frozen=True, slots=True)
class DrawSpread:
    """F1 of each draw, and how much of the variance of their mean is theirs."""

    f1: tuple[float | None, ...]
    """Of each draw; None where undefined."""
    variance_share: float | None
    """The share of the variance of the mean F1 that would go with ever more draws, from 0 to 1; the rest is that of the
    images. None where it is undefined in a draw, where the mean does not vary, and with fewer than `FEWEST_IMAGES`
    images, whose variance tells little."""


@dataclass(frozen=True, slots=True)
class ChangingAnswer:
    """A question whose answers differ between draws."""

    question: Question
    readings: tuple[Reading, ...]
    """What is read in each draw's answer."""
    answers: tuple[Answer, ...]


def answers_by_draw(answers: Mapping[Question, Answer], n_draws: int) -> list[dict[Question, Answer]]:
    """The answers of each draw, by the first draw's questions, which are those that labels are of."""
    if n_draws == 1:
        return [dict(answers)]
    by_draw: list[dict[Question, Answer]] = [{} for _ in range(n_draws)]
    for question, answer in answers.items():
        by_draw[question.draw][replace(question, draw=0)] = answer
    return by_draw


def draw_spread(sample: Sample, cells: Cells, n_draws: int) -> DrawSpread:
    """How F1 varies between draws in some cells: those of one variant, or of all that a mean is over.

    With u the linear part of F1 in an image's counts of one draw, an image's part of the mean over R draws is U = mean
    u. Its variance is that of the images and 1/R of that of the draws, which the variance of u within the image
    estimates (variance components of a balanced nested design: S. R. Searle, G. Casella and C. E. McCulloch, "Variance
    Components", 1992, chapter 3).

    Args:
        sample: the counts by image.
        cells: those of the draws of each variant, one variant after the other.
        n_draws: the number of draws.
    """
    by_draw = np.array(cells).reshape(-1, n_draws)
    values = figure_values(sample.totals, sample.protocol)["f1"][by_draw].mean(axis=0)
    f1 = tuple(None if np.isnan(value) else float(value) for value in values)
    if None in f1 or len(sample.counts) < FEWEST_IMAGES or n_draws < 2:
        return DrawSpread(f1, None)
    parts = np.mean(
        [[_linear_parts(sample, cell) for cell in of_variant] for of_variant in by_draw.tolist()], axis=0
    )
    of_draws = parts.var(axis=0, ddof=1) / n_draws
    total = parts.mean(axis=0).var(ddof=1)
    return DrawSpread(f1, min(1.0, float(of_draws.mean() / total)) if total > 0 else None)


def _linear_parts(sample: Sample, cell: int) -> Values:
    """What each image's counts add to F1 of a cell, linearly, [images]."""
    totals = sample.totals[cell]
    f1 = figure_values(np.vstack([totals, totals + _STEP * np.eye(len(OUTCOMES))]), sample.protocol)["f1"]
    gradient = np.nan_to_num((f1[1:] - f1[0]) / _STEP)
    parts: Values = sample.counts[:, cell] @ gradient
    return parts


def changing_answers(
    by_draw: Sequence[Mapping[Question, Answer]], protocol: Protocol
) -> tuple[ChangingAnswer, ...]:
    """The questions whose answers are not read alike in all draws, in the order of the first draw's answers.

    Args:
        by_draw: the answers of each draw; a question without an answer in one of them is left out.
        protocol: how answers are read.
    """
    read = remembering(protocol).read
    changing = []
    for question in by_draw[0]:
        answers = tuple(of_draw[question] for of_draw in by_draw if question in of_draw)
        readings = tuple(read(answer.response) for answer in answers)
        if len(answers) == len(by_draw) and len(set(readings)) > 1:
            changing.append(ChangingAnswer(question, readings, answers))
    return tuple(changing)
