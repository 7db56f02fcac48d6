"""CHAIRi as it would be if people had looked at every mention, estimated from the part that they looked at.

COCO's word stands for the truth of each object that captions mention and nobody has judged, and those that people
looked at correct it, as `estimation` has it for the questions of a benchmark. An object counts as often as the captions
mention it; one that is ambiguous counts nowhere.

CHAIRs has no estimate: it counts a caption as a whole, and drawn objects seldom are all of a caption's.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from repope_eval.captions.truth import CaptionTruth
from repope_eval.records import Answer, Question
from repope_eval.relabelling.estimation import Tally
from repope_eval.relabelling.mention_doubt import mention_question
from repope_eval.relabelling.sampled_labels import Floats
from repope_eval.scoring.caption_counts import drawn_tables, figures_of
from repope_eval.scoring.chair import Found, caption_counts, judged_mentions
from repope_eval.scoring.estimates import Estimate

FIGURE = "chair_i"
CAPTION_VARIANT = "captions"
"""What stands for a variant where captions are estimated."""


@dataclass(frozen=True, slots=True)
class QueuedMentions:
    """The mentions of one run's captions: those that are in a queue, and what is known of the others."""

    queued: Mapping[Question, int]
    """How often the captions mention an object of the queue."""
    hallucinated: int
    """Other mentions, of objects that are not there."""
    counted: int
    """Other mentions that count: all but the ambiguous ones."""
    strange: tuple[Question, ...]
    """Objects that are mentioned, of which there is neither a verdict nor a place in the queue."""


def truth_before(truth: CaptionTruth, queue: Collection[Question]) -> CaptionTruth:
    """The truth without the verdicts on objects of a queue: what was known when it was made."""
    verdicts = {
        image: {name: label for name, label in of_image.items() if mention_question(image, name) not in queue}
        for image, of_image in truth.verdicts.items()
    }
    return replace(truth, verdicts={image: of_image for image, of_image in verdicts.items() if of_image})


def queued_mentions(
    captions: Collection[Answer], truth: CaptionTruth, queue: Collection[Question]
) -> QueuedMentions:
    """The mentions of captions by whether a queue asks about them.

    Args:
        captions: of images that the truth knows.
        truth: before people looked at the queue (see `truth_before`).
        queue: the questions of the queue.
    """
    queued, known = Counter[Question](), Counter[Found]()
    strange: dict[Question, None] = {}
    for answer in captions:
        image = answer.question.image
        for each in judged_mentions(image, answer.response, truth):
            question = mention_question(image, each.mention.object)
            if each.found is not Found.NOT_JUDGED:
                known[each.found] += 1
            elif question in queue:
                queued[question] += 1
            else:
                strange[question] = None
    hallucinated = known[Found.HALLUCINATED]
    return QueuedMentions(queued, hallucinated, hallucinated + known[Found.TRUE], tuple(strange))


def old_chair(captions: Collection[Answer], truth: CaptionTruth) -> Estimate:
    """CHAIRi by the verdicts that there were before, and by COCO elsewhere; the interval is over images."""
    by_image = {answer.question.image: answer.response for answer in captions}
    *_, corrected = caption_counts(by_image, truth).values()  # without verdicts, those of COCO's truth
    return figures_of(drawn_tables({FIGURE: corrected})[FIGURE]).estimates[FIGURE]


def mention_tally(mentioned: QueuedMentions, queue: Sequence[Question]) -> Tally:
    """Hallucinated and counted mentions by the label of each object of a queue, whether it is there."""
    numbers = np.array([mentioned.queued.get(question, 0) for question in queue], dtype=np.float64)
    return Tally(
        yes=np.stack([np.zeros_like(numbers), numbers], axis=1),
        no=np.stack([numbers, numbers], axis=1),
        rest=np.array([mentioned.hallucinated, mentioned.counted], dtype=np.float64),
    )


def chair_of(counts: Floats) -> Floats:
    """Hallucinated of counted mentions, [..., 2] to [...]; NaN where nothing counts."""
    with np.errstate(invalid="ignore", divide="ignore"):
        shares: Floats = np.where(counts[..., 1] > 0, counts[..., 0] / counts[..., 1], np.nan)
    return shares
