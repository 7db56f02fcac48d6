"""`scores.json`: the contract's keys, null for what is undefined, and nothing lost on the way."""

import dataclasses
import json

from score_examples import (
    CELL,
    CELL_KEYS,
    CHANGE_INTERVAL,
    F1_INTERVAL,
    REASON,
    RELABELLED,
    UNDEFINED_CELL,
    scores_of,
)

from repope_eval.scoring.confusion import Figures
from repope_eval.scoring.intervals import INTERVAL_FIGURES
from repope_eval.scoring.protocol_scores import mean


def test_the_keys_of_the_document() -> None:
    pope = {"random": CELL, "popular": CELL, "mean": mean([CELL, CELL])}
    document = scores_of(pope, dict.fromkeys(pope, RELABELLED)).to_dict()
    assert {name: document[name] for name in ("model", "bench", "protocol")} == {
        "model": "a-model",
        "bench": "repope",
        "protocol": "repope",
    }
    assert set(document) == {"model", "bench", "protocol", "n_images", "sentence", "scores", "change"}
    assert document["n_images"] == 500
    assert {name: list(variants) for name, variants in document["scores"].items()} == {
        "pope": ["random", "popular", "mean"],
        "repope": ["random", "popular", "mean"],
    }
    assert all(set(cell) == CELL_KEYS for cells in document["scores"].values() for cell in cells.values())


def test_figures_survive_json_exactly() -> None:
    cells = {"random": CELL, "popular": UNDEFINED_CELL, "mean": mean([CELL, RELABELLED, CELL])}
    document = json.loads(json.dumps(scores_of(cells).to_dict(), allow_nan=False))
    read = document["scores"]["pope"]
    none = dict.fromkeys(INTERVAL_FIGURES)
    assert [cell.pop("ci95") for cell in read.values()] == [{**none, "f1": list(F1_INTERVAL)}] * 3
    assert [cell.pop("ci95_method") for cell in read.values()] == [{**none, "f1": "bootstrap"}] * 3
    assert [cell.pop("reasons") for cell in read.values()] == [{"precision": REASON}] * 3
    assert {variant: Figures(**cell) for variant, cell in read.items()} == cells


def test_the_change_and_distinct_questions_stand_beside_the_scores() -> None:
    scores = scores_of({"random": CELL, "mean": CELL}, {"random": RELABELLED, "mean": RELABELLED})
    distinct = scores_of({"distinct": CELL}, {"distinct": RELABELLED})
    document = dataclasses.replace(scores, distinct=distinct).to_dict()
    assert {name: set(cell) for name, cell in document["distinct"].items()} == {
        "pope": CELL_KEYS,
        "repope": CELL_KEYS,
    }
    assert list(document["change"]) == ["random", "mean", "distinct"]
    change = document["change"]["random"]
    assert (change["tp"], change["ci95"]["f1"]) == (1002 - 1150, list(CHANGE_INTERVAL))
    assert change["f1_parts"] == {
        "corrected": {"value": 0.0294, "ci95": [0.0208, 0.0382], "reason": None},
        "left_out": {
            "value": 0.0215,
            "ci95": None,
            "reason": "relabelling changes its counts in fewer than 20 images",
        },
        "prevalence": {"value": -0.0048, "ci95": [-0.0065, -0.0033], "reason": None},
    }
    assert "change" not in scores_of({"random": CELL}).to_dict()
