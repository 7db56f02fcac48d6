"""Several models' figures on the same questions, in their answers and in each replicate.

A figure says how one model compares with another only where both answered the same questions: a model that
left out the hard ones looks better. Models that answered the same questions, the usual case, have one set in common,
and each model is counted once; else a model is counted once for each set that it shares with others.

Images are drawn from those that any of the models has an answer about, the same ones in each replicate for all models
and all sets of questions, so that what makes an image hard for all of them cancels out of their differences.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.scoring.bootstrap import counts_by_image, mean_over, replicated, variant_cells
from repope_eval.scoring.confusion import OUTCOMES, Values, figure_values, shares
from repope_eval.scoring.exchange import Counts
from repope_eval.scoring.protocols import Protocol

Cell = tuple[str, Variant]
"""The names of a label set and of a variant of it, or `mean`."""
QuestionSet = bytes
"""A set of labelled questions: a byte for each question, in the order of the labels, 1 if the set has it."""
Column = tuple[str, QuestionSet]
"""The name of a model, and a set of questions that it is counted on."""

_LITTLE = 1e-5
"""An image counts so much more often, to see by how much it moves a figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """One figure of several models, or of one, under one label set and variant; NaN where undefined."""

    values: Values
    """In the answers themselves, [models]; of one model, this axis is missing here and below."""
    replicates: Values
    """[replicates, models]; no replicate where there is nothing to draw from."""
    influences: Values
    """How much each image moves a value, per time that it counts more, [images, models]."""
    f1_counts: Counts = field(default_factory=lambda: np.zeros((0, 0, 0, 2), np.uint8))
    """What F1 is made of, [images, models, cells, 2]: the two numbers of `shares`. A mean is over several cells. Empty
    where a model is known by its counts alone."""

    def model(self, index: int) -> "Sampled":
        """The figure of one model, as views of what all models have."""
        return Sampled(
            values=self.values[index],
            replicates=self.replicates[:, index],
            influences=self.influences[:, index],
            f1_counts=self.f1_counts[:, index],
        )


class SharedQuestions:
    """The labelled questions that each model has answered, and the figures of models on sets of them."""

    def __init__(
        self,
        models: Mapping[str, Mapping[Question, Answer]],
        label_sets: Sequence[LabelSet],
        protocol: Protocol,
    ) -> None:
        self._models = models
        self._label_sets = label_sets
        self._protocol = protocol
        every = (labels for label_set in label_sets for labels in label_set.variants.values())
        self._questions = list(dict.fromkeys(question for labels in every for question in labels))
        self._answered = {name: self._marked_questions(answers) for name, answers in models.items()}
        any_model = np.logical_or.reduce([np.zeros(len(self._questions), bool), *self._answered.values()])
        indexes: dict[str, int] = {}
        self._image_of = np.array(
            [indexes.setdefault(question.image, len(indexes)) for question in self._questions], dtype=np.int64
        )
        drawn_from = set(np.unique(self._image_of[any_model]).tolist())
        self._images = [image for image, index in indexes.items() if index in drawn_from]
        self._labelled: dict[Cell, NDArray[np.bool_]] = {}
        for label_set in label_sets:
            of_variants = [self._marked_questions(labels) for labels in label_set.variants.values()]
            for name, variant, cells in variant_cells([label_set]):
                self._labelled[name, variant] = np.logical_or.reduce([of_variants[cell] for cell in cells])

    def _marked_questions(self, questions: Collection[Question]) -> NDArray[np.bool_]:
        return np.fromiter(
            (question in questions for question in self._questions), bool, len(self._questions)
        )

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All label sets and variants."""
        return tuple(self._labelled)

    def shared_by(self, names: Iterable[str]) -> QuestionSet:
        """The labelled questions that all of these models answered."""
        answered = [self._answered[name] for name in names]
        among: NDArray[np.bool_] = np.logical_and.reduce(answered or [np.zeros(len(self._questions), bool)])
        return among.tobytes()

    def n_questions(self, questions: QuestionSet, cell: Cell | None = None) -> int:
        """How many of the questions have a label in a cell, distinct ones under `mean`; without a cell, in any."""
        return int(self._questions_of_cell(questions, cell).sum())

    def n_images(self, questions: QuestionSet, cell: Cell | None = None) -> int:
        """How many images these questions are about."""
        return len(np.unique(self._image_of[self._questions_of_cell(questions, cell)]))

    def _questions_of_cell(self, questions: QuestionSet, cell: Cell | None) -> NDArray[np.bool_]:
        among = np.frombuffer(questions, dtype=bool)
        return among if cell is None else among & self._labelled[cell]

    def sample(
        self, columns: Sequence[Column], figures: Sequence[str], drawn: Collection[str]
    ) -> dict[str, dict[Cell, Sampled]]:
        """The figures, by figure and cell, of models on sets of questions.

        Args:
            columns: the models and their sets, the order of [models] in `Sampled`; without any, there is no replicate.
            figures: fields of `Figures`.
            drawn: those of them that have replicates, which take most of the time and the memory.
        """
        n_cells = sum(len(label_set.variants) for label_set in self._label_sets)
        counts = np.zeros((len(self._images), len(columns), n_cells, len(OUTCOMES)))
        for index, column in enumerate(columns):
            counts[:, index] = self._counts(*column)
        return sampled_figures(counts, self._label_sets, self._protocol, figures, drawn)

    def _counts(self, name: str, questions: QuestionSet) -> Values:
        """The counts, [images, cells, outcomes]; other questions are unanswered, which no figure is made of."""
        answers = self._models[name]
        if questions != self._answered[name].tobytes():
            among = np.flatnonzero(np.frombuffer(questions, dtype=bool)).tolist()
            answers = {self._questions[index]: answers[self._questions[index]] for index in among}
        return counts_by_image(self._label_sets, self._images, answers, self._protocol)


def sampled_figures(
    counts: Values,
    label_sets: Sequence[LabelSet],
    protocol: Protocol,
    figures: Sequence[str],
    drawn: Collection[str],
) -> dict[str, dict[Cell, Sampled]]:
    """The figures, by figure and cell, that counts come to, [images, models, variants of all label sets, outcomes].

    The other arguments are those of `SharedQuestions` and of its `sample`.
    """
    totals = counts.sum(axis=0)
    values, moved = (figure_values(each, protocol) for each in (totals, totals + _LITTLE * counts))
    of_f1 = np.stack(shares(counts, protocol)["f1"], axis=-1)
    f1_counts = of_f1.astype(np.min_scalar_type(int(of_f1.max(initial=0))))  # mostly a byte each
    none = dict.fromkeys(figures, np.empty((0, *counts.shape[1:-1])))
    replicates = {**none, **(replicated(counts, protocol, list(drawn)) if counts.shape[1] and drawn else {})}
    return {
        figure: {
            (name, variant): Sampled(
                values=mean_over(values[figure], cells),
                # A model's replicates lie together, since models are compared one by one.
                replicates=np.asfortranarray(mean_over(replicates[figure], cells)),
                influences=mean_over((moved[figure] - values[figure]) / _LITTLE, cells),
                f1_counts=f1_counts[:, :, cells[0] : cells[-1] + 1],
            )
            for name, variant, cells in variant_cells(label_sets)
        }
        for figure in figures
    }
