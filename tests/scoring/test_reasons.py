"""Whatever is None among the scores has a reason, and nothing else has."""

import pytest
from estimate_parts import intervals_of, reasons_of

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.intervals import INTERVAL_FIGURES
from repope_eval.scoring.protocol_scores import ProtocolScores, score
from repope_eval.settings import config


def questions(images: int, each: int = 4) -> list[Question]:
    return [Question(f"{image}.jpg", f"{n}?", str(n)) for image in range(images) for n in range(each)]


def scores_of(
    images: int,
    response: str | None,
    protocol: config.Protocol = "repope",
    labels: tuple[bool, ...] = (True, True, False, False),
) -> ProtocolScores:
    """One response to all questions; None: no answers."""
    asked = questions(images)
    label_set = LabelSet("pope", {"random": {q: labels[int(q.object)] for q in asked}})
    answers = {} if response is None else {question: Answer(question, response) for question in asked}
    return score("a-model", "a-bench", [label_set], answers, protocol)


@pytest.mark.parametrize("protocol", ["repope", "pope", "vlmevalkit", "lmms_eval"])
@pytest.mark.parametrize("response", ["yes", "no", "maybe", None])
def test_all_that_is_none_has_a_reason_and_nothing_else(
    protocol: config.Protocol, response: str | None
) -> None:
    scores = scores_of(5, response, protocol)
    figures, intervals = (
        scores.cells["pope"]["random"].figures,
        intervals_of(scores.cells["pope"]["random"].estimates),
    )
    undefined = {
        name for name in INTERVAL_FIGURES if getattr(figures, name) is None or intervals[name] is None
    }
    reasons = reasons_of(scores.cells["pope"]["random"].estimates)
    assert set(reasons) == undefined
    assert all(reasons.values())


def test_all_yes() -> None:
    scores = scores_of(5, "yes")
    assert set(reasons_of(scores.cells["pope"]["random"].estimates)) == {"mcc"}
    assert scores.cells["pope"]["random"].estimates["mcc"].reason.startswith("no question is read as no")
    assert scores.cells["pope"]["random"].estimates["recall"].method == "gamma"
    low, high = scores.cells["pope"]["random"].estimates["recall"].interval or (0, 0)
    assert 0.5 < low < high == 1
    assert scores.n_images == 5


def test_all_no() -> None:
    reasons = reasons_of(scores_of(5, "no").cells["pope"]["random"].estimates)
    cause = "no question is read as yes: precision divides by 0"
    assert reasons == dict.fromkeys(("precision", "f1", "f1_balanced", "mcc"), cause)


@pytest.mark.parametrize("images", [5, 120])
def test_an_undefined_figure_has_no_interval(images: int) -> None:
    scores = scores_of(images, "no")
    assert scores.cells["pope"]["random"].estimates["f1"].interval is None
    assert scores.cells["pope"]["random"].estimates["f1"].method is None
    assert scores.cells["pope"]["random"].estimates["recall"].interval is not None


def test_all_unparsed() -> None:
    reasons = reasons_of(scores_of(5, "maybe").cells["pope"]["random"].estimates)
    cause = "none of 20 answers is read as yes or no"
    ratios = ("precision", "recall", "f1", "accuracy", "balanced_accuracy", "tnr", "yes_ratio")
    ratios += ("f1_balanced", "mcc")
    assert reasons == dict.fromkeys(ratios, cause)


def test_no_answers() -> None:
    scores = scores_of(5, None)
    reasons = reasons_of(scores.cells["pope"]["random"].estimates)
    assert scores.n_images == 0
    assert reasons["f1"] == reasons["accuracy"] == "no question has an answer"
    assert reasons["tp"] == "no image has answers: nothing to draw from"


def test_a_single_image() -> None:
    scores = scores_of(1, "yes")
    reasons = {
        name: reason
        for name, reason in reasons_of(scores.cells["pope"]["random"].estimates).items()
        if name != "mcc"
    }
    assert set(reasons.values()) == {"a single image has answers: nothing to draw from"}
    assert scores.cells["pope"]["random"].figures.f1 == pytest.approx(2 / 3)


def test_one_label_alone() -> None:
    reasons = reasons_of(scores_of(5, "yes", labels=(False,) * 4).cells["pope"]["random"].estimates)
    assert reasons["recall"] == "no question with label yes is answered and parsed: recall divides by 0"
    assert reasons["f1"] == reasons["balanced_accuracy"] == reasons["recall"]
    assert reasons["precision"] == "no question with label yes is answered and parsed: no yes could be right"
    reasons = reasons_of(
        scores_of(5, "yes", "vlmevalkit", labels=(True,) * 4).cells["pope"]["random"].estimates
    )
    assert reasons["tnr"] == "no question with label no is answered: the true negative rate divides by 0"
    assert reasons["balanced_accuracy"] == reasons["tnr"]
    assert "f1" not in reasons


def test_a_figure_that_one_image_alone_counts_in() -> None:
    asked = questions(3)
    label_set = LabelSet("pope", {"random": dict.fromkeys(asked, True)})
    answers = {q: Answer(q, "yes" if q.image == "0.jpg" else "no") for q in asked}
    scores = score("a-model", "a-bench", [label_set], answers, "repope")
    assert scores.cells["pope"]["random"].figures.precision == 1
    reasons = reasons_of(scores.cells["pope"]["random"].estimates)
    assert reasons["precision"] == "fewer than two images have questions that count in it"
    assert "recall" not in reasons


def test_the_mean_names_the_variants_it_lacks() -> None:
    asked = questions(4)
    yes, no = (
        {q: label for q in asked if q.object in objects} for label, objects in ((True, "01"), (False, "23"))
    )
    label_set = LabelSet("pope", {"random": yes | no, "popular": yes, "adversarial": yes})
    answers = {question: Answer(question, "yes") for question in asked}
    scores = score("a-model", "a-bench", [label_set], answers, "repope")
    assert scores.cells["pope"]["mean"].estimates["tnr"].reason == "undefined in popular, adversarial"
    assert "recall" not in reasons_of(scores.cells["pope"]["mean"].estimates)
