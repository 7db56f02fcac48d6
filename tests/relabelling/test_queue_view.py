"""What is said of a queue: how many labels models contradict, which, and what they say of the same object elsewhere."""

from dataclasses import replace

import pytest
from queue_examples import queue_view

from repope_eval.relabelling.queue_view import (
    ObjectDoubt,
    Votes,
    object_sentence,
    object_table,
    selection_sentence,
    verdict,
    votes_phrase,
)


def test_a_label_is_contradicted_where_every_answer_is_against_it() -> None:
    view = queue_view()
    assert [(votes.n_read, votes.n_against) for votes in view.votes.values()] == [
        (2, 2), (2, 1), (1, 1), (2, 0), (0, 0), (0, 0)
    ]  # fmt: skip
    assert [votes.is_contradicted for votes in view.votes.values()] == [
        True,
        False,
        True,
        False,
        False,
        False,
    ]
    assert verdict(view) == (
        "Of 6 labels (POPE), 2 (33.3 %) are contradicted by every answer of the 2 models: 1 of the 4 with yes and 1 of "
        "the 2 with no."
    )
    alone = replace(view, answers={"steady": view.answers["steady"]})
    assert verdict(alone).startswith(
        "Of 6 labels (POPE), 3 (50.0 %) are contradicted by steady: 2 of the 4 with yes"
    )


def test_how_the_questions_were_chosen_is_said() -> None:
    assert selection_sentence(queue_view().queue) == (
        "People are to look at 5: 2 for certain, the most doubtful or those that would change most, and 3 "
        "drawn from the other 4, the more often the "
        "more doubtful a label is and the more it would change."
    )
    drawn = [each for each in queue_view().queue if each.p_sampled < 1]
    assert selection_sentence(drawn) == (
        "People are to look at 3, drawn from 4, the more often the more doubtful a label is and the more it would "
        "change."
    )


@pytest.mark.parametrize(
    ("votes", "n_models", "phrase"),
    [
        (Votes(2, 2), 2, "2 of 2 models say no"),
        (Votes(5, 1), 7, "1 of 5 models says no"),
        (Votes(3, 0), 3, "0 of 3 models say no"),
        (Votes(1, 1), 1, "The model says no"),
        (Votes(1, 0), 1, "The model says yes"),
        (Votes(1, 1), 2, "The only model that answered it says no"),
        (Votes(0, 0), 2, "No model answered it with yes or no"),
    ],
)
def test_how_many_models_contradict_a_label(votes: Votes, n_models: int, phrase: str) -> None:
    assert votes_phrase(votes, n_models, label=True) == phrase


@pytest.mark.parametrize(
    ("doubt", "own", "sentence"),
    [
        (
            ObjectDoubt("spoon", True, 29, 14, Votes(58, 35)),
            Votes(2, 2),
            "Of 56 answers to the 28 other questions about “spoon” with label yes, 33 (58.9 %) say no.",
        ),
        (
            ObjectDoubt("spoon", False, 2, 1, Votes(2, 2)),
            Votes(1, 1),
            "Of 1 answer to the 1 other question about “spoon” with label no, 1 (100.0 %) says yes.",
        ),
        (
            ObjectDoubt("spoon", True, 1, 1, Votes(2, 2)),
            Votes(2, 2),
            "No other question about “spoon” has label yes.",
        ),
        (
            ObjectDoubt("spoon", True, 3, 1, Votes(2, 2)),
            Votes(2, 2),
            "No model answered the 2 other questions about “spoon” with label yes.",
        ),
    ],
)
def test_what_models_say_of_the_object_elsewhere(doubt: ObjectDoubt, own: Votes, sentence: str) -> None:
    assert object_sentence(doubt, own) == sentence


def test_the_objects_with_the_most_contradicted_labels_come_first_and_those_without_are_left_out() -> None:
    said = [
        ("cow", True, "No", "No"),
        ("cow", True, "No", None),
        ("bee", False, "Yes", None),
        ("ant", True, "Yes", None),
    ]
    rows = [[cell.text for cell in row.cells] for row in object_table(queue_view(said=said)).rows]
    assert rows == [["cow", "yes", "2", "2", "100.0"], ["bee", "no", "1", "1", "100.0"]]
