"""A run to be shown, with something in every section of its page."""

from typing import Any

from score_examples import CELL, RELABELLED, scores_of

from repope_eval.records import Answer, Question
from repope_eval.reporting.page import RunView
from repope_eval.scoring.evidence import Evidence, ReliabilityBin
from repope_eval.scoring.protocol_readings import Disagreement
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
    auroc=0.91,
    auroc_interval=(0.88, 0.94),
    average_precision=0.9,
    average_precision_interval=None,
    ece=0.0512,
    ece_interval=(0.04, 0.07),
    best_f1=0.88,
    best_f1_interval=(0.85, 0.9),
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


def verdict(before: str = "fp", after: str | None = "tp", **fields: Any) -> TurnedVerdict:
    return TurnedVerdict(
        **{
            "image": "scene.png",
            "question": "Is there a snowboard in the image?",
            "object": "snowboard",
            "variants": ("random",),
            "response": "Yes",
            **fields,
        },
        outcome_before=before,
        outcome_after=after,
    )


def run_view(words: str = "a-word", **fields: Any) -> RunView:
    """The view of a run in which whatever comes from a file or a model is the given words."""
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
        "scores": scores,
        "settings": {words: words},
        "facts": {words: words},
        "seconds": {words: 1.25},
        "prompt": words,
        "effects": (EFFECT,),
        "object_effects": (Effect(**{**_fields(EFFECT), "group": words}),),
        "verdicts": (
            verdict(image=words, question=words, object=words, response=words, variants=(words,)),
            verdict("fn", "fn"),
        ),
        "evidence": {name: {words: EVIDENCE} for name in scores.figures},
        "other_protocols": (scores_of({words: CELL}, {words: RELABELLED}, words),),
        "disagreements": (disagreement,),
        "unparsed": (Answer(question, words),),
    }
    return RunView(**{**given, **fields})


def _fields(effect: Effect) -> dict[str, Any]:
    return {name: getattr(effect, name) for name in Effect.__slots__}
