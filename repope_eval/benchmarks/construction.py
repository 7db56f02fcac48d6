"""How POPE's questions are built from lists of the objects in each image.

The rules are those of Li et al., "Evaluating Object Hallucination in Large Vision-Language Models",
EMNLP 2023, arXiv 2305.10355. Everything here is a pure function of its arguments.
"""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Literal, get_args

from repope_eval.benchmarks.pope_file import Row, question_text
from repope_eval.errors import RepopeError
from repope_eval.records import Label, Question
from repope_eval.wording import counted

ConstructedVariant = Literal["random", "popular", "adversarial"]
"""How the objects that an image lacks are chosen; see `construct`."""

POSITIVES_PER_IMAGE = 3
"""POPE asks about this many objects that are present in an image, and about as many that are absent."""


@dataclass(frozen=True, slots=True)
class ObjectList:
    """Which objects an image shows."""

    image: str
    """File name of the image; unique inside a pool."""
    objects: tuple[str, ...]
    """The objects present, each once, in a fixed order: seeded draws depend on it."""


@dataclass(frozen=True, slots=True)
class _Counts:
    """How often objects are in a pool. Both numbers count images, so five dogs in one image count once."""

    frequency: Counter[str]
    """For each object, the number of images that contain it."""
    together: Mapping[str, Counter[str]]
    """For each object, the number of images that contain it and the other one."""


def construct(
    pool: Sequence[ObjectList], *, images: int, variant: ConstructedVariant, seed: int
) -> tuple[Row, ...]:
    """POPE's questions of one variant about `images` images of the pool.

    Images with at least three objects are eligible; `images` of them are sampled, and three objects of each
    are sampled as positives. Each positive is followed by its negative, an object of the pool which is absent
    from the image and not yet asked about in it:

    - `random`: any such object;
    - `popular`: the most frequent one, frequency being the number of images that contain the object;
    - `adversarial`: the one that co-occurs most with this positive, counted as the number of images that
      contain both; where none ever co-occurs with it, any such object, as in `random`. (`popular` needs no
      such way out: every object of the pool stands in some image.)

    Both numbers are counted over the whole pool, whether or not an image is eligible or sampled; among equals
    the first by name is taken. The draws come from `random.Random(seed)`, images and positives before any
    negative, so that all variants of one seed and one pool share images and positives, as POPE's do.

    Returns:
        Six rows an image, positive and negative in turn, with question ids from 1.

    Raises:
        RepopeError: `variant` is unknown; `images` is below 1 or above the number of eligible images; a
            sampled image lacks fewer than three objects of the pool.
    """
    if variant not in get_args(ConstructedVariant):
        choices = ", ".join(get_args(ConstructedVariant))
        raise RepopeError(f"variant is {variant!r}; choose one of {choices}")
    generator = random.Random(seed)
    sampled = _sample_images(pool, images, generator)
    positives = [generator.sample(shown.objects, POSITIVES_PER_IMAGE) for shown in sampled]
    counts = _count(pool)
    questions = [
        labelled
        for shown, present in zip(sampled, positives, strict=True)
        for labelled in _questions(shown, present, variant, counts, generator)
    ]
    return tuple(Row(number, question, label) for number, (question, label) in enumerate(questions, 1))


def _sample_images(pool: Sequence[ObjectList], images: int, generator: random.Random) -> Sequence[ObjectList]:
    if images < 1:
        raise RepopeError(f"images is {images}; ask for at least 1")
    eligible = [shown for shown in pool if len(shown.objects) >= POSITIVES_PER_IMAGE]
    if len(eligible) < images:
        raise RepopeError(
            f"images is {images}, but the pool has {len(eligible)} of {counted(len(pool), 'image')} with at least "
            f"{POSITIVES_PER_IMAGE} objects; ask for fewer or list the objects of more images"
        )
    return generator.sample(eligible, images)


def _count(pool: Sequence[ObjectList]) -> _Counts:
    frequency: Counter[str] = Counter()
    together: dict[str, Counter[str]] = {}
    for shown in pool:
        frequency.update(shown.objects)
        for one, other in permutations(shown.objects, 2):
            together.setdefault(one, Counter())[other] += 1
    return _Counts(frequency, together)


def _questions(
    shown: ObjectList,
    positives: Sequence[str],
    variant: ConstructedVariant,
    counts: _Counts,
    generator: random.Random,
) -> Iterator[tuple[Question, Label]]:
    """The questions about one image, each positive followed by its negative."""
    candidates = set(counts.frequency).difference(shown.objects)
    if len(candidates) < len(positives):
        raise RepopeError(
            f"{shown.image}: only {len(candidates)} of the pool's {len(counts.frequency)} objects are "
            f"absent, {len(positives)} are needed; leave the image out or list images with other objects"
        )
    for positive in positives:
        # The numbers by which a variant prefers candidates: none where it has no preference.
        rankings = {"random": {}, "popular": counts.frequency, "adversarial": counts.together[positive]}
        ranking = rankings[variant]
        ranked = candidates.intersection(ranking)
        if ranked:  # the highest number, the first by name among equals
            negative = min(ranked, key=lambda name: (-ranking[name], name))
        else:
            negative = generator.choice(sorted(candidates))
        candidates.remove(negative)
        yield Question(shown.image, question_text(positive), positive), "yes"
        yield Question(shown.image, question_text(negative), negative), "no"
