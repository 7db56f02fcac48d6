"""What a third person decides: the questions that one of two annotators says yes to and the other no."""

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from repope_eval.annotation.label_file import Judgement, read_judgements, refuse_other_questions
from repope_eval.errors import RepopeError
from repope_eval.files.writing import is_same_file
from repope_eval.records import Question
from repope_eval.wording import counted


@dataclass(frozen=True, slots=True)
class Disputes:
    """What two annotators' files come to."""

    views: Mapping[Question, tuple[Judgement, Judgement]]
    """Both judgements of each question in dispute, in an order that does not tell whose is whose."""
    labelled: Collection[Question]
    """All questions that either of them has a line for."""


def read_disputes(paths: tuple[Path, ...], questions: Collection[Question] | None) -> Disputes:
    """The disputes in two annotators' files, which may be unfinished: a question that one left out is in none.

    Args:
        paths: the two files.
        questions: what they may be about; None: anything.

    Raises:
        RepopeError: a file cannot be read, is given twice or is of other questions; there is no dispute.
    """
    one, other = paths
    if one == other or is_same_file(one, other):
        raise RepopeError(f"annotators: {other} is given twice; two people's files are expected")
    first, second = (read_judgements(path) for path in paths)
    if questions is not None:
        mend = "give the questions= that the two were asked"
        refuse_other_questions(str(one), first, set(questions), mend)
        refuse_other_questions(str(other), second, set(questions), mend)
    both = [question for question in first if question in second]
    views = {question: _shuffled(question, first[question], second[question]) for question in both}
    views = {
        question: pair for question, pair in views.items() if {each.label for each in pair} == {"yes", "no"}
    }
    if not views:
        raise RepopeError(
            f"{one} and {other}: the annotators have {counted(len(both), 'question')} in common, and on none does one "
            "say yes and the other no: nothing is to be decided, and `relabel` needs no decider="
        )
    return Disputes(views, {*first, *second})


def _shuffled(question: Question, first: Judgement, second: Judgement) -> tuple[Judgement, Judgement]:
    """The two in an order that is the question's own, so that no place on the page stands for a person."""
    is_swapped = random.Random(f"{question.image}\n{question.text}").random() < 0.5
    return (second, first) if is_swapped else (first, second)
