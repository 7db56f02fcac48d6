"""Scores to be shown: a few figures by hand, the rest as they come."""

import dataclasses
from collections.abc import Mapping

from repope_eval.scoring.confusion import Figures
from repope_eval.scoring.estimates import Estimate, Interval, Method
from repope_eval.scoring.intervals import INTERVAL_FIGURES
from repope_eval.scoring.protocol_scores import CellScores, Change
from repope_eval.scoring.scores import Scores

CELL_KEYS = {
    *(
        "tp",
        "fp",
        "tn",
        "fn",
        "precision",
        "recall",
        "f1",
        "accuracy",
        "balanced_accuracy",
        "tnr",
        "yes_ratio",
        "f1_balanced",
        "mcc",
    ),
    *("n_questions", "n_answered", "n_unparsed", "ci95", "ci95_method", "reasons"),
}
"""The keys of a cell in `scores.json`, written out: the contract of that file."""

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

REASON = "undefined in 3 of 10000 replicates"
"""Why precision has no interval."""
CHANGE_INTERVAL = (0.0349, 0.0572)
PARTS = {
    "corrected": Estimate(value=0.0294, interval=(0.0208, 0.0382), method="bootstrap"),
    "left_out": Estimate(value=0.0215, reason="relabelling changes its counts in fewer than 20 images"),
    "prevalence": Estimate(value=-0.0048, interval=(-0.0065, -0.0033), method="bootstrap"),
}
"""What the change of F1 from `CELL` to `RELABELLED` is made of."""


def cell_of(figures: Figures, f1_interval: Interval = F1_INTERVAL) -> CellScores:
    estimates = {name: Estimate(value=getattr(figures, name)) for name in INTERVAL_FIGURES}
    method: Method | None = "bootstrap" if f1_interval else None
    return CellScores(
        figures=figures,
        estimates={
            **estimates,
            "precision": Estimate(value=figures.precision, reason=REASON),
            "f1": Estimate(value=figures.f1, interval=f1_interval, method=method),
        },
    )


def scores_of(
    pope: Mapping[str, Figures], repope: Mapping[str, Figures] | None = None, model: str = "a-model"
) -> Scores:
    figures = {"pope": pope} if repope is None else {"pope": pope, "repope": repope}
    return Scores(
        model=model,
        bench="repope",
        protocol="repope",
        confusions={},
        cells={
            name: {variant: cell_of(each) for variant, each in cells.items()}
            for name, cells in figures.items()
        },
        changes={variant: change_of(cell, repope[variant]) for variant, cell in pope.items()}
        if repope
        else {},
        n_images=500,
        n_questions=1026,
        n_answered=1026,
    )


def change_of(before: Figures, after: Figures) -> Change:
    estimates = {}
    for figure in INTERVAL_FIGURES:
        old, new = getattr(before, figure), getattr(after, figure)
        value = None if old is None or new is None else new - old
        estimates[figure] = Estimate(
            value=value,
            interval=CHANGE_INTERVAL if figure == "f1" else None,
            reason="relabelling changes its counts in fewer than 20 images" if figure == "tn" else "",
        )
    change = estimates["f1"].value
    return Change(estimates=estimates, f1_parts=PARTS if change else {}, yes_shares=(0.525, 0.442))
