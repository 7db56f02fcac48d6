"""Two results question by question: the kind of each question, and the numbers."""

import pytest

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.paired_answers import Readers, flip_rate, pair_answers, read_differently, tally

NAMES = ("dog", "cat", "car", "cup", "bed", "bus", "hat", "tie")
DOG, CAT, CAR, CUP, BED, BUS, HAT, TIE = (
    Question("1.jpg", f"Is there a {name} in the image?", name) for name in NAMES
)
OLD = LabelSet(
    "pope", {"random": dict.fromkeys((DOG, CAT, CAR, CUP, BED), True), "popular": {BUS: False, DOG: True}}
)
NEW = LabelSet(
    "repope", {"random": dict.fromkeys((DOG, CAT, CAR, CUP), True), "popular": {BUS: False, DOG: True}}
)
FIRST = {DOG: "Yes", CAT: "Yes", CAR: "No", CUP: "Maybe", BED: "Yes", BUS: "Yes, a red one", HAT: "No"}
SECOND = {DOG: "yes", CAT: "No", CAR: "Yes", CUP: "No", BED: "No", BUS: "No", TIE: "Yes"}
ALIKE = Readers(a="repope", b="repope", common="repope")
UNLIKE = Readers(a="repope", b="lmms_eval", common="repope")


def pairs(readers: Readers) -> dict[str, str]:
    found = pair_answers(answers(FIRST), answers(SECOND), NEW, readers, (OLD, NEW))
    return {pair.question.object: pair.kind for pair in found}


def answers(said: dict[Question, str]) -> dict[Question, Answer]:
    return {question: Answer(question, response) for question, response in said.items()}


def test_every_question_has_its_kind() -> None:
    assert pairs(ALIKE) == {
        "dog": "same answer",
        "cat": "only a is right",
        "car": "only b is right",
        "cup": "neither is right",
        "bed": "no label",
        "bus": "only b is right",
        "hat": "only a answered",
        "tie": "only b answered",
    }


def test_a_question_is_read_differently_where_the_protocols_disagree_on_one_of_its_answers() -> None:
    kinds = pairs(UNLIKE)
    assert kinds.pop("bus") == "read differently"
    assert kinds == {name: kind for name, kind in pairs(ALIKE).items() if name != "bus"}


def test_a_question_knows_its_variants_even_where_the_common_labels_lack_it() -> None:
    found = {pair.question: pair for pair in pair_answers(answers(FIRST), {}, NEW, ALIKE, (OLD, NEW))}
    assert found[BED].variants == ("random",)
    assert found[BED].label is None
    assert found[DOG].variants == ("random", "popular")
    assert found[HAT].variants == ()


def test_both_readings_of_a_pair_are_kept() -> None:
    found = pair_answers(answers(SECOND), answers({BUS: "No.", CUP: "Nothing"}), NEW, UNLIKE, (NEW,))
    by_question = {pair.question: pair for pair in found}
    assert by_question[BUS].own == (False, None)
    assert by_question[BUS].common == (False, False)
    assert by_question[TIE].own == (True, None)
    assert by_question[TIE].common == (True, None)


def test_the_numbers_are_of_distinct_questions() -> None:
    pairs = pair_answers(answers(FIRST), answers(SECOND), NEW, UNLIKE, (OLD, NEW))
    found = tally(pairs, read_differently(pairs, UNLIKE))
    assert (found.n_shared, found.n_only_a, found.n_only_b) == (6, 1, 1)
    assert (found.n_same, found.n_same_text) == (1, 0)
    assert (found.n_yes_no, found.n_no_yes) == (3, 1)
    assert found.n_labelled == 5
    counts = (found.n_both_right, found.n_right_only_a, found.n_right_only_b, found.n_neither_right)
    assert counts == (1, 1, 2, 1)
    assert found.n_read_differently == (1, 0)


def test_answers_flip_where_readings_differ_and_each_distinct_question_counts_once() -> None:
    pairs = pair_answers(answers(FIRST), answers(SECOND), NEW, UNLIKE, (OLD, NEW))
    found = flip_rate(pairs)
    assert found.value == pytest.approx(5 / 6)
    assert tally(pairs, ()).n_flipped == 5
    assert (found.interval, found.reason) == (None, "a single image counts in it")
    assert flip_rate(pair_answers(answers(FIRST), {}, NEW, UNLIKE, (NEW,))).reason == (
        "no question that both answered"
    )


def test_flips_about_one_image_have_a_wider_interval_than_flips_about_many() -> None:
    asked = [
        Question(f"{image}.jpg", f"Is there {thing}?", thing) for image in range(200) for thing in "abcdef"
    ]
    said = dict.fromkeys(asked, "yes")
    labels = LabelSet("pope", {"random": dict.fromkeys(asked, True)})
    bundled, spread = (
        flip_rate(
            pair_answers(
                answers(said), answers({**said, **dict.fromkeys(turned, "no")}), labels, ALIKE, (labels,)
            )
        )
        for turned in (asked[:240], asked[::5])
    )
    assert bundled.value == spread.value == 0.2
    assert bundled.method == spread.method == "bootstrap"
    assert bundled.interval is not None
    assert spread.interval is not None
    assert bundled.interval[1] - bundled.interval[0] > 2 * (spread.interval[1] - spread.interval[0])


def test_responses_that_are_read_differently_are_counted_over_shared_questions() -> None:
    both = dict.fromkeys((DOG, CAT), "Yes, it is")
    found = pair_answers(
        answers({**both, HAT: "Yes, it is"}), answers({**both, CUP: "No."}), NEW, UNLIKE, (NEW,)
    )
    (only,) = read_differently(found, UNLIKE)
    assert (only.response, only.n_a, only.n_b) == ("Yes, it is", 2, 2)
    assert only.readings == {"repope": True, "lmms_eval": None}
    assert only.reasons == {"repope": 'has "yes"', "lmms_eval": 'is more than "yes" or "no"'}
