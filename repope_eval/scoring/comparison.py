"""Several models on the same questions: who is ahead, how surely, and who overtakes whom when labels change."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.scoring.agreement import RANKED_FIGURES, Agreement, agreement
from repope_eval.scoring.bootstrap import FEWEST_IMAGES
from repope_eval.scoring.differences import Difference, differences, too_few_images
from repope_eval.scoring.places import joint_intervals, place_interval, places
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.shared_questions import Cell, Sampled, SharedQuestions
from repope_eval.settings import config


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A model's place in the ranking by F1."""

    model: str
    value: float | None
    """F1 on the questions that all ranked models answered; None where undefined."""
    place: int | None
    """1 is the best; equal values share the better place. None where the value is undefined."""
    interval: tuple[int, int] | None
    """95 % interval of the place over the replicates, for this model alone: of many, some do not hold."""
    joint_interval: tuple[int, int] | None
    """95 % interval of the place that holds for all models at once (see `joint_intervals`)."""
    reason: str | None
    """Why there are no intervals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Models compared by F1."""

    n_questions: int
    """Distinct labelled questions that all ranked models answered: what the standings are about."""
    n_images: int
    """Images that these questions are about."""
    standings: Mapping[str, Mapping[Variant, tuple[Standing, ...]]]
    """The standings by label set and variant (`mean` too), the best first."""
    differences: Mapping[str, Mapping[Variant, tuple[Difference, ...]]]
    """The differences of every pair of models, in the order of the standings, models that are not ranked last."""
    agreements: Mapping[Variant, Agreement]
    """How alike the standings under two label sets are, where there are two."""


def compare(
    models: Mapping[str, Mapping[Question, Answer]],
    label_sets: Sequence[LabelSet],
    protocol: config.Protocol,
    ranked: Collection[str] | None = None,
) -> Comparison:
    """Ranks models by F1 under every label set and variant, and says how sure each place and difference is.

    Args:
        models: each model's answers, by name.
        label_sets: the labels that are taken as true. Where there are two sets, their rankings are compared.
        protocol: how answers are read.
        ranked: names of the models that are ranked, on the questions that all of them answered; None: all.
    """
    names = [name for name in models if ranked is None or name in ranked]
    unranked = [name for name in models if name not in names]
    questions = SharedQuestions(models, label_sets, PROTOCOLS[protocol])
    common = questions.shared_by(names)
    n_images = {cell: questions.n_images(common, cell) for cell in questions.cells}
    columns = [(name, common) for name in names]
    drawn = questions.sample(columns, RANKED_FIGURES, drawn=["f1"])
    samples = {
        figure: {
            cell: sampled
            if n_images[cell] >= FEWEST_IMAGES
            else replace(sampled, replicates=sampled.replicates[:0])
            for cell, sampled in of_cells.items()
        }
        for figure, of_cells in drawn.items()
    }
    standings: dict[str, dict[Variant, tuple[Standing, ...]]] = {each.name: {} for each in label_sets}
    orders = {}
    for cell in questions.cells:
        found = _standings(names, samples["f1"][cell], n_images[cell])
        standings[cell[0]][cell[1]] = found
        orders[cell] = [*(standing.model for standing in found), *unranked]
    return Comparison(
        n_questions=questions.n_questions(common),
        n_images=questions.n_images(common),
        standings=standings,
        differences=differences(questions, orders, columns, drawn["f1"]),
        agreements=_agreements(names, samples, [label_set.name for label_set in label_sets]),
    )


def _standings(models: Sequence[str], f1: Sampled, n_images: int) -> tuple[Standing, ...]:
    """The standings of the models, the best first; those whose F1 is undefined last."""
    known, drawn = places(f1.values), places(f1.replicates)
    joint = joint_intervals(f1.values, f1.replicates)
    standings = []
    for index, model in enumerate(models):
        defined = not np.isnan(f1.values[index])
        reason = None
        if not defined:
            reason = "F1 is undefined"
        elif not len(f1.replicates):
            reason = too_few_images(n_images)
        elif n_undefined := int(np.isnan(f1.replicates[:, index]).sum()):
            reason = f"undefined in {n_undefined} of {len(f1.replicates)} replicates"
        standings.append(
            Standing(
                model=model,
                value=float(f1.values[index]) if defined else None,
                place=int(known[index]) if defined else None,
                interval=place_interval(drawn[:, index]) if reason is None else None,
                joint_interval=joint[index] if reason is None else None,
                reason=reason,
            )
        )
    return tuple(sorted(standings, key=lambda standing: standing.place or len(models) + 1))


def _agreements(
    names: Sequence[str], samples: Mapping[str, Mapping[Cell, Sampled]], label_sets: Sequence[str]
) -> dict[Variant, Agreement]:
    if len(label_sets) != 2:
        return {}

    def by_figure(label_set: str, variant: Variant) -> dict[str, Sampled]:
        return {figure: of_cells[label_set, variant] for figure, of_cells in samples.items()}

    first, second = label_sets
    return {
        variant: agreement(names, by_figure(first, variant), by_figure(second, variant))
        for name, variant in samples["f1"]
        if name == first and (second, variant) in samples["f1"]
    }
