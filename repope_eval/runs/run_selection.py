"""Choosing the runs of one benchmark that are reported together, and those of them that are ranked."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.blind import seeing_name
from repope_eval.benchmarks.sources import asks_for_captions
from repope_eval.errors import RepopeError
from repope_eval.records import LabelSet, Question
from repope_eval.runs.finished_runs import (
    FindUnfinished,
    FinishedRun,
    LeftOut,
    benchmark_of,
    data_folder_of,
    given_files,
    other_files,
    read_runs,
    unusable,
)
from repope_eval.settings import config
from repope_eval.settings.command_settings import AuditSettings, EstimateSettings, PlanSettings
from repope_eval.settings.named_files import FILE_BENCHMARKS, questions_name
from repope_eval.wording import counted, percentage

Thing = TypeVar("Thing", bound=Hashable)

_DESCRIBES = "describes images, and these figures are of answers of yes and no; its own page has its figures"

PAPER_SOURCE = "coco"
"""The `source` setting of the benchmarks that the paper's counts are of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRanked:
    """A run with answers that is not ranked."""

    run: FinishedRun
    reason: str
    coverage: float | None = None
    """The setting of the report that would rank it; None where none would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The runs of one benchmark."""

    benchmark: Benchmark | None
    """None where there is no run."""
    images: frozenset[str]
    """The images that most finished runs are about; where two sets are of equally many runs, the larger one."""
    ranked: tuple[FinishedRun, ...]
    """Finished runs that have answered enough of the questions about these images, and no others."""
    unranked: tuple[NotRanked, ...]
    """The other runs with answers."""
    left_out: tuple[LeftOut, ...]

    @property
    def runs(self) -> tuple[FinishedRun, ...]:
        """All runs that have scores, the ranked ones first."""
        return (*self.ranked, *(each.run for each in self.unranked))


def runs_in(folder: str, find_unfinished: FindUnfinished) -> tuple[list[FinishedRun], list[LeftOut]]:
    """As `read_runs`, of a folder that a setting names.

    Raises:
        RepopeError: there is no such folder.
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise RepopeError(
            f"runs={folder}: no such folder; name the one that run folders lie in (a run writes runs/BENCH/MODEL)"
        )
    return read_runs(root, find_unfinished)


def selection_of(
    runs: Sequence[FinishedRun],
    left_out: Sequence[LeftOut],
    settings: AuditSettings | EstimateSettings | PlanSettings,
) -> Selection:
    """Chooses those of one benchmark that have answers of yes and no, ranked or not.

    Raises:
        RepopeError: there is no such run, or the benchmark's files cannot be found or are broken.
    """
    report = config.ReportSettings(
        runs=settings.runs, bench=settings.bench, data_dir=settings.data_dir, out=""
    )
    selection = select(runs, report, left_out)
    require_some(selection, Path(settings.runs).expanduser())
    return selection


def select(
    runs: Sequence[FinishedRun], settings: config.ReportSettings, left_out: Sequence[LeftOut]
) -> Selection:
    """Chooses the benchmark, loads it, and tells comparable runs from the others.

    Args:
        runs: as `read_runs` returns them.
        settings: those of the report; `bench` names the benchmark, else it is the one most runs are of.
        left_out: runs that are out already.

    Raises:
        RepopeError: the benchmark's files cannot be found or are broken.
    """
    others = list(left_out)

    def keep(runs: Sequence[FinishedRun], why_not: Callable[[FinishedRun], str | None]) -> list[FinishedRun]:
        """The runs that `why_not` has no reason for; the others are left out with their reasons."""
        reasons = [(run, why_not(run)) for run in runs]
        others.extend(LeftOut(folder=run.folder, reason=reason) for run, reason in reasons if reason)
        return [run for run, reason in reasons if not reason]

    runs = keep(runs, _describes_images)
    if settings.reference == "paper":
        runs = keep(runs, _other_source)
    name = chosen_name(runs, settings.bench)
    runs = keep(runs, lambda run: _other_benchmark(run, name))
    if not runs:
        return Selection(benchmark=None, images=frozenset(), ranked=(), unranked=(), left_out=tuple(others))
    benchmark = _load_common_benchmark(runs, settings)
    asked = set(benchmark.questions)
    runs = keep(runs, lambda run: other_files(run, benchmark))
    runs = keep(runs, lambda run: unusable(run, asked))
    return _select_ranked(runs, benchmark, settings.coverage, others)


def chosen_name(runs: Sequence[FinishedRun], bench: config.BenchSettings) -> str:
    """The name of the benchmark that is chosen; `table` and `custom` stand for the one that has a name by its file."""
    names = [run.bench.name for run in runs]
    if bench.name and bench.name not in names:
        names = [run.bench.name for run in runs if run.bench.source == bench.name in FILE_BENCHMARKS]
        own = questions_name(bench.questions or "")
        return own if own in names else _most_frequent(names) or bench.name
    return bench.name or _most_frequent(names) or ""


def images_of(run: FinishedRun) -> frozenset[str]:
    """The images that a run has answers about."""
    return frozenset(question.image for question in run.answers)


def names_of(runs: Sequence[FinishedRun]) -> dict[str, str]:
    """The name of each run by its folder: its model, with the folder where several runs are of one model."""
    counts = Counter(run.model for run in runs)
    return {
        run.folder: run.model if counts[run.model] == 1 else f"{run.model} ({run.folder})" for run in runs
    }


def labels_of(label_sets: Sequence[LabelSet], holds: Callable[[Question], bool]) -> tuple[LabelSet, ...]:
    """The labels of those questions that `holds` is true of."""
    return tuple(
        LabelSet(
            label_set.name,
            {
                variant: {question: label for question, label in labels.items() if holds(question)}
                for variant, labels in label_set.variants.items()
            },
        )
        for label_set in label_sets
    )


def _most_frequent(things: Iterable[Thing]) -> Thing | None:
    """The most frequent thing, and the first of several; None where there is none."""
    counts = Counter(things)
    return counts.most_common(1)[0][0] if counts else None


def _load_common_benchmark(runs: Sequence[FinishedRun], settings: config.ReportSettings) -> Benchmark:
    """Loads the benchmark from the question files that most of the runs were asked from."""
    frequent = _most_frequent(tuple(sorted(run.hashes.items())) for run in runs)
    asked = [run for run in runs if tuple(sorted(run.hashes.items())) == frequent]
    first = min(asked, key=lambda run: len(run.withheld))  # the user's own say where the files lie
    return benchmark_of(given_files(first, settings.bench), data_folder_of(first, settings.data_dir))


def _select_ranked(
    runs: Sequence[FinishedRun], benchmark: Benchmark, coverage: float, left_out: Sequence[LeftOut]
) -> Selection:
    """Tells runs that can be ranked from those that cannot."""
    images = {run.folder: images_of(run) for run in runs}
    finished = [images[run.folder] for run in runs if run.status == "complete"]
    compared = _most_frequent(sorted(finished or images.values(), key=len, reverse=True)) or frozenset()
    n_questions = sum(question.image in compared for question in benchmark.questions)
    n_images = len({question.image for question in benchmark.questions})
    ranked, unranked = [], []
    for run in runs:
        about = images[run.folder]
        covers = len(run.answers) / n_questions >= coverage
        reason = None
        if run.status != "complete":
            reason = run.unfinished
        elif not about <= compared or (about < compared and not covers):
            reason = f"has answers about {len(about)} of {counted(n_images, 'image')}"
            reason += f", not about the {len(compared)} that ranked runs have"
        elif not covers:
            reason = _too_few_answers(len(run.answers), n_questions, coverage)
        if reason is None:
            ranked.append(run)
        else:
            would_do = 100 * len(run.answers) // n_questions / 100
            is_comparable = run.status == "complete" and about <= compared
            unranked.append(NotRanked(run=run, reason=reason, coverage=would_do if is_comparable else None))
    return Selection(
        benchmark=benchmark,
        images=compared,
        ranked=tuple(ranked),
        unranked=tuple(unranked),
        left_out=tuple(left_out),
    )


def _too_few_answers(n_answers: int, n_questions: int, coverage: float) -> str:
    share = percentage(n_answers, n_questions)  # never rounded up to a share that would do
    return (
        f"has answers to {n_answers:,} of {counted(n_questions, 'question', ',')} ({share} %), and "
        f"coverage={coverage:g} is the least share to be ranked"
    )


def _other_source(run: FinishedRun) -> str | None:
    if run.bench.source == PAPER_SOURCE:
        return None
    return f"is of benchmark {run.bench.name}, and the paper's figures are of POPE's and RePOPE's COCO images"


def _describes_images(run: FinishedRun) -> str | None:
    """Why a run cannot be among those that answer yes or no: what it is scored by is something else."""
    return _DESCRIBES if asks_for_captions(run.bench) else None


def _other_benchmark(run: FinishedRun, name: str) -> str | None:
    if run.bench.name == name:
        return None
    words = f"bench={seeing_name(run.bench)}" + (
        f" bench.blind={blind}" if (blind := run.bench.blind) else ""
    )
    return f"is of benchmark {run.bench.name}, not {name}; {words} reports it"


def require_some(selection: Selection, root: Path, otherwise: str = "") -> None:
    """Raises RepopeError if there is no run with scores to show; `otherwise` is what can be done without a run."""
    if selection.ranked or selection.unranked:
        return
    if not selection.left_out:
        raise RepopeError(
            f"runs={root}: holds no run folder; one is what a run writes (by default runs/BENCH/MODEL), with "
            f"manifest.json and answers.jsonl in it{otherwise}"
        )
    lines = [f"  {run.folder}: {run.reason}" for run in selection.left_out]
    raise RepopeError("\n".join([f"runs={root}: no run folder in it can be reported", *lines]))
