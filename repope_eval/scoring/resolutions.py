"""What F1 would be if the questions that it leaves out counted: ambiguous ones, and those without a readable answer.

RePOPE removes what its annotators found ambiguous, and an unread answer is in no count. Both flatter a model, since
hard questions are left out. Here each such question counts, in the way best and in the way worst for the model. F1
rises with each question that turns out as answered, so its bounds are all at their best and all at their worst.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from repope_eval.records import LabelSet, Variant
from repope_eval.scoring.confusion import OUTCOME_OF, Confusion, figures
from repope_eval.scoring.protocol_scores import with_mean
from repope_eval.scoring.protocols import PROTOCOLS, Reading
from repope_eval.scoring.relabelling_effect import Verdict
from repope_eval.settings import config

_READING_OF: Mapping[str, Reading] = {outcome: reading for (_, reading), outcome in OUTCOME_OF.items()}
"""What was read from an answer, by its outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """F1 of one variant over every label that its ambiguous questions could have; None where undefined."""

    n_ambiguous: float
    """Questions that were removed as ambiguous and have an answer."""
    removed: float | None
    """F1 without them: the score itself."""
    all_no: float | None
    all_yes: float | None
    lowest: float | None
    """F1 if each label is the opposite of what the model said."""
    highest: float | None
    """F1 if each label is what the model said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """F1 of one variant over every answer to the questions that have none, or none that can be read."""

    n_unanswered: float
    n_unparsed: float
    f1: float | None
    """The score itself, in which these questions do not count."""
    lowest: float | None
    """F1 if all of them are answered wrongly."""
    highest: float | None
    """F1 if all of them are answered rightly."""


def resolutions(
    confusions: Mapping[Variant, Confusion], verdicts: Sequence[Verdict], protocol: config.Protocol
) -> dict[Variant, Resolution]:
    """F1 with the ambiguous questions counted, by variant, and its mean under `MEAN` where there are several.

    A question is resolved alike in all variants, so the means of the bounds are bounds of the mean.

    Args:
        confusions: the counts under the labels that lack the ambiguous questions.
        verdicts: the verdicts on all answered questions; those with none after the relabelling are ambiguous.
        protocol: how answers were read.
    """
    ambiguous = Counter(
        (verdict.variant, _READING_OF[verdict.before]) for verdict in verdicts if verdict.after is None
    )
    found = {}
    for variant, confusion in confusions.items():
        yes, no, neither = (ambiguous[variant, reading] for reading in (True, False, None))
        of_no, of_yes = _added(yes, no, neither, label=False), _added(yes, no, neither, label=True)
        found[variant] = Resolution(
            n_ambiguous=yes + no + neither,
            removed=_f1(confusion, {}, protocol),
            all_no=_f1(confusion, of_no, protocol),
            all_yes=_f1(confusion, of_yes, protocol),
            lowest=_f1(confusion, {"fp": yes, "fn": no, "unparsed_yes": neither}, protocol),
            highest=_f1(confusion, {"tp": yes, "tn": no, "unparsed_no": neither}, protocol),
        )
    return with_mean(found)


def missing(
    label_set: LabelSet, confusions: Mapping[Variant, Confusion], protocol: config.Protocol
) -> dict[Variant, Missing]:
    """F1 with the unanswered and unparsed questions counted, by variant, and its mean where there are several."""
    found = {}
    for variant, labels in label_set.variants.items():
        of_variant = confusions[variant]
        read = replace(of_variant, unparsed_yes=0, unparsed_no=0)
        n_yes = sum(labels.values())
        yes, no = n_yes - read.tp - read.fn, len(labels) - n_yes - read.fp - read.tn
        found[variant] = Missing(
            n_unanswered=of_variant.unanswered,
            n_unparsed=of_variant.unparsed_yes + of_variant.unparsed_no,
            f1=_f1(of_variant, {}, protocol),
            lowest=_f1(read, {"fn": yes, "fp": no}, protocol),
            highest=_f1(read, {"tp": yes, "tn": no}, protocol),
        )
    return with_mean(found)


def _added(yes: int, no: int, neither: int, *, label: bool) -> dict[str, int]:
    """What questions with one label add to the counts, by what was read from their answers."""
    return {OUTCOME_OF[label, reading]: n for reading, n in ((True, yes), (False, no), (None, neither))}


def _f1(confusion: Confusion, added: Mapping[str, int], protocol: config.Protocol) -> float | None:
    counts = {name: getattr(confusion, name) + n for name, n in added.items()}
    return figures(replace(confusion, **counts), PROTOCOLS[protocol]).f1
