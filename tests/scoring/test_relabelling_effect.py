"""What relabelling did to a model: POPE's counts become RePOPE's by what was flipped and removed."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
import real_answers
from counts import count

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.relabelling_effect import (
    Effect,
    TurnedVerdict,
    effects_by_object,
    effects_by_variant,
    remaining_errors,
    turned_verdicts,
    verdicts_of,
)
from repope_eval.settings import config

DOG, CAT, CUP, BUS = (Question("1.jpg", f"{name}?", name) for name in ("dog", "cat", "cup", "bus"))
OTHER_DOG = Question("2.jpg", "dog?", "dog")

LABEL_SETS = [
    LabelSet(
        "pope",
        {
            "random": {DOG: True, CAT: False, CUP: True, OTHER_DOG: False},
            "popular": {DOG: True, BUS: False, CUP: True},
        },
    ),
    # The dog is not there after all, the cat is, the cup is ambiguous; the rest stays.
    LabelSet(
        "repope", {"random": {DOG: False, CAT: True, OTHER_DOG: False}, "popular": {DOG: False, BUS: False}}
    ),
]


def answers(**responses: str) -> dict[Question, Answer]:
    asked = {"dog": DOG, "cat": CAT, "cup": CUP, "bus": BUS, "other_dog": OTHER_DOG}
    return {asked[name]: Answer(asked[name], response) for name, response in responses.items()}


def identity_holds(effect: Effect) -> bool:
    tp, fp, tn, fn = effect.before
    removed_tp, removed_fp, removed_tn, removed_fn = effect.removed
    return effect.after == (
        tp - effect.tp_to_fp - removed_tp + effect.fp_to_tp,
        fp - effect.fp_to_tp - removed_fp + effect.tp_to_fp,
        tn - effect.tn_to_fn - removed_tn + effect.fn_to_tn,
        fn - effect.fn_to_tn - removed_fn + effect.tn_to_fn,
    )


def test_one_of_each_move_by_hand() -> None:
    said = answers(dog="yes", cat="yes", cup="no", other_dog="yes", bus="no")
    assert effects_by_variant(verdicts_of(LABEL_SETS, said, "repope")) == (
        Effect(
            group="random",
            before=(1, 2, 0, 1),
            after=(1, 2, 0, 0),
            fp_to_tp=1,
            fn_to_tn=0,
            tp_to_fp=1,
            tn_to_fn=0,
            removed=(0, 0, 0, 1),
        ),
        Effect(
            group="popular",
            before=(1, 0, 1, 1),
            after=(0, 1, 1, 0),
            fp_to_tp=0,
            fn_to_tn=0,
            tp_to_fp=1,
            tn_to_fn=0,
            removed=(0, 0, 0, 1),
        ),
    )
    opposite = answers(dog="no", cat="no", cup="yes")
    random_variant, _ = effects_by_variant(verdicts_of(LABEL_SETS, opposite, "repope"))
    assert (random_variant.fn_to_tn, random_variant.tn_to_fn) == (1, 1)
    assert random_variant.removed == (1, 0, 0, 0)


def test_by_object_each_distinct_question_counts_once() -> None:
    said = answers(dog="yes", cat="yes", cup="no", other_dog="yes", bus="no")
    effects = effects_by_object(verdicts_of(LABEL_SETS, said, "repope"))
    assert [effect.group for effect in effects] == ["cat", "cup", "dog", "bus"]
    dog = effects[2]
    assert (dog.before, dog.after, dog.tp_to_fp) == ((1, 1, 0, 0), (0, 2, 0, 0), 1)
    assert all(identity_holds(effect) for effect in effects)


def test_a_label_in_one_variant_goes_before_a_removal_in_another() -> None:
    both = {"random": {CAT: False}, "popular": {CAT: False}}
    for corrected in ({"random": {}, "popular": {CAT: True}}, {"random": {CAT: True}, "popular": {}}):
        label_sets = [LabelSet("pope", both), LabelSet("repope", corrected)]
        (cat,) = effects_by_object(verdicts_of(label_sets, answers(cat="yes"), "repope"))
        assert (cat.fp_to_tp, cat.removed) == (1, (0, 0, 0, 0))


def test_turned_verdicts_name_the_variants() -> None:
    said = answers(dog="Yes, one.", cat="hm", cup="no", other_dog="yes", bus="no")
    told = turned_verdicts(verdicts_of(LABEL_SETS, said, "repope"))
    both = ("random", "popular")
    assert told == (
        TurnedVerdict(answer=said[DOG], variants=both, before="tp", after="fp"),
        TurnedVerdict(answer=said[CAT], variants=("random",), before="unparsed_no", after="unparsed_yes"),
        TurnedVerdict(answer=said[CUP], variants=both, before="fn", after=None),
    )


def test_what_is_an_error_still() -> None:
    said = answers(dog="yes", cat="no", cup="no", other_dog="yes", bus="hm")
    told = [
        (v.answer.question.text, v.answer.question.image, v.before, v.after)
        for v in remaining_errors(verdicts_of(LABEL_SETS, said, "repope"))
    ]
    assert told == [("dog?", "2.jpg", "fp", "fp"), ("bus?", "1.jpg", "unparsed_no", "unparsed_no")]


@pytest.mark.parametrize("label_sets", [LABEL_SETS[:1], LABEL_SETS[1:], []])
def test_a_single_label_set_has_nothing_to_tell(label_sets: list[LabelSet]) -> None:
    said = answers(dog="yes", cat="yes")
    for told in (effects_by_variant, effects_by_object, turned_verdicts, remaining_errors):
        assert told(verdicts_of(label_sets, said, "repope")) == ()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_identity_adds_up_for_any_answers(protocol: config.Protocol) -> None:
    generator = random.Random(4)
    questions = [Question(f"{n // 6}.jpg", f"{n}?", str(n % 9)) for n in range(600)]
    before = {question: generator.random() < 0.5 for question in questions}
    after = {
        q: label != (generator.random() < 0.1) for q, label in before.items() if generator.random() < 0.9
    }
    label_sets = [LabelSet("pope", {"random": before}), LabelSet("repope", {"random": after})]
    said = {
        q: Answer(q, generator.choice(("Yes", "No", "A snowboard", "")))
        for q in questions
        if generator.random() < 0.95
    }
    _adds_up(label_sets, said, protocol)


def test_the_identity_adds_up_for_real_answers(shared: Path) -> None:
    benchmark = real_answers.benchmark(shared)
    said = real_answers.joined(shared, benchmark).answers
    _adds_up(benchmark.label_sets, said, "repope")
    random_variant = effects_by_variant(verdicts_of(benchmark.label_sets, said, "repope"))[0]
    assert random_variant.before == (1150, 28, 1288, 306)
    assert random_variant.after == (1002, 49, 1375, 127)
    assert (random_variant.fp_to_tp, random_variant.fn_to_tn) == (1, 103)
    assert (random_variant.tp_to_fp, random_variant.tn_to_fn) == (24, 3)
    assert random_variant.removed == (125, 2, 13, 79)


def _adds_up(
    label_sets: Sequence[LabelSet], said: Mapping[Question, Answer], protocol: config.Protocol
) -> None:
    effects = effects_by_variant(verdicts_of(label_sets, said, protocol))
    for effect in effects:
        for label_set, counts in zip(label_sets, (effect.before, effect.after), strict=True):
            found = count(label_set.variants[effect.group], said, PROTOCOLS[protocol])
            assert counts == (found.tp, found.fp, found.tn, found.fn)
    assert all(identity_holds(effect) for effect in effects)
    by_object = effects_by_object(verdicts_of(label_sets, said, protocol))
    assert all(identity_holds(effect) for effect in by_object)
    turned = turned_verdicts(verdicts_of(label_sets, said, protocol))
    assert sum(len(v.variants) for v in turned if "unparsed" not in v.before) == sum(
        e.fp_to_tp + e.fn_to_tn + e.tp_to_fp + e.tn_to_fn + sum(e.removed) for e in effects
    )
