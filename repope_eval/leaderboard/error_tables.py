"""The errors that runs share, as tables and sentences: of each pair, and the questions that most runs miss."""

from collections.abc import Mapping

from repope_eval.benchmarks.sources import label_set_phrase
from repope_eval.leaderboard.entries import Leaderboard
from repope_eval.reporting.figure_texts import (
    UNDEFINED,
    clipped,
    coefficient_text,
    count_text,
    interval_text,
    number_text,
)
from repope_eval.reporting.tables import Cell, Field, Table, interval_field, table, text_field, value_field
from repope_eval.scoring.shared_errors import ErrorOverlap, MissedQuestion, MissedQuestions
from repope_eval.wording import counted

_MOST_RESPONSES, _LONGEST_RESPONSE = 3, 80

FEW_RUNS = 5
"""Of fewer runs it is said that they tell little of others."""


def overlap_table(board: Leaderboard) -> Table:
    """How far the errors of each pair of runs coincide."""

    def count(title: str, name: str) -> Field[ErrorOverlap]:
        def cell(pair: ErrorOverlap) -> Cell:
            return Cell(text=count_text(getattr(pair, name)), values=(getattr(pair, name),))

        return value_field(title, cell, name)

    def expected(pair: ErrorOverlap) -> Cell:
        text = UNDEFINED if pair.n_expected is None else number_text(pair.n_expected, ".1f")
        return Cell(text=text, values=(pair.n_expected,))

    return table(
        f"How far the errors of two runs coincide under {label_set_phrase(board.label_sets[-1])}, on the distinct "
        "questions that both answered: kappa with 95 % intervals.",
        [
            text_field("first", lambda pair: pair.first, stays=True),
            text_field("second", lambda pair: pair.second),
            interval_field("kappa", "kappa", _kappa_cell),
            count("shared errors", "n_shared"),
            value_field("shared by chance", expected, "n_expected"),
            count("errors of the first", "n_errors_first"),
            count("errors of the second", "n_errors_second"),
            count("shared questions", "n_questions"),
            count("shared images", "n_images"),
            text_field("why no interval", lambda pair: pair.kappa.reason),
        ],
        board.overlaps,
    )


def _kappa_cell(pair: ErrorOverlap) -> Cell:
    kappa = pair.kappa
    if kappa.value is None:
        return Cell(text=UNDEFINED, values=(None, None, None))
    note = "" if kappa.interval is None else interval_text(kappa.interval, coefficient_text)
    return Cell(
        text=coefficient_text(kappa.value), values=(kappa.value, *(kappa.interval or (None, None))), note=note
    )


def missed_table(board: Leaderboard) -> Table:
    """The questions that most ranked runs miss, those that all miss first."""
    missed = board.missed
    among = f" of the {missed.n_models} ranked runs" if missed else ""
    label: Field[MissedQuestion] = text_field("label", lambda one: "yes" if one.label else "no")
    return table(
        f"Questions that more than half{among} miss under {label_set_phrase(board.label_sets[-1])}, those that most "
        "miss first.",
        [
            text_field("object", lambda one: clipped(one.question.object, 80), stays=True),
            text_field("image", lambda one: clipped(one.question.image)),
            text_field("question", lambda one: clipped(one.question.text)),
            label,
            value_field("runs that miss it", _missing_runs, "n_wrong", "n_answered"),
            text_field("wrong answers", _wrong_responses),
        ],
        missed.questions if missed else (),
    )


def _missing_runs(one: MissedQuestion) -> Cell:
    return Cell(text=f"{one.n_wrong} of {one.n_answered}", values=(one.n_wrong, one.n_answered))


def _wrong_responses(one: MissedQuestion) -> str:
    """The most frequent wrong answers, each with the number of runs that gave it, and how many others there are."""
    shown = [
        f"{clipped(' '.join(response.split()), _LONGEST_RESPONSE)} ({number})"
        for response, number in list(one.responses.items())[:_MOST_RESPONSES]
    ]
    n_others = sum(list(one.responses.values())[_MOST_RESPONSES:])
    return "; ".join([*shown, *([f"others ({n_others})"] if n_others else [])])


def missed_sentence(board: Leaderboard) -> str:
    """How many questions every ranked run misses, and most, of how many; empty where there are fewer than two runs."""
    missed = board.missed
    if missed is None:
        return ""
    under = label_set_phrase(missed.label_set)
    n_more = len(missed.questions) - len(missed.by_all)
    few = (
        f" {missed.n_models} runs are few: others may be right on these questions."
        if missed.n_models < FEW_RUNS
        else ""
    )
    return (
        f"Of {counted(missed.n_questions, 'distinct question', ',')} that have a label under {under} and that two or "
        f"more of the {missed.n_models} ranked runs answered, {_missed_by_all(missed)}; a further {n_more:,} "
        f"{'is' if n_more == 1 else 'are'} missed by more than half, but not by all.{few}"
    )


def _missed_by_all(missed: MissedQuestions) -> str:
    """How many questions all runs miss, and how many of these some run has no counted answer to."""
    n_all = len(missed.by_all)
    n_partial = sum(one.n_answered < missed.n_models for one in missed.by_all)
    verb = "is" if n_all == 1 else "are"
    if not n_partial:
        return f"{n_all:,} {verb} missed by all {missed.n_models}"
    return (
        f"{n_all:,} {verb} missed by every run that answered ({n_all - n_partial:,} by all {missed.n_models})"
    )


def missed_document(missed: MissedQuestions | None) -> Mapping[str, object] | None:
    """The numbers of missed questions, for `leaderboard.json`; the questions are in `tables/missed_questions.csv`."""
    if missed is None:
        return None
    return {
        "labels": missed.label_set,
        "n_runs": missed.n_models,
        "n_questions": missed.n_questions,
        "n_missed_by_all": len(missed.by_all),
        "n_missed_by_most": len(missed.questions),
    }
