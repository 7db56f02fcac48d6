"""The answers of a run, each with its label: what exports of single questions need of the benchmark."""

from collections.abc import Iterator
from dataclasses import dataclass

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.errors import RepopeError
from repope_eval.exporting.scored_run import ScoredRun
from repope_eval.leaderboard.run_selection import (
    benchmark_of,
    data_folder_of,
    other_files,
    scored_answers,
    unusable,
)
from repope_eval.records import Answer, LabelSet, Question, Variant


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledAnswer:
    """An answer to a labelled question of a variant."""

    variant: Variant
    question_id: int | str
    """Unique inside the variant only."""
    question: Question
    label: bool
    answer: Answer


def asked_benchmark(run: ScoredRun, data_dir: str | None) -> Benchmark:
    """The benchmark that a run was asked from.

    Args:
        run: the run.
        data_dir: where data lies; None: where the run had it.

    Raises:
        RepopeError: its files cannot be found, are broken, or are not those that the run was asked from.
    """
    try:
        return found_benchmark(run, data_dir)
    except RepopeError as error:
        raise RepopeError(
            f"{error}; the forms that hold no single questions (evaluation_card, model_card, eval_results) can be "
            "written"
        ) from error


def found_benchmark(run: ScoredRun, data_dir: str | None) -> Benchmark:
    """As `asked_benchmark`, where nobody wants single questions."""
    benchmark = benchmark_of(run.found, data_folder_of(run.found, data_dir))
    reason = other_files(run.found, benchmark) or unusable(run.found, set(benchmark.questions))
    if reason:
        raise RepopeError(f"run={run.folder}: {reason}")
    return benchmark


def labelled_answers(run: ScoredRun, benchmark: Benchmark, label_set: LabelSet) -> Iterator[LabelledAnswer]:
    """The scored answers to the questions of a label set, by variant; a question counts once in a variant."""
    answers = scored_answers(run.found, benchmark)
    for variant, questions in benchmark.ids.items():
        labels = label_set.variants.get(variant, {})
        first_ids: dict[Question, int | str] = {}
        for question_id, question in questions.items():
            first_ids.setdefault(question, question_id)
        for question, question_id in first_ids.items():
            if question in labels and question in answers:
                yield LabelledAnswer(
                    variant=variant,
                    question_id=question_id,
                    question=question,
                    label=labels[question],
                    answer=answers[question],
                )
