"""A simulated benchmark of any size and simulated answers to it, written as files of the product's formats.

Each image has ten distinct questions about ten of eighty objects, common objects more often: three positive ones
that stand in all three variants, and seven negative ones of which `popular` and `adversarial` share two. As many
labels are flipped and removed as RePOPE's annotators did. The model leans to yes or to no by a degree of each image's
own, so that its errors come together by image.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repope_eval.benchmarks.pope_file import Row, question_text, write_rows
from repope_eval.records import Answer, Label, LabelSet, Question, Variant
from repope_eval.runs.answer_store import answer_lines
from repope_eval.runs.layout import share_path

OBJECTS = tuple(
    f"{kind} {number}" for kind in ("animal", "tool", "fruit", "vehicle") for number in range(1, 21)
)
QUESTIONS = 10
"""How many distinct questions are asked about each image."""
POSITIVES = 3
VARIANTS: Mapping[Variant, tuple[int, ...]] = {
    "random": (0, 1, 2, 3, 4, 5),
    "popular": (0, 1, 2, 6, 7, 8),
    "adversarial": (0, 1, 2, 9, 6, 7),
}
"""Which of an image's questions each variant asks; the first are positive."""
FLIPPED = {"yes": 0.0927, "no": 0.0171}
REMOVED = {"yes": 0.138, "no": 0.0431}
"""Shares of POPE's labels, by label."""
_STRENGTH, _LEANING, _NOISE = 2.0, 1.0, 1.0
"""Of the model's logit of yes: by what is in the image; standard deviations between images, and inside them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What is asked and what is so; every array is [images, questions of an image]."""

    objects: NDArray[np.int64]
    shown: NDArray[np.bool_]
    """What the annotators of RePOPE see; it means nothing where they find it ambiguous."""
    removed: NDArray[np.bool_]


def make_truth(n_images: int) -> Truth:
    """Draws the benchmark, which is the same each time."""
    generator = np.random.default_rng(0)
    frequency = -0.6 * np.log(np.arange(1, len(OBJECTS) + 1))
    drawn = frequency + generator.gumbel(size=(n_images, len(OBJECTS)))
    positive = np.arange(QUESTIONS) < POSITIVES
    chance = generator.random((n_images, QUESTIONS))
    flipped = chance < np.where(positive, FLIPPED["yes"], FLIPPED["no"])
    removed = chance > 1 - np.where(positive, REMOVED["yes"], REMOVED["no"])
    return Truth(objects=np.argsort(-drawn, axis=1)[:, :QUESTIONS], shown=positive ^ flipped, removed=removed)


def questions_of(truth: Truth, image: int) -> list[Question]:
    """The distinct questions about one image."""
    objects = [OBJECTS[number] for number in truth.objects[image]]
    return [Question(f"SIMULATED_{image:012d}.jpg", question_text(name), name) for name in objects]


def write_questions(truth: Truth, folder: Path, variants: Mapping[Variant, tuple[int, ...]]) -> None:
    """Writes `pope_VARIANT.jsonl` and `repope_VARIANT.jsonl`, in POPE's format."""
    folder.mkdir(parents=True, exist_ok=True)
    for variant, places in variants.items():
        write_rows(folder / f"pope_{variant}.jsonl", _rows(truth, places, corrected=False))
        write_rows(folder / f"repope_{variant}.jsonl", _rows(truth, places, corrected=True))


def simulated_labels(truth: Truth) -> list[LabelSet]:
    """Both label sets of all three variants, as the files hold them."""
    return [
        LabelSet(
            name,
            {
                variant: {
                    row.question: row.label == "yes" for row in _rows(truth, places, corrected=corrected)
                }
                for variant, places in VARIANTS.items()
            },
        )
        for name, corrected in (("pope", False), ("repope", True))
    ]


def _rows(truth: Truth, places: tuple[int, ...], *, corrected: bool) -> Iterator[Row]:
    question_id = 0
    for image in range(len(truth.objects)):
        questions = questions_of(truth, image)
        for place in places:
            question_id += 1
            if not (corrected and truth.removed[image, place]):
                positive = bool(truth.shown[image, place]) if corrected else place < POSITIVES
                label: Label = "yes" if positive else "no"
                yield Row(question_id, questions[place], label)


def simulated_answers(truth: Truth, seed: int) -> Iterator[list[Answer]]:
    """A model's answers, image by image; another seed is another model."""
    generator = np.random.default_rng(seed)
    n_images = len(truth.objects)
    logits = np.where(truth.shown, _STRENGTH, -_STRENGTH) + 0.1 * seed
    logits = logits + generator.normal(0, _LEANING, (n_images, 1))
    logits = logits + generator.normal(0, _NOISE, (n_images, QUESTIONS))
    p_yes = (0.98 / (1 + np.exp(-logits))).astype(np.float32).astype(np.float64)
    unclear = generator.random((n_images, QUESTIONS)) < 0.005
    for image, probabilities in enumerate(p_yes.tolist()):
        yield [
            Answer(question, _response(p, question.object, bool(is_unclear)), 2, p, 0.98 - p)
            for question, p, is_unclear in zip(
                questions_of(truth, image), probabilities, unclear[image], strict=True
            )
        ]


def _response(p_yes: float, name: str, is_unclear: bool) -> str:
    """Mostly one word; where the model is nearly sure, a sentence; now and then neither yes nor no."""
    if is_unclear:
        return "It is hard to tell."
    if p_yes > 0.97:
        return f"Yes, there is a {name} in the image."
    return "Yes" if p_yes > 0.49 else "No"


def write_answers(truth: Truth, seed: int, path: Path, n_shares: int) -> None:
    """Writes a model's answers as the files of so many ranks, each with a share of the images; 1: as one run's."""
    paths = [share_path(path, rank) for rank in range(n_shares)] if n_shares > 1 else [path]
    files = [share.open("wb") for share in paths]
    try:
        for image, answers in enumerate(simulated_answers(truth, seed)):
            files[image % len(files)].write(answer_lines(answers))
    finally:
        for file in files:
            file.close()
