"""The functions that other programs import: benchmarks, answer files, scores, and the evaluation of a model."""

import logging
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from repope_eval.benchmarks import sources
from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.errors import InterruptionError, RepopeError
from repope_eval.foreign_answers.captions import join_captions
from repope_eval.foreign_answers.formats import join_file
from repope_eval.records import Answer, Question
from repope_eval.runs.folder import close_log
from repope_eval.scoring.caption_scores import AnyScores, score_caption_benchmark
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.scores import score_benchmark
from repope_eval.settings import config
from repope_eval.settings.benchmark_words import spelt_out
from repope_eval.settings.composition import bench_settings
from repope_eval.settings.config import RunSettings
from repope_eval.settings.launching import launch_within
from repope_eval.settings.named_files import data_folder
from repope_eval.settings.schema import settings_from
from repope_eval.settings.words import words_of
from repope_eval.system.ranks import rank_count
from repope_eval.system.rows import read_row_file
from repope_eval.wording import counted, shown, shown_word


def load_benchmark(name: str, data_dir: str | PathLike[str] | None = None, **settings: Any) -> Benchmark:
    """Loads the questions and label sets of a benchmark; files that are missing are fetched and verified.

    Args:
        name: as after `bench=` on the command line: `demo`, `repope`, `pope_gqa`, `custom`, `table` and the others.
        data_dir: where data lies or goes; None is the environment's `REPOPE_DATA`, or the user's cache folder.
        **settings: what follows `bench.` on the command line: `load_benchmark("custom", questions="mine.jsonl")`.
            Those of two levels are mappings: `load_benchmark("table", questions="t.csv", columns={"label": "truth"})`.

    Raises:
        RepopeError: there is no such benchmark or setting, or a file is missing, broken or not the published one.
    """
    return sources.load_benchmark(bench_settings(name, settings), _data_folder_of(data_dir))


def find_images(
    benchmark: Benchmark | str,
    questions: Iterable[Question] | None = None,
    data_dir: str | PathLike[str] | None = None,
    **settings: Any,
) -> Mapping[str, Path]:
    """Finds the images of a benchmark's questions, and fetches those that are missing.

    Args:
        benchmark: one that `load_benchmark` returned, which knows its settings; or a name, as `load_benchmark` takes
            it with `data_dir` and `settings`.
        questions: whose images are looked for; None is all of the benchmark's.
        data_dir: where data lies or goes; None is where a loaded benchmark was loaded from.
        **settings: what follows `bench.` on the command line, where the benchmark is a name.

    Returns:
        The file of each image by its name, `Question.image`.

    Raises:
        RepopeError: images are missing and cannot be fetched: how many, where they were looked for, and the mend.
    """
    if isinstance(benchmark, str):
        of_bench, folder = bench_settings(benchmark, settings), _data_folder_of(data_dir)
    elif settings:
        raise RepopeError(f"{', '.join(settings)}: give it to load_benchmark, which made this benchmark")
    elif benchmark.settings is None or benchmark.data_dir is None:
        raise RepopeError(
            f"{shown_word(benchmark.name)}: was not loaded by load_benchmark, and has no settings that say where its "
            "images lie"
        )
    else:
        of_bench = benchmark.settings
        folder = benchmark.data_dir if data_dir is None else _data_folder_of(data_dir)
    if questions is None:
        whole = sources.load_benchmark(of_bench, folder) if isinstance(benchmark, str) else benchmark
        questions = whole.questions
    asked = list(questions)
    if strange := [each for each in asked if not isinstance(each, Question)]:
        raise RepopeError(
            f"questions: {_question_in_words(strange[0])} is no Question; take the benchmark's own"
        )
    names = list(dict.fromkeys(question.image for question in asked))
    return sources.find_benchmark_images(of_bench, folder, names)


def read_answers(path: str | PathLike[str], benchmark: Benchmark) -> Mapping[Question, Answer]:
    """Reads an answer file of any format that the `score` command recognises.

    Rows about questions that the benchmark does not have are left out, and of several answers to one question the
    first counts. The command says how many there are of either. Of a benchmark that asks for captions, the file has
    captions, one an image.

    Raises:
        RepopeError: the file cannot be read, or no row is about a question of the benchmark; a row has no caption, or
            the benchmark asks for captions by several prompts.
    """
    if benchmark.truth is not None:
        if len(benchmark.ids) > 1:
            raise RepopeError(
                f"{benchmark.name}: asks {len(benchmark.ids)} prompts, and a file of captions is of one; load it with "
                f"one, such as variants=[{next(iter(benchmark.ids))!r}]"
            )
        return join_captions([Path(path).expanduser()], benchmark).answers
    file = read_row_file(Path(path).expanduser())
    return join_file(file, config.ColumnSettings(), benchmark, None)[0].answers


def score(
    answers: Mapping[Question, str] | Mapping[Question, Answer],
    benchmark: Benchmark,
    *,
    model: str = "model",
    protocol: config.ProtocolChoice = config.DEFAULT_PROTOCOL,
) -> AnyScores:
    """Scores answers under all label sets of a benchmark, or captions by CHAIR, with intervals from resampled images.

    Args:
        answers: what the model said to each question, as text or as a record. Questions without an answer are counted
            as such: `n_answered` of a cell is then less than its `n_questions`.
        benchmark: what the answers are about.
        model: the model's name, which the result bears.
        protocol: how yes or no is read from an answer, as on the command line; nothing is read from captions.

    Returns:
        `Scores`, figures by label set and variant: `result.cells["repope"]["random"].figures.f1`, and the interval of
        each in `.estimates["f1"]`. Of a benchmark that asks for captions `CaptionScores`, by variant and truth:
        `result.variants["describe"].figures["coco"].estimates["chair_i"]`.

    Raises:
        RepopeError: there is no such protocol, no answer, or an answer to a question that the benchmark does not have.
    """
    known = (*PROTOCOLS, "all")
    if protocol not in known:
        raise RepopeError(f"protocol={shown_word(protocol)}: no such protocol; there are {', '.join(known)}")
    records = _answer_records(answers, benchmark)
    if benchmark.truth is not None:
        return score_caption_benchmark(benchmark, records, model)
    return score_benchmark(benchmark, records, model, protocol)


def _answer_records(answers: Mapping[Question, str | Answer], benchmark: Benchmark) -> dict[Question, Answer]:
    """The answers as records; a RepopeError where they are not what `score` takes."""
    if not isinstance(answers, Mapping):
        raise RepopeError("answers: give a mapping of questions to texts; read_answers makes one of a file")
    if not answers:
        raise RepopeError("answers: there are none to score")
    asked, records = set(benchmark.questions), {}
    strange = [question for question in answers if question not in asked]
    if strange:
        raise RepopeError(
            f"answers: {counted(len(strange), 'question')} not in {benchmark.name}, first "
            f"{_question_in_words(strange[0])}; take the benchmark's own questions, of class Question"
        )
    for question, answer in answers.items():
        if isinstance(answer, str):
            records[question] = Answer(question, answer)
        elif isinstance(answer, Answer):
            records[question] = answer
        else:
            raise RepopeError(
                f"answers: that to {_question_in_words(question)} is {shown_word(repr(answer))}; give a text, or "
                "leave the question out"
            )
    return records


def _question_in_words(question: object) -> str:
    """A question in a message, or what is in its place."""
    if isinstance(question, Question):
        return f"{shown(question.image)}, {shown(question.text)}"
    return shown_word(repr(question))


def _data_folder_of(data_dir: str | PathLike[str] | None) -> Path:
    return data_folder(None if data_dir is None else str(data_dir))


_INTERRUPTED = 130
"""The status of a program that Ctrl-C ended."""


def evaluate(
    model: str,
    bench: str,
    *,
    model_settings: Mapping[str, Any] | None = None,
    bench_settings: Mapping[str, Any] | None = None,
    **settings: Any,
) -> AnyScores:
    """Asks a model the questions of a benchmark that have no answer yet, and scores it, as the command does.

    The run folder is the command's, `runs/BENCH/MODEL` unless `out` is given: a second call asks nothing anew, and
    loads no model. Nothing is printed; the lines of the run's log go to Python's logger `repope_eval`, too.

    Args:
        model: what follows `model=` on the command line: the name of a configuration file.
        bench: what follows `bench=`; one benchmark.
        model_settings: what follows `model.`: `{"checkpoint": "/models/mine", "dtype": "float32"}`.
        bench_settings: what follows `bench.`: `{"questions": "t.csv", "columns": {"label": "truth"}}`.
        **settings: the others by their keys: `limit=10`, `out="runs/x"`, `protocol="all"`.

    Returns:
        The scores of the run; `to_dict()` is what its `scores.json` holds.

    Raises:
        RepopeError: settings are wrong, a line for each mistake as on the command line; or something else that a user
            can mend. Answers that were stored stay.
        KeyboardInterrupt: Ctrl-C, once the batch in hand is stored; at once where it comes again.
        SystemExit: another signal told the program to end.
    """
    if rank_count() > 1:
        raise RepopeError(
            "evaluate asks with one process; for several, start python -m repope_eval with torchrun"
        )
    groups = words_of(RunSettings, {"model": model, "bench": bench})
    others = {"model": model_settings or {}, "bench": bench_settings or {}, **settings}
    words = spelt_out(RunSettings, [*groups, *words_of(RunSettings, others)])
    command = shlex.join(["python", "-m", "repope_eval", *words])
    results: list[AnyScores | None] = []

    def execute(composed: Sequence[DictConfig]) -> None:
        # Imported here: those who score answers of other programs wait for no asker, page or tracker.
        from repope_eval.pipeline import run

        results.append(run(settings_from(RunSettings, composed[0]), command, show=lambda _: None))

    with _run_logged(), _interruptible():
        launch_within(RunSettings, execute, words)
    (scores,) = results
    assert scores is not None, "a single process is the main rank"
    return scores


@contextmanager
def _run_logged() -> Iterator[None]:
    """Has the run folder's log written, whatever else the program logs."""
    package = logging.getLogger("repope_eval")
    level = package.level
    package.setLevel(min(logging.INFO, package.getEffectiveLevel()))
    try:
        yield
    finally:
        close_log()
        package.setLevel(level)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Turns the error of an interrupted run into what ends other programs."""
    try:
        yield
    except InterruptionError as error:
        if error.exit_status == _INTERRUPTED:
            raise KeyboardInterrupt(str(error)) from error
        raise SystemExit(error.exit_status) from error
