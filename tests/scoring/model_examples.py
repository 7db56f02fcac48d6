"""Simulated models that answer the same questions about a hundred images, some of them hard for all."""

import random

from repope_eval.records import Answer, LabelSet, Question

Answers = dict[Question, Answer]


def asked(images: int, each: int = 6) -> list[Question]:
    return [Question(f"{image}.jpg", f"{n}?", str(n)) for image in range(images) for n in range(each)]


def labelled(questions: list[Question], flipped: str = "") -> dict[Question, bool]:
    """Half yes and half no, those about one object flipped."""
    return {q: (int(q.object) % 2 == 0) != (q.object == flipped) for q in questions}


def answered(labels: dict[Question, bool], error_rate: float, seed: int) -> Answers:
    """Errors in clusters that are the same images for all models, so that differences are surer than figures."""
    generator, hard = random.Random(seed), random.Random(0)
    difficulty = {question.image: hard.choice((0.3, 3.0)) for question in labels}
    return {
        q: Answer(q, "yes" if label != (generator.random() < error_rate * difficulty[q.image]) else "no")
        for q, label in labels.items()
    }


def one_label_set(labels: dict[Question, bool], name: str = "pope") -> list[LabelSet]:
    return [LabelSet(name, {"random": labels})]


def image_number(question: Question) -> int:
    return int(question.image.removesuffix(".jpg"))


LABELS = labelled(asked(100))
RATES = {"middling": 0.08, "poor": 0.2, "good": 0.02}


def three_models() -> dict[str, Answers]:
    return {name: answered(LABELS, rate, seed) for seed, (name, rate) in enumerate(RATES.items())}
