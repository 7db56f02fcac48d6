"""The scores of a run: everything that is found of its answers, in one record."""

import json

from run_folders import answer_lines, demo

from repope_eval.records import Answer, Question
from repope_eval.scoring.protocol_scores import score
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.scores import score_benchmark


def answered(*odd: str) -> dict[Question, Answer]:
    """The demo's answers, the first of them odd ones, and none to the last question."""
    lines = answer_lines(demo())[:-1]
    responses = [*odd, *(line["response"] for line in lines[len(odd) :])]
    return {
        question: Answer(question, response, p_yes=0.75, p_no=0.25)
        for question, response in zip(demo().questions, responses, strict=False)
    }


def test_the_figures_are_those_by_the_protocol() -> None:
    answers = answered()
    alone = score("m", "demo", demo().label_sets, answers, "pope")
    found = score_benchmark(demo(), answers, "m", "pope")
    assert (found.cells, found.changes, found.confusions) == (alone.cells, alone.changes, alone.confusions)
    assert (found.model, found.bench, found.protocol) == ("m", "demo", "pope")


def test_whatever_else_is_found_of_the_answers_is_there() -> None:
    found = score_benchmark(demo(), answered("There is a snowboard.", "Perhaps"), "m")
    total = len(demo().questions)
    assert (found.n_questions, found.n_answered) == (total, total - 1)
    assert [answer.response for answer in found.unparsed] == ["Perhaps"]
    assert found.read_otherwise == {"pope": 2, "vlmevalkit": 1, "lmms_eval": 1}
    assert [effect.group for effect in found.effects] == ["random", "popular", "adversarial"]
    assert found.object_effects
    assert found.verdicts
    assert set(found.resolutions) == {"random", "popular", "adversarial", "mean"}
    assert set(found.missing) == set(found.evidence) == {"pope", "repope"}
    assert not any((found.other_protocols, found.disagreements, found.groups, found.own.detections))


def test_by_all_protocols_the_default_one_counts() -> None:
    found = score_benchmark(demo(), answered("There is a snowboard."), "m", "all")
    assert found.protocol == "repope"
    assert [other.protocol for other in found.other_protocols] == [
        name for name in PROTOCOLS if name != "repope"
    ]
    assert [each.response for each in found.disagreements] == ["There is a snowboard."]


def test_the_document_is_what_json_reads_of_it() -> None:
    document = score_benchmark(demo(), answered(), "m", "all").to_dict()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert list(document) == [
        *("model", "bench", "protocol", "n_images", "scores", "change", "distinct", "protocols"),
        *("evidence", "relabelling", "ambiguous", "missing"),
    ]
