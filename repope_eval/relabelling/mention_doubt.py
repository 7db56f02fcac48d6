"""Which objects people look for first among those that captions mention and nobody has judged.

An annotation misses objects, and has some that are not there. What it does not have is the more doubtful the more
models mention it, and what it has, the fewer do. A caption leaves most of an image out, so that a mention says more
than none: what is not annotated comes first.

    doubt = 1 + s where the object is not annotated, 1 - s where it is
    s = models that mention the object / (models that describe the image + 1)

By the 1, as of a model that mentions nothing, two models that agree weigh more than one alone. Doubt is between 0 and
2.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from repope_eval.benchmarks.pope_file import question_text
from repope_eval.captions.mentions import Mention
from repope_eval.captions.truth import CaptionTruth
from repope_eval.records import Answer, Question
from repope_eval.scoring.chair import Found, judged_mentions

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n+")


@dataclass(frozen=True, slots=True)
class Passage:
    """A mention inside its sentence."""

    before: str
    word: str
    after: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnjudgedObject:
    """An object that captions of an image mention, without a verdict on whether it is there."""

    question: Question
    """Whether it is in the image, in POPE's words."""
    is_there: bool
    """Whether it is annotated in the image."""
    passages: Mapping[str, Sequence[Passage]]
    """All mentions by the name of the model."""
    n_models: int
    """How many models describe the image."""

    @property
    def n_mentions(self) -> int:
        """How often it is mentioned."""
        return sum(map(len, self.passages.values()))

    @property
    def doubt(self) -> float:
        """How doubtful the annotation is, from 0 to 2."""
        share = len(self.passages) / (self.n_models + 1)
        return 1 - share if self.is_there else 1 + share


@dataclass(frozen=True, slots=True, kw_only=True)
class UnjudgedMentions:
    """What several models mention, as far as nobody has judged it."""

    objects: tuple[UnjudgedObject, ...]
    """Each object in an image once."""
    n_mentions: int
    """All mentions, judged or not."""

    @property
    def n_unjudged(self) -> int:
        """Mentions without a verdict."""
        return sum(each.n_mentions for each in self.objects)


def mention_question(image: str, name: str) -> Question:
    """Whether an object is in an image, in POPE's words."""
    return Question(image, question_text(name), name)


def unjudged_mentions(captions: Mapping[str, Collection[Answer]], truth: CaptionTruth) -> UnjudgedMentions:
    """The objects that captions mention and nobody has judged.

    Args:
        captions: those of each model by its name; it may have several of an image.
        truth: of the images that count.
    """
    passages: dict[tuple[str, str], dict[str, list[Passage]]] = {}
    n_mentions = 0
    for model, of_model in captions.items():
        for answer in of_model:
            image = answer.question.image
            if image not in truth.objects:
                continue
            judged = judged_mentions(image, answer.response, truth)
            n_mentions += len(judged)
            for each in judged:
                if each.found is Found.NOT_JUDGED:
                    of_object = passages.setdefault((image, each.mention.object), {})
                    of_object.setdefault(model, []).append(_passage(answer.response, each.mention))
    described = [{answer.question.image for answer in of_model} for of_model in captions.values()]
    objects = tuple(
        UnjudgedObject(
            question=mention_question(image, name),
            is_there=name in truth.objects[image],
            passages=of_object,
            n_models=sum(image in images for images in described),
        )
        for (image, name), of_object in passages.items()
    )
    return UnjudgedMentions(objects=objects, n_mentions=n_mentions)


def _passage(caption: str, mention: Mention) -> Passage:
    ends = [(each.start(), each.end()) for each in _SENTENCE_END.finditer(caption)]
    start = max((end for _, end in ends if end <= mention.start), default=0)
    end = min((begin for begin, _ in ends if begin >= mention.end), default=len(caption))
    return Passage(
        caption[start : mention.start].lstrip(),
        caption[mention.start : mention.end],
        caption[mention.end : end].rstrip(),
    )
