"""Which questions models err on: how far the errors of two coincide, and the questions that most of several miss.

Each distinct question counts once, in whatever number of variants it stands, under one label set. The protocol says
what counts: an unparsed answer is left out where it drops these, and is an error where it does not.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.bootstrap import (
    FEWEST_IMAGES,
    drawn_totals,
    drawn_weights,
    interval_of,
    strata_by_label,
)
from repope_eval.scoring.confusion import Values
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.kappa import kappas, too_few
from repope_eval.scoring.protocols import PROTOCOLS, remembering
from repope_eval.settings import config

OVERLAP_REPLICATES = 2_000
_CELLS_AT_ONCE = 100_000_000
"""Pairs are counted in parts of about so many questions times pairs, a byte each, which bounds the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """What several models' answers to the labelled questions are: right, wrong, or not counted."""

    models: tuple[str, ...]
    labels: Mapping[Question, bool]
    """The questions, in the order of [questions]."""
    counted: NDArray[np.bool_]
    """[models, questions]: whether there is an answer, and one that counts."""
    wrong: NDArray[np.bool_]
    """[models, questions]: whether it is an error; only where it counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorOverlap:
    """How far the errors of two models coincide, on the questions that both have a counted answer to."""

    first: str
    second: str
    n_questions: int
    n_images: int
    """Images that these questions are about."""
    n_errors_first: int
    n_errors_second: int
    n_shared: int
    """Errors of both on the same question."""
    kappa: Estimate
    """Cohen's kappa of right and wrong (see `error_kappas`)."""

    @property
    def n_expected(self) -> float | None:
        """How many errors two models that err as often would share by chance; None without a question."""
        return self.n_errors_first * self.n_errors_second / self.n_questions if self.n_questions else None


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedQuestion:
    """A question that more than half of the models miss that have a counted answer to it."""

    question: Question
    label: bool
    n_answered: int
    n_wrong: int
    responses: Mapping[str, int]
    """The wrong responses, the most frequent first, each with the number of models that gave it."""

    @property
    def is_missed_by_all(self) -> bool:
        """Whether every model errs that has a counted answer."""
        return self.n_wrong == self.n_answered


@dataclass(frozen=True, slots=True, kw_only=True)
class MissedQuestions:
    """The questions that most models miss, those that all miss first, and what they are among."""

    label_set: str
    n_models: int
    n_questions: int
    """Labelled questions that two models or more have a counted answer to."""
    questions: tuple[MissedQuestion, ...]

    @property
    def by_all(self) -> tuple[MissedQuestion, ...]:
        """Those that every model misses which has a counted answer."""
        return tuple(missed for missed in self.questions if missed.is_missed_by_all)


def find_errors(
    models: Mapping[str, Mapping[Question, Answer]], label_set: LabelSet, protocol: config.Protocol
) -> Errors:
    """What each model's answers are, under one label set.

    Args:
        models: each model's answers, by name.
        label_set: the labels that are taken as true.
        protocol: how answers are read.
    """
    rule, labels = remembering(PROTOCOLS[protocol]), label_set.distinct
    counts_unparsed = rule.unparsed != "dropped"
    counted_answers, wrong = np.zeros((2, len(models), len(labels)), dtype=bool)
    for row, answers in enumerate(models.values()):
        for column, (question, label) in enumerate(labels.items()):
            if (answer := answers.get(question)) is not None:
                reading = rule.read(answer.response)
                counted_answers[row, column] = counts_unparsed or reading is not None
                wrong[row, column] = counted_answers[row, column] and reading is not label
    return Errors(models=tuple(models), labels=labels, counted=counted_answers, wrong=wrong)


def error_kappas(counts: Values) -> Values:
    """Kappa of counts, [...] of [..., 4]: how far the errors of two models coincide beyond chance (see `kappa`).

    p_o is the share of questions on which both are right or both are wrong, and p_e the share that would be so by
    chance: a b + (1 - a) (1 - b), with a and b the shares of their errors. Of two models' errors it is "error
    consistency": R. Geirhos, K. Meding and F. A. Wichmann, "Beyond Accuracy: Quantifying Trial-by-Trial Behaviour of
    CNNs and Humans by Measuring Error Consistency", Advances in Neural Information Processing Systems 33 (2020). NaN
    where neither errs, where both always err, and without a question.

    Args:
        counts: the number of questions, of the first model's errors, of the second's, and of those that both share.
    """
    n_questions, first, second, shared = np.moveaxis(counts, -1, 0)
    products = first * second + (n_questions - first) * (n_questions - second)
    return kappas(n_questions, n_questions - first - second + 2 * shared, products)


def error_overlaps(errors: Errors) -> tuple[ErrorOverlap, ...]:
    """The overlap of the errors of every pair of models, in their order.

    Kappa's interval is of percentiles of a bootstrap over images, the same ones for all pairs.
    """
    pairs = list(combinations(range(len(errors.models)), 2))
    starts, order, weights = _drawn_images(errors)
    overlaps: list[ErrorOverlap] = []
    step = max(1, _CELLS_AT_ONCE // (4 * max(1, len(errors.labels))))
    for first_pair in range(0, len(pairs), step):
        some = pairs[first_pair : first_pair + step]
        counts = _pair_counts(errors, some, order, starts)
        kappas = error_kappas(counts.sum(axis=0))
        flat = counts.reshape(len(counts), -1)
        drawn = [error_kappas(drawn_totals(part, flat).reshape(-1, len(some), 4)) for part in weights]
        replicates = np.concatenate(drawn) if drawn else np.empty((0, len(some)))
        overlaps += [
            _overlap(errors, pair, counts[:, index], float(kappas[index]), replicates[:, index])
            for index, pair in enumerate(some)
        ]
    return tuple(overlaps)


def _drawn_images(errors: Errors) -> tuple[NDArray[np.int64], NDArray[np.int64], list[Values]]:
    """Where each image's questions begin, among questions in the order of their images, that order, and the draws."""
    indexes: dict[str, int] = {}
    image_of = np.array(
        [indexes.setdefault(question.image, len(indexes)) for question in errors.labels], dtype=np.int64
    )
    kept = np.flatnonzero(errors.counted.any(axis=0))
    order = kept[np.argsort(image_of[kept], kind="stable")]
    starts = np.flatnonzero(np.diff(image_of[order], prepend=-1))
    if len(starts) < FEWEST_IMAGES:
        return starts, order, []
    is_yes = np.fromiter(errors.labels.values(), bool, len(errors.labels))[order]
    has_yes, has_no = (np.logical_or.reduceat(of_label, starts) for of_label in (is_yes, ~is_yes))
    weights = drawn_weights(len(starts), OVERLAP_REPLICATES, strata_by_label(has_yes, has_no))
    return starts, order, list(weights)


def _pair_counts(
    errors: Errors,
    pairs: Sequence[tuple[int, int]],
    order: NDArray[np.int64],
    starts: NDArray[np.int64],
) -> Values:
    """The counts that `error_kappas` is made of, [images, pairs, 4]."""
    counted_answers, wrong = errors.counted[:, order].T, errors.wrong[:, order].T
    first, second = np.array(pairs).T
    both = counted_answers[:, first] & counted_answers[:, second]
    of_first, of_second = wrong[:, first] & both, wrong[:, second] & both
    columns = np.stack([both, of_first, of_second, of_first & of_second], axis=-1)
    if not len(starts):
        return np.zeros((0, len(pairs), 4))
    counts: Values = np.add.reduceat(columns, starts, axis=0, dtype=np.float64)
    return counts


def _overlap(
    errors: Errors, pair: tuple[int, int], counts: Values, kappa: float, replicates: Values
) -> ErrorOverlap:
    n_questions, n_first, n_second, n_shared = map(int, counts.sum(axis=0))
    n_images = int((counts[:, 0] > 0).sum())
    estimate = Estimate(value=None if np.isnan(kappa) else kappa, reason=_missing_reason(counts, kappa))
    if not estimate.reason:
        interval = interval_of(replicates)
        reason = "" if interval else "undefined in a replicate"
        estimate = Estimate(value=kappa, interval=interval, method="bootstrap", reason=reason)
    return ErrorOverlap(
        first=errors.models[pair[0]],
        second=errors.models[pair[1]],
        n_questions=n_questions,
        n_images=n_images,
        n_errors_first=n_first,
        n_errors_second=n_second,
        n_shared=n_shared,
        kappa=estimate,
    )


def _missing_reason(counts: Values, kappa: float) -> str:
    """Why kappa or its interval is missing; empty where there are both."""
    if not counts[:, 0].any():
        return "no question that both answered"
    if np.isnan(kappa):
        return "both err throughout" if counts[:, 1].any() else "neither errs"
    apart = counts[:, 1] + counts[:, 2] - 2 * counts[:, 3]
    return too_few(int((counts[:, 0] > 0).sum()), {"both err": counts[:, 3], "one errs alone": apart})


def missed_questions(
    errors: Errors,
    models: Mapping[str, Mapping[Question, Answer]],
    label_set: str,
    names: Collection[str],
) -> MissedQuestions | None:
    """The questions that more than half of some models miss; None of fewer than two models.

    A question is looked at where two of them or more have a counted answer to it.

    Args:
        errors: of these models, and maybe of others.
        models: each model's answers, by name.
        label_set: the name of the label set that the errors are under.
        names: those of the models that are looked at.
    """
    rows = [row for row, name in enumerate(errors.models) if name in names]
    if len(rows) < 2:
        return None
    n_answered, n_wrong = (of_all[rows].sum(axis=0) for of_all in (errors.counted, errors.wrong))
    is_told = n_answered >= 2
    missed = sorted(
        _missed(errors, models, rows, is_told & (2 * n_wrong > n_answered)),
        key=lambda one: (-one.n_wrong / one.n_answered, -one.n_answered),
    )
    return MissedQuestions(
        label_set=label_set,
        n_models=len(rows),
        n_questions=int(is_told.sum()),
        questions=tuple(missed),
    )


def _missed(
    errors: Errors,
    models: Mapping[str, Mapping[Question, Answer]],
    rows: Sequence[int],
    is_missed: NDArray[np.bool_],
) -> Iterator[MissedQuestion]:
    for column, (question, label) in enumerate(errors.labels.items()):
        if is_missed[column]:
            wrong = [errors.models[row] for row in rows if errors.wrong[row, column]]
            yield MissedQuestion(
                question=question,
                label=label,
                n_answered=int(errors.counted[rows, column].sum()),
                n_wrong=len(wrong),
                responses=dict(Counter(models[name][question].response for name in wrong).most_common()),
            )
