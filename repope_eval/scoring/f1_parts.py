"""What F1's change from one label set to another is made of: corrected labels, questions left out, and prevalence.

Relabelling does three things at once. It corrects labels of questions that it keeps; it leaves questions out, which may
be the harder ones; and by both it moves the share of questions with label yes, on which F1 depends. Each is a switch
that the second label set has turned on. F1(corrected, left out, prevalence) has recall and false positive rate from the
questions of the first or of the second label set, with the labels of either where both label a question, and is taken
at the share of yes of the first or of the second (`confusion.f1_at`). With all switches off, it is F1 under the first
label set, and with all on, F1 under the second.

What a switch changes depends on which others are on already. A part is its mean over the six orders in which the three
can be turned on, and the parts add up to the whole change. Source: L. S. Shapley, "A Value for n-Person Games",
Contributions to the Theory of Games II, Annals of Mathematics Studies 28 (1953), 307-317.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from repope_eval.records import LabelSet
from repope_eval.scoring.bootstrap import Cells
from repope_eval.scoring.confusion import Values, f1_at, figure_values, shares
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.intervals import Sample, change_without_interval, percentiles

PARTS = ("corrected", "left_out", "prevalence")
"""Labels that differ, questions that one of the label sets lacks, and the share of yes that F1 is taken at."""

_ORDERS = tuple(permutations(range(len(PARTS))))


def mixtures(first: LabelSet, second: LabelSet) -> tuple[LabelSet, LabelSet]:
    """The first label set with questions left out alone, and with labels corrected alone, in the variants of both."""
    return _mixture(asked=second, labelled=first), _mixture(asked=first, labelled=second)


def _mixture(asked: LabelSet, labelled: LabelSet) -> LabelSet:
    """The questions of one label set with the labels of another, which some of them may lack: these keep their own."""
    return LabelSet(
        f"labels of {labelled.name} on questions of {asked.name}",
        {
            variant: {question: labels.get(question, label) for question, label in of_asked.items()}
            for variant, of_asked in asked.variants.items()
            if (labels := labelled.variants.get(variant)) is not None
        },
    )


def f1_parts(sample: Sample, cells: Sequence[Cells]) -> dict[str, Estimate]:
    """The parts of the change of F1, or of its mean over several variants, by the names of `PARTS`.

    Intervals are of the replicates that all changes are of, and refused for the same reasons (see `estimate_change`).

    Args:
        sample: the images that are drawn from, with `yes_share` among what is drawn.
        cells: those of the first label set, of the two `mixtures`, and of the second label set, the variants of each
            in the same order.
    """
    corners = np.array(cells).reshape(2, 2, -1)
    values = _parts(figure_values(sample.totals, sample.protocol), corners)
    drawn = _parts(sample.drawn, corners) if sample.drawn else None
    found = {}
    for index, (part, moved) in enumerate(_moved(sample, corners).items()):
        if np.isnan(values[index]):
            found[part] = Estimate(reason="undefined under one of the label sets, or between them")
            continue
        estimate = change_without_interval(sample, moved)
        if estimate is None:
            assert drawn is not None, "a sample of enough images has replicates"
            estimate = percentiles(drawn[index])
        found[part] = replace(estimate, value=float(values[index]))
    return found


def _parts(figures: Mapping[str, Values], corners: NDArray[np.int64]) -> Values:
    """The parts, [parts, ...], as means over variants; figures are [..., cells], and corners [2, 2, variants]."""
    f1, recall, tnr, yes_share = (
        np.moveaxis(figures[name][..., corners], (-3, -2), (0, 1))
        for name in ("f1", "recall", "tnr", "yes_share")
    )
    own_shares = np.stack([yes_share[0, 0], yes_share[1, 1]])
    taken = f1_at(own_shares, recall[:, :, None], 1 - tnr[:, :, None])
    changes = mean_over_orders(np.where(np.isnan(f1)[:, :, None], np.nan, taken))
    mean: Values = changes.mean(axis=-1)
    return mean


def mean_over_orders(values: Values) -> Values:
    """What each of three switches changes, [3, ...], as the mean over the orders in which they are turned on.

    Args:
        values: [2, 2, 2, ...], by whether each switch is on.
    """
    changes = np.zeros((len(PARTS), *values.shape[len(PARTS) :]))
    for order in _ORDERS:
        switches = [0] * len(PARTS)
        for part in order:
            before = values[tuple(switches)]
            switches[part] = 1
            changes[part] += (values[tuple(switches)] - before) / len(_ORDERS)
    return changes


def _moved(sample: Sample, corners: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
    """Whether each part moves what F1 counts of an image, [images]; prevalence moves where numbers of labels do."""
    of_whole = shares(sample.counts[:, corners], sample.protocol)
    counts = np.stack([*of_whole["recall"], *of_whole["tnr"]])
    n_of_label = counts[1::2]
    moved = (
        counts[:, :, 1] != counts[:, :, 0],
        counts[:, :, :, 1] != counts[:, :, :, 0],
        n_of_label[:, :, 1, 1] != n_of_label[:, :, 0, 0],
    )
    return {part: each.any(axis=(0, *range(2, each.ndim))) for part, each in zip(PARTS, moved, strict=True)}
