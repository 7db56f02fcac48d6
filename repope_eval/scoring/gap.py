"""Where the gap between two results comes from: other questions, another reading, other labels, other answers.

Both results are brought to common ground: from all of their own questions to those that both answered, from their own
protocols to the common one, from their own labels to the common ones. What one of these causes is worth is what the gap
changes by as it becomes common. That may depend on what is common already, so it is the mean over the six orders in
which the three can become common (L. S. Shapley, "A Value for n-Person Games", 1953), and the lowest and the highest of
them stand beside it. What is left on common ground is due to the answers, whatever the order. So the parts add up to
the whole gap, and they only change their sign where the two results change places.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.scoring.bootstrap import (
    FEWEST_IMAGES,
    Cells,
    confusions_of,
    counts_by_image,
    interval_of,
    labelled_images,
    variant_cells,
)
from repope_eval.scoring.confusion import Figures, figures
from repope_eval.scoring.differences import FEWEST_DIFFERING, Difference, differences, too_few_images
from repope_eval.scoring.estimates import Estimate, Interval, less
from repope_eval.scoring.protocol_scores import with_mean
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.shared_ground import CAUSES, COMMON, GAP_FIGURES, Cause, Result, SharedGround, State
from repope_eval.scoring.shared_questions import SharedQuestions
from repope_eval.settings import config
from repope_eval.wording import counted

FIRST, SECOND = "a", "b"
"""The two results, as the command names them."""

LEAST = 0.00005
"""A part of a figure that is shown: the hundredth of a point. Smaller ones are nothing."""


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

    by_order: Interval = None
    """The lowest and the highest of these orders; None where the value is."""

    @property
    def depends_on_order(self) -> bool:
        """Whether the orders differ by more than what is shown."""
        return self.by_order is not None and self.by_order[1] - self.by_order[0] >= LEAST


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
        return less(self.a.own, self.b.own)


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
        a: the first result.
        b: the second, whose labels have the same variants.
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
    part = Part(value=float(by_order.mean()), by_order=(float(by_order.min()), float(by_order.max())))
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
    return with_mean({variant: figures(found, rule) for variant, found in confusions.items()})


def paired_differences(
    a: Mapping[Question, Answer],
    b: Mapping[Question, Answer],
    labels: LabelSet,
    protocol: config.Protocol,
) -> dict[Variant, Difference]:
    """How much of the gap in F1 that is due to answers may be chance, by a bootstrap over the images of both."""
    questions = SharedQuestions({FIRST: a, SECOND: b}, [labels], PROTOCOLS[protocol])
    orders = dict.fromkeys(questions.cells, (FIRST, SECOND))
    found = differences(questions, orders, [], {})
    return {variant: difference for variant, (difference,) in found[labels.name].items()}
