"""The RePOPE paper's counts of its 17 models, for comparison, read back from its Figure 2.

Source: Y. Neuhaus and M. Hein, "RePOPE: Impact of Annotation Errors on the POPE Benchmark", arXiv 2504.15707.
The figure is a scatter plot, from which `paper_counts.csv` was solved: no count is expected to be off by more
than 1. It shows true and false positives; FN = positives - TP and TN = negatives - FP hold where every answer
was read as yes or no, which the figure does not say.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from repope_eval.records import Variant
from repope_eval.scoring.bootstrap import MEAN, REPLICATES, SEED, interval_of
from repope_eval.scoring.confusion import OUTCOMES, Confusion, Values, figure_values, figures
from repope_eval.scoring.estimates import Estimate, Interval
from repope_eval.scoring.intervals import INTERVAL_FIGURES, wilson
from repope_eval.scoring.protocol_scores import CellScores, include_mean, values_of
from repope_eval.scoring.protocols import PROTOCOLS

CONFIG_NAMES: Mapping[str, str] = {
    "InternVL2.5-8B": "internvl2_5_8b",
    "InternVL2.5-8B-MPO": "internvl2_5_8b_mpo",
    "InternVL2.5-26B": "internvl2_5_26b",
    "InternVL2.5-26B-MPO": "internvl2_5_26b_mpo",
    "InternVL2.5-38B": "internvl2_5_38b",
    "InternVL2.5-78B": "internvl2_5_78b",
    "LLaVA-NeXT-Llama": "llava_next_llama3_8b",
    "LLaVA-NeXT-Mistral": "llava_next_mistral_7b",
    "LLaVA-NeXT-Vicuna": "llava_next_vicuna_7b",
    "LLaVA-OneVision": "llava_onevision_0_5b",
    "Ovis2-1B": "ovis2_1b",
    "Ovis2-2B": "ovis2_2b",
    "Ovis2-4B": "ovis2_4b",
    "Ovis2-8B": "ovis2_8b",
    "PaliGemma-3B": "paligemma_3b",
    "PaliGemma2-3B": "paligemma2_3b",
    "PaliGemma2-10B": "paligemma2_10b",
}
"""The configuration file of each model of the paper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedScores:
    """One of the paper's models. Its intervals are binomial approximations: there are counts, and no answers.

    They take questions for independent and their number for given. Where both can be had, as of LLaVA-1.5-13B's
    published answers, F1's intervals are as wide as a bootstrap over images to within a tenth. Two come out too narrow:
    figures with FP in them in the mean over variants, which share some negative questions, and counts under labels that
    leave some images more questions than others.
    """

    model: str
    """The name as the paper writes it, such as `InternVL2.5-8B`."""
    config_name: str
    """The configuration file of the same model here, such as `internvl2_5_8b`."""
    cells: Mapping[str, Mapping[Variant, CellScores]]
    """The scores by label set and variant."""


@cache
def published_scores() -> tuple[PublishedScores, ...]:
    """The paper's models, in its order of names."""
    counts: dict[str, dict[str, dict[Variant, Confusion]]] = {}
    lines = files(__package__).joinpath("paper_counts.csv").read_text("utf-8").splitlines()
    for row in csv.DictReader(lines):
        tp, fp, positives, negatives = (int(row[name]) for name in ("TP", "FP", "positives", "negatives"))
        counts.setdefault(row["model"], {}).setdefault(row["labels"], {})[row["subset"]] = Confusion(
            tp=tp, fp=fp, tn=negatives - fp, fn=positives - tp
        )
    return tuple(
        PublishedScores(
            model=model,
            config_name=CONFIG_NAMES[model],
            cells={name: _cells(by_variant) for name, by_variant in by_label_set.items()},
        )
        for model, by_label_set in counts.items()
    )


def _cells(by_variant: Mapping[Variant, Confusion]) -> dict[Variant, CellScores]:
    """The scores of each variant and of their mean, under one label set."""
    of_cells = include_mean({name: figures(one, PROTOCOLS["repope"]) for name, one in by_variant.items()})
    intervals = _binomial_intervals(by_variant)
    return {
        variant: CellScores(
            figures=cell,
            estimates={
                name: Estimate(value=value, interval=intervals[variant][name])
                for name, value in values_of(cell).items()
            },
        )
        for variant, cell in of_cells.items()
    }


def _binomial_intervals(
    by_variant: Mapping[Variant, Confusion],
) -> dict[Variant, dict[str, Interval]]:
    """The 95 % intervals of every figure, from counts alone.

    A figure that is one count among a known number of questions, or a multiple of it, has Wilson's score interval: TP,
    FN and recall among positives; FP, TN and the true negative rate among negatives; precision among what is read as
    yes; accuracy and yes ratio among all questions.

    F1 and balanced accuracy have two counts in them, and the mean over variants has the counts of all: there TP and
    FP are simulated as independent binomial counts of the observed rates (a parametric bootstrap, seeded).
    Over variants TP go up and down together, since all variants have the same positive questions.
    """
    simulated = _simulated_figures(by_variant)
    intervals: dict[Variant, dict[str, Interval]] = {}
    for index, (variant, counts) in enumerate(by_variant.items()):
        of_variant = {figure: interval_of(values[:, index]) for figure, values in simulated.items()}
        intervals[variant] = of_variant | _wilson_intervals(counts)
    intervals[MEAN] = {figure: interval_of(values.mean(axis=1)) for figure, values in simulated.items()}
    return intervals


def _wilson_intervals(counts: Confusion) -> dict[str, Interval]:
    positives, negatives = counts.tp + counts.fn, counts.tn + counts.fp
    n = positives + negatives
    return {
        "tp": wilson(counts.tp, positives, positives),
        "fn": wilson(counts.fn, positives, positives),
        "recall": wilson(counts.tp, positives),
        "fp": wilson(counts.fp, negatives, negatives),
        "tn": wilson(counts.tn, negatives, negatives),
        "tnr": wilson(counts.tn, negatives),
        "precision": wilson(counts.tp, counts.tp + counts.fp),
        "accuracy": wilson(counts.tp + counts.tn, n),
        "yes_ratio": wilson(counts.tp + counts.fp, n),
    }


def _simulated_figures(by_variant: Mapping[Variant, Confusion]) -> dict[str, Values]:
    """The figures of simulated counts, [replicates, variants]."""
    generator = np.random.default_rng(SEED)
    together = generator.permutation(REPLICATES)
    counts = np.zeros((REPLICATES, len(by_variant), len(OUTCOMES)))
    for index, observed in enumerate(by_variant.values()):
        positives, negatives = observed.tp + observed.fn, observed.tn + observed.fp
        # Sorted and then permuted alike in all variants, so that TP are high in all of them at once.
        tp = np.sort(generator.binomial(positives, observed.tp / positives, REPLICATES))[together]
        fp = generator.binomial(negatives, observed.fp / negatives, REPLICATES)
        of_outcomes = {"tp": tp, "fp": fp, "tn": negatives - fp, "fn": positives - tp}
        for outcome, simulated in of_outcomes.items():
            counts[:, index, OUTCOMES.index(outcome)] = simulated
    values = figure_values(counts, PROTOCOLS["repope"])
    return {figure: values[figure] for figure in INTERVAL_FIGURES}
