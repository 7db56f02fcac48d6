"""What a threshold on a baseline's own probabilities gains, beside what a method gains over that baseline.

A method that only makes a model say yes more or less often is no better than another threshold: whoever reads yes where
the confidence in yes is high enough has as much at no cost (H. Yin, G. Si and Z. Wang, "The Mirage of Performance
Gains", arXiv 2504.10020, find that of contrastive decoding). So a gain over a baseline is held against two thresholds
on the baseline's confidences:

- the one with the best F1, chosen on other images than it is judged on: the images are parted in folds, and each is
  judged by the threshold that is best for all others (M. Stone, "Cross-Validatory Choice and Assessment of Statistical
  Predictions", Journal of the Royal Statistical Society B 36 (1974), 111-147). One that is chosen on the very answers
  that it is judged on gains where there is nothing to gain;
- the one at which the baseline says yes as often as the method. No label decides it, so it needs no folds.

Each is a set of answers to the same questions, so their differences are those of `differences`, as between any two
models: by the same drawn images, with the same exact test. The thresholds are as they were chosen: they are not chosen
anew in each replicate, and `perf/thresholds.py` measures how often the intervals hold so.

Answers that were sampled are not always the likelier word. A threshold takes that chance out of them, so it gains even
at the same share of yes; a method that does no more than answer greedily has nothing beyond it.

Where the baseline's confidences are unknown, all that its answers tell is which F1 can come of a shift in how often it
says yes: `Flips`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.scoring.bootstrap import counts_by_image, drawn_weights, mean_over, variant_cells
from repope_eval.scoring.confusion import Values, figure_values, ratio, shares
from repope_eval.scoring.differences import Difference, differences
from repope_eval.scoring.protocols import Protocol
from repope_eval.scoring.shared_questions import Cell, Sampled, SharedQuestions

FOLDS = 10
DRAWS = 50
"""How often images are drawn anew to choose a threshold."""
FEWEST_KNOWN = 0.99
"""The least share of the baseline's answers whose confidence has to be known."""
_SEED = 20_250_410
_HALF = 0.5
_TIE = 1e-12
"""F1 that differs by less is the same but for rounding."""

METHOD, BASELINE = "method", "baseline"
BEST, EQUAL = "best_threshold", "equal_yes_ratio"
"""The baseline's answers by the threshold with the best F1, and by that with the method's share of yes."""
_ORDER = (METHOD, BEST, EQUAL, BASELINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdGains:
    """What a method and two thresholds gain over a baseline in one variant, or in the mean over several."""

    f1: Mapping[str, float | None]
    """By `METHOD`, `BEST`, `EQUAL` and `BASELINE`."""
    yes_ratios: Mapping[str, float | None]
    gains: Mapping[str, Difference]
    """F1 of `METHOD`, `BEST` and `EQUAL` less that of the baseline."""
    beyond: Mapping[str, Difference]
    """F1 of the method less that of `BEST` and of `EQUAL`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flips:
    """What F1 gains where as many answers of a baseline turn as its share of yes is away from a method's.

    Which of them a threshold turns depends on confidences that nobody knows here. They are turned one way, as by a
    threshold where each answer is the likelier word. Sampled answers are not, and a threshold turns them both ways.
    """

    yes_ratios: tuple[float, float]
    """Of the method, and of the baseline."""
    gain: float
    """The method's F1 less the baseline's."""
    drawn: float
    """Where chance draws which ones turn: what is expected, and less than a threshold on telling confidences gains."""
    wrong: float
    """Where wrong ones turn, and right ones only when no wrong one is left: the most that any threshold gains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdCheck:
    """What thresholds on a baseline's confidences do, under one label set."""

    n_questions: int
    """Distinct labelled questions that both answered."""
    n_known: int
    """Those of them for which the baseline's confidence is known."""
    n_images: int
    thresholds: Mapping[str, float] = field(default_factory=dict)
    """`BEST` chosen on all images, which a user would take, and `EQUAL`; empty where the confidences are not known."""
    variants: Mapping[Variant, ThresholdGains] = field(default_factory=dict)
    flips: Mapping[Variant, Flips | None] = field(default_factory=dict)
    """Where they are not known; None where F1 is undefined."""

    @property
    def is_known(self) -> bool:
        """Whether the baseline's confidences are known, so that a threshold can be set."""
        return bool(self.thresholds)


def check_thresholds(
    method: Mapping[Question, Answer],
    baseline: Mapping[Question, Answer],
    labels: LabelSet,
    protocol: Protocol,
) -> ThresholdCheck:
    """Holds a method's gain over a baseline against what thresholds on the baseline's confidences gain.

    Args:
        method: answers of the method.
        baseline: answers of the baseline. One whose confidence is unknown stays as it is read.
        labels: the labels; only questions that both answered count.
        protocol: how answers are read.
    """
    protocol = replace(protocol, yes_ratio_of="answers")
    shared = [question for question in labels.distinct if question in method and question in baseline]
    told = {q: confidence for q in shared if (confidence := baseline[q].confidence) is not None}
    images = sorted({question.image for question in shared})
    check = ThresholdCheck(n_questions=len(shared), n_known=len(told), n_images=len(images))
    of_method, of_baseline = (_counts(answers, shared, labels, protocol) for answers in (method, baseline))
    if not told or len(told) < FEWEST_KNOWN * len(shared):
        return replace(check, flips=_flips(of_method, of_baseline, labels, protocol))
    folds = _folds(images)
    curves = _Curves(told, labels, folds)
    best = [curves.best_threshold(left_out=fold) for fold in range(FOLDS)]
    equal = curves.equal_threshold(figure_values(of_method, protocol)["yes_ratio"])
    answers = {
        METHOD: method,
        BEST: _thresholded(baseline, shared, {q: best[folds[q.image]] for q in told}),
        EQUAL: _thresholded(baseline, shared, dict.fromkeys(told, equal)),
        BASELINE: baseline,
    }
    return replace(
        check,
        thresholds={BEST: curves.best_threshold(), EQUAL: equal},
        variants=_gains(answers, labels, protocol),
    )


def _folds(images: Sequence[str]) -> dict[str, int]:
    """The fold of each image: as many images in each as can be, by chance and always alike."""
    folds = np.random.default_rng(_SEED).permutation(np.arange(len(images)) % FOLDS)
    return dict(zip(images, folds.tolist(), strict=True))


class _Told(NamedTuple):
    """Questions of one variant whose confidence is known, by rising confidence."""

    images: NDArray[np.int64]
    """The index of each question's image, [questions]."""
    labels: Values
    """1 for yes and 0 for no, [questions]."""
    n_below: NDArray[np.int64]
    """How many confidences are below each threshold, [thresholds]."""

    def said_yes(self, weights: Values) -> tuple[Values, Values]:
        """How many questions are a yes at each threshold, and how many of them by label, with images weighted."""
        of_questions = weights[self.images]
        return self._n_above(of_questions), self._n_above(of_questions * self.labels)

    def _n_above(self, of_questions: Values) -> Values:
        below = np.concatenate([[0.0], np.cumsum(of_questions)])
        above: Values = below[-1] - below[self.n_below]
        return above


class _Curves:
    """How F1 and the share of yes depend on the threshold."""

    def __init__(self, told: Mapping[Question, float], labels: LabelSet, folds: Mapping[str, int]) -> None:
        places = {image: place for place, image in enumerate(folds)}
        levels = np.unique(np.array(list(told.values())))
        between = (levels[:-1] + levels[1:]) / 2
        self._thresholds: Values = np.concatenate([[0.0], between, [np.nextafter(1.0, 2.0)]])
        """Every one that makes a difference: one below all confidences, between each two, and above all."""
        self._variants = [self._told(told, of_variant, places) for of_variant in labels.variants.values()]
        self._folds = np.array(list(folds.values()))
        self._draws = next(drawn_weights(len(places), DRAWS))

    def _told(
        self, told: Mapping[Question, float], labels: Mapping[Question, bool], places: Mapping[str, int]
    ) -> _Told:
        questions = sorted((question for question in labels if question in told), key=told.__getitem__)
        return _Told(
            np.array([places[question.image] for question in questions], dtype=np.int64),
            np.array([labels[question] for question in questions], dtype=np.float64),
            np.searchsorted(np.array([told[question] for question in questions]), self._thresholds),
        )

    def best_threshold(self, left_out: int | None = None) -> float:
        """The threshold with the best mean F1 over the variants, by the images outside of a fold.

        The best one for the very images jumps with few of them. So it is the mean of those that are best when images
        are drawn anew (L. Breiman, "Bagging Predictors", Machine Learning 24 (1996), 123-140), which costs half as much
        F1 on other images. The mean is of their places in the order of all thresholds, on whatever scale these are.
        """
        places = [self._best_place(weights * (self._folds != left_out)) for weights in self._draws]
        return float(self._thresholds[round(float(np.mean(places)))])

    def _best_place(self, weights: Values) -> int:
        """The place of the best threshold for weighted images, of equal ones the one that is nearest to one half."""
        f1 = np.zeros(len(self._thresholds))
        for each in self._variants:
            said_yes, tp = each.said_yes(weights)
            f1 += ratio(2 * tp, said_yes + tp[0])
        best = np.flatnonzero(f1 >= np.nan_to_num(f1).max() - _TIE)
        if not len(best):
            best = np.arange(len(f1))
        return int(best[np.argmin(np.abs(self._thresholds[best] - _HALF))])

    def equal_threshold(self, yes_ratios: Values) -> float:
        """The threshold whose mean yes ratio over the variants comes nearest to that of the method, [variants]."""
        all_once = np.ones(len(self._folds))
        shares = [ratio(said, said[0]) for said, _ in (each.said_yes(all_once) for each in self._variants)]
        return float(self._thresholds[np.argmin(np.abs(np.mean(shares, axis=0) - yes_ratios.mean()))])


def _thresholded(
    answers: Mapping[Question, Answer], questions: Sequence[Question], thresholds: Mapping[Question, float]
) -> dict[Question, Answer]:
    """The answers to some questions that thresholds make of their confidences; without a threshold, they stay."""
    return {
        question: answers[question]
        if (threshold := thresholds.get(question)) is None
        else Answer(question, "Yes" if (answers[question].confidence or 0.0) >= threshold else "No")
        for question in questions
    }


def _gains(
    answers: Mapping[str, Mapping[Question, Answer]], labels: LabelSet, protocol: Protocol
) -> dict[Variant, ThresholdGains]:
    shared = SharedQuestions(answers, [labels], protocol)
    columns = [(name, shared.shared_by(answers)) for name in _ORDER]
    sampled = shared.sample(columns, ["f1", "yes_ratio"], drawn=["f1"])
    pairs = differences(shared, dict.fromkeys(shared.cells, _ORDER), columns, sampled["f1"])
    return {
        variant: _gains_of_variant(sampled, (name, variant), of_variant)
        for name, of_label_set in pairs.items()
        for variant, of_variant in of_label_set.items()
    }


def _gains_of_variant(
    sampled: Mapping[str, Mapping[Cell, Sampled]], cell: Cell, pairs: Sequence[Difference]
) -> ThresholdGains:
    f1, yes_ratios = (
        {name: _defined(value) for name, value in zip(_ORDER, of_cells[cell].values.tolist(), strict=True)}
        for of_cells in (sampled["f1"], sampled["yes_ratio"])
    )
    return ThresholdGains(
        f1=f1,
        yes_ratios=yes_ratios,
        gains={pair.first: pair for pair in pairs if pair.second == BASELINE},
        beyond={pair.second: pair for pair in pairs if pair.first == METHOD and pair.second != BASELINE},
    )


def _counts(
    answers: Mapping[Question, Answer], shared: Sequence[Question], labels: LabelSet, protocol: Protocol
) -> Values:
    """The counts of the answers to some questions, [variants, outcomes]."""
    images = dict.fromkeys(question.image for question in shared)
    counts: Values = counts_by_image([labels], images, {q: answers[q] for q in shared}, protocol).sum(axis=0)
    return counts


def _flips(
    of_method: Values, of_baseline: Values, labels: LabelSet, protocol: Protocol
) -> dict[Variant, Flips | None]:
    """By counts of both, [variants, outcomes]."""
    method, baseline = (figure_values(counts, protocol) for counts in (of_method, of_baseline))
    of_whole = shares(of_baseline, protocol)
    (tp, positives), said_yes, n = of_whole["recall"], of_whole["precision"][1], of_whole["yes_ratio"][1]
    turned = (method["yes_ratio"] - baseline["yes_ratio"]) * n
    fn, fp = positives - tp, said_yes - tp
    # Of those that can turn, the share with label yes: of answers no where more are to be a yes, else of answers yes.
    with_yes = np.where(turned > 0, ratio(fn, n - said_yes), ratio(tp, said_yes))
    hits = {
        "drawn": turned * np.nan_to_num(with_yes),
        "wrong": np.where(turned > 0, np.minimum(turned, fn), np.minimum(0, turned + fp)),
    }
    f1 = {name: ratio(2 * (tp + more), said_yes + turned + positives) for name, more in hits.items()}
    f1["gain"] = method["f1"]
    flips: dict[Variant, Flips | None] = {}
    for _, variant, cells in variant_cells([labels]):
        gains = {name: float(mean_over(each - baseline["f1"], cells)) for name, each in f1.items()}
        said = (float(mean_over(each["yes_ratio"], cells)) for each in (method, baseline))
        flips[variant] = (
            None
            if np.isnan(list(gains.values())).any()
            else Flips(yes_ratios=(next(said), next(said)), **gains)
        )
    return flips


def _defined(value: float) -> float | None:
    return None if np.isnan(value) else value
