"""A benchmark as the later stages see it: distinct questions, label sets, and where they come from."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Literal

from repope_eval.benchmarks.pope_file import Row, pair_asked, read_rows
from repope_eval.captions.truth import CaptionTruth
from repope_eval.errors import RepopeError
from repope_eval.records import LabelSet, Question, Variant
from repope_eval.settings.config import BenchSettings
from repope_eval.wording import counted, shown

LabelSetNames = tuple[str, str]
"""The names of the label sets before and after a relabelling."""

POPE_LABELS: LabelSetNames = ("pope", "repope")
"""The label sets of POPE's files, and of those made as POPE and RePOPE were."""

POPE_TITLES: Mapping[str, str] = {"pope": "POPE", "repope": "RePOPE"}
"""What these are called."""

OWN_LABELS: LabelSetNames = ("original", "corrected")
"""The label sets of a user's own files, of which no better name is known."""

OWN_PHRASES: Mapping[str, str] = {name: f"the {name} labels" for name in OWN_LABELS}
"""What these are called in a sentence."""

OWN_MEASURES = "Questions and labels are of {origin}: how they were chosen and checked is not known here."
"""What is said of them in the place of `Source.measures`."""

OwnKind = Literal["dash_b", "groups", "amber", "blind"]
"""The kinds of figures that some benchmarks have beside those of all: the names of the functions that make them
(`own_figures.KINDS`), of their parts of `scores.json`, and of their sections on a page. `blind` needs a second run, and
each benchmark may have it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnSection:
    """Figures that a benchmark has of its own, and what is said of them on a page."""

    kind: OwnKind
    title: str
    """The heading of their section on a page, and of their table on the console."""
    about: str
    """What is counted, and what that tells."""
    caption: str
    """What the table holds."""
    leads: bool = False
    """Whether they stand first on the page and in a paper, in the place of F1."""


GROUPS = OwnSection(
    kind="groups",
    title="Groups",
    about="Questions of a group differ in what decides the answer alone: a group counts if all of its answers are "
    "right, so that always saying the same gets none.",
    caption="Groups of questions that are all answered right, with 95 % intervals",
)
"""The section of every benchmark whose questions have groups."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Questions about images and what is taken as true."""

    name: str
    label_sets: tuple[LabelSet, ...]
    """The original labels first, then the corrected ones where there are any."""
    ids: Mapping[Variant, Mapping[int | str, Question]]
    """The questions by the ids of the original files; an id is unique inside one variant only."""
    hashes: Mapping[str, str]
    """SHA-256 of each file read, by name."""
    groups: Mapping[Question, str] = field(default_factory=dict)
    """The group of each question that belongs to others, which together count as right or wrong; mostly none do."""
    measures: str = ""
    """What its figures tell, and what they cannot (see `Source.measures`)."""
    own: tuple[OwnSection, ...] = (GROUPS,)
    """The figures that it has beside those of all benchmarks, as far as there is something to count."""
    truth: CaptionTruth | None = None
    """What is in each image, where a model describes it; there are no labels then. None where it answers yes or no."""
    stand_ins: Mapping[str, str] = field(default_factory=dict)
    """For each image the one that is shown in its place; empty where each is shown itself, or none is."""
    n_draws: int = 1
    """How often each question is asked; more than once where answers are sampled."""
    settings: BenchSettings | None = field(default=None, compare=False)
    """What it was loaded by, which says where its images lie; None of one that was made otherwise."""
    data_dir: Path | None = field(default=None, compare=False)
    """The folder of data that it was loaded from."""

    def __repr__(self) -> str:
        questions = self.questions
        return (
            f"Benchmark {self.name}: {counted(len(questions), 'question', ',')} about "
            f"{counted(len(questions_by_image(questions)), 'image', ',')}; variants {', '.join(self.ids)}; label sets "
            f"{', '.join(each.name for each in self.label_sets)}"
        )

    @property
    def questions(self) -> tuple[Question, ...]:
        """Every distinct (image, question) once, in the order of the files, an image's questions together."""
        distinct = dict.fromkeys(chain.from_iterable(ids.values() for ids in self.ids.values()))
        return tuple(image_by_image(distinct))

    @property
    def asked(self) -> tuple[Question, ...]:
        """All that a model is asked: every distinct question once for each draw, an image's together."""
        questions = self.questions
        if self.n_draws == 1:
            return questions
        return tuple(
            image_by_image(
                question if draw == 0 else replace(question, draw=draw)
                for draw in range(self.n_draws)
                for question in questions
            )
        )

    def first_images(self, number: int | None) -> "Benchmark":
        """The benchmark of the first so many images; all of it where the number is None."""
        if number is None:
            return self
        images = set(list(dict.fromkeys(question.image for question in self.questions))[:number])
        ids = {
            variant: {key: question for key, question in questions.items() if question.image in images}
            for variant, questions in self.ids.items()
        }
        label_sets = []
        for label_set in self.label_sets:
            variants = {
                variant: {question: label for question, label in labels.items() if question.image in images}
                for variant, labels in label_set.variants.items()
            }
            label_sets.append(LabelSet(label_set.name, variants))
        return replace(self, label_sets=tuple(label_sets), ids=ids)

    def select_variants(self, variants: Sequence[Variant]) -> "Benchmark":
        """The benchmark of some of its variants alone, in the order in which they are named."""
        ids = {variant: self.ids[variant] for variant in variants}
        asked = set(chain.from_iterable(questions.values() for questions in ids.values()))
        label_sets = [
            LabelSet(each.name, {variant: each.variants[variant] for variant in variants})
            for each in self.label_sets
        ]
        groups = {question: group for question, group in self.groups.items() if question in asked}
        return replace(self, label_sets=tuple(label_sets), ids=ids, groups=groups)


@dataclass(frozen=True, slots=True)
class BenchmarkSize:
    """How much there is to ask."""

    images: int
    questions: int
    """The number of distinct questions, each of which is asked once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What one benchmark says of itself: an entry of the table `sources.SOURCES`."""

    load: Callable[[BenchSettings, Path], Benchmark]
    """Loads the questions and label sets by the settings, from data_dir, and fetches those that are missing."""
    truth: Callable[[BenchSettings, Path, Iterable[str]], CaptionTruth] | None = None
    """Loads what is in any images, without those that are not annotated, whichever images it asks about; None where it
    asks for yes or no."""
    variants: tuple[Variant, ...]
    """The variants that there are; empty where the files of a user say it."""
    sizes: Mapping[tuple[Variant, ...], BenchmarkSize] = field(default_factory=dict)
    """The size of all variants together and of each alone, in the order of `variants`; empty where nobody published the
    files, so that they have to be counted."""
    reads: frozenset[str] = frozenset()
    """The settings among `sources.FILE_SETTINGS` that it reads."""
    own_images: Callable[[BenchSettings, Path], Path | None]
    """The benchmark's own folder of images, in data_dir or elsewhere; None where only `bench.images` names a folder."""
    fetch_images: Callable[[BenchSettings, Sequence[str], Path], None] = lambda *_: None
    """Fetches the named images into the benchmark's own folder as far as the settings allow it."""
    images_missing: Callable[[BenchSettings], str] = lambda _: (
        "{number} of {total} image{plural} missing in {folders}: {examples}; put them there, or name their folder with "
        "bench.images=FOLDER"
    )
    """The message where images are missing, to be formatted with `number`, `total`, `plural` (an s, where the total
    needs it), `examples`, `folders` and `data` (the word that tells a command where data lies, if it needs one)."""
    origin: str
    """Where its question files come from, and their licence."""
    measures: str = ""
    """A sentence or two on what its figures tell of a model, and what they cannot; `{origin}` stands for its origin."""
    title: str = ""
    """What messages call the benchmark."""
    bench: str = ""
    """The value of `bench=` that names all of it."""
    question_start: str = ""
    """Words that all of its questions have, and no questions of other benchmarks."""
    own: tuple[OwnSection, ...] = (GROUPS,)
    """The figures that it has beside those of all benchmarks."""
    label_titles: Mapping[str, str] = field(default_factory=dict)
    """What a table calls its label sets, by name; its own name stands for one that has no title."""
    label_phrases: Mapping[str, str] = field(default_factory=dict)
    """What a sentence calls them behind the word under, where that is not the title."""
    dataset_titles: Mapping[str, str] = field(default_factory=dict)
    """What people call the benchmark under each of its label sets, where that is not `title`."""
    citations: tuple[str, ...] = ()
    """BibTeX entries of the publications that questions and labels rest on."""
    page: str | None = None
    """The address of a page that has its files; None where nobody published them."""
    hub_datasets: Mapping[str, str] = field(default_factory=dict)
    """Ids of datasets on the Hub with its questions and labels, by label set."""


def questions_by_image(questions: Iterable[Question]) -> dict[str, list[Question]]:
    """The questions about each image by its name, images in the order of their first question."""
    questions_by_image: dict[str, list[Question]] = {}
    for question in questions:
        questions_by_image.setdefault(question.image, []).append(question)
    return questions_by_image


def image_by_image(questions: Iterable[Question]) -> list[Question]:
    """The questions with those about one image together, in the order of each image's first."""
    return list(chain.from_iterable(questions_by_image(questions).values()))


def read_benchmark(
    name: str,
    originals: Mapping[Variant, Path],
    relabelled: Mapping[Variant, Path],
    label_sets: LabelSetNames,
    *,
    may_repeat: bool = False,
) -> Benchmark:
    """A benchmark out of files in POPE's format.

    Args:
        originals: each variant's file, labels yes or no.
        relabelled: the files with corrected labels of the same variants; empty where there are none.
        may_repeat: whether a file may hold a question twice with one label.
    """
    paths = [*originals.values(), *relabelled.values()]
    names = Counter(path.name for path in paths)
    hashes = {
        path.name if names[path.name] == 1 else str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in paths
        if path.is_file()  # a pipe was read once, and holds no more
    }
    return make_benchmark(
        name,
        {variant: read_rows(path, may_repeat=may_repeat) for variant, path in originals.items()},
        {variant: read_rows(path) for variant, path in relabelled.items()},
        label_sets,
        hashes,
    )


def make_benchmark(
    name: str,
    originals: Mapping[Variant, Sequence[Row]],
    relabelled: Mapping[Variant, Sequence[Row]],
    label_sets: LabelSetNames,
    hashes: Mapping[str, str],
) -> Benchmark:
    """A benchmark out of the rows of its files.

    Args:
        originals: each variant's rows, labels yes or no.
        relabelled: the corrected rows of the same variants; empty where there are none.
        hashes: SHA-256 of each file by name.

    Raises:
        RepopeError: a relabelled row is none of the originals (another text, image or id), or a pair has
            another label in one variant than in another.
    """
    # One object for all rows that ask the same, which saves half the memory and makes it quickly found.
    same: dict[tuple[str, str], Question] = {}

    def one(question: Question) -> Question:
        return same.setdefault(pair_asked(question.image, question.text), question)

    ids = {
        variant: {row.question_id: one(row.question) for row in rows} for variant, rows in originals.items()
    }
    for variant, rows in relabelled.items():
        strange = [row for row in rows if ids[variant].get(row.question_id) != one(row.question)]
        if strange:
            first = strange[0]
            raise RepopeError(
                f"variant {variant}: {len(strange)} relabelled questions are not the original file's, first id "
                f"{shown(first.question_id)}: {shown(first.question.image)}, {shown(first.question.text)}; id, image "
                "and text must agree"
            )
    sets = tuple(
        LabelSet(label_set, _labels_by_variant(label_set, rows, ids))
        for label_set, rows in zip(label_sets, (originals, relabelled), strict=True)
        if rows
    )
    return Benchmark(name, sets, ids, dict(hashes))


def _labels_by_variant(
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
