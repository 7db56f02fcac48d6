"""Several models' figures on the same questions, in their answers and in each replicate.

A figure says how one model compares with another only where both answered the same questions: a model that
left out the hard ones looks better. Models that answered alike, the usual case, have one set of questions in common,
and each is counted once; else a model is counted once for each set that it shares with others.

Images are drawn from those that any of the models has an answer about, the same ones in each replicate for all models
and all sets of questions, so that what makes an image hard for all of them cancels out of their differences.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.scoring.bootstrap import counts_by_image, mean_over, replicated, variant_places
from repope_eval.scoring.confusion import OUTCOMES, figure_values
from repope_eval.scoring.protocols import Protocol

Values = NDArray[np.float64]
Cell = tuple[str, Variant]
"""A label set and a variant of it, `mean` too."""
QuestionSet = bytes
"""Some of the labelled questions: for each of them, in the order of the labels, a byte that is 1 if it is one."""
Column = tuple[str, QuestionSet]
"""A model, on a set of questions."""


_LITTLE = 1e-5
"""Times that an image counts more, to see what it moves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampled:
    """One figure of several models under one label set and variant; NaN where undefined."""

    values: Values
    """In the answers themselves, [models]."""
    replicates: Values
    """[replicates, models]; no replicate where there is nothing to draw from."""
    influences: Values
    """By how much each image moves a value, per time that it counts more, [images, models]."""

    def without_replicates(self) -> "Sampled":
        """The same without them: where there are too few images for what replicates say."""
        return replace(self, replicates=self.replicates[:0])


class SharedQuestions:
    """Which labelled questions each model has answered."""

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
        self._answered = {name: self._marked(answers) for name, answers in models.items()}
        any_model = np.logical_or.reduce([np.zeros(len(self._questions), bool), *self._answered.values()])
        places: dict[str, int] = {}
        self._image_of = np.array(
            [places.setdefault(question.image, len(places)) for question in self._questions], dtype=np.int64
        )
        drawn_from = set(np.unique(self._image_of[any_model]).tolist())
        self._images = [image for image, place in places.items() if place in drawn_from]
        self._labelled: dict[Cell, NDArray[np.bool_]] = {}
        for label_set in label_sets:
            of_variants = [self._marked(labels) for labels in label_set.variants.values()]
            for name, variant, cells in variant_places([label_set]):
                self._labelled[name, variant] = np.logical_or.reduce([of_variants[cell] for cell in cells])

    def _marked(self, questions: Collection[Question]) -> NDArray[np.bool_]:
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
        """How many of them have a label in a cell, distinct ones under `mean`; without a cell, in any."""
        return int(self._of_cell(questions, cell).sum())

    def n_images(self, questions: QuestionSet, cell: Cell | None = None) -> int:
        """How many images they are about."""
        return len(np.unique(self._image_of[self._of_cell(questions, cell)]))

    def _of_cell(self, questions: QuestionSet, cell: Cell | None) -> NDArray[np.bool_]:
        among = np.frombuffer(questions, dtype=bool)
        return among if cell is None else among & self._labelled[cell]

    def sample(self, columns: Sequence[Column], figures: Sequence[str]) -> dict[str, dict[Cell, Sampled]]:
        """Figures, by figure and cell, of models on sets of questions.

        Args:
            columns: whose; what is [models] in `Sampled` is in this order. Without any, there is no replicate.
            figures: fields of `Figures`.
        """
        n_cells = sum(len(label_set.variants) for label_set in self._label_sets)
        counts = np.zeros((len(self._images), len(columns), n_cells, len(OUTCOMES)))
        for place, column in enumerate(columns):
            counts[:, place] = self._counts(*column)
        totals = counts.sum(axis=0)
        values, moved = (figure_values(each, self._protocol) for each in (totals, totals + _LITTLE * counts))
        none = dict.fromkeys(figures, np.empty((0, *counts.shape[1:-1])))
        drawn = replicated(counts, self._protocol, figures) if columns else none
        return {
            figure: {
                (name, variant): Sampled(
                    values=mean_over(values[figure], places),
                    # A model's replicates lie together, since models are compared one by one.
                    replicates=np.asfortranarray(mean_over(drawn[figure], places)),
                    influences=mean_over((moved[figure] - values[figure]) / _LITTLE, places),
                )
                for name, variant, places in variant_places(self._label_sets)
            }
            for figure in figures
        }

    def _counts(self, name: str, questions: QuestionSet) -> Values:
        """[images, cells, outcomes]; what is not among the questions is unanswered, which no figure is made of."""
        answers = self._models[name]
        if questions != self._answered[name].tobytes():
            among = np.flatnonzero(np.frombuffer(questions, dtype=bool)).tolist()
            answers = {self._questions[place]: answers[self._questions[place]] for place in among}
        return counts_by_image(self._label_sets, self._images, answers, self._protocol)
