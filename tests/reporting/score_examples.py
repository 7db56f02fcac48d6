"""Scores to be shown: a few figures by hand, the rest as they come."""

import dataclasses
from collections.abc import Mapping

from repope_eval.scoring.confusion import Figures
from repope_eval.scoring.scores import Scores

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
REASONS = {"precision": "undefined in 3 of 10000 replicates"}


def scores_of(
    pope: Mapping[str, Figures], repope: Mapping[str, Figures] | None = None, model: str = "a-model"
) -> Scores:
    figures = {"pope": pope} if repope is None else {"pope": pope, "repope": repope}
    intervals = {name: dict.fromkeys(cells, INTERVALS) for name, cells in figures.items()}
    reasons = {name: dict.fromkeys(cells, REASONS) for name, cells in figures.items()}
    return Scores(
        model=model,
        bench="repope",
        protocol="repope",
        confusions={},
        figures=figures,
        intervals=intervals,
        reasons=reasons,
        n_images=500,
    )
