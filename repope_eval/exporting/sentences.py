"""Sentences about a run that cards have: where its answers came from, how many there are, what intervals mean."""

from repope_eval.exporting.names import dataset_title
from repope_eval.exporting.scored_run import UNREAD, ScoredRun
from repope_eval.records import label_set_title
from repope_eval.wording import counted, shown


def origin_sentence(run: ScoredRun) -> str:
    """Who answered what, and by which program."""
    titles = dict.fromkeys(dataset_title(run.found.bench, cell.label_set) for cell in run.cells)
    how = "asked and scored" if run.asking else "answered elsewhere, and scored"
    return f"{run.found.model} on {' and '.join(titles)}: {how} by repope_eval {run.version}."


def coverage_sentence(run: ScoredRun) -> str:
    """How many of the questions have an answer, of how many the whole benchmark is, and what could not be read."""
    questions = counted(run.n_questions, "distinct question", ",")
    limited = ", which are those about the benchmark's first images alone" if run.is_partial else ""
    if run.is_unread:
        return f"{run.n_answered:,} of {questions} have an answer{limited}{whole_clause(run)}. {unread_sentence(run)}"
    unread = unread_clause(run)
    read = f" Neither yes nor no was read: {unread}." if unread else ""
    return f"{run.n_answered:,} of {questions} have an answer{limited}{whole_clause(run)}.{read}"


def unread_clause(run: ScoredRun) -> str:
    """How many answers are neither yes nor no, by variant and label set; empty where all are one of them."""
    unread = dict.fromkeys(
        f"{cell.variant}, {label_set_title(cell.label_set)}: {cell.n_unparsed:g}"
        for cell in sorted(run.cells, key=lambda cell: cell.variant)
        if cell.n_unparsed
    )
    return "; ".join(unread)


def unread_sentence(run: ScoredRun) -> str:
    """That no answer could be read, and what they look like."""
    responses = dict.fromkeys(answer.response for answer in run.found.answers.values())
    first = ", ".join(shown(response) for response in list(responses)[:3])
    return f"No figure tells anything of the model: {UNREAD} {run.protocol}. They begin with {first}."


def whole_clause(run: ScoredRun) -> str:
    """After a semicolon, how many questions the benchmark of a limited run has; else, or where unknown, nothing."""
    if not run.is_partial or run.n_benchmark_questions is None:
        return ""
    return f"; the whole benchmark has {counted(run.n_benchmark_questions, 'distinct question', ',')}"


def interval_sentence(run: ScoredRun) -> str:
    """What the intervals are over, and what they leave out."""
    return (
        f"Intervals are 95 % intervals over the {counted(run.n_images, 'image')} that have answers: what other images "
        "of this kind might have given. They hold nothing of other prompts, and nothing of wrong labels."
    )
