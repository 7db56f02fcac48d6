"""What a model answers right without looking: a run beside its blind twins, which were shown something else.

A right answer that needs no image was known or guessed: a model that always says no has all noes right. So the shares
stand by the answer that is due as well. Without a chance to see anything, half of the answers to balanced questions are
right whatever is said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repope_eval.benchmarks.benchmark import OwnSection
from repope_eval.benchmarks.blind import BLIND_TITLES
from repope_eval.benchmarks.sources import label_set_phrase, label_set_title
from repope_eval.records import LabelSet
from repope_eval.scoring.confusion import Values
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.intervals import estimate_share
from repope_eval.scoring.own_figures import Answers, FigureTable, OwnFigures
from repope_eval.scoring.protocols import PROTOCOLS, remembering
from repope_eval.scoring.score_document import figure_phrase
from repope_eval.settings import config
from repope_eval.settings.config import Blind
from repope_eval.wording import counted

SECTION = OwnSection(
    kind="blind",
    title="Without looking",
    about="The same questions were asked with something else than their images. What is right all the same needs no "
    "image: it was known, or guessed. Guessing alone has half of balanced questions right, and always saying no has "
    "all noes right, so the two answers stand apart.",
    caption="Right answers with the images and without them, in percent, with 95 % intervals over images",
)

DUE = {"all": (True, False), "yes": (True,), "no": (False,)}
"""The rows by the answers that are due in them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindShares:
    """How many answers are right with the images, without them, and in both, under one label set."""

    n_questions: int
    """Distinct questions that both runs answered, and that have a label."""
    seeing: Estimate
    """The share that is right with the images. An unparsed answer is a wrong one."""
    blind: Estimate
    """The share that is right without them."""
    needless: Estimate
    """Of the answers that are right with the images, the share that is right without them, too."""


def blind_shares(
    seeing: Answers, blind: Answers, label_set: LabelSet, protocol: config.Protocol
) -> dict[str, BlindShares]:
    """The shares over all questions, and over those whose answer is yes or no, by key of `DUE`."""
    read = remembering(PROTOCOLS[protocol]).read
    labels = {each: label for each, label in label_set.distinct.items() if each in seeing and each in blind}
    images = {name: place for place, name in enumerate(dict.fromkeys(each.image for each in labels))}
    places = np.array([images[each.image] for each in labels], dtype=np.intp)
    due = np.array(list(labels.values()), dtype=bool)
    right = [
        np.array([read(answers[each].response) is label for each, label in labels.items()], dtype=bool)
        for answers in (seeing, blind)
    ]

    def by_image(chosen: NDArray[np.bool_]) -> Values:
        return np.bincount(places[chosen], minlength=len(images)).astype(float)

    def shares(chosen: NDArray[np.bool_]) -> BlindShares:
        whole, right_seeing = by_image(chosen), by_image(chosen & right[0])
        undefined = "no question has a label and both answers"
        return BlindShares(
            n_questions=int(chosen.sum()),
            seeing=estimate_share(right_seeing, whole, undefined),
            blind=estimate_share(by_image(chosen & right[1]), whole, undefined),
            needless=estimate_share(
                by_image(chosen & right[0] & right[1]), right_seeing, "no answer is right with the images"
            ),
        )

    return {name: shares(np.isin(due, answers)) for name, answers in DUE.items()}


def blind_figures(
    twins: Mapping[Blind, tuple[Answers, Answers]],
    label_sets: Sequence[LabelSet],
    protocol: config.Protocol,
) -> OwnFigures | None:
    """A run beside its blind twins, as a section of its page; None where there is no twin.

    Args:
        twins: by what was shown in place of images, the answers with the images and those without.
        label_sets: the corrected ones last.
        protocol: how answers are read.
    """
    found = {
        shown: {each.name: blind_shares(*answers, each, protocol) for each in label_sets}
        for shown, answers in twins.items()
        if set(answers[0]) & set(answers[1])
    }
    if not found:
        return None
    name = label_sets[-1].name
    first = next(iter(found.values()))[name]["all"]
    clause = _clause(found, name)
    title = f"right answers that need no image, under {label_set_phrase(name)}"
    return OwnFigures(
        section=SECTION,
        document={shown: _document(of_sets) for shown, of_sets in found.items()},
        headline={title: first.needless},
        scope=f"over {counted(first.n_questions, 'question', ',')} that both runs answered",
        clause=clause,
        phrase=figure_phrase(title, first.needless),
        table=FigureTable(
            columns=(
                "shown", "labels", "answer due", "questions", "right with the image", "right without",
                "of those right with, right without",
            ),
            rows=[
                (shown, label_set_title(name), due, one.n_questions, one.seeing, one.blind, one.needless)
                for shown, of_sets in found.items()
                for name, of_due in of_sets.items()
                for due, one in of_due.items()
            ],
            n_words=3,
        ),
        narrow_table=_narrow_table(found, name),
        remark=f"{clause[:1].upper()}{clause[1:]}.",
    )  # fmt: skip


def _narrow_table(found: Mapping[Blind, Mapping[str, Mapping[str, BlindShares]]], name: str) -> FigureTable:
    """What the console has room for: the figures under one label set."""
    return FigureTable(
        columns=(
            f"right under {label_set_title(name)}",
            "due",
            "with the image",
            "without",
            "both, of the former",
        ),
        rows=[
            (shown, due, one.seeing, one.blind, one.needless)
            for shown, of_sets in found.items()
            for due, one in of_sets[name].items()
        ],
        n_words=2,
    )


def _clause(found: Mapping[Blind, Mapping[str, Mapping[str, BlindShares]]], name: str) -> str:
    """How much of what is right needs no image, in words, under one label set."""
    said = [
        f"{100 * share.value:.1f} % with {BLIND_TITLES[shown]}"
        for shown, of_sets in found.items()
        if (share := of_sets[name]["all"].needless).value is not None
    ]
    if not said:
        return f"no answer is right with the images under {label_set_phrase(name)}"
    right = f"of the answers that are right with the images under {label_set_phrase(name)}"
    return f"{right}, {', '.join(said)} {'is' if len(said) == 1 else 'are'} right, too"


def _document(of_sets: Mapping[str, Mapping[str, BlindShares]]) -> dict[str, Any]:
    return {
        name: {
            due: {
                "n_questions": one.n_questions,
                **{key: getattr(one, key).value for key in ("seeing", "blind", "needless")},
                **{f"{key}_ci95": getattr(one, key).interval for key in ("seeing", "blind", "needless")},
            }
            for due, one in of_due.items()
        }
        for name, of_due in of_sets.items()
    }
