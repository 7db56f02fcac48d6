"""What three models mention in two images, for tests of what is asked about it and how it is shown."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from repope_eval.captions.truth import CaptionTruth
from repope_eval.records import Answer, Question
from repope_eval.relabelling.mention_doubt import unjudged_mentions
from repope_eval.relabelling.mention_page import MentionQueueView
from repope_eval.relabelling.queue import Queued

FIRST, SECOND = "first.jpg", "second.jpg"

TRUTH = CaptionTruth(
    {FIRST: frozenset({"dog", "couch"}), SECOND: frozenset({"cup"})}, {FIRST: {"couch": "yes"}}, {"RePOPE": 1}
)

CAPTIONS: Mapping[str, Mapping[str, str]] = {
    "one": {FIRST: "A dog lies on a couch. It looks at a cat, and the cat looks back.", SECOND: "A cup."},
    "two": {FIRST: "Two cats sleep.\n\nThere is a clock, too."},
    "three": {FIRST: "Nothing is to be seen.", SECOND: "A cup. A kite."},
}


def answers_of(captions: Mapping[str, str]) -> Sequence[Answer]:
    """The captions of a model as answers."""
    return [
        Answer(Question(image, "Describe this image.", ""), caption) for image, caption in captions.items()
    ]


def mention_view(
    captions: Mapping[str, Mapping[str, str]] = CAPTIONS, images: Mapping[str, Path] | None = None
) -> MentionQueueView:
    """A queue of all that nobody has judged, of which the last question is not to be looked at."""
    mentions = unjudged_mentions({model: answers_of(of_model) for model, of_model in captions.items()}, TRUTH)
    ordered = sorted(mentions.objects, key=lambda each: (-each.doubt, each.question))
    return MentionQueueView(
        bench="chair",
        truth=TRUTH,
        models=list(captions),
        mentions=mentions,
        queue=[
            Queued(
                question=each.question,
                label=each.is_there,
                score=each.doubt,
                p_sampled=1.0 if place < len(ordered) - 1 else 0.5,
                sampled=place < len(ordered) - 1,
            )
            for place, each in enumerate(ordered)
        ],
        images=images or {},
    )
