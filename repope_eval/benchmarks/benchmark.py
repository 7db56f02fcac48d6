"""A benchmark as the later stages see it: distinct questions, label sets, and the files they came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from repope_eval.benchmarks.pope_file import Row
from repope_eval.errors import RepopeError
from repope_eval.records import LabelSet, Question, Variant
from repope_eval.wording import shown


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Questions about images and what is taken as true."""

    name: str
    label_sets: tuple[LabelSet, ...]
    """`pope` first, then `repope` where there are corrected labels; or `dash_b` alone."""
    ids: Mapping[Variant, Mapping[int | str, Question]]
    """The questions by the ids of the original files; an id is unique inside one variant only."""
    hashes: Mapping[str, str]
    """SHA-256 of each file read, by name."""

    @property
    def questions(self) -> tuple[Question, ...]:
        """Every distinct (image, question) once, in the order of the files, an image's together."""
        by_image: dict[str, list[Question]] = {}
        for question in dict.fromkeys(chain.from_iterable(ids.values() for ids in self.ids.values())):
            by_image.setdefault(question.image, []).append(question)
        return tuple(chain.from_iterable(by_image.values()))

    def first_images(self, number: int | None) -> "Benchmark":
        """The benchmark of the first so many images; all of it where the number is None."""
        if number is None:
            return self
        images = set(list(dict.fromkeys(question.image for question in self.questions))[:number])
        label_sets = tuple(
            LabelSet(
                label_set.name,
                {
                    variant: {
                        question: label for question, label in labels.items() if question.image in images
                    }
                    for variant, labels in label_set.variants.items()
                },
            )
            for label_set in self.label_sets
        )
        ids = {
            variant: {key: question for key, question in questions.items() if question.image in images}
            for variant, questions in self.ids.items()
        }
        return replace(self, label_sets=label_sets, ids=ids)


def make_benchmark(
    name: str,
    originals: Mapping[Variant, Sequence[Row]],
    relabelled: Mapping[Variant, Sequence[Row]],
    hashes: Mapping[str, str],
) -> Benchmark:
    """A benchmark out of the rows of its files.

    Args:
        name: of the benchmark.
        originals: each variant's rows, labels yes or no.
        relabelled: the corrected rows of the same variants; empty where there are none.
        hashes: SHA-256 of each file by name.

    Raises:
        RepopeError: a relabelled row is none of the originals (another text, image or id), or a pair has
            another label in one variant than in another.
    """
    # One object for all rows of a question, which saves half the memory and makes it quickly found.
    same: dict[Question, Question] = {}
    ids = {
        variant: {row.question_id: same.setdefault(row.question, row.question) for row in rows}
        for variant, rows in originals.items()
    }
    for variant, rows in relabelled.items():
        _refuse_strangers(variant, ids[variant], rows)
    label_sets = [LabelSet("pope", _labels("pope", originals, ids))]
    if relabelled:
        label_sets.append(LabelSet("repope", _labels("repope", relabelled, ids)))
    return Benchmark(name, tuple(label_sets), ids, dict(hashes))


def _refuse_strangers(variant: Variant, known: Mapping[int | str, Question], rows: Sequence[Row]) -> None:
    strange = [row for row in rows if known.get(row.question_id) != row.question]
    if strange:
        first = strange[0]
        raise RepopeError(
            f"variant {variant}: {len(strange)} relabelled questions are not the original file's, first id "
            f"{shown(first.question_id)}: {shown(first.question.image)}, {shown(first.question.text)}; id, image and "
            "text must agree"
        )


def _labels(
    name: str,
    variants: Mapping[Variant, Sequence[Row]],
    ids: Mapping[Variant, Mapping[int | str, Question]],
) -> dict[Variant, dict[Question, bool]]:
    labels = {
        variant: {ids[variant][row.question_id]: row.label == "yes" for row in rows}
        for variant, rows in variants.items()
    }
    first: dict[Question, bool] = {}
    for variant, of_variant in labels.items():
        for question, label in of_variant.items():
            if first.setdefault(question, label) != label:
                other = next(earlier for earlier, others in labels.items() if question in others)
                raise RepopeError(
                    f"label set {name}: {shown(question.image)}, {shown(question.text)} has two labels, one in variant "
                    f"{other} and the other in {variant}; a pair needs one"
                )
    return labels
