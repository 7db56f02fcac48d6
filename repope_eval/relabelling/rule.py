"""How two annotators' labels replace a benchmark's own: the rule, and how far they agree.

As in RePOPE (Neuhaus and Hein, "RePOPE: Impact of Annotation Errors on the POPE Benchmark", arXiv 2504.15707), labels
that both give replace the old ones, and ambiguous questions are removed. That one annotator is enough for ambiguous,
and that a third decides between yes and no, are rules of this program. Everything here is a pure function of its
arguments.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import combinations
from pathlib import Path

from repope_eval.benchmarks.pope_file import Annotation, Row, read_annotations
from repope_eval.errors import RepopeError
from repope_eval.records import Label, Question
from repope_eval.system.writing import is_same_file
from repope_eval.wording import counted, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotator:
    """One person's file, read."""

    path: Path
    annotations: tuple[Annotation, ...]

    @property
    def name(self) -> str:
        """The name in the file, or all that are there; the file's own name where it has none."""
        return ", ".join(self.names) or self.path.name

    @property
    def names(self) -> tuple[str, ...]:
        """The names in the file, in the order in which they come."""
        names = (annotation.annotator for annotation in self.annotations)
        return tuple(dict.fromkeys(name for name in names if name is not None))

    @property
    def times(self) -> tuple[datetime, datetime] | None:
        """When the first and the last label that counts was given; None where the file has no times."""
        times = [annotation.time for annotation in self.annotations if annotation.time is not None]
        return (min(times), max(times)) if times else None

    @property
    def notes(self) -> dict[Question, str]:
        """The notes by question, where there is one."""
        return {
            annotation.question: annotation.note.strip()
            for annotation in self.annotations
            if annotation.note.strip()
        }


def read_annotators(paths: Sequence[Path]) -> tuple[Annotator, ...]:
    """Reads each person's file.

    Raises:
        RepopeError: a file cannot be read, or two of them are one person's by the names in them.
    """
    people = tuple(Annotator(path=path, annotations=read_annotations(path)) for path in paths)
    for one, other in combinations(people, 2):
        folded = {name.casefold() for name in one.names}
        name = next((name for name in other.names if name.casefold() in folded), None)
        if name is not None:
            raise RepopeError(
                f"{one.path} and {other.path} are both by annotator {shown(name)}; the two annotators and the decider "
                "must be different people: give the file of somebody else"
            )
    return people


def refuse_one_file_of_two_people(paths: Sequence[Path]) -> None:
    """Refuses a file that is given twice, also by another path or a link.

    Raises:
        RepopeError: a file is given for two people.
    """
    for one, other in combinations(paths, 2):
        if one == other or is_same_file(one, other):
            raise RepopeError(
                f"{other}: is given for two annotators; each, and the decider, needs a file of their own"
            )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was said of one question, and the label that it comes to."""

    row: Row
    """The question, with the label that its file has for it."""
    first: Label | None
    """What the first annotator says; None where that is nothing."""
    second: Label | None
    decided: Label | None = None
    """What the decider says."""

    @property
    def label(self) -> Label | None:
        """The settled label; None where one of the annotators said nothing, or their dispute is not decided.

        - Both say the same: that is the label.
        - At least one says ambiguous: so it is. Ambiguous against yes or no is no dispute for the decider: an
          answer that one careful annotator cannot settle is ambiguous.
        - One says yes and the other no: the decider's label counts.
        """
        if self.first is None or self.second is None:
            return None
        if "ambiguous" in (self.first, self.second):
            return "ambiguous"
        return self.first if self.first == self.second else self.decided

    @property
    def is_disputed(self) -> bool:
        """Whether one annotator says yes and the other no, decided or not."""
        return {self.first, self.second} == {"yes", "no"}


def settle(
    questions: Sequence[Row],
    first: Sequence[Row],
    second: Sequence[Row],
    decider: Sequence[Row] | None = None,
    *,
    partial: bool = False,
) -> tuple[Outcome, ...]:
    """What two annotators, and a decider of their disputes, say of each question, in the questions' order.

    Rows belong together when image and question text are the same; the ids in annotators' files are not
    looked at.

    Args:
        questions: the rows that were asked, each question once.
        decider: the rows of the third person, who may leave out what is not in dispute; None where there is nobody.
        partial: whether the annotators may leave out questions, and the decider disputes.

    Raises:
        RepopeError: somebody's rows lack a question that they need, have one that was not asked, or have one twice.
    """
    asked = [row.question for row in questions]
    first_labels, second_labels = (
        _checked_labels(who, rows, known=asked, needed=() if partial else asked)
        for who, rows in (("the first annotator", first), ("the second annotator", second))
    )
    outcomes = [
        Outcome(row, first_labels.get(row.question), second_labels.get(row.question)) for row in questions
    ]
    disputed = [outcome.row.question for outcome in outcomes if outcome.is_disputed]
    needed = () if partial or decider is None else disputed
    decided = _checked_labels("the decider", decider or (), known=asked, needed=needed)
    return tuple(replace(outcome, decided=decided.get(outcome.row.question)) for outcome in outcomes)


def relabel(
    questions: Sequence[Row],
    first: Sequence[Row],
    second: Sequence[Row],
    decider: Sequence[Row] | None = None,
) -> tuple[Row, ...]:
    """The questions with the labels that two annotators settled on, in their order, ambiguous ones removed.

    Returns:
        Rows of `questions`, with only the label replaced.

    Raises:
        RepopeError: as `settle`; the annotators disagree and there is no decider.
    """
    outcomes = settle(questions, first, second, decider)
    undecided = [outcome.row.question for outcome in outcomes if outcome.label is None]
    if undecided:
        raise RepopeError(
            f"the annotators disagree on {len(undecided)} of {counted(len(questions), 'question')}: "
            f"{questions_in_words(undecided, 10)}; give a third annotator's file (decider=FILE)"
        )
    labels = label_by_question(outcomes)
    return tuple(replace(row, label=labels[row.question]) for row in questions if row.question in labels)


def label_by_question(outcomes: Iterable[Outcome]) -> dict[Question, Label]:
    """The questions that are settled as yes or no."""
    return {
        outcome.row.question: outcome.label
        for outcome in outcomes
        if outcome.label is not None and outcome.label != "ambiguous"
    }


def _checked_labels(
    who: str, rows: Sequence[Row], *, known: Sequence[Question], needed: Sequence[Question]
) -> dict[Question, Label]:
    """An annotator's labels by question; refused unless they cover `needed` and nothing outside `known`."""
    labels, asked = {row.question: row.label for row in rows}, set(known)
    rows_of = Counter(row.question for row in rows)
    repeated = [question for question, number in rows_of.items() if number > 1]
    missing = [question for question in needed if question not in labels]
    extra = [question for question in labels if question not in asked]
    for questions, does, how, mend in (
        (repeated, "labels", " more than once", "keep one row of each"),
        (missing, "lacks", "", "add their labels, or give partial=true, which leaves them unsettled"),
        (extra, "labels", " beyond those asked", "image and text must be as in the questions' file"),
    ):
        if questions:
            number = counted(len(questions), "question")
            raise RepopeError(f"{who} {does} {number}{how}: {questions_in_words(questions)}; {mend}")
    return labels


def questions_in_words(questions: Sequence[Question], most: int = 3) -> str:
    """The first questions in words, and how many more there are."""
    named = "; ".join(f"{question.image}, {shown(question.text)}" for question in questions[:most])
    more = len(questions) - most
    return f"{named}; and {more} more" if more > 0 else named


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotatorAgreement:
    """Two annotators' labels of the questions that both labelled."""

    counts: Mapping[tuple[Label, Label], int]
    """The number of questions by the first annotator's label and the second's; pairs that never occur may lack."""
    n_disputed: int
    """The number of questions that one says yes to and the other no."""
    n_with_first: int
    """The number of disputed questions for which the decider gives the first annotator's label."""
    n_with_second: int
    n_found_ambiguous: int
    """The number of disputed questions that the decider finds ambiguous."""

    @property
    def n_questions(self) -> int:
        """The number of questions that both labelled."""
        return sum(self.counts.values())

    @property
    def n_agreed(self) -> int:
        """The number of questions to which both gave the same label."""
        return sum(number for (first, second), number in self.counts.items() if first == second)

    @property
    def n_decided(self) -> int:
        """The number of disputed questions that the decider labelled."""
        return self.n_with_first + self.n_with_second + self.n_found_ambiguous


def agreement_of(outcomes: Sequence[Outcome]) -> AnnotatorAgreement:
    """How far the annotators agree on the questions that both labelled."""
    pairs = [
        (outcome, outcome.first, outcome.second)
        for outcome in outcomes
        if outcome.first is not None and outcome.second is not None
    ]
    disputed = [outcome for outcome, _, _ in pairs if outcome.is_disputed]
    return AnnotatorAgreement(
        counts=Counter((first, second) for _, first, second in pairs),
        n_disputed=len(disputed),
        n_with_first=sum(outcome.decided == outcome.first for outcome in disputed),
        n_with_second=sum(outcome.decided == outcome.second for outcome in disputed),
        n_found_ambiguous=sum(outcome.decided == "ambiguous" for outcome in disputed),
    )
