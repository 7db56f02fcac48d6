"""The scores of a run: everything that is found of its answers, in one record."""

import functools
import json
import math
import sys
from dataclasses import replace

import pytest
from run_folders import answer_lines, demo

from repope_eval.errors import RepopeError
from repope_eval.records import Answer, Question
from repope_eval.scoring.protocol_scores import score
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.scores import Scores, score_benchmark
from repope_eval.settings.config import ProtocolChoice


def answered(*odd: str) -> dict[Question, Answer]:
    """The demo's answers, the first of them odd ones, and none to the last question."""
    lines = answer_lines(demo())[:-1]
    responses = [*odd, *(line["response"] for line in lines[len(odd) :])]
    return {
        question: Answer(question, response, p_yes=0.75, p_no=0.25)
        for question, response in zip(demo().questions, responses, strict=False)
    }


@functools.cache
def scored(protocol: ProtocolChoice, *odd: str) -> Scores:
    """Scores of the demo's answers, made once."""
    return score_benchmark(demo(), answered(*odd), "m", protocol)


def test_the_figures_are_those_by_the_protocol() -> None:
    alone = score("m", "demo", demo().label_sets, answered(), "pope")
    found = scored("pope")
    assert (found.cells, found.changes, found.confusions) == (alone.cells, alone.changes, alone.confusions)
    assert (found.model, found.bench, found.protocol) == ("m", "demo", "pope")


def test_whatever_else_is_found_of_the_answers_is_there() -> None:
    found = score_benchmark(demo(), answered("There is a snowboard.", "Perhaps"), "m")
    total = len(demo().questions)
    assert (found.n_questions, found.n_answered) == (total, total - 1)
    assert [answer.response for answer in found.unparsed] == ["Perhaps"]
    assert found.read_otherwise == {"pope": 2, "vlmevalkit": 1, "lmms_eval": 1}
    assert [effect.group for effect in found.effects] == ["random", "popular", "adversarial"]
    assert {effect.group for effect in found.object_effects} == set(
        found.to_dict()["relabelling"]["object_rates"]["repope"]["missed"]
    )
    assert found.verdicts
    assert set(found.resolutions) == {"random", "popular", "adversarial", "mean"}
    assert set(found.missing) == set(found.evidence) == {"pope", "repope"}
    assert not any((found.other_protocols, found.disagreements, found.own))


def test_by_all_protocols_the_default_one_counts() -> None:
    found = scored("all", "There is a snowboard.")
    assert found.protocol == "repope"
    assert [other.protocol for other in found.other_protocols] == [
        name for name in PROTOCOLS if name != "repope"
    ]
    assert [each.response for each in found.disagreements] == ["There is a snowboard."]


def test_the_document_is_what_json_reads_of_it() -> None:
    document = scored("all", "There is a snowboard.").to_dict()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert list(document) == [
        *("model", "bench", "protocol", "n_images", "sentence", "scores", "change", "distinct", "protocols"),
        *("evidence", "relabelling", "ambiguous", "missing"),
    ]


def test_a_frame_has_a_row_for_each_figure_of_the_document() -> None:
    scores = scored("pope")
    document, frame = scores.to_dict(), scores.to_frame()
    assert list(frame) == ["label_set", "variant", "figure", "value", "low", "high", "method", "reason"]
    assert not frame.duplicated(["label_set", "variant", "figure"]).any()
    rows = frame.set_index(["label_set", "variant", "figure"])
    for label_set, by_variant in document["scores"].items():
        for variant, cell in by_variant.items():
            for figure in cell.keys() - {"ci95", "ci95_method", "reasons"}:
                row = rows.loc[label_set, variant, figure]
                low, high = cell["ci95"].get(figure) or (math.nan, math.nan)
                expected = (math.nan if cell[figure] is None else cell[figure], low, high)
                assert tuple(row[["value", "low", "high"]]) == pytest.approx(expected, nan_ok=True)
                assert row["reason"] == cell["reasons"].get(figure, "")
    assert rows.loc["pope", "distinct", "f1"]["value"] == document["distinct"]["pope"]["f1"]
    assert rows.loc["change", "mean", "f1"]["low"] == document["change"]["mean"]["ci95"]["f1"][0]
    assert rows.loc["repope", "random", "auroc"]["value"] == document["evidence"]["repope"]["random"]["auroc"]
    assert frame["value"].dtype == frame["low"].dtype == "float64"


def test_without_pandas_there_is_no_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(RepopeError, match=r"^to_frame: pandas is not installed; pip install pandas$"):
        scored("pope").to_frame()


def test_they_are_shown_in_two_lines() -> None:
    scores = scored("pope")
    f1 = [scores.cells[name]["mean"].estimates["f1"] for name in ("pope", "repope")]
    percent = [[100 * (end or 0) for end in (one.value, *(one.interval or ()))] for one in f1]
    shown = ["{:.1f} % ({:.1f}–{:.1f})".format(*ends) for ends in percent]
    assert repr(scores).splitlines() == [
        "Scores of m on demo, protocol pope: 1,025 of 1,026 questions answered",
        f"F1 (mean): pope {shown[0]}; repope {shown[1]}",
    ]


def test_what_is_undefined_is_shown_as_such() -> None:
    few = demo().first_images(1)
    first = replace(few, label_sets=few.label_sets[:1]).select_variants(["random"])
    assert repr(score_benchmark(first, {}, "m")).endswith("\nF1 (random): pope undefined")
    one = {question: Answer(question, "yes") for question in first.questions}
    assert "(no interval)" in repr(score_benchmark(first, one, "m"))
