"""The whole line: settings, benchmark, model, answers, scores, run folder."""

import dataclasses
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from repope_eval import config
from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.sources import find_benchmark_images, load_benchmark
from repope_eval.environment import machine, process, versions
from repope_eval.errors import InterruptionError, RepopeError
from repope_eval.inference.store import AnswerStore, answer_fields
from repope_eval.interruption import FinishBatch
from repope_eval.json_files import read_rows
from repope_eval.models.families import require_family
from repope_eval.records import Answer, Question
from repope_eval.reporting.console import print_scores
from repope_eval.reporting.page import render_page
from repope_eval.reporting.score_document import score_document
from repope_eval.run_folder import RunFolder
from repope_eval.scoring.answer_files import Joined, answer_rows, join, question_texts
from repope_eval.scoring.scores import Scores, score

log = logging.getLogger(__name__)

Seconds = dict[str, float]
"""How long each stage took; stands in the manifest."""


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
        return _conclude(
            settings.model.name,
            settings.protocol,
            benchmark,
            store.answers,
            folder,
            seconds,
            settings,
            counts,
        )


def score_answers(settings: config.ScoreSettings, command: str) -> Scores:
    """Scores answers that came from elsewhere.

    Raises:
        RepopeError: the answers cannot be read or joined, or the run folder is another's.
    """
    benchmark = load_benchmark(settings.bench, config.data_folder(settings.data_dir))
    path = Path(settings.answers).expanduser()
    model = settings.model or path.stem
    out = Path(settings.out) if settings.out else Path("runs") / settings.bench.name / model
    questions = str(Path(settings.questions).expanduser().absolute()) if settings.questions else None
    identity = {"bench": settings.bench.name, "answers": str(path.absolute()), "questions": questions}
    with RunFolder(out, identity, resume=True) as folder:
        joined = _join(settings, path, benchmark)
        folder.note(**_beginning(settings, benchmark, command))
        folder.write_answers([answer_fields(answer) for answer in joined.answers.values()])
        counts = {"rows": joined.n_rows, "unjoined": len(joined.unjoined), "conflicts": joined.n_conflicts}
        return _conclude(model, settings.protocol, benchmark, joined.answers, folder, {}, settings, counts)


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
    with _timed(seconds, "load"):
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
    try:
        with _timed(seconds, "inference"), FinishBatch() as signals:
            asking.run(store, signals.check)
    except BaseException:
        with suppress(RepopeError):  # of a full disk, say: the error that is on its way says more
            folder.note(seconds=_rounded(seconds), inference=asking.facts())
        raise
    folder.note(seconds=_rounded(seconds), inference=asking.facts())


def _join(settings: config.ScoreSettings, path: Path, benchmark: Benchmark) -> Joined:
    texts = None
    if settings.questions:
        questions = Path(settings.questions).expanduser()
        texts = question_texts(read_rows(questions), str(questions))
    joined = join(answer_rows(read_rows(path), str(path)), benchmark.ids, texts, str(path))
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
    return joined


def _conclude(
    model: str,
    protocol: config.Protocol,
    benchmark: Benchmark,
    answers: Mapping[Question, Answer],
    folder: RunFolder,
    seconds: Seconds,
    settings: config.RunSettings | config.ScoreSettings,
    counts: Mapping[str, int],
) -> Scores:
    """Scores, writes and shows."""
    with _timed(seconds, "scoring"):
        scores = score(model, benchmark.name, benchmark.label_sets, answers, protocol)
    n_missing = sum(question not in answers for question in benchmark.questions)
    with _timed(seconds, "report"):
        facts = {
            "answered": f"{len(benchmark.questions) - n_missing} of {len(benchmark.questions)} questions"
        }
        page = render_page(scores, _flat(dataclasses.asdict(settings)), facts | dict(counts))
        folder.write_scores(score_document(scores), page)
    print_scores(scores)
    if n_missing:
        log.warning("%d of %d distinct questions have no answer", n_missing, len(benchmark.questions))
    folder.note(
        status="complete",
        finished=_now(),
        seconds=_rounded(seconds),
        counts={
            "questions": len(benchmark.questions),
            "answered": len(benchmark.questions) - n_missing,
            **counts,
        },
    )
    log.info("results are in %s (report.html for reading, scores.json for programs)", folder.path)
    return scores


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
        "command": command,
        "started": _now(),
        "settings": dataclasses.asdict(settings),
        "benchmark": {"name": benchmark.name, "sha256": dict(benchmark.hashes)},
        "versions": versions(),
        "machine": machine(),
        "process": process(),
    }


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Settings by dotted key."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value}
    return flat


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _rounded(seconds: Seconds) -> Seconds:
    return {stage: round(spent, 3) for stage, spent in seconds.items()}


@contextmanager
def _timed(seconds: Seconds, stage: str) -> Iterator[None]:
    started = time.perf_counter()
    try:
        yield
    finally:
        seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - started
