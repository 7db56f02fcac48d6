"""`python -m repope_eval score`: score answers that came from elsewhere."""

import dataclasses
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.sources import asks_for_captions, find_local_images, load_benchmark
from repope_eval.exporting.trackers import require_tracker, track
from repope_eval.foreign_answers.benchmark_codes import has_other_positives
from repope_eval.foreign_answers.captions import caption_bench, join_captions
from repope_eval.foreign_answers.formats import join_answer_files, named_files
from repope_eval.foreign_answers.joining import Joined
from repope_eval.pipeline import describe_start, leaves_failures
from repope_eval.reporting.results import AnsweredBenchmark, score_and_report
from repope_eval.runs.folder import RunFolder
from repope_eval.runs.layout import answers_name
from repope_eval.scoring.caption_scores import AnyScores
from repope_eval.scoring.protocols import unknown_tags_line
from repope_eval.settings.composition import task_words
from repope_eval.settings.config import ColumnSettings, ScoreSettings, listed
from repope_eval.settings.named_files import data_folder
from repope_eval.system.secrets import EnvironmentText, as_written
from repope_eval.wording import counted, shown

log = logging.getLogger(__name__)


def execute(settings: ScoreSettings, command: str) -> None:
    """Says which benchmark is taken where none is named, and scores."""
    is_bench_given = any(word.startswith("bench=") for word in task_words())
    are_there = all(Path(name).expanduser().exists() for name in listed(settings.answers))
    if are_there and not is_bench_given:  # of files that are not there, nothing else needs to be said
        log.info("bench= is not given, so bench=%s is taken; RePOPE is bench=repope", settings.bench.name)
    score_answers(settings, command)


def score_answers(settings: ScoreSettings, command: str) -> AnyScores:
    """Joins the answers of files to a benchmark's questions, scores them and reports."""
    require_tracker(settings.track)
    data_dir = data_folder(settings.data_dir)
    answers, questions = named_files(settings.answers, settings.questions, ("answers", "questions"))
    if asks_for_captions(settings.bench):
        settings = dataclasses.replace(settings, bench=caption_bench(settings.bench, answers))
    benchmark = load_benchmark(settings.bench, data_dir)
    model = settings.model or answers_name([str(path) for path in answers])
    out = Path(settings.out) if settings.out else Path("runs") / settings.bench.name / model
    with RunFolder(out, _identity(settings), resume=True, leaves_failures=leaves_failures()) as folder:
        if benchmark.truth is None:
            joined, benchmark = join_answer_files(answers, questions, settings.columns, benchmark)
        else:
            joined = join_captions(answers, benchmark)
        _log_joined(joined, benchmark, answers)
        start = describe_start(settings, benchmark, command)
        folder.manifest.require_benchmark(start["benchmark"])
        folder.manifest.begin_anew(start)
        folder.write_answers(joined.answers.values())
        counts = {
            "rows": joined.n_rows,
            "rows not matched to a question": len(joined.unjoined),
            "conflicts": joined.n_conflicts,
        }
        images = find_local_images(settings.bench, data_dir, benchmark.questions)
        answered = AnsweredBenchmark(model, settings, benchmark, joined.answers, counts, images)
        scores = score_and_report(answered, folder, {})
        track(settings, folder, scores)
        return scores


def _identity(settings: ScoreSettings) -> dict[str, Any]:
    """The settings that say which answers the run folder holds."""
    columns = None if settings.columns == ColumnSettings() else dataclasses.asdict(settings.columns)
    return {
        "bench": settings.bench.name,
        "answers": _absolute_paths(settings.answers),
        "columns": columns,
        "questions": _absolute_paths(settings.questions),
    }


def _absolute_paths(names: str | tuple[str, ...] | None) -> Any:
    """Files by their absolute paths; a path that a variable of the environment says stays as it was written."""
    if isinstance(names, tuple):
        return [_absolute_paths(name) for name in names]
    if names is None or isinstance(names, EnvironmentText):
        return as_written(names)
    return str(Path(names).expanduser().absolute())


def _log_joined(joined: Joined, benchmark: Benchmark, answers: Sequence[Path]) -> None:
    """Says how many answers there are, and what was left out or is odd."""
    where = ", ".join(map(str, answers))
    log.info(
        "%s in %s: %s to the benchmark's %s",
        counted(joined.n_rows, "row"),
        where,
        counted(len(joined.answers), "answer"),
        counted(len(benchmark.questions), "distinct question"),
    )
    if joined.unjoined:
        first = joined.unjoined[0]
        log.warning(
            "%s left out, about questions that this benchmark does not have, first row %d: %s",
            counted(len(joined.unjoined), "row"),
            first.number,
            shown(first.text) if first.text else f"question_id {shown(first.question_id)}",
        )
    if joined.n_misspelt:
        log.info(
            '%s with image spelt "imange", as POPE\'s files did until October 2023: read as image',
            counted(joined.n_misspelt, "row"),
        )
    if joined.n_thoughts:
        log.info(
            "%s with a thought before the answer, which is left out%s",
            counted(joined.n_thoughts, "row"),
            f"; {joined.n_cut:,} of them end in the thought, and have no answer" if joined.n_cut else "",
        )
    if joined.unknown_tags:
        log.warning("%s", unknown_tags_line(joined.unknown_tags))
    if joined.n_conflicts:
        log.warning(
            "%s with another answer to a question than an earlier row has: the earlier row counts%s",
            counted(joined.n_conflicts, "row"),
            ", such as row {} and not row {}".format(*joined.first_conflict) if joined.first_conflict else "",
        )
    if has_other_positives(benchmark):
        log.warning(
            "its positive images are those of the authors' published answers, not of the index: they are scored by the "
            "labels in %s, and have no images here",
            where,
        )
