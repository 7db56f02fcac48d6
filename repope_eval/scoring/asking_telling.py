"""What is affirmed when asked against what is mentioned unasked: answers of yes or no, and captions of the same images.

The unit is a pair of image and object that a question asks about and whose image has a caption. It counts once, in
whatever number of variants its question stands. What is asked for and what is mentioned are compared by CHAIR's names
of COCO's objects; a question about anything else is counted, and compared with nothing.

A caption need not mention everything, so not mentioning an object is no denial. Kappa over all pairs is high where
answers and captions are mostly right; what the two have in common beyond that shows among pairs of one label.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from repope_eval.captions.mentions import Vocabulary, coco_vocabulary
from repope_eval.records import Answer, Label, LabelSet, Question, Variant
from repope_eval.scoring.confusion import Values
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.intervals import estimate_share
from repope_eval.scoring.kappa import estimate_kappa, too_few
from repope_eval.scoring.paired_answers import variants_by_question
from repope_eval.scoring.protocols import PROTOCOLS, Reading, remembering
from repope_eval.settings import config

Way = Literal["affirmed", "mentioned"]
"""The two ways in which a model can say that an object is there."""

LABELS: tuple[Label, ...] = ("no", "yes", "ambiguous")
"""The labels in the order in which they are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareRule:
    """Which pairs a share is of, and which of them are its part."""

    label: Label
    given: tuple[Way, bool]
    then: tuple[Way, bool]


SHARE_RULES: Mapping[str, ShareRule] = {
    "mentioned_denied": ShareRule(label="no", given=("mentioned", True), then=("affirmed", False)),
    "unmentioned_denied": ShareRule(label="no", given=("mentioned", False), then=("affirmed", False)),
    "affirmed_mentioned": ShareRule(label="no", given=("affirmed", True), then=("mentioned", True)),
    "unmentioned_affirmed": ShareRule(label="yes", given=("mentioned", False), then=("affirmed", True)),
    "mentioned_affirmed": ShareRule(label="yes", given=("mentioned", True), then=("affirmed", True)),
}
"""The shares by their keys, each of the pairs that are answered with yes or no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedPair:
    """An object that a question asks about, in an image that has a caption."""

    question: Question
    variants: tuple[Variant, ...]
    answer: Answer
    reading: Reading
    is_mentioned: bool
    labels: Mapping[str, Label]
    """By label set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedShare:
    """A share, or a mean, with what it is made of."""

    part: float
    whole: int
    estimate: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPairs:
    """The pairs under one label set."""

    counts: Mapping[Label, Mapping[tuple[Reading, bool], int]]
    """How many pairs, by label, by reading, and by whether the caption mentions the object."""
    kappas: Mapping[Label, Estimate]
    """Cohen's kappa of affirming and mentioning among the pairs of a label, `yes` and `no`."""
    shares: Mapping[str, CountedShare]
    """By key of `SHARE_RULES`."""
    confidences: Mapping[tuple[Label, bool], CountedShare]
    """The mean confidence in yes by label, and by whether it is mentioned; empty where none is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskingTelling:
    """What was answered against what was mentioned."""

    n_images: int
    """Images with a caption and with an answer."""
    pairs: Sequence[AskedPair]
    """Those that have an answer, in the order of the questions."""
    kappa: Estimate
    """Cohen's kappa of affirming and mentioning, over all pairs that are answered with yes or no."""
    under: Mapping[str, LabelledPairs]
    """By label set."""
    n_unanswered: int
    """Pairs of these images without an answer."""
    n_unlike: int
    """Pairs of several questions whose answers are read differently; the first one counts."""
    unmapped: Mapping[str, int]
    """Questions about these images that ask for something else than COCO's objects, by what they ask for."""
    n_unasked: int
    """Objects that the captions of these images mention and no question asks about, an image's each once."""

    @property
    def n_unparsed(self) -> int:
        """Pairs whose answer is neither yes nor no."""
        return sum(pair.reading is None for pair in self.pairs)


def compare_asking_with_telling(
    questions: Iterable[Question],
    answers: Mapping[Question, Answer],
    captions: Mapping[str, str],
    label_sets: Sequence[LabelSet],
    protocol: config.Protocol,
    vocabulary: Vocabulary | None = None,
) -> AskingTelling:
    """Compares answers of yes or no with captions.

    Args:
        questions: all that were to be asked.
        answers: those that there are.
        captions: by image.
        label_sets: those of the questions, the corrected ones last.
        protocol: how answers are read.
        vocabulary: what captions are read by; None: COCO's.
    """
    vocabulary = vocabulary or coco_vocabulary()
    images = {image: None for image in dict.fromkeys(each.image for each in answers) if image in captions}
    asked = [question for question in questions if question.image in images]
    mentioned = {image: {each.object for each in vocabulary.mentions(captions[image])} for image in images}
    pairs, n_unanswered, n_unlike = _pairs(
        [question for question in asked if question.object in vocabulary.objects],
        answers,
        mentioned,
        label_sets,
        protocol,
    )
    named = {(question.image, question.object) for question in asked}
    rows = _Rows.of(pairs, tuple(images))
    return AskingTelling(
        n_images=len(images),
        pairs=pairs,
        kappa=rows.kappa(rows.is_read),
        under={each.name: _under_labels(pairs, rows, each.name) for each in label_sets},
        n_unanswered=n_unanswered,
        n_unlike=n_unlike,
        unmapped=Counter(question.object for question in asked if question.object not in vocabulary.objects),
        n_unasked=sum((image, name) not in named for image, names in mentioned.items() for name in names),
    )


def _pairs(
    asked: Sequence[Question],
    answers: Mapping[Question, Answer],
    mentioned: Mapping[str, Collection[str]],
    label_sets: Sequence[LabelSet],
    protocol: config.Protocol,
) -> tuple[list[AskedPair], int, int]:
    """The pairs that have an answer, how many have none, and how many have answers that are read differently."""
    read = remembering(PROTOCOLS[protocol]).read
    labels = {each.name: each.distinct for each in label_sets}
    variants = variants_by_question(label_sets)
    by_pair: dict[tuple[str, str], list[Question]] = {}
    for question in asked:
        by_pair.setdefault((question.image, question.object), []).append(question)
    pairs, n_unlike = [], 0
    for same in by_pair.values():
        answered = [question for question in same if question in answers]
        readings = [read(answers[question].response) for question in answered]
        if answered:
            n_unlike += len(set(readings)) > 1
            first = answered[0]
            stands = dict.fromkeys(variant for question in same for variant in variants.get(question, ()))
            pair = AskedPair(
                question=first,
                variants=tuple(stands),
                answer=answers[first],
                reading=readings[0],
                is_mentioned=first.object in mentioned[first.image],
                labels={name: _LABEL_OF[of_set.get(first)] for name, of_set in labels.items()},
            )
            pairs.append(pair)
    return pairs, len(by_pair) - len(pairs), n_unlike


_LABEL_OF: Mapping[bool | None, Label] = {True: "yes", False: "no", None: "ambiguous"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """The pairs as arrays, each [pairs]."""

    image: NDArray[np.int64]
    n_images: int
    is_read: NDArray[np.bool_]
    """Whether the answer is yes or no."""
    ways: Mapping[Way, NDArray[np.bool_]]
    confidence: Values
    """The confidence in yes; NaN where it is not known."""

    @classmethod
    def of(cls, pairs: Sequence[AskedPair], images: Sequence[str]) -> "_Rows":
        places = {image: place for place, image in enumerate(images)}
        confidences = [pair.answer.confidence for pair in pairs]
        return cls(
            image=np.array([places[pair.question.image] for pair in pairs], dtype=np.int64),
            n_images=len(images),
            is_read=np.array([pair.reading is not None for pair in pairs], dtype=bool),
            ways={
                "affirmed": np.array([pair.reading is True for pair in pairs], dtype=bool),
                "mentioned": np.array([pair.is_mentioned for pair in pairs], dtype=bool),
            },
            confidence=np.array([np.nan if each is None else each for each in confidences], dtype=float),
        )

    def by_image(self, chosen: NDArray[np.bool_], values: Values | None = None) -> Values:
        """How many of the chosen pairs each image has, or the sum of their values, [images]."""
        weights = None if values is None else values[chosen]
        return np.bincount(self.image[chosen], weights, self.n_images).astype(np.float64)

    def kappa(self, chosen: NDArray[np.bool_]) -> Estimate:
        """Kappa of affirming and mentioning over the chosen pairs, whose answers are yes or no."""
        sides = [(self.ways[way], ~self.ways[way]) for way in ("affirmed", "mentioned")]
        cells = [self.by_image(chosen & one & other) for one in sides[0] for other in sides[1]]
        tables = np.stack(cells, axis=-1).reshape(-1, 2, 2)
        tables = tables[tables.any(axis=(1, 2))]
        occurring = {
            "an object is affirmed and mentioned": tables[:, 0, 0],
            "an object is affirmed or mentioned alone": tables[:, 0, 1] + tables[:, 1, 0],
        }
        undefined = "all are affirmed and mentioned, or none is" if len(tables) else "there is no such object"
        return estimate_kappa(tables, undefined, too_few(len(tables), occurring))

    def share(self, of_label: NDArray[np.bool_], rule: ShareRule) -> CountedShare:
        """A share of the pairs of a label that are answered with yes or no."""
        given, then = (self.ways[way] == holds for way, holds in (rule.given, rule.then))
        return self._counted(of_label & self.is_read & given, (then).astype(np.float64))

    def mean_confidence(self, chosen: NDArray[np.bool_]) -> CountedShare:
        """The mean confidence in yes of the chosen pairs that have one."""
        return self._counted(chosen & ~np.isnan(self.confidence), self.confidence)

    def _counted(self, chosen: NDArray[np.bool_], values: Values) -> CountedShare:
        part, whole = self.by_image(chosen, values), self.by_image(chosen)
        return CountedShare(
            part=float(part.sum()),
            whole=int(whole.sum()),
            estimate=estimate_share(part, whole, "there is no such object"),
        )


def _under_labels(pairs: Sequence[AskedPair], rows: _Rows, name: str) -> LabelledPairs:
    counts = Counter((pair.labels[name], pair.reading, pair.is_mentioned) for pair in pairs)
    of_label = {
        label: np.array([pair.labels[name] == label for pair in pairs], dtype=bool) for label in LABELS
    }
    crossed: tuple[tuple[Reading, bool], ...] = tuple(
        (reading, told) for reading in (True, False, None) for told in (True, False)
    )
    confidences = {
        (label, told): rows.mean_confidence(of_label[label] & (rows.ways["mentioned"] == told))
        for label in LABELS
        for told in (True, False)
    }
    return LabelledPairs(
        counts={label: {each: counts[label, *each] for each in crossed} for label in LABELS},
        kappas={label: rows.kappa(of_label[label] & rows.is_read) for label in ("no", "yes")},
        shares={key: rows.share(of_label[rule.label], rule) for key, rule in SHARE_RULES.items()},
        confidences=confidences if any(each.whole for each in confidences.values()) else {},
    )
