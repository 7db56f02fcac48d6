"""Where the gap between two results comes from: other questions, another reading, other labels, other answers.

Each result is brought to common ground, one thing at a time: from all of its own questions to those that both answered,
from its own protocol to the common one, from its own labels to the common ones. What a thing is worth is what the two
figures change by as it becomes common; what is left on common ground is due to the answers. So the parts add up to the
whole gap, and they only change their sign where the two results change places.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.scoring.bootstrap import confusions_of, counts_by_image, labelled_images
from repope_eval.scoring.confusion import Figures, figures
from repope_eval.scoring.differences import Difference, differences
from repope_eval.scoring.estimates import less
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.scores import with_mean
from repope_eval.scoring.shared_questions import SharedQuestions
from repope_eval.settings import config

Cause = Literal["questions", "reading", "labels", "answers"]
CAUSES: tuple[Cause, ...] = ("questions", "reading", "labels", "answers")
"""In the order in which they are taken out of the gap."""

GAP_FIGURES = ("f1", "accuracy", "yes_ratio")
"""Fields of `Figures` whose gap is taken apart."""

FIRST, SECOND = "a", "b"
"""The two results, as the command names them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Answers, and what their own figures were made with."""

    answers: Mapping[Question, Answer]
    labels: LabelSet
    protocol: config.Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Approach:
    """A figure of one result on its way to common ground; None where it is undefined."""

    own: float | None
    """On all questions that the result answered, by its own protocol and labels."""
    shared: float | None
    """The same on the questions that both results answered."""
    read_alike: float | None
    """The same by the common protocol."""
    common: float | None
    """The same under the common labels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """A figure of two results, and the gap between them: that of a less that of b."""

    a: Approach
    b: Approach

    @property
    def value(self) -> float | None:
        """The whole gap, None where a figure is undefined."""
        return less(self.a.own, self.b.own)

    @property
    def parts(self) -> dict[Cause, float | None]:
        """What each cause is worth; the parts add up to the whole."""
        a, b = self.a, self.b
        return {
            "questions": less(less(a.own, a.shared), less(b.own, b.shared)),
            "reading": less(less(a.shared, a.read_alike), less(b.shared, b.read_alike)),
            "labels": less(less(a.read_alike, a.common), less(b.read_alike, b.common)),
            "answers": less(a.common, b.common),
        }


Gaps = Mapping[Variant, Mapping[str, Gap]]
"""By variant, and `mean` where there are several; then by figure."""


def gaps(a: Result, b: Result, labels: LabelSet, protocol: config.Protocol) -> Gaps:
    """The gaps of two results in each variant.

    Args:
        a: the first result.
        b: the second, whose labels have the same variants.
        labels: the common ones, with the same variants.
        protocol: the common one.
    """
    shared = a.answers.keys() & b.answers.keys()
    of_a, of_b = (_approaches(each, shared, labels, protocol) for each in (a, b))
    return {
        variant: {figure: Gap(a=found, b=of_b[variant][figure]) for figure, found in of_a[variant].items()}
        for variant in of_a
    }


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


def restricted(answers: Mapping[Question, Answer], questions: Collection[Question]) -> dict[Question, Answer]:
    """The answers to some questions, in their order."""
    return {question: answer for question, answer in answers.items() if question in questions}


def _approaches(
    result: Result, shared: Collection[Question], labels: LabelSet, protocol: config.Protocol
) -> dict[Variant, dict[str, Approach]]:
    """By variant and figure."""
    answers = restricted(result.answers, shared)
    own = figures_by_variant(result.answers, result.labels, result.protocol)
    on_shared = figures_by_variant(answers, result.labels, result.protocol)
    read_alike = figures_by_variant(answers, result.labels, protocol)
    common = figures_by_variant(answers, labels, protocol)
    return {
        variant: {
            figure: Approach(
                own=getattr(own[variant], figure),
                shared=getattr(on_shared[variant], figure),
                read_alike=getattr(read_alike[variant], figure),
                common=getattr(common[variant], figure),
            )
            for figure in GAP_FIGURES
        }
        for variant in own
    }
