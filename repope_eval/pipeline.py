"""The whole line: settings, benchmark, model, answers, scores, run folder."""

import dataclasses
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.sources import find_local_images, load_benchmark
from repope_eval.errors import RepopeError
from repope_eval.files.rows import read_row_file
from repope_eval.foreign_answers.dash_b import OTHER_EDITION, has_other_positives
from repope_eval.foreign_answers.formats import join_files
from repope_eval.foreign_answers.joining import Joined, Texts
from repope_eval.foreign_answers.rows import question_texts
from repope_eval.inference.contents import require_same_contents
from repope_eval.inference.session import Collection
from repope_eval.models.families import require_family
from repope_eval.process.environment import machine, process, slurm_job, versions
from repope_eval.process.ranks import Ranks, join_ranks
from repope_eval.process.timing import Seconds, now
from repope_eval.records import Answer, Question
from repope_eval.reporting.results import Answered, conclude
from repope_eval.runs.answer_store import answer_fields
from repope_eval.runs.folder import FollowedFolder, RunFolder
from repope_eval.runs.layout import answers_name
from repope_eval.runs.rank_shares import merge_shares
from repope_eval.scoring.scores import Scores
from repope_eval.settings import config
from repope_eval.settings.launching import is_of_sweep
from repope_eval.settings.named_folders import data_folder
from repope_eval.settings.written import FromEnvironment, as_written
from repope_eval.wording import counted, shown

log = logging.getLogger(__name__)


def run(settings: config.RunSettings, command: str) -> Scores | None:
    """Asks a model a benchmark's questions and scores its answers; goes on from what the run folder holds.

    Where several processes were started for it, each asks its share, and the main one does the rest.

    Args:
        settings: of the run.
        command: how it was started; kept in the manifest, and shown where the run is interrupted.

    Returns:
        The scores; None on the other ranks.

    Raises:
        RepopeError: something a user can mend. Answers that were stored stay.
        InterruptionError: a signal came, or a rank is gone; the same.
    """
    require_family(settings.model.family)
    ranks = join_ranks()
    with ranks.together():
        _refuse_spread(settings, ranks)
    data_dir = data_folder(settings.data_dir)
    with ExitStack() as stack:
        with ranks.main_first():
            whole = load_benchmark(settings.bench, data_dir)
            benchmark = whole.first_images(settings.limit)
            folder = _open(settings, ranks)
            stack.enter_context(folder)
            if isinstance(folder, RunFolder):
                merge_shares(folder.answers)
                _begin(settings, benchmark, data_dir, folder, command)
        seconds: Seconds = {"load": 0.0, "inference": 0.0, **folder.seconds}
        collection = Collection(
            settings=settings,
            benchmark=benchmark,
            data_dir=data_dir,
            folder=folder,
            ranks=ranks,
            all_images=_images_where_some_are_left_out(whole, benchmark),
            command=command,
        )
        answers, counts = collection.collect(seconds)
        # The others stay until the main rank is done: what started them takes one that ends first for a failure.
        with ranks.together():
            if isinstance(folder, FollowedFolder):
                return None
            answered = _answered(settings, settings.model.name, benchmark, answers, counts, data_dir)
            return conclude(answered, folder, seconds)


def score_answers(settings: config.ScoreSettings, command: str) -> Scores:
    """Scores answers that came from elsewhere.

    Raises:
        RepopeError: the answers cannot be read or joined, or the run folder is another's.
    """
    data_dir = data_folder(settings.data_dir)
    benchmark = load_benchmark(settings.bench, data_dir)
    answers, questions = _files(settings)
    model = settings.model or answers_name([str(path) for path in answers])
    out = Path(settings.out) if settings.out else Path("runs") / settings.bench.name / model
    columns = None if settings.columns == config.ColumnSettings() else dataclasses.asdict(settings.columns)
    identity = {
        "bench": settings.bench.name,
        "answers": _places(settings.answers),
        "columns": columns,
        "questions": _places(settings.questions),
    }
    with RunFolder(out, identity, resume=True, leaves_failures=_leaves_failures()) as folder:
        joined, benchmark = _join(settings, answers, questions, benchmark)
        beginning = _beginning(settings, benchmark, command)
        folder.manifest.require_benchmark(beginning["benchmark"])
        folder.note(**beginning, **_current(), started=now())
        folder.write_answers([answer_fields(answer) for answer in joined.answers.values()])
        counts = {"rows": joined.n_rows, "unjoined": len(joined.unjoined), "conflicts": joined.n_conflicts}
        answered = _answered(settings, model, benchmark, joined.answers, counts, data_dir)
        return conclude(answered, folder, {})


def _places(names: str | tuple[str, ...] | None) -> Any:
    """Where files lie, from any folder; as it was written where that is the environment's to say."""
    if isinstance(names, tuple):
        return [_places(name) for name in names]
    if names is None or isinstance(names, FromEnvironment):
        return as_written(names)
    return str(Path(names).expanduser().absolute())


def _images_where_some_are_left_out(whole: Benchmark, asked: Benchmark) -> int | None:
    if len(asked.questions) == len(whole.questions):
        return None
    return len({question.image for question in whole.questions})


def _leaves_failures() -> bool:
    """Whether nobody may see a start fail: one of a sweep, or of a cluster's job, whose states are looked at later."""
    return slurm_job() is not None or is_of_sweep()


def _open(settings: config.RunSettings, ranks: Ranks) -> RunFolder | FollowedFolder:
    """The run folder, which the main rank has and the others write to along."""
    path = Path(settings.out)
    if not ranks.is_main:
        return FollowedFolder(path, ranks.rank)
    leaves_failures = ranks.are_several or _leaves_failures()  # other ranks may still write there
    return RunFolder(path, _identity(settings), resume=settings.resume, leaves_failures=leaves_failures)


def _answered(
    settings: config.RunSettings | config.ScoreSettings,
    model: str,
    benchmark: Benchmark,
    answers: Mapping[Question, Answer],
    counts: Mapping[str, int],
    data_dir: Path,
) -> Answered:
    return Answered(
        model=model,
        benchmark=benchmark,
        answers=answers,
        images=find_local_images(settings.bench, data_dir, benchmark.questions),
        settings=settings,
        counts=counts,
    )


def _refuse_spread(settings: config.RunSettings, ranks: Ranks) -> None:
    if ranks.are_several and settings.model.device_map is not None:
        raise RepopeError(
            f"model.device_map={settings.model.device_map} spreads one model over the GPUs, and {ranks.count} "
            "processes were started, each with a model of its own: start one, or leave model.device_map out"
        )


def _files(settings: config.ScoreSettings) -> tuple[list[Path], list[Path]]:
    """The answer files, and the question files that their ids point into: none, one for all, or one for each."""
    answers, questions = (
        [Path(name).expanduser() for name in config.listed(names)]
        for names in (settings.answers, settings.questions)
    )
    for name, number in Counter(config.listed(settings.answers)).items():
        if number > 1:
            raise RepopeError(f"answers: {name} is given {number} times; name each file once")
    if len(questions) not in (0, 1, len(answers)):
        raise RepopeError(
            f"questions: {len(questions)} files for {len(answers)} of answers; give one for all, or one for each"
        )
    return answers, questions


def _join(
    settings: config.ScoreSettings, answers: Sequence[Path], questions: Sequence[Path], benchmark: Benchmark
) -> tuple[Joined, Benchmark]:
    """The answers, and the edition of the benchmark that they are about."""
    texts: list[Texts] = [question_texts(read_row_file(path).rows, str(path)) for path in questions] or [None]
    texts *= len(answers) // len(texts)
    files = [(read_row_file(path), of_file) for path, of_file in zip(answers, texts, strict=True)]
    joined, benchmark = join_files(files, settings.columns, benchmark)
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
            '%s with image spelt "imange", as POPE\'s files did until October 2023: joined as meant',
            counted(joined.n_misspelt, "row"),
        )
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
    return joined, benchmark


def _identity(settings: config.RunSettings) -> dict[str, Any]:
    """What a run's answers depend on; engine, batch size and device change none of them."""
    model = settings.model
    return {
        "bench": settings.bench.name,
        "bench.images": as_written(settings.bench.images) if settings.bench.source == "custom" else None,
        "model.checkpoint": as_written(model.checkpoint),
        "model.revision": as_written(model.revision),
        "model.family": model.family,
        "model.dtype": config.number_format(model),
        "model.quantization": model.quantization,
        "model.max_new_tokens": model.max_new_tokens,
        "model.system_prompt": model.system_prompt,
        "model.question_suffix": model.question_suffix,
        "model.max_tiles": model.max_tiles,
    }


def _begin(
    settings: config.RunSettings, benchmark: Benchmark, data_dir: Path, folder: RunFolder, command: str
) -> None:
    """Enters this start into the manifest, once what it may add to the answers there belongs with them."""
    beginning = _beginning(settings, benchmark, command)
    folder.manifest.require_benchmark(beginning["benchmark"])
    require_same_contents(settings, benchmark, data_dir, folder)
    folder.begin(beginning, **_current(), partial=settings.limit is not None)


def _beginning(
    settings: config.RunSettings | config.ScoreSettings, benchmark: Benchmark, command: str
) -> dict[str, Any]:
    """What a start is of, and what it runs on."""
    return {
        "command": command,
        "settings": as_written(settings),
        "benchmark": {
            "name": benchmark.name,
            "sha256": dict(benchmark.hashes),
            "edition": OTHER_EDITION if has_other_positives(benchmark) else None,
        },
        "versions": versions(),
        "machine": machine(),
    }


def _current() -> dict[str, Any]:
    """What stands in a manifest while a start has the folder."""
    return {"status": "running", "ended": None, "process": process()}
