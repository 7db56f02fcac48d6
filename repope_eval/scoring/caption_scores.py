"""The scores of a run that describes images: what its page, the console and `scores.json` read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.captions.truth import CaptionTruth
from repope_eval.records import Answer, Question, Variant
from repope_eval.scoring.caption_counts import FIGURE_TITLES, SHARES, CaptionFigures
from repope_eval.scoring.chair import Found, Truth, VariantCaptions, score_captions
from repope_eval.scoring.score_document import figure_phrase, plain
from repope_eval.scoring.scores import Scores, estimate_frame
from repope_eval.wording import counted

if TYPE_CHECKING:
    import pandas

SCHEMA = "captions"
"""What `scores.json` says in `kind`, so that no program takes it for the scores of yes and no."""


def truth_titles(truth: CaptionTruth) -> Mapping[Truth, str]:
    """What the truths are called in a table."""
    return {"coco": f"{truth.annotation}'s truth", "corrected": "corrected truth"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionScores:
    """What the captions of a model come to."""

    model: str
    bench: str
    variants: Mapping[Variant, VariantCaptions]
    """By variant, which is one prompt."""
    prompts: Mapping[Variant, str]
    """The prompt of each variant."""
    answers: Mapping[Question, Answer] = field(repr=False)
    """The captions."""
    truth: CaptionTruth = field(repr=False)
    """What is in each image."""
    n_images: int
    """Images that have a caption."""
    n_questions: int
    """Captions that were asked for."""
    n_answered: int
    """Captions that there are."""
    max_new_tokens: int | None = None
    """The longest caption in tokens; None where it is not known. It changes CHAIR more than most models do."""
    part: str = ""
    """Which part of the benchmark's images they are about: `10 of 100 images`; empty where it is all."""
    decoding: str = ""
    """How the captions were decoded, such as `greedy`; empty where that is not known."""

    @property
    def is_unread(self) -> bool:
        """Whether there are captions, and none of them mentions an object: other languages, or other answers."""
        return bool(self.n_answered) and not any(
            each.figures["coco"].counts.mentions for each in self.variants.values()
        )

    @property
    def titles(self) -> Mapping[Truth, str]:
        """What the truths are called in a table."""
        return truth_titles(self.truth)

    @property
    def truths(self) -> tuple[Truth, ...]:
        """The truths that there are figures under."""
        return tuple(next(iter(self.variants.values())).figures) if self.variants else ("coco",)

    @property
    def sentence(self) -> str:
        """CHAIRi and CHAIRs of the first variant, as a paper prints them, with what they are over."""
        first = next(iter(self.variants.values()))
        if self.is_unread:
            figures = [f"no figure, since no caption mentions one of {self.truth.annotation}'s objects"]
        else:
            figures = [
                f"{phrase} under {self.titles[truth]}"
                for truth, of_truth in first.figures.items()
                if (phrase := ", ".join(_phrases(of_truth)))
            ]
        length = f"at most {counted(self.max_new_tokens, 'token')}" if self.max_new_tokens else ""
        images = self.part or counted(self.n_images, "image", ",")
        return ", ".join(filter(None, ("; ".join(figures), f"captions of {images}", self.decoding, length)))

    def to_dict(self) -> dict[str, Any]:
        """What `scores.json` holds of them; undefined figures and intervals are None, and `reason` says why."""
        document = {
            "kind": SCHEMA,
            "model": self.model,
            "bench": self.bench,
            "n_images": self.n_images,
            "sentence": self.sentence,
            "max_new_tokens": self.max_new_tokens,
            "verdicts": dict(self.truth.judges),
            "prompts": dict(self.prompts),
            "captions": {variant: _variant_document(each) for variant, each in self.variants.items()},
        }
        plain_document: dict[str, Any] = json.loads(json.dumps(document))
        return plain_document

    def to_frame(self) -> "pandas.DataFrame":
        """The figures in a table, a row for each truth, variant and figure.

        Returns:
            The columns of `Scores.to_frame`, with `truth` in the place of `label_set`: `coco`, `corrected`, or
            `change`, which is the second less the first.

        Raises:
            RepopeError: pandas is not installed.
        """
        return estimate_frame(
            "truth",
            (
                (name, variant, estimates)
                for variant, captions in self.variants.items()
                for name, estimates in (
                    *((truth, figures.estimates) for truth, figures in captions.figures.items()),
                    ("change", captions.changes),
                )
            ),
        )

    def __repr__(self) -> str:
        return (
            f"CaptionScores of {self.model} on {self.bench}: {self.n_answered:,} of "
            f"{counted(self.n_questions, 'caption', ',')}\n{self.sentence}"
        )


AnyScores = Scores | CaptionScores
"""The scores of a run, which answers yes or no, or describes images."""


def _phrases(figures: CaptionFigures) -> list[str]:
    return [figure_phrase(FIGURE_TITLES[name], figures.estimates[name]) for name in SHARES[:2]]


def _variant_document(captions: VariantCaptions) -> dict[str, Any]:
    return {
        "scores": _truths_document(captions.figures),
        "change": plain(captions.changes),
        "bounds": plain(captions.bounds),
        "mentions": {
            "there" if is_there else "not_there": {found.name.lower(): of_found[found] for found in Found}
            for is_there, of_found in captions.found.items()
        },
        "first_words": {
            str(n_words): {"n_longer": captions.n_longer[n_words], **_truths_document(figures)}
            for n_words, figures in captions.cut.items()
        },
        "objects": plain(captions.objects),
    }


def _truths_document(figures: Mapping[Truth, CaptionFigures]) -> dict[str, Any]:
    return {
        truth: {**plain(of_truth.counts), "estimates": plain(of_truth.estimates)}
        for truth, of_truth in figures.items()
    }


def score_caption_benchmark(
    benchmark: Benchmark,
    answers: Mapping[Question, Answer],
    model: str,
    *,
    max_new_tokens: int | None = None,
    part: str = "",
    decoding: str = "",
) -> CaptionScores:
    """Scores a model's captions.

    Args:
        benchmark: has a `truth`; its questions are prompts about images.
        answers: none to other questions.
        max_new_tokens: the longest caption in tokens; None where it is not known.
        part: which part of the benchmark's images the answers are about; empty where it is all.
        decoding: how the answers were decoded; empty where that is not known.
    """
    assert benchmark.truth is not None, "the benchmark asks for captions"
    by_variant = {
        variant: [answers[question] for question in ids.values() if question in answers]
        for variant, ids in benchmark.ids.items()
    }
    return CaptionScores(
        model=model,
        bench=benchmark.name,
        variants={
            variant: score_captions(captions, benchmark.truth) for variant, captions in by_variant.items()
        },
        prompts={variant: next(iter(ids.values())).text for variant, ids in benchmark.ids.items() if ids},
        answers=answers,
        truth=benchmark.truth,
        n_images=len({question.image for question in answers}),
        n_questions=len(benchmark.questions),
        n_answered=len(answers),
        max_new_tokens=max_new_tokens,
        part=part,
        decoding=decoding,
    )
