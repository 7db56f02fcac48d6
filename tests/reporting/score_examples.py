"""Scores to be shown: a few figures by hand, the rest as they come."""

import dataclasses
from collections.abc import Mapping

from repope_eval.scoring.confusion import Figures
from repope_eval.scoring.intervals import INTERVAL_FIGURES, Method
from repope_eval.scoring.scores import Change, Scores

CELL = Figures(
    tp=1150,
    fp=28,
    tn=1288,
    fn=306,
    precision=0.9762,
    recall=0.7898,
    f1=0.8732,
    accuracy=0.8795,
    balanced_accuracy=0.8843,
    tnr=0.9787,
    yes_ratio=0.425,
    f1_balanced=0.85,
    mcc=0.7,
    n_questions=3000,
    n_answered=2772,
    n_unparsed=5,
)
RELABELLED = dataclasses.replace(
    CELL, tp=1002, fp=49, tn=1288, fn=127, precision=0.9534, recall=0.8875, f1=0.9193, n_questions=2774
)
F1_INTERVAL = (0.8512, 0.8933)
UNDEFINED_CELL = dataclasses.replace(CELL, tp=0, fp=0, precision=None, f1=None)


INTERVALS = {"f1": F1_INTERVAL, "precision": None}
METHODS: dict[str, Method | None] = {"f1": "bootstrap", "precision": None}
REASONS = {"precision": "undefined in 3 of 10000 replicates"}
CHANGE_INTERVAL = (0.0349, 0.0572)


def scores_of(
    pope: Mapping[str, Figures], repope: Mapping[str, Figures] | None = None, model: str = "a-model"
) -> Scores:
    figures = {"pope": pope} if repope is None else {"pope": pope, "repope": repope}
    return Scores(
        model=model,
        bench="repope",
        protocol="repope",
        confusions={},
        figures=figures,
        intervals={name: dict.fromkeys(cells, INTERVALS) for name, cells in figures.items()},
        methods={name: dict.fromkeys(cells, METHODS) for name, cells in figures.items()},
        reasons={name: dict.fromkeys(cells, REASONS) for name, cells in figures.items()},
        changes={variant: change_of(cell, repope[variant]) for variant, cell in pope.items()}
        if repope
        else {},
        n_images=500,
    )


def change_of(before: Figures, after: Figures) -> Change:
    values = {}
    for figure in INTERVAL_FIGURES:
        old, new = getattr(before, figure), getattr(after, figure)
        values[figure] = None if old is None or new is None else new - old
    f1, f1_balanced = values["f1"], values["f1_balanced"]
    return Change(
        values=values,
        intervals={**dict.fromkeys(INTERVAL_FIGURES), "f1": CHANGE_INTERVAL},
        reasons={"tn": "relabelling changes its counts in fewer than 20 images"},
        f1_by_labels=f1_balanced,
        f1_by_prevalence=None if f1 is None else f1 - (f1_balanced or 0),
        yes_shares=(0.525, 0.442),
    )
