"""A run to be shown, with something in every section of its page."""

import dataclasses
from typing import Any

from score_examples import CELL, RELABELLED, scores_of

from repope_eval.records import Answer, Question
from repope_eval.reporting.page import RunView
from repope_eval.scoring.calibration import ReliabilityBin
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.evidence import Evidence
from repope_eval.scoring.protocol_scores import AmbiguityBounds, UnansweredBounds
from repope_eval.scoring.protocols import Disagreement
from repope_eval.scoring.relabelling_effect import Effect, TurnedVerdict

EFFECT = Effect(
    group="random",
    before=(30, 8, 40, 12),
    after=(28, 6, 41, 9),
    fp_to_tp=3,
    fn_to_tn=4,
    tp_to_fp=2,
    tn_to_fn=1,
    removed=(3, 1, 2, 0),
)
EVIDENCE = Evidence(
    n=90,
    estimates={
        "auroc": Estimate(value=0.91, interval=(0.88, 0.94)),
        "average_precision": Estimate(value=0.9),
        "best_f1": Estimate(value=0.88, interval=(0.85, 0.9)),
        "ece": Estimate(value=0.0512, interval=(0.04, 0.07)),
        "ece_debiased": Estimate(value=0.0431, interval=(0.03, 0.06)),
        "brier": Estimate(value=0.08, interval=(0.07, 0.09)),
    },
    best_threshold=0.62,
    reliability=tuple(
        ReliabilityBin(
            low=place / 10,
            high=(place + 1) / 10,
            n=9 if place != 4 else 0,
            confidence=None if place == 4 else (place + 0.5) / 10,
            yes_share=None if place == 4 else place / 10,
        )
        for place in range(10)
    ),
)


RESOLUTION = AmbiguityBounds(
    n_ambiguous=219, removed=0.9193, all_no=0.8687, all_yes=0.8939, lowest=0.8353, highest=0.9277
)
MISSING = UnansweredBounds(n_unanswered=228, n_unparsed=5, f1=0.8732, lowest=0.8036, highest=0.8773)


def verdict(before: str = "fp", after: str | None = "tp", **fields: Any) -> TurnedVerdict:
    said = {
        "image": "scene.png",
        "question": "Is there a snowboard in the image?",
        "object": "snowboard",
        "response": "Yes",
        "variants": ("random",),
        **fields,
    }
    question = Question(said["image"], said["question"], said["object"])
    return TurnedVerdict(
        answer=Answer(question, said["response"]), variants=said["variants"], before=before, after=after
    )


def run_view(words: str = "a-word", **fields: Any) -> RunView:
    """The view of a run in which whatever comes from a file or a model is the given words.

    The fields are those of the view or of its scores.
    """
    question = Question(words, words, words)
    disagreement = Disagreement(
        response=words,
        n_answers=2,
        example=(words, words),
        readings={"repope": True, "pope": False},
        reasons={"repope": words, "pope": words},
    )
    scores = scores_of({words: CELL}, {words: RELABELLED}, words)
    given: dict[str, Any] = {
        "settings": {words: words, "bench.source": "coco"},
        "measures": words,
        "facts": {words: words},
        "seconds": {words: 1.25},
        "prompt": words,
        "effects": (EFFECT,),
        "object_effects": (Effect(**{**_fields(EFFECT), "group": words}),),
        "verdicts": (
            verdict(image=words, question=words, object=words, response=words, variants=(words,)),
            verdict("fn", "fn"),
        ),
        "evidence": {name: {words: EVIDENCE} for name in scores.cells},
        "resolutions": {words: RESOLUTION},
        "missing": {name: {words: MISSING} for name in scores.cells},
        "other_protocols": (scores_of({words: CELL}, {words: RELABELLED}, words),),
        "disagreements": (disagreement,),
        "unparsed": (Answer(question, words),),
    }
    given |= fields
    of_scores = {each.name: given.pop(each.name) for each in dataclasses.fields(scores) if each.name in given}
    return RunView(scores=dataclasses.replace(scores, **of_scores), **given)


def _fields(effect: Effect) -> dict[str, Any]:
    return {name: getattr(effect, name) for name in Effect.__slots__}
