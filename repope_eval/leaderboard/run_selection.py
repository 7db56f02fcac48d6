"""Choosing the runs of one benchmark that are reported together, and those of them that are ranked."""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.sources import FILE_SETTINGS, load_benchmark
from repope_eval.errors import RepopeError
from repope_eval.leaderboard.entries import LeftOut
from repope_eval.leaderboard.finished_runs import FoundRun, read_runs
from repope_eval.records import Answer, LabelSet, Question
from repope_eval.settings import config
from repope_eval.settings.command_settings import AuditSettings, EstimateSettings
from repope_eval.settings.fields import fields_of
from repope_eval.settings.named_files import OF_FILES, data_folder, questions_name, refuse_special
from repope_eval.system.secrets import place_here
from repope_eval.wording import counted, percentage

Thing = TypeVar("Thing", bound=Hashable)

_OF_QUESTIONS = ("questions", "relabels")
"""Settings of a benchmark that name the files that its questions and labels stand in."""

PAPER_SOURCE = "coco"
"""The `source` setting of the benchmarks that the paper's counts are of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRanked:
    """A run with answers that is not ranked."""

    run: FoundRun
    reason: str
    coverage: float | None = None
    """The setting of the report that would rank it; None where none would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The runs of one benchmark."""

    benchmark: Benchmark | None
    """None where there is no run."""
    images: frozenset[str]
    """The images that most finished runs are about; of as many runs, the larger number."""
    ranked: tuple[FoundRun, ...]
    """Finished runs that have answered enough of the questions about these images, and no others."""
    unranked: tuple[NotRanked, ...]
    """The other runs with answers."""
    left_out: tuple[LeftOut, ...]

    @property
    def runs(self) -> tuple[FoundRun, ...]:
        """All runs that have scores, the ranked ones first."""
        return (*self.ranked, *(each.run for each in self.unranked))


def runs_of(settings: AuditSettings | EstimateSettings) -> Selection:
    """Reads all runs in a folder, and chooses those of one benchmark that have answers, ranked or not.

    Raises:
        RepopeError: there is no such run, or the benchmark's files cannot be found or are broken.
    """
    root = Path(settings.runs).expanduser()
    if not root.is_dir():
        raise RepopeError(
            f"runs={settings.runs}: no such folder; name the one that run folders lie in (a run writes "
            "runs/BENCH/MODEL)"
        )
    runs, left_out = read_runs(root)
    report = config.ReportSettings(
        runs=settings.runs, bench=settings.bench, data_dir=settings.data_dir, out=""
    )
    selection = select(runs, report, left_out)
    require_some(selection, root)
    return selection


def select(
    runs: Sequence[FoundRun], settings: config.ReportSettings, left_out: Sequence[LeftOut]
) -> Selection:
    """Chooses the benchmark, loads it, and tells comparable runs from the others.

    Args:
        runs: as they were found.
        settings: of the report; `bench` names the benchmark, else it is the one most runs are of.
        left_out: runs that are out already.

    Raises:
        RepopeError: the benchmark's files cannot be found or are broken.
    """
    others = list(left_out)

    def without(runs: Sequence[FoundRun], why_not: Callable[[FoundRun], str | None]) -> list[FoundRun]:
        """The runs that `why_not` has no reason for; the others are left out with their reasons."""
        reasons = [(run, why_not(run)) for run in runs]
        others.extend(LeftOut(folder=run.folder, reason=reason) for run, reason in reasons if reason)
        return [run for run, reason in reasons if not reason]

    if settings.reference == "paper":
        runs = without(runs, _other_source)
    name = _chosen_name(runs, settings.bench)
    runs = without(runs, lambda run: _other_benchmark(run, name))
    if not runs:
        return Selection(benchmark=None, images=frozenset(), ranked=(), unranked=(), left_out=tuple(others))
    benchmark = _load(runs, settings)
    asked = set(benchmark.questions)
    runs = without(runs, lambda run: other_files(run, benchmark))
    runs = without(runs, lambda run: unusable(run, asked))
    return _compared(runs, benchmark, settings.coverage, others)


def _chosen_name(runs: Sequence[FoundRun], bench: config.BenchSettings) -> str:
    """The name of the benchmark that is chosen; `table` and `custom` stand for the one that has a name by its file."""
    names = [run.bench.name for run in runs]
    if bench.name and bench.name not in names:
        names = [run.bench.name for run in runs if run.bench.source == bench.name in OF_FILES]
        own = questions_name(bench.questions or "")
        return own if own in names else _most_frequent(names) or bench.name
    return bench.name or _most_frequent(names) or ""


def images_of(run: FoundRun) -> frozenset[str]:
    """The images that a run has answers about."""
    return frozenset(question.image for question in run.answers)


def names_of(runs: Sequence[FoundRun]) -> dict[str, str]:
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


def _load(runs: Sequence[FoundRun], settings: config.ReportSettings) -> Benchmark:
    """Loads the benchmark from the question files that most of the runs were asked from."""
    frequent = _most_frequent(tuple(sorted(run.hashes.items())) for run in runs)
    asked = [run for run in runs if tuple(sorted(run.hashes.items())) == frequent]
    first = min(asked, key=lambda run: len(run.withheld))  # the user's own say where the files lie
    return benchmark_of(given_files(first, settings.bench), data_folder_of(first, settings.data_dir))


def given_files(run: FoundRun, bench: config.BenchSettings | None) -> FoundRun:
    """The run with its benchmark's files where a command says that they lie, in place of where the run had them."""
    given = {
        field.name: value
        for field in fields_of(config.BenchSettings)
        if field.name in FILE_SETTINGS
        and (value := getattr(bench, field.name, field.default)) != field.default
    }
    withheld = {key: place for key, place in run.withheld.items() if key not in given}
    return replace(run, bench=replace(run.bench, **given), withheld=withheld)


def data_folder_of(run: FoundRun, data_dir: str | None) -> Path:
    """Where data lies: in `data_dir`, or else where the run had it.

    Raises:
        RepopeError: `data_dir` is no folder, or the run's refers to a variable that is not set here.
    """
    return data_folder(data_dir or _here(place_here(run.data_dir, f"{run.folder}: data_dir")))


def benchmark_of(run: FoundRun, data_dir: Path) -> Benchmark:
    """Loads the benchmark that a run was asked from.

    Raises:
        RepopeError: its files cannot be found or are broken, or it is not known that the user named them.
    """
    bench = replace(run.bench, annotations=_here(run.bench.annotations))
    if named := {key: run.withheld[key] for key in _OF_QUESTIONS if key in run.withheld}:
        said = " and ".join(f"bench.{key}={place}" for key, place in named.items())
        words = " ".join(f"bench.{key}=FILE" for key in named)
        raise RepopeError(
            f"{run.folder}: its manifest says {said}, and no run of yours here wrote that, so it is not looked at; "
            f"give bench={bench.source} {words}"
        )
    for key in _OF_QUESTIONS:
        refuse_special(f"bench.{key}", getattr(bench, key))
    return load_benchmark(bench, data_dir)


def scored_answers(run: FoundRun, benchmark: Benchmark) -> Mapping[Question, Answer]:
    """The answers that the figures in a run's folder are made of: where it has a limit, those about the first images.

    The folder holds more where an earlier start had no limit, or a larger one.
    """
    if run.limit is None:
        return run.answers
    asked = set(benchmark.first_images(run.limit).questions)
    return {question: answer for question, answer in run.answers.items() if question in asked}


def _here(folder: str | None) -> str | None:
    """The folder that a run was given, if this machine has it too; else None."""
    return folder if folder and Path(folder).expanduser().is_dir() else None


def _compared(
    runs: Sequence[FoundRun], benchmark: Benchmark, coverage: float, left_out: Sequence[LeftOut]
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


def _other_source(run: FoundRun) -> str | None:
    if run.bench.source == PAPER_SOURCE:
        return None
    return f"is of benchmark {run.bench.name}, and the paper's figures are of POPE's and RePOPE's COCO images"


def _other_benchmark(run: FoundRun, name: str) -> str | None:
    if run.bench.name == name:
        return None
    return f"is of benchmark {run.bench.name}, not {name}; bench={run.bench.name} reports it"


def other_files(run: FoundRun, benchmark: Benchmark) -> str | None:
    """That a run was asked from other question files than those of the benchmark, in words; None where it was not."""
    known = benchmark.hashes
    names = [name for name in {**known, **run.hashes} if known.get(name) != run.hashes.get(name)]
    return f"was asked from other question files: SHA-256 of {', '.join(names)} differs" if names else None


def unusable(run: FoundRun, asked: Collection[Question]) -> str | None:
    """That a run's answers cannot be scored as answers to the questions asked, in words; None where they can."""
    n_strange = sum(question not in asked for question in run.answers)
    if n_strange:
        return f"has {n_strange} of {counted(len(run.answers), 'answer')} to questions that the benchmark does not have"
    return None if run.answers else run.unfinished or "has no answers yet"


def require_some(selection: Selection, root: Path) -> None:
    """Raises RepopeError if there is no run with scores to show."""
    if selection.ranked or selection.unranked:
        return
    if not selection.left_out:
        raise RepopeError(
            f"runs={root}: holds no run folder; one is what a run writes (by default runs/BENCH/MODEL), with "
            "manifest.json and answers.jsonl in it. reference=paper shows the paper's models alone"
        )
    lines = [f"  {run.folder}: {run.reason}" for run in selection.left_out]
    raise RepopeError("\n".join([f"runs={root}: no run folder in it can be reported", *lines]))
