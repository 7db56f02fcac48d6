"""Where the gap between two results comes from: other questions, another reading, other labels, other answers.

Three things can become common, one after the other in any order: the questions, the reading and the labels. So there
are eight states, from each result on its own ground to both on common ground. Images are drawn once for all of them.

Both results are brought to common ground: from all of their own questions to those that both answered, from their own
protocols to the common one, from their own labels to the common ones. What one of these causes is worth is what the gap
changes by as it becomes common. That may depend on what is common already, so it is the mean over the six orders in
which the three can become common (L. S. Shapley, "A Value for n-Person Games", 1953), and the lowest and the highest of
them stand beside it. What is left on common ground is due to the answers, whatever the order. So the parts add up to
the whole gap, and they only change their sign where the two results change places.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations, permutations, product
from typing import Literal

import numpy as np

from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.scoring.bootstrap import (
    FEWEST_IMAGES,
    Cells,
    confusions_of,
    counts_by_image,
    interval_of,
    labelled_images,
    mean_over,
    replicated_totals,
    variant_cells,
)
from repope_eval.scoring.confusion import OUTCOMES, Figures, Values, figure_values, figures, shares
from repope_eval.scoring.differences import FEWEST_DIFFERING, Difference, differences, too_few_images
from repope_eval.scoring.estimates import Estimate, Interval, minus
from repope_eval.scoring.protocol_scores import include_mean
from repope_eval.scoring.protocols import PROTOCOLS, Protocol
from repope_eval.scoring.shared_questions import SharedQuestions
from repope_eval.settings import config
from repope_eval.wording import counted

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
        value = float(self._mean_in_state(self._values[figure], side, state, cells))
        return None if np.isnan(value) else value

    def worth(self, cause: Cause, figure: str, cells: Cells) -> Values:
        """By how much the gap changes as a thing becomes common, in each order of the things, [orders].

        For the answers, it is the gap on common ground. It is NaN where a figure is undefined.
        """
        return self._worth_of_cause(self._values[figure], cause, cells)

    def replicated_worth(self, cause: Cause, figure: str, cells: Cells) -> Values:
        """The same in each replicate, [orders, replicates]."""
        return self._worth_of_cause(self._replicates[figure], cause, cells)

    def n_images(self, cells: Cells) -> int:
        """The number of images with an answer, in the result and the state that have the fewest."""
        has_answer = self._counts[:, :, list(cells), :_UNANSWERED].any(axis=(2, 3))
        return int(has_answer.sum(axis=0).min())

    def n_moving(self, cause: Cause, figure: str, cells: Cells) -> int:
        """The number of images that a cause is at work in: what the figure counts of them changes with it."""
        pairs = [((side, state), (side, state | {cause})) for side, state in product(_SIDES, _STATES)]
        if cause == "answers":
            pairs = [((0, COMMON), (1, COMMON))]
        of_figure = self._shares[figure][:, :, list(cells)]
        before, after = ([self._index[each] for each in several] for several in zip(*pairs, strict=True))
        return int((of_figure[:, before] != of_figure[:, after]).any(axis=(1, 2, 3)).sum())

    def _worth_of_cause(self, values: Values, cause: Cause, cells: Cells) -> Values:
        def gap(state: State) -> Values:
            first, second = (self._mean_in_state(values, side, state, cells) for side in _SIDES)
            difference: Values = first - second
            return difference

        if cause == "answers":
            return gap(COMMON)[None]
        # What has become common before the cause, in each order.
        earlier = [frozenset(order[: order.index(cause)]) for order in permutations(_CAN_BE_COMMON)]
        return np.stack([gap(state) - gap(state | {cause}) for state in earlier])

    def _mean_in_state(self, values: Values, side: int, state: State, cells: Cells) -> Values:
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


FIRST, SECOND = "a", "b"
"""The two results, as the command names them."""

LEAST = 0.00005
"""Half of a hundredth of a point, the last digit that is shown: what is smaller shows as nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approach:
    """A figure of one result on one of the ways to common ground; None where it is undefined."""

    own: float | None
    """On all questions that the result answered, by its own protocol and labels."""
    shared: float | None
    """The same on the questions that both results answered."""
    read_alike: float | None
    """The same by the common protocol."""
    common: float | None
    """The same under the common labels."""


_APPROACH: Mapping[str, State] = {
    "own": frozenset(),
    "shared": frozenset(["questions"]),
    "read_alike": frozenset(["questions", "reading"]),
    "common": COMMON,
}
"""What is common already, by the fields of `Approach`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(Estimate):
    """What one cause is worth in a gap: the mean over the orders in which things can become common."""

    order_bounds: Interval = None
    """The lowest and the highest of these orders; None where the value is."""

    @property
    def depends_on_order(self) -> bool:
        """Whether the orders differ by more than what is shown."""
        return self.order_bounds is not None and self.order_bounds[1] - self.order_bounds[0] >= LEAST


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A figure of two results, and the gap between them: that of a less that of b."""

    a: Approach
    b: Approach
    parts: Mapping[Cause, Part]
    """They add up to the whole gap."""

    @property
    def value(self) -> float | None:
        """The whole gap, None where a figure is undefined."""
        return minus(self.a.own, self.b.own)


Gaps = Mapping[Variant, Mapping[str, Gap]]
"""By variant, and `mean` where there are several; then by figure."""


def gaps(
    a: Result,
    b: Result,
    labels: LabelSet,
    protocol: config.Protocol,
    chance: Mapping[Variant, Difference],
) -> Gaps:
    """The gaps of two results in each variant.

    Args:
        b: its labels have the same variants as those of a.
        labels: the common ones, with the same variants.
        protocol: the common one.
        chance: what `paired_differences` finds: how sure the part of F1 is that is due to answers.
    """
    ground = SharedGround((a, b), labels, protocol)
    return {
        variant: {figure: _gap(ground, figure, cells, chance[variant]) for figure in GAP_FIGURES}
        for _, variant, cells in variant_cells([labels])
    }


def _gap(ground: SharedGround, figure: str, cells: Cells, chance: Difference) -> Gap:
    of_a, of_b = (
        Approach(**{name: ground.value(side, state, figure, cells) for name, state in _APPROACH.items()})
        for side in (0, 1)
    )
    parts = {cause: _part(ground, cause, figure, cells) for cause in CAUSES}
    if figure == "f1":
        sure = replace(parts["answers"], interval=chance.interval, reason=chance.reason or "")
        parts["answers"] = sure
    return Gap(a=of_a, b=of_b, parts=parts)


def _part(ground: SharedGround, cause: Cause, figure: str, cells: Cells) -> Part:
    by_order = ground.worth(cause, figure, cells)
    if np.isnan(by_order).any():
        return Part(reason="undefined on the way to common ground")
    part = Part(value=float(by_order.mean()), order_bounds=(float(by_order.min()), float(by_order.max())))
    n_moving, n_images = ground.n_moving(cause, figure, cells), ground.n_images(cells)
    if n_moving == 0:
        return replace(part, reason="it changes nothing in any image")
    if n_images < FEWEST_IMAGES:
        return replace(part, reason=too_few_images(n_images))
    if n_moving < FEWEST_DIFFERING:
        few = counted(n_moving, "image")
        return replace(part, reason=f"it is at work in {few}, and an interval takes {FEWEST_DIFFERING}")
    drawn = ground.replicated_worth(cause, figure, cells).mean(axis=0)
    if n_undefined := int(np.isnan(drawn).sum()):
        return replace(part, reason=f"undefined in {n_undefined} of {len(drawn)} replicates")
    return replace(part, interval=interval_of(drawn))


def figures_by_variant(
    answers: Mapping[Question, Answer], labels: LabelSet, protocol: config.Protocol
) -> dict[Variant, Figures]:
    """The figures of each variant, and their mean where there are several."""
    rule = PROTOCOLS[protocol]
    counts = counts_by_image([labels], labelled_images([labels]), answers, rule).sum(axis=0)
    confusions = confusions_of([labels], counts)[labels.name]
    return include_mean({variant: figures(confusion, rule) for variant, confusion in confusions.items()})


def paired_differences(
    a: Mapping[Question, Answer],
    b: Mapping[Question, Answer],
    labels: LabelSet,
    protocol: config.Protocol,
) -> dict[Variant, Difference]:
    """How much of the gap in F1 that is due to answers may be chance, by a bootstrap over the images of both."""
    questions = SharedQuestions({FIRST: a, SECOND: b}, [labels], PROTOCOLS[protocol])
    orders = dict.fromkeys(questions.cells, (FIRST, SECOND))
    by_label_set = differences(questions, orders, [], {})
    return {variant: difference for variant, (difference,) in by_label_set[labels.name].items()}
