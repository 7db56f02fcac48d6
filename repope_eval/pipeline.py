"""A run from beginning to end: benchmarks, who is asked, the answers, the scores, the pages."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from repope_eval.asking.asker import find_asker
from repope_eval.asking.identity import identity, require_same_contents
from repope_eval.asking.session import BenchmarkRun, Session
from repope_eval.benchmarks.benchmark import Benchmark, questions_by_image
from repope_eval.benchmarks.sources import asks_for_captions, find_local_images, load_benchmark
from repope_eval.errors import RepopeError
from repope_eval.exporting.trackers import require_tracker, track
from repope_eval.foreign_answers.benchmark_codes import OTHER_EDITION, has_other_positives
from repope_eval.machine.run_estimate import note_estimate
from repope_eval.records import Answer, Question
from repope_eval.reporting.results import AnsweredBenchmark, print_scores, score_and_report
from repope_eval.runs.answer_store import merge_shares
from repope_eval.runs.folder import FollowedFolder, RunFolder
from repope_eval.runs.layout import ANSWERS, MANIFEST, answer_files
from repope_eval.runs.manifest import Manifest
from repope_eval.scoring.caption_scores import AnyScores
from repope_eval.settings.askers import applicable_settings, refuse_idle
from repope_eval.settings.config import DEFAULT_PROTOCOL, RunSettings, ScoreSettings
from repope_eval.settings.launching import bench_words, former_folder, hiding_files, is_of_sweep
from repope_eval.settings.named_files import data_folder
from repope_eval.system.environment import machine, slurm_job, versions
from repope_eval.system.ranks import Ranks, join_ranks
from repope_eval.system.secrets import as_written


def run(
    settings: RunSettings, command: str, show: Callable[[AnyScores], None] = print_scores
) -> AnyScores | None:
    """As `run_together`, for a single benchmark."""
    scores = run_together([settings], command, show)
    return scores[0] if scores else None


def run_together(
    settings: Sequence[RunSettings], command: str, show: Callable[[AnyScores], None] = print_scores
) -> Sequence[AnyScores]:
    """Asks a model the questions of benchmarks that have no answer yet; scores and reports each benchmark by itself.

    Where several processes were started for the run, each asks its share of the images, and the main rank does the
    rest.

    Args:
        settings: the settings of each benchmark's run, which differ in the benchmark and the run folder alone.
        command: the command that started the run, for the manifest and for the message of an interruption.
        show: shows the scores of each benchmark.

    Returns:
        The scores by benchmark; none on non-main ranks.

    Raises:
        RepopeError: something a user can mend. Answers that were stored stay.
        InterruptionError: a signal came, or a rank is gone. Answers that were stored stay.
    """
    load_asker = find_asker(settings[0].model.family)
    ranks = join_ranks()
    with ranks.together():
        refuse_idle(settings[0])
        _refuse_draws_of_captions(settings)
        require_tracker(settings[0].track)
        _refuse_spread(settings[0], ranks)
        _refuse_one_folder(settings)
        _refuse_unlike_blindness(settings)
    data_dir = data_folder(settings[0].data_dir)
    with ExitStack() as stack:
        with ranks.main_first():
            runs = [
                _begin_run(each, data_dir, ranks, stack, command, is_first=each is settings[0])
                for each in settings
            ]
        session = Session(runs=runs, data_dir=data_dir, load_asker=load_asker, ranks=ranks, command=command)
        answers = session.ask_what_is_left()
        # Non-main ranks stay until the main one is done: launchers take a rank that ends first for a failure.
        with ranks.together():
            return [
                _score_run(each, data_dir, of_run, counts, show)
                for each, (of_run, counts) in zip(runs, answers, strict=True)
                if ranks.is_main
            ]


def _begin_run(
    settings: RunSettings, data_dir: Path, ranks: Ranks, stack: ExitStack, command: str, *, is_first: bool
) -> BenchmarkRun:
    """Loads a benchmark and opens its run folder, into whose manifest the main rank enters this start."""
    whole = load_benchmark(settings.bench, data_dir)
    benchmark = replace(whole.first_images(settings.limit), n_draws=settings.repeats)
    start = describe_start(settings, whole, command)
    _refuse_to_ask_again(settings, start["benchmark"])
    folder = _open_folder(settings, ranks, stack, is_first=is_first)
    if isinstance(folder, RunFolder):
        _enter_start(settings, benchmark, data_dir, folder, start)
    return BenchmarkRun(
        settings=settings,
        benchmark=benchmark,
        folder=folder,
        seconds={"load": 0.0, "inference": 0.0, **folder.manifest.seconds},
        n_images=len(questions_by_image(whole.questions)),
    )


def _score_run(
    run: BenchmarkRun,
    data_dir: Path,
    answers: Mapping[Question, Answer],
    counts: Mapping[str, int],
    show: Callable[[AnyScores], None],
) -> AnyScores:
    assert isinstance(run.folder, RunFolder), "the main rank has the run folder"
    note_estimate(run.settings, run.folder.manifest, answers.values())
    images = find_local_images(run.settings.bench, data_dir, run.benchmark.questions)
    answered = AnsweredBenchmark(
        run.settings.model.name, run.settings, run.benchmark, answers, counts, images, run.n_images
    )
    scores = score_and_report(answered, run.folder, run.seconds, show)
    track(run.settings, run.folder, scores)
    return scores


def describe_start(
    settings: RunSettings | ScoreSettings, benchmark: Benchmark, command: str
) -> dict[str, Any]:
    """What a manifest says of a start: its command, settings, whole benchmark, versions and machine.

    `own_files` are the user's own configuration files that hide shipped ones.
    """
    return {
        "command": command,
        "settings": applicable_settings(settings)
        if isinstance(settings, RunSettings)
        else as_written(settings),
        **({"own_files": hiding} if (hiding := hiding_files()) else {}),
        "benchmark": {
            "name": benchmark.name,
            "sha256": dict(benchmark.hashes),
            "edition": OTHER_EDITION if has_other_positives(benchmark) else None,
            "questions": len(benchmark.questions),
        },
        "versions": versions(),
        "machine": machine(),
    }


def leaves_failures() -> bool:
    """Whether a failed start leaves its folder: nobody may watch one of a sweep or a cluster's job fail."""
    return slurm_job() is not None or is_of_sweep()


def _refuse_spread(settings: RunSettings, ranks: Ranks) -> None:
    if ranks.are_several and settings.model.device_map is not None:
        raise RepopeError(
            f"model.device_map={settings.model.device_map} spreads one model over the GPUs, and {ranks.count} "
            "processes were started, each with a model of its own: start one, or leave model.device_map out"
        )


def _refuse_draws_of_captions(settings: Sequence[RunSettings]) -> None:
    describing = next((each.bench.name for each in settings if asks_for_captions(each.bench)), None)
    if describing is not None and settings[0].repeats > 1:
        raise RepopeError(
            f"repeats={settings[0].repeats}: {describing} asks for captions, whose figures are of one draw; leave it "
            "out, and for another draw give model.seed=1 and a folder of its own (out=)"
        )


def _refuse_one_folder(settings: Sequence[RunSettings]) -> None:
    folders = [Path(each.out).expanduser().absolute() for each in settings]
    if len(set(folders)) < len(folders):
        raise RepopeError(
            f"out={settings[0].out}: is one folder for {len(settings)} benchmarks, each of which needs its own; leave "
            "out= away, or name the benchmark in it: out='runs/${bench.name}'"
        )


def _refuse_unlike_blindness(settings: Sequence[RunSettings]) -> None:
    """Refuses benchmarks that are asked together, of which some show images and others do not."""
    shown = {each.bench.blind for each in settings}
    if len(shown) > 1:
        told = ", ".join(sorted(str(each) for each in shown))
        raise RepopeError(f"bench.blind: is {told} in benchmarks of one command; run them one after another")


def _refuse_to_ask_again(settings: RunSettings, benchmark: Mapping[str, Any]) -> None:
    """Refuses to begin a run anew whose answers earlier copies of this program left in their default folder."""
    former = former_folder(settings)
    if former is None or answer_files(Path(settings.out) / ANSWERS):
        return
    if Manifest(former / MANIFEST, identity(settings)).is_of_same(benchmark):
        raise RepopeError(
            f"give {shlex.quote(f'out={former}')} to go on with the answers there, which are of these settings: it was "
            f"the default in earlier copies of this program; or {shlex.quote(f'out={settings.out}')} to ask anew"
        )


def _open_folder(
    settings: RunSettings, ranks: Ranks, stack: ExitStack, *, is_first: bool
) -> RunFolder | FollowedFolder:
    """The run folder, which the main rank alone has until the stack is left; the other ranks follow it."""
    if not ranks.is_main:
        return FollowedFolder(Path(settings.out), ranks.rank, is_first=is_first)
    folder = RunFolder(
        Path(settings.out),
        identity(settings),
        resume=settings.resume,
        leaves_failures=ranks.are_several or leaves_failures(),  # other ranks may still write there
        is_first=is_first,
    )
    return stack.enter_context(folder)


def _enter_start(
    settings: RunSettings, benchmark: Benchmark, data_dir: Path, folder: RunFolder, start: Mapping[str, Any]
) -> None:
    """Enters this start into the manifest, once it is known that its answers belong with those in the folder."""
    merge_shares(folder.answers)
    folder.manifest.require_benchmark(start["benchmark"])
    require_same_contents(settings, benchmark, data_dir, folder)
    protocol = DEFAULT_PROTOCOL if settings.protocol == "all" else settings.protocol
    folder.require_scores_kept(
        len({question.image for question in benchmark.questions}),
        benchmark.n_draws,
        protocol,
        [
            *(bench_words(settings.bench.name) or [f"bench={settings.bench.name}"]),
            f"protocol={protocol}",
            f"out={settings.out}_{protocol}",
        ],
    )
    folder.manifest.begin(start, partial=settings.limit is not None)
