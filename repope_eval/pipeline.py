"""The whole line: settings, benchmark, model, answers, scores, run folder."""

import dataclasses
import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from repope_eval import config
from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.local_images import find_local_images
from repope_eval.benchmarks.sources import find_benchmark_images, load_benchmark
from repope_eval.conclusion import Answered, conclude
from repope_eval.environment import machine, process, versions
from repope_eval.errors import InterruptionError, RepopeError
from repope_eval.inference.store import AnswerStore, answer_fields
from repope_eval.interruption import FinishBatch
from repope_eval.models.families import require_family
from repope_eval.records import Question
from repope_eval.row_files import read_row_file
from repope_eval.run_folder import RunFolder
from repope_eval.scoring.answer_files import Joined
from repope_eval.scoring.answer_rows import question_texts
from repope_eval.scoring.dash_b_answers import has_other_positives
from repope_eval.scoring.foreign_answers import join_file
from repope_eval.scoring.scores import Scores
from repope_eval.timing import Seconds, now, rounded, timed

log = logging.getLogger(__name__)


def run(settings: config.RunSettings, command: str) -> Scores:
    """Asks a model a benchmark's questions and scores its answers; goes on from what the run folder holds.

    Args:
        settings: of the run.
        command: how it was started; kept in the manifest, and shown where the run is interrupted.

    Raises:
        RepopeError: something a user can mend. Answers that were stored stay.
        InterruptionError: a signal came; the same.
    """
    require_family(settings.model.family)
    data_dir = config.data_folder(settings.data_dir)
    benchmark = load_benchmark(settings.bench, data_dir).first_images(settings.limit)
    with RunFolder(Path(settings.out), _identity(settings), resume=settings.resume) as folder:
        seconds: Seconds = {"load": 0.0, "inference": 0.0, **folder.seconds}
        folder.note(**_beginning(settings, benchmark, command), partial=settings.limit is not None)
        store = AnswerStore(folder.answers, benchmark.questions)
        unanswered = [question for question in benchmark.questions if question not in store.answers]
        if unanswered:
            try:
                _ask(settings, data_dir, unanswered, store, folder, seconds)
            except KeyboardInterrupt as error:
                # Counted on the disk: it may have come between writing a batch and noting that it is.
                safe = AnswerStore(folder.answers, benchmark.questions).answers
                raise InterruptionError(
                    f"interrupted: {len(safe)} of {len(benchmark.questions)} answers are safe in "
                    f"{store.path}; go on with: {command}",
                    getattr(error, "exit_status", 130),
                ) from error
        else:
            log.info("nothing to ask: all %d answers are in %s", len(store.answers), store.path)
        counts = {"asked": len(unanswered), "resumed": len(benchmark.questions) - len(unanswered)}
        answered = Answered(
            model=settings.model.name,
            benchmark=benchmark,
            answers=store.answers,
            images=find_local_images(settings.bench, data_dir, benchmark.questions),
            settings=settings,
            counts=counts,
        )
        return conclude(answered, folder, seconds)


def score_answers(settings: config.ScoreSettings, command: str) -> Scores:
    """Scores answers that came from elsewhere.

    Raises:
        RepopeError: the answers cannot be read or joined, or the run folder is another's.
    """
    data_dir = config.data_folder(settings.data_dir)
    benchmark = load_benchmark(settings.bench, data_dir)
    path = Path(settings.answers).expanduser()
    model = settings.model or path.stem
    out = Path(settings.out) if settings.out else Path("runs") / settings.bench.name / model
    questions = str(Path(settings.questions).expanduser().absolute()) if settings.questions else None
    columns = None if settings.columns == config.ColumnSettings() else dataclasses.asdict(settings.columns)
    identity = {
        "bench": settings.bench.name,
        "answers": str(path.absolute()),
        "columns": columns,
        "questions": questions,
    }
    with RunFolder(out, identity, resume=True) as folder:
        joined, benchmark = _join(settings, path, benchmark)
        folder.note(**_beginning(settings, benchmark, command))
        folder.write_answers([answer_fields(answer) for answer in joined.answers.values()])
        counts = {"rows": joined.n_rows, "unjoined": len(joined.unjoined), "conflicts": joined.n_conflicts}
        answered = Answered(
            model=model,
            benchmark=benchmark,
            answers=joined.answers,
            images=find_local_images(settings.bench, data_dir, benchmark.questions),
            settings=settings,
            counts=counts,
        )
        return conclude(answered, folder, {})


def _ask(
    settings: config.RunSettings,
    data_dir: Path,
    questions: Sequence[Question],
    store: AnswerStore,
    folder: RunFolder,
    seconds: Seconds,
) -> None:
    """Loads the model and asks; torch is imported here, so that mistakes and finished runs need not wait for it."""
    images = find_benchmark_images(
        settings.bench, data_dir, list(dict.fromkeys(question.image for question in questions))
    )
    with timed(seconds, "load"):
        from repope_eval.inference.asking import Asking, AskingSettings
        from repope_eval.models.loading import describe_device, describe_model, load_model
        from repope_eval.models.placement import choose_device

        device = choose_device(settings.device)
        log.info("loading %s", settings.model.checkpoint)
        model = load_model(settings.model, device)
    folder.note_model(**describe_model(model))
    folder.note(device=describe_device(model.device))
    how = AskingSettings(
        engine=settings.engine,
        batch_size=settings.batch_size,
        workers=settings.workers,
        max_new_tokens=settings.model.max_new_tokens,
    )
    asking = Asking(model, questions, images, how)
    log.info("asking %d questions about %d images", len(questions), len(images))
    total = len(store.answers) + len(questions)
    folder.note(asking={"began": now(), "answered": len(store.answers), "of": total})
    try:
        with timed(seconds, "inference"), FinishBatch() as signals:
            asking.run(store, signals.check)
    except BaseException:
        with suppress(RepopeError):  # of a full disk, say: the error that is on its way says more
            folder.note(seconds=rounded(seconds), inference=asking.facts())
        raise
    folder.note(seconds=rounded(seconds), inference=asking.facts())


def _join(settings: config.ScoreSettings, path: Path, benchmark: Benchmark) -> tuple[Joined, Benchmark]:
    """The answers, and the edition of the benchmark that they are about."""
    texts = None
    if settings.questions:
        questions = Path(settings.questions).expanduser()
        texts = question_texts(read_row_file(questions).rows, str(questions))
    joined, benchmark = join_file(read_row_file(path), settings.columns, benchmark, texts)
    log.info(
        "%d rows in %s: %d answers to the benchmark's %d distinct questions",
        joined.n_rows,
        path,
        len(joined.answers),
        len(benchmark.questions),
    )
    if joined.unjoined:
        first = joined.unjoined[0]
        log.warning(
            "%d rows are about questions this benchmark does not have and were left out, first row %d: %s",
            len(joined.unjoined),
            first.number,
            first.text or f"question_id {first.question_id}",
        )
    if joined.n_conflicts:
        log.warning(
            "%d rows answer a question otherwise than an earlier row, which counts", joined.n_conflicts
        )
    if has_other_positives(benchmark):
        log.warning(
            "its positive images are those of the authors' published answers, not of the index: they are scored by the "
            "labels in %s, and have no images here",
            path,
        )
    return joined, benchmark


def _identity(settings: config.RunSettings) -> dict[str, Any]:
    """What a run's answers depend on; engine, batch size and device change none of them."""
    model = settings.model
    return {
        "bench": settings.bench.name,
        "bench.images": settings.bench.images if settings.bench.source == "custom" else None,
        "model.checkpoint": model.checkpoint,
        "model.revision": model.revision,
        "model.family": model.family,
        "model.dtype": config.number_format(model),
        "model.quantization": model.quantization,
        "model.max_new_tokens": model.max_new_tokens,
        "model.system_prompt": model.system_prompt,
        "model.question_suffix": model.question_suffix,
        "model.max_tiles": model.max_tiles,
    }


def _beginning(
    settings: config.RunSettings | config.ScoreSettings, benchmark: Benchmark, command: str
) -> dict[str, Any]:
    return {
        "status": "running",
        "ended": None,
        "command": command,
        "started": now(),
        "settings": dataclasses.asdict(settings),
        "benchmark": {"name": benchmark.name, "sha256": dict(benchmark.hashes)},
        "versions": versions(),
        "machine": machine(),
        "process": process(),
    }
