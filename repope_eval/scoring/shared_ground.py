"""Two results on the ways from what is their own to what both have in common, counted image by image.

Three things can become common, one after the other in any order: the questions, the reading and the labels. So there
are eight states, from each result on its own ground to both on common ground. Images are drawn once for all of them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, permutations, product
from typing import Literal

import numpy as np

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.bootstrap import (
    Cells,
    counts_by_image,
    labelled_images,
    mean_over,
    replicated_totals,
)
from repope_eval.scoring.confusion import OUTCOMES, Values, figure_values, shares
from repope_eval.scoring.protocols import PROTOCOLS, Protocol
from repope_eval.settings import config

Cause = Literal["questions", "reading", "labels", "answers"]
CAUSES: tuple[Cause, ...] = ("questions", "reading", "labels", "answers")
_CAN_BE_COMMON = CAUSES[:-1]

GAP_FIGURES = ("f1", "accuracy", "yes_ratio")
"""Fields of `Figures` whose gap is taken apart."""

State = frozenset[Cause]
"""What is common already."""
COMMON: State = frozenset(_CAN_BE_COMMON)
_STATES = [frozenset(some) for number in range(4) for some in combinations(_CAN_BE_COMMON, number)]
_SIDES = (0, 1)
_UNANSWERED = OUTCOMES.index("unanswered")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Answers, and what their own figures were made with."""

    answers: Mapping[Question, Answer]
    labels: LabelSet
    protocol: config.Protocol


class SharedGround:
    """The figures of two results in every state, and what each cause is worth in the gap between them."""

    def __init__(self, results: Sequence[Result], labels: LabelSet, protocol: config.Protocol) -> None:
        first, second = results
        shared = first.answers.keys() & second.answers.keys()
        images = labelled_images([*(result.labels for result in results), labels])
        self._protocols: list[Protocol] = []
        self._index: dict[tuple[int, State], int] = {}
        counts: dict[tuple[int, bool, config.Protocol, bool], Values] = {}
        for side, state in product(_SIDES, _STATES):
            result = results[side]
            has_all = "questions" not in state or result.answers.keys() == shared
            read_by = protocol if "reading" in state else result.protocol
            has_common_labels = "labels" in state or result.labels == labels
            # Where a thing is common from the start, two states are one.
            key = (side, has_all, read_by, has_common_labels)
            if key not in counts:
                answers = result.answers if has_all else restricted(result.answers, shared)
                under = labels if has_common_labels else result.labels
                counts[key] = counts_by_image([under], images, answers, PROTOCOLS[read_by])
                self._protocols.append(PROTOCOLS[read_by])
            self._index[side, state] = list(counts).index(key)
        stacked = np.stack(list(counts.values()), axis=1)
        has_answer = stacked[..., :_UNANSWERED].any(axis=(1, 2, 3))
        self._counts: Values = stacked[has_answer]
        """[images, states, variants, outcomes], of images that are drawn from and states that are not the same."""

    def value(self, side: int, state: State, figure: str, cells: Cells) -> float | None:
        """A figure of the first or the second result, mean over some variants; None where it is undefined."""
        value = float(self._of(self._values[figure], side, state, cells))
        return None if np.isnan(value) else value

    def worth(self, cause: Cause, figure: str, cells: Cells) -> Values:
        """By how much the gap changes as a thing becomes common, in each order of the things, [orders].

        Of the answers, it is the gap on common ground. It is NaN where a figure is undefined.
        """
        return self._worth(self._values[figure], cause, cells)

    def replicated_worth(self, cause: Cause, figure: str, cells: Cells) -> Values:
        """The same in each replicate, [orders, replicates]."""
        return self._worth(self._replicates[figure], cause, cells)

    def n_images(self, cells: Cells) -> int:
        """How many images those figures are about that are about the fewest."""
        has_answer = self._counts[:, :, list(cells), :_UNANSWERED].any(axis=(2, 3))
        return int(has_answer.sum(axis=0).min())

    def n_moving(self, cause: Cause, figure: str, cells: Cells) -> int:
        """How many images a cause is at work in: those that count otherwise as a thing becomes common."""
        pairs = [((side, state), (side, state | {cause})) for side, state in product(_SIDES, _STATES)]
        if cause == "answers":
            pairs = [((0, COMMON), (1, COMMON))]
        of_figure = self._shares[figure][:, :, list(cells)]
        before, after = ([self._index[each] for each in several] for several in zip(*pairs, strict=True))
        return int((of_figure[:, before] != of_figure[:, after]).any(axis=(1, 2, 3)).sum())

    def _worth(self, values: Values, cause: Cause, cells: Cells) -> Values:
        def gap(state: State) -> Values:
            first, second = (self._of(values, side, state, cells) for side in _SIDES)
            difference: Values = first - second
            return difference

        if cause == "answers":
            return gap(COMMON)[None]
        earlier = [frozenset(order[: order.index(cause)]) for order in permutations(_CAN_BE_COMMON)]
        return np.stack([gap(state) - gap(state | {cause}) for state in earlier])

    def _of(self, values: Values, side: int, state: State, cells: Cells) -> Values:
        """[...] of [..., states, variants]."""
        return mean_over(values[..., self._index[side, state], :], cells)

    @cached_property
    def _values(self) -> Mapping[str, Values]:
        """By figure, [states, variants]."""
        return self._figures(self._counts.sum(axis=0))

    @cached_property
    def _replicates(self) -> Mapping[str, Values]:
        """By figure, [replicates, states, variants]."""
        parts = [self._figures(totals) for totals in replicated_totals(self._counts)]
        return {figure: np.concatenate([part[figure] for part in parts]) for figure in GAP_FIGURES}

    def _figures(self, totals: Values) -> dict[str, Values]:
        of_states = [
            figure_values(totals[..., index, :, :], read_by) for index, read_by in enumerate(self._protocols)
        ]
        return {figure: np.stack([each[figure] for each in of_states], axis=-2) for figure in GAP_FIGURES}

    @cached_property
    def _shares(self) -> Mapping[str, Values]:
        """What each figure is made of in an image, [images, states, variants, 2]."""
        of_states = [shares(self._counts[:, index], read_by) for index, read_by in enumerate(self._protocols)]
        return {
            figure: np.stack([np.stack(each[figure], axis=-1) for each in of_states], axis=1)
            for figure in GAP_FIGURES
        }


def restricted(answers: Mapping[Question, Answer], questions: Collection[Question]) -> dict[Question, Answer]:
    """The answers to some questions, in their order."""
    return {question: answer for question, answer in answers.items() if question in questions}
