"""Several models on the same questions: who is ahead, how surely, and who overtakes whom when labels change."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from repope_eval.records import Answer, LabelSet, Question, Variant
from repope_eval.scoring.agreement import RANKED_FIGURES, Agreement, agreement
from repope_eval.scoring.bootstrap import FEWEST_IMAGES
from repope_eval.scoring.differences import Difference, differences, too_few_images
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.ranking import rank_interval, ranks
from repope_eval.scoring.shared_questions import Cell, QuestionSet, Sampled, SharedQuestions
from repope_eval.scoring.step_down import joint_ranks
from repope_eval.settings import config


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A model's place in the ranking by F1."""

    model: str
    value: float | None
    """F1 on the questions that all ranked models answered; None where undefined."""
    rank: int | None
    """1 is the best; equal values share the better rank. None where the value is undefined."""
    ranks: tuple[int, int] | None
    """95 % interval of the rank over the replicates, for this model alone: of many, some do not hold."""
    joint_ranks: tuple[int, int] | None
    """95 % interval of the rank that holds for all models at once (see `step_down`)."""
    reason: str | None
    """Why there are no intervals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Models compared by F1."""

    n_questions: int
    """Distinct labelled questions that all ranked models answered: what the standings are about."""
    n_images: int
    """That these are about."""
    standings: Mapping[str, Mapping[Variant, tuple[Standing, ...]]]
    """By label set and variant (`mean` too), the best first."""
    differences: Mapping[str, Mapping[Variant, tuple[Difference, ...]]]
    """Of every pair of models, ranked or not, in the order of the standings, those that are not ranked last."""
    agreements: Mapping[Variant, Agreement]
    """Of the standings under two label sets, where there are two."""


def compare(
    models: Mapping[str, Mapping[Question, Answer]],
    label_sets: Sequence[LabelSet],
    protocol: config.Protocol,
    ranked: Collection[str] | None = None,
) -> Comparison:
    """Ranks models by F1 under every label set and variant, and says how sure each place and difference is.

    Args:
        models: each model's answers, by name.
        label_sets: what is taken as true. Where there are two, their rankings are set against each other.
        protocol: how answers are read.
        ranked: names of the models that are ranked, on the questions that all of them answered; None: all.
    """
    names = [name for name in models if ranked is None or name in ranked]
    questions = SharedQuestions(models, label_sets, PROTOCOLS[protocol])
    common = questions.shared_by(names)
    columns = [(name, common) for name in names]
    samples = _with_enough_images(questions.sample(columns, RANKED_FIGURES), questions, common)
    standings = {
        cell: _standings(names, samples["f1"][cell], questions.n_images(common, cell))
        for cell in questions.cells
    }
    unranked = [name for name in models if name not in names]
    orders = {cell: [*(each.model for each in found), *unranked] for cell, found in standings.items()}
    drawn = {column: (samples["f1"], place) for place, column in enumerate(columns)}
    return Comparison(
        n_questions=questions.n_questions(common),
        n_images=questions.n_images(common),
        standings={
            label_set.name: {
                variant: found for (name, variant), found in standings.items() if name == label_set.name
            }
            for label_set in label_sets
        },
        differences=differences(questions, orders, drawn),
        agreements=_agreements(names, samples, [label_set.name for label_set in label_sets]),
    )


def _with_enough_images(
    samples: Mapping[str, Mapping[Cell, Sampled]], questions: SharedQuestions, common: QuestionSet
) -> dict[str, dict[Cell, Sampled]]:
    """The same, with replicates only where there are images enough for what they say."""
    enough = {cell for cell in questions.cells if questions.n_images(common, cell) >= FEWEST_IMAGES}
    return {
        figure: {
            cell: found if cell in enough else found.without_replicates() for cell, found in of_cells.items()
        }
        for figure, of_cells in samples.items()
    }


def _standings(models: Sequence[str], f1: Sampled, n_images: int) -> tuple[Standing, ...]:
    """The best first; models whose figure is undefined last."""
    places, drawn_places = ranks(f1.values), ranks(f1.replicates)
    joint = joint_ranks(f1.values, f1.replicates)
    standings = []
    for place, model in enumerate(models):
        defined = not np.isnan(f1.values[place])
        reason = None
        if not defined:
            reason = "F1 is undefined"
        elif not len(f1.replicates):
            reason = too_few_images(n_images)
        elif n_undefined := int(np.isnan(f1.replicates[:, place]).sum()):
            reason = f"undefined in {n_undefined} of {len(f1.replicates)} replicates"
        standings.append(
            Standing(
                model=model,
                value=float(f1.values[place]) if defined else None,
                rank=int(places[place]) if defined else None,
                ranks=rank_interval(drawn_places[:, place]) if reason is None else None,
                joint_ranks=joint[place] if reason is None else None,
                reason=reason,
            )
        )
    return tuple(
        sorted(standings, key=lambda standing: len(models) + 1 if standing.rank is None else standing.rank)
    )


def _agreements(
    names: Sequence[str], samples: Mapping[str, Mapping[Cell, Sampled]], label_sets: Sequence[str]
) -> dict[Variant, Agreement]:
    if len(label_sets) != 2:
        return {}
    before, after = (
        {
            variant: {figure: of_cells[name, variant] for figure, of_cells in samples.items()}
            for name, variant in samples["f1"]
            if name == label_set
        }
        for label_set in label_sets
    )
    return {
        variant: agreement(names, before[variant], after[variant]) for variant in before if variant in after
    }
