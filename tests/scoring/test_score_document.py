"""`scores.json`, with null for what is undefined and nothing lost, and a figure as a paper prints it."""

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

from repope_eval.benchmarks.benchmark import GROUPS, Benchmark, OwnSection
from repope_eval.benchmarks.dash_b import DETECTIONS
from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.confusion import Figures
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.intervals import INTERVAL_FIGURES
from repope_eval.scoring.protocol_scores import mean
from repope_eval.scoring.score_document import figure_phrase
from repope_eval.scoring.scores import Scores, score_benchmark


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


CUPS = [Question(f"{place:03}.jpg", "Is there a cup in the image?", "cup") for place in range(200)]


def scored(
    label_set: str, *responses: str | None, has_yes: bool = True, own: OwnSection = GROUPS, **basis: str
) -> Scores:
    """The first answers as they are given, the others right; the first 100 cups are there."""
    labels = {cup: has_yes and place < 100 for place, cup in enumerate(CUPS)}
    said = [*responses, *("yes" if label else "no" for label in list(labels.values())[len(responses) :])]
    answers = {cup: Answer(cup, text) for cup, text in zip(CUPS, said, strict=True) if text is not None}
    ids = {"cups": dict(enumerate(CUPS))}
    benchmark = Benchmark("cups", (LabelSet(label_set, {"cups": labels}),), ids, {}, own=(own,))
    return score_benchmark(benchmark, answers, "m", **basis)


def test_it_says_what_the_figure_is_over_and_how_it_came_about() -> None:
    scores = scored("repope", *["no"] * 10, decoding="greedy")
    low, high = scores.cells["repope"]["cups"].estimates["f1"].interval or (0, 0)
    assert scores.sentence == (
        f"F1 94.7 (95 % {100 * low:.1f}–{100 * high:.1f}) under RePOPE, 200 questions about 200 images, greedy, "
        "protocol repope, all answered"
    )
    assert scores.to_dict()["sentence"] == scores.sentence


def test_it_says_what_is_partial_unanswered_and_unread() -> None:
    sentence = scored("original", None, None, None, "Perhaps", part="200 of 500 images").sentence
    assert " under the original labels, 200 questions about 200 of 500 images, protocol repope, " in sentence
    assert sentence.endswith("98.5 % answered, 1 answer neither yes nor no")


def test_where_nothing_is_read_there_is_no_figure() -> None:
    sentence = scored("pope", *["Perhaps"] * 200).sentence
    assert sentence.startswith("no figure, since no answer is read as yes or no, under POPE, 200 questions")


def test_where_no_label_is_yes_the_true_negative_rate_stands() -> None:
    assert scored("pope", "yes", has_yes=False).sentence.startswith("TNR 99.5 (95 % ")


def test_dash_b_has_its_own_figures() -> None:
    sentence = scored("dash_b", "no", own=DETECTIONS).sentence
    assert sentence.startswith("TNR 100.0 (95 % ")
    assert ") and TPR 99.0 (95 % " in sentence


def test_why_there_is_no_interval_or_no_value_is_told() -> None:
    assert figure_phrase("F1", Estimate(value=0.5, reason="2 images")) == "F1 50.0 (no interval: 2 images)"
    assert figure_phrase("F1", Estimate(reason="no answer")) == "F1 undefined (no answer)"
