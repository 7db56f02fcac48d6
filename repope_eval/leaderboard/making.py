"""The leaderboard of selected runs, which are scored, ranked and compared together with the paper's models."""

from collections.abc import (
    Collection,
    Mapping,
    Sequence,
)
from dataclasses import replace

import numpy as np

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.leaderboard.entries import (
    PAPER_MARK,
    Entry,
    Leaderboard,
    RankAgreement,
    SettingDifference,
    Unranked,
)
from repope_eval.records import LabelSet, Variant
from repope_eval.runs.finished_runs import NOT_SET, FinishedRun
from repope_eval.runs.run_selection import (
    PAPER_SOURCE,
    NotRanked,
    Selection,
    images_of,
    labels_of,
    names_of,
)
from repope_eval.scoring.bootstrap import MEAN, has_mean
from repope_eval.scoring.comparison import RANKED_FIGURES, Comparison, agreement, compare, places_by_name
from repope_eval.scoring.protocol_scores import coverage, include_distinct, score
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.published import published_scores
from repope_eval.scoring.shared_errors import (
    ErrorOverlap,
    MissedQuestions,
    error_overlaps,
    find_errors,
    missed_questions,
)
from repope_eval.scoring.shared_questions import Sampled
from repope_eval.settings import config

_OWN_FACTS = (
    "answers",
    "bench",
    "bench.images",
    "command",
    "data_dir",
    "model",
    "model.adapter",
    "model.adapter_revision",
    "model.api_key_env",
    "model.checkpoint",
    "model.concurrency",
    "model.family",
    "model.gated",
    "model.name",
    "model.price_in",
    "model.price_out",
    "model.recipe_dtype",
    "model.revision",
    "model.timeout",
    "model.url",
    "out",
    "protocol",
    "questions",
    "resume",
)
"""Facts that runs are not compared by: they name the model and the files, or the report decides them."""


def make_leaderboard(selection: Selection, settings: config.ReportSettings) -> Leaderboard:
    """Scores, ranks and compares the selected runs; reads and writes no file."""
    selection = _with_summary(selection)
    label_sets, variants = _label_sets_and_variants(selection)
    names = names_of(selection.runs)
    comparison = _comparison(selection, names, settings.protocol)
    overlaps, missed = _shared_errors(selection, names, settings.protocol)
    runs = _ranked_entries(selection, names, settings.protocol)
    has_paper = settings.reference == "paper"
    paper = _paper_entries(label_sets, variants, set(names.values())) if has_paper else []
    questions = selection.benchmark.questions if selection.benchmark else ()
    is_whole = comparison is not None and comparison.n_questions == len(questions)
    # The paper's counts are over all questions: no ranking holds them beside figures over fewer.
    rankings = ([*runs, *paper], []) if is_whole or not runs else (runs, paper)
    ranked, apart = (_sorted_by_f1(entries, label_sets[-1], variants[-1]) for entries in rankings)
    return Leaderboard(
        bench=selection.benchmark.name if selection.benchmark else "repope",
        source=selection.runs[0].bench.source if selection.runs else PAPER_SOURCE,
        measures=selection.benchmark.measures if selection.benchmark else "",
        protocol=settings.protocol,
        coverage=settings.coverage,
        label_sets=label_sets,
        variants=variants,
        entries=(*ranked, *apart),
        places={
            name: {
                variant: places_by_name(_values_by_name(ranked, name, variant, "f1"))
                | dict.fromkeys(entry.name for entry in apart)
                for variant in variants
            }
            for name in label_sets
        },
        unranked=tuple(
            _unranked_run(each, names[each.run.folder], selection.benchmark, settings.protocol)
            for each in selection.unranked
            if selection.benchmark
        ),
        comparison=comparison,
        overlaps=overlaps,
        missed=missed,
        agreements=_agreements(comparison, paper, label_sets, variants),
        # Beside the paper's figures, counts over fewer questions would say nothing.
        pairs=tuple((run, other) for run in runs for other in paper if is_whole and other.model == run.model),
        left_out=selection.left_out,
        differences=setting_differences(selection.ranked, names),
        n_benchmark_images=len({question.image for question in questions}) or None,
        n_benchmark_questions=len(questions) or None,
    )


def _label_sets_and_variants(selection: Selection) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Label sets and variants of the benchmark, or of the paper's figures where there is none."""
    if selection.benchmark is None:
        cells = published_scores()[0].cells
        return tuple(cells), tuple(next(iter(cells.values())))
    label_sets = selection.benchmark.label_sets
    variants = tuple(label_sets[0].variants)
    means = (MEAN,) if has_mean(variants) else ()
    return tuple(label_set.name for label_set in label_sets), (*variants, *means)


def _with_summary(selection: Selection) -> Selection:
    """The selection with all questions as a further variant, where the mean over the variants would be undefined."""
    benchmark = selection.benchmark
    if benchmark is None:
        return selection
    return replace(selection, benchmark=replace(benchmark, label_sets=include_distinct(benchmark.label_sets)))


def _ranked_entries(selection: Selection, names: Mapping[str, str], protocol: config.Protocol) -> list[Entry]:
    """The ranked runs, scored on the questions that all of them answered."""
    if selection.benchmark is None or not selection.ranked:
        return []
    whole = labels_of(selection.benchmark.label_sets, lambda question: question.image in selection.images)
    answered = set.intersection(*(set(run.answers) for run in selection.ranked))
    common = labels_of(whole, answered.__contains__)
    n_questions = sum(question.image in selection.images for question in selection.benchmark.questions)
    return [
        _run_entry(run, names[run.folder], n_questions, common, whole, protocol) for run in selection.ranked
    ]


def _unranked_run(each: NotRanked, name: str, benchmark: Benchmark, protocol: config.Protocol) -> Unranked:
    """A run scored on its own questions; its answers are counted against all questions of the benchmark."""
    images = images_of(each.run)
    about = labels_of(benchmark.label_sets, lambda question: question.image in images)
    entry = _run_entry(each.run, name, len(benchmark.questions), about, about, protocol)
    return Unranked(entry=entry, reason=each.reason, coverage=each.coverage)


def _sorted_by_f1(entries: Sequence[Entry], label_set: str, variant: Variant) -> list[Entry]:
    """The entries, the highest F1 first, and those without one last."""
    return sorted(entries, key=lambda entry: _descending_key(entry.cells[label_set][variant].figures.f1))


def _run_entry(
    run: FinishedRun,
    name: str,
    n_questions: int,
    label_sets: Sequence[LabelSet],
    whole: Sequence[LabelSet],
    protocol: config.Protocol,
) -> Entry:
    """A run scored on some labels; `whole` holds all labels, which the coverage is the share of."""
    scores = score(name, run.bench.name, label_sets, run.answers, protocol)
    return Entry(
        name=name,
        model=run.model,
        folder=run.folder,
        n_images=len(images_of(run)),
        n_questions=n_questions,
        n_answered=len(run.answers),
        decoding=run.decoding,
        cells=scores.cells,
        changes=scores.changes,
        coverage=coverage(scores.confusions, whole, PROTOCOLS[scores.protocol]),
    )


def _paper_entries(
    label_sets: Sequence[str], variants: Sequence[Variant], taken: Collection[str]
) -> list[Entry]:
    """The paper's models; one whose name a run has is marked, so that no two entries have the same name."""
    return [
        Entry(
            name=model.model + (PAPER_MARK if model.model in taken else ""),
            model=model.config_name,
            folder=None,
            n_images=None,
            n_questions=None,
            n_answered=None,
            cells={
                name: {variant: model.cells[name][variant] for variant in variants} for name in label_sets
            },
            changes={},
            coverage={},
        )
        for model in published_scores()
    ]


def _comparison(
    selection: Selection, names: Mapping[str, str], protocol: config.Protocol
) -> Comparison | None:
    """The comparison of all runs that have scores, with the ranked ones in the standings."""
    if selection.benchmark is None or not names:
        return None
    ranked = {names[run.folder] for run in selection.ranked}
    answers = {names[run.folder]: run.answers for run in selection.runs}
    return compare(answers, selection.benchmark.label_sets, protocol, ranked)


def _shared_errors(
    selection: Selection, names: Mapping[str, str], protocol: config.Protocol
) -> tuple[tuple[ErrorOverlap, ...], MissedQuestions | None]:
    """The overlap of the errors of all runs that have scores, and the questions that most ranked ones miss."""
    if selection.benchmark is None or not names:
        return (), None
    answers = {names[run.folder]: run.answers for run in selection.runs}
    labels = selection.benchmark.label_sets[-1]
    errors = find_errors(answers, labels, protocol)
    ranked = {names[run.folder] for run in selection.ranked}
    return error_overlaps(errors), missed_questions(errors, answers, labels.name, ranked)


def _agreements(
    comparison: Comparison | None,
    paper: Sequence[Entry],
    label_sets: Sequence[str],
    variants: Sequence[Variant],
) -> tuple[RankAgreement, ...]:
    """The agreements of the runs' rankings, where there are several runs and two label sets, then of the paper's."""
    agreements = []
    if comparison is not None and comparison.agreements:
        n_ranked = len(comparison.standings[label_sets[0]][variants[0]])
        for variant in variants if n_ranked > 1 else ():
            of_variant = comparison.agreements[variant]
            agreements.append(RankAgreement("runs", variant, n_ranked, of_variant))
    for variant in variants if paper else ():
        before, after = (
            {figure: _sampled_counts(paper, name, variant, figure) for figure in RANKED_FIGURES}
            for name in label_sets
        )
        of_variant = agreement([entry.name for entry in paper], before, after)
        agreements.append(RankAgreement("paper", variant, len(paper), of_variant))
    return tuple(agreements)


def _sampled_counts(entries: Sequence[Entry], label_set: str, variant: Variant, figure: str) -> Sampled:
    """Figures from counts alone, so without replicates."""
    of_entries = _values_by_name(entries, label_set, variant, figure).values()
    values = np.array([np.nan if value is None else value for value in of_entries], dtype=np.float64)
    nothing = np.empty((0, len(values)))
    return Sampled(values=values, replicates=nothing, influences=nothing)


def _values_by_name(
    entries: Sequence[Entry], label_set: str, variant: Variant, figure: str
) -> dict[str, float | None]:
    return {entry.name: getattr(entry.cells[label_set][variant].figures, figure) for entry in entries}


def setting_differences(
    runs: Sequence[FinishedRun], names: Mapping[str, str]
) -> tuple[SettingDifference, ...]:
    """The settings that differ between runs; `names` has the name of each by its folder."""
    keys = dict.fromkeys(key for run in runs for key in run.facts if key not in _OWN_FACTS)
    differences = []
    for key in keys:
        values: dict[str, list[str]] = {}
        for run in runs:
            values.setdefault(run.facts.get(key, NOT_SET), []).append(names[run.folder])
        if len(values) > 1:
            differences += [
                SettingDifference(key=key, value=value, names=tuple(having))
                for value, having in values.items()
            ]
    return tuple(differences)


def _descending_key(value: float | None) -> float:
    return float("inf") if value is None else -value
