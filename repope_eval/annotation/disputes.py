"""What a third person decides: the questions that one of two annotators says yes to and the other no."""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from repope_eval.annotation.label_file import Judgement, refuse_other_questions
from repope_eval.benchmarks.annotators import Annotator, read_annotators, refuse_one_file_of_two_people
from repope_eval.errors import RepopeError
from repope_eval.records import Question
from repope_eval.wording import counted


@dataclass(frozen=True, slots=True)
class Disputes:
    """What two annotators' files come to."""

    views: Mapping[Question, tuple[Judgement, Judgement]]
    """Both judgements of each question in dispute, in an order that does not tell whose is whose."""
    labelled: Collection[Question]
    """All questions that either of them has a label for."""


def read_disputes(paths: Sequence[Path], questions: Collection[Question] | None, decider: str) -> Disputes:
    """The disputes in two annotators' files, which may be unfinished: a question that one left out is in none.

    Args:
        paths: the two files.
        questions: what they may be about; None: anything.
        decider: who decides.

    Raises:
        RepopeError: a file cannot be read, is given twice or is of other questions; two of the three are one person;
            there is no dispute.
    """
    refuse_one_file_of_two_people(paths)
    people = read_annotators(paths)
    for person in people:
        _refuse_the_decider(person, decider)
        if questions is not None:
            found = [annotation.question for annotation in person.annotations]
            mend = "give the questions that the two were asked"
            refuse_other_questions(str(person.path), found, set(questions), mend)
    first, second = (_judgements(person) for person in people)
    both = [question for question in first if question in second]
    views = {question: _shuffled(question, first[question], second[question]) for question in both}
    views = {
        question: pair for question, pair in views.items() if {each.label for each in pair} == {"yes", "no"}
    }
    if not views:
        shared = counted(len(both), "question")
        raise RepopeError(
            f"{paths[0]} and {paths[1]}: the annotators have {shared} in common, and on none does one say yes and the "
            "other no: nothing is to be decided, and `relabel` needs no decider="
        )
    return Disputes(views, {*first, *second})


def _refuse_the_decider(person: Annotator, decider: str) -> None:
    if decider.strip().casefold() in {name.casefold() for name in person.names}:
        raise RepopeError(
            f"annotator={decider}: is one of the two who do not agree, by {person.path}; a third person decides"
        )


def _judgements(person: Annotator) -> dict[Question, Judgement]:
    return {each.question: Judgement(each.label, each.note) for each in person.annotations}


def _shuffled(question: Question, first: Judgement, second: Judgement) -> tuple[Judgement, Judgement]:
    """The two in an order that is the question's own, so that no place on the page stands for a person."""
    is_swapped = random.Random(f"{question.image}\n{question.text}").random() < 0.5
    return (second, first) if is_swapped else (first, second)
