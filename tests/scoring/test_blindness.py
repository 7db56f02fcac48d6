"""What is right without looking, counted by hand, and as a section that pages show."""

from collections.abc import Mapping

import pytest

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.blindness import blind_figures, blind_shares

ASKED = {Question(f"{number // 4}.jpg", f"Is there {number}?", ""): number % 4 == 0 for number in range(40)}
"""Four questions about each of ten images, of which the first has label yes."""
LABELS = LabelSet("pope", {"random": ASKED})


def answers(said: Mapping[Question, bool | None]) -> dict[Question, Answer]:
    words = {True: "Yes", False: "No", None: "Perhaps"}
    return {question: Answer(question, words[answer]) for question, answer in said.items()}


def test_a_model_that_always_says_no_blind_has_the_noes_and_no_yes() -> None:
    shares = blind_shares(answers(ASKED), answers(dict.fromkeys(ASKED, False)), LABELS, "repope")
    assert {due: (one.n_questions, one.blind.value, one.needless.value) for due, one in shares.items()} == {
        "all": (40, 0.75, 0.75),
        "yes": (10, 0.0, 0.0),
        "no": (30, 1.0, 1.0),
    }
    assert all(one.seeing.value == 1 for one in shares.values())


def test_needless_is_of_what_is_right_with_the_images() -> None:
    seeing = {
        question: label if place < 20 else not label for place, (question, label) in enumerate(ASKED.items())
    }
    blind = {
        question: label if place % 10 == 0 else None for place, (question, label) in enumerate(ASKED.items())
    }
    shares = blind_shares(answers(seeing), answers(blind), LABELS, "repope")["all"]
    assert (shares.seeing.value, shares.blind.value, shares.needless.value) == (0.5, 0.1, 0.1)
    assert shares.needless.interval is not None
    assert shares.needless.interval[0] < 0.1 < shares.needless.interval[1]


def test_only_what_both_answered_is_counted() -> None:
    some = dict(list(ASKED.items())[:8])
    shares = blind_shares(answers(ASKED), answers(some), LABELS, "repope")
    assert shares["all"].n_questions == 8


def test_without_a_right_answer_there_is_no_share_of_them() -> None:
    wrong = answers({question: not label for question, label in ASKED.items()})
    shares = blind_shares(wrong, answers(ASKED), LABELS, "repope")["all"]
    assert shares.needless.value is None
    assert shares.needless.reason == "no answer is right with the images"
    figures = blind_figures({"gray": (wrong, answers(ASKED))}, [LABELS], "repope")
    assert figures is not None
    assert figures.clause == "no answer is right with the images under POPE"


def test_the_section_says_how_much_needs_no_image() -> None:
    always_no = answers(dict.fromkeys(ASKED, False))
    figures = blind_figures({"gray": (answers(ASKED), always_no)}, [LABELS], "repope")
    assert figures is not None
    assert figures.clause == (
        "of the answers that are right with the images under POPE, 75.0 % with a gray image of the same size in place "
        "of each is right, too"
    )
    assert figures.document["gray"]["pope"]["no"]["needless"] == 1.0
    assert [row[:4] for row in figures.table.rows] == [
        ("gray", "POPE", "all", 40), ("gray", "POPE", "yes", 10), ("gray", "POPE", "no", 30),
    ]  # fmt: skip


@pytest.mark.parametrize("twins", [{}, {"gray": ({}, {})}])
def test_without_a_twin_there_is_no_section(twins: dict[str, tuple[dict[Question, Answer], ...]]) -> None:
    assert blind_figures(twins, [LABELS], "repope") is None  # type: ignore[arg-type]
