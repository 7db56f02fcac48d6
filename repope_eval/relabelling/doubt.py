"""Which labels of a benchmark are doubtful by what models answered.

How far each model can be trusted is found without knowing the truth, by Dawid and Skene's method: the label and the
models are annotators, whose error rates and the truth are estimated in turn (A. P. Dawid and A. M. Skene, "Maximum
Likelihood Estimation of Observer Error-Rates Using the EM Algorithm", Applied Statistics 28 (1979), 20-28). Models that
err alike, as two sizes of one model do, share a weight on the questions that they all answered.

A question is the more doubtful the more of the trusted models disagree with its label, and the more they disagree
with the other questions that have the same object and the same label: where annotators named an object wrongly once,
they did so elsewhere, and an object that models miss is one that people may not be sure of.

What a model did not answer is no evidence. Where models did not answer, the share of them that disagree rests on less,
and is drawn further towards that of all questions with the same label: the mean of a beta distribution (A. Gelman et
al., "Bayesian Data Analysis", 3rd edition 2013, section 2.4). Else the word of one weak model, where no other answered,
would weigh as much as that of all models together.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repope_eval.records import Question

VOTE_STRENGTH = 0.5
"""The weight of the share over all questions with a label, in answers of a model that never errs."""
OBJECT_STRENGTH = 5.0
"""The weight of the rate over all questions with a label beside those about an object, in questions."""
TRUSTED = (9.0, 1.0)
"""Right and wrong answers that each annotator is credited with beforehand, of either truth."""
MOST_ROUNDS = 500
CONVERGED = 1e-8

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelTrust:
    """How far a model's answers tell whether a label is wrong."""

    model: str
    sensitivity: float
    """Estimated share of the questions with a true yes that it says yes to."""
    specificity: float
    """Estimated share of the questions with a true no that it says no to."""
    independence: float
    """1 where no other model errs as this one does, 1 / n where n models err alike; the mean over what it answered."""

    @property
    def weight(self) -> float:
        """What its disagreement counts: independence times Youden's index, sensitivity + specificity - 1."""
        return self.independence * max(0.0, self.sensitivity + self.specificity - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelDoubts:
    """The doubt about each label, and what it rests on."""

    scores: Mapping[Question, float]
    """The doubt about each question's label, from 0 to 2."""
    trust: Sequence[ModelTrust]


def label_doubts(
    labels: Mapping[Question, bool], says_yes: Mapping[str, Mapping[Question, float]]
) -> LabelDoubts:
    """The doubt about each label.

    Args:
        labels: whether each question's label is yes.
        says_yes: for each model, how far it says yes to a question: 1 for a yes, 0 for a no, between where its
            probabilities are known. Questions that it did not answer, or not with yes or no, are absent.
    """
    if not labels:
        return LabelDoubts(scores={}, trust=())
    questions = list(labels)
    label = np.array([labels[question] for question in questions], dtype=np.float64)
    said = np.array(
        [[of_model.get(question, np.nan) for of_model in says_yes.values()] for question in questions]
    ).reshape(len(questions), len(says_yes))
    disagreement = np.abs(said - label[:, None])
    independence = _independence(disagreement, label)
    rates = _error_rates(label, said, independence)
    answered = np.maximum(1, (~np.isnan(said)).sum(axis=0))
    trust = tuple(
        ModelTrust(model=model, sensitivity=float(s), specificity=float(t), independence=float(w))
        for model, s, t, w in zip(says_yes, *rates, independence.sum(axis=0) / answered, strict=True)
    )
    youden = np.array([max(0.0, each.sensitivity + each.specificity - 1) for each in trust])
    votes = _votes(disagreement, independence * youden, label)
    scores = votes + _rates_of_objects(votes, [(each.object, labels[each]) for each in questions])
    return LabelDoubts(scores=dict(zip(questions, scores.tolist(), strict=True)), trust=trust)


def _independence(disagreement: Floats, label: Floats) -> Floats:
    """For each question and model 1 / (the sum of its correlations with those that answered, itself among them).

    Correlations are of disagreements less their mean for the label, over the questions that both models answered;
    negative ones are left out. A model that did not answer has 0.
    """
    residual = disagreement.copy()
    for side in (0.0, 1.0):
        of_side = residual[label == side]
        answered = ~np.isnan(of_side)
        means = np.where(answered, of_side, 0).sum(axis=0) / np.maximum(1, answered.sum(axis=0))
        residual[label == side] -= means
    known = ~np.isnan(residual)
    filled = np.where(known, residual, 0)
    products = filled.T @ filled
    squares = (filled**2).T @ known.astype(np.float64)
    scale = np.sqrt(squares * squares.T)
    correlation = np.divide(products, scale, out=np.zeros_like(products), where=scale > 0)
    np.fill_diagonal(correlation, 1)
    alike = known @ np.clip(correlation, 0, 1)
    independence: Floats = np.divide(1.0, alike, out=np.zeros_like(alike), where=known)
    return independence


def _error_rates(label: Floats, said: Floats, independence: Floats) -> tuple[Floats, Floats]:
    """Each model's sensitivity and specificity by Dawid and Skene's method, with the label as one annotator."""
    votes = np.column_stack([label, said])
    weights = np.column_stack([np.ones(len(label)), independence])
    known = ~np.isnan(votes)
    yes = np.where(known, votes, 0)
    no = np.where(known, 1 - votes, 0)
    truth = (weights * yes).sum(axis=1) / weights.sum(axis=1)
    right, wrong = TRUSTED
    for _ in range(MOST_ROUNDS):
        sensitivity = (right + truth @ yes) / (right + wrong + truth @ known)
        specificity = (right + (1 - truth) @ no) / (right + wrong + (1 - truth) @ known)
        share = np.clip(truth.mean(), 1e-6, 1 - 1e-6)
        evidence = (weights * yes) @ np.log(sensitivity / (1 - specificity))
        evidence += (weights * no) @ np.log((1 - sensitivity) / specificity)
        before, truth = truth, 1 / (1 + np.exp(-(np.log(share / (1 - share)) + evidence)))
        if np.abs(truth - before).max() < CONVERGED:
            break
    return sensitivity[1:], specificity[1:]


def _votes(disagreement: Floats, weights: Floats, label: Floats) -> Floats:
    """The weighted share of models that disagree, drawn towards that of all questions with the label.

    Args:
        disagreement: [questions, models], NaN where a model did not answer.
        weights: an array of the same shape, 0 where a model did not answer.
        label: [questions].
    """
    against = (np.nan_to_num(disagreement) * weights).sum(axis=1)
    weighed = weights.sum(axis=1)
    votes = np.zeros(len(label))
    for side in (0.0, 1.0):
        here = label == side
        of_side = weighed[here].sum()
        base = against[here].sum() / of_side if of_side > 0 else 0.0
        votes[here] = (against[here] + VOTE_STRENGTH * base) / (weighed[here] + VOTE_STRENGTH)
    return votes


def _rates_of_objects(votes: Floats, groups: Sequence[tuple[str, bool]]) -> Floats:
    """For each question the mean vote about the others with its object and label, drawn towards that of its label."""
    totals: Counter[tuple[str, bool]] = Counter()
    counts: Counter[tuple[str, bool]] = Counter()
    sides: dict[bool, list[float]] = {True: [], False: []}
    for vote, group in zip(votes.tolist(), groups, strict=True):
        totals[group] += vote
        counts[group] += 1
        sides[group[1]].append(vote)
    base = {side: sum(of_side) / len(of_side) for side, of_side in sides.items() if of_side}
    rates = [
        (totals[group] - vote + OBJECT_STRENGTH * base[group[1]]) / (counts[group] - 1 + OBJECT_STRENGTH)
        for vote, group in zip(votes.tolist(), groups, strict=True)
    ]
    return np.array(rates)
