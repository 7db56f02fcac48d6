"""All of a group right, by hand."""

import pytest

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.own_figures import groups_right
from repope_eval.scoring.protocols import PROTOCOLS

PAIRS = [
    (Question(f"{number}.jpg", "?", "?"), Question(f"{number}_altered.jpg", "?", "?")) for number in range(4)
]
GROUPS = {question: str(number) for number, pair in enumerate(PAIRS) for question in pair}
LABELS = LabelSet(
    "labels", {"photograph": {pair[0]: True for pair in PAIRS}, "altered": {pair[1]: False for pair in PAIRS}}
)


def answers(*said: tuple[str | None, str | None]) -> dict[Question, Answer]:
    return {
        question: Answer(question, response)
        for pair, responses in zip(PAIRS, said, strict=True)
        for question, response in zip(pair, responses, strict=True)
        if response is not None
    }


def test_a_pair_counts_where_both_answers_are_right() -> None:
    said = answers(("Yes", "No"), ("Yes", "Yes"), ("No", "No"), ("Yes", "No."))
    found = groups_right(GROUPS, (LABELS,), said, PROTOCOLS["repope"])["labels"]
    assert (found.n, found.n_right, found.share.value) == (4, 2, 0.5)
    # Wilson's interval of 2 of 4
    assert found.share.interval == pytest.approx((0.15004, 0.84996), abs=1e-5)


@pytest.mark.parametrize("always", ["Yes", "No", "perhaps"])
def test_always_saying_the_same_gets_no_pair(always: str) -> None:
    found = groups_right(GROUPS, (LABELS,), answers(*[(always, always)] * 4), PROTOCOLS["repope"])["labels"]
    assert (found.n, found.n_right) == (4, 0)


def test_a_pair_without_both_answers_is_in_no_count() -> None:
    said = answers(("Yes", "No"), ("Yes", None), (None, "No"), (None, None))
    found = groups_right(GROUPS, (LABELS,), said, PROTOCOLS["repope"])["labels"]
    assert (found.n, found.n_right) == (1, 1)
    nothing = groups_right(GROUPS, (LABELS,), {}, PROTOCOLS["repope"])["labels"]
    assert nothing.share.value is None
    assert nothing.share.reason == "no group has an answer to all of its questions"


def test_questions_that_stand_alone_have_no_figure() -> None:
    assert groups_right({}, (LABELS,), answers(*[("Yes", "No")] * 4), PROTOCOLS["repope"]) == {}
