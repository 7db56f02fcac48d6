"""The leaderboard of selected runs: each scored, all ranked and compared, the paper's models among them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from repope_eval import config
from repope_eval.leaderboard.finished_runs import NOT_SET, FoundRun
from repope_eval.leaderboard.run_selection import Selection, about_images, images_of
from repope_eval.records import LabelSet, Variant
from repope_eval.reporting.leaderboard_entries import (
    PAPER_MARK,
    Entry,
    Leaderboard,
    Overtaker,
    RankAgreement,
    SettingDifference,
    Unranked,
)
from repope_eval.scoring.bootstrap import MEAN
from repope_eval.scoring.comparison import Comparison, compare
from repope_eval.scoring.named_rankings import agreement_of, overtakers_of, ranks_of
from repope_eval.scoring.published import PublishedScores, published_scores
from repope_eval.scoring.scores import score

_OWN_FACTS = (
    "answers",
    "bench",
    "bench.images",
    "command",
    "data_dir",
    "model",
    "model.checkpoint",
    "model.family",
    "model.gated",
    "model.name",
    "model.recipe_dtype",
    "model.revision",
    "out",
    "protocol",
    "questions",
    "resume",
)
"""Which model and files a run is of, and what the report decides itself: no setting to compare runs by."""


def make_leaderboard(selection: Selection, settings: config.ReportSettings) -> Leaderboard:
    """The leaderboard, without touching a file."""
    label_sets, variants = _shape(selection)
    names = _names([*selection.ranked, *(run for run, _ in selection.unranked)])
    runs = [_run_entry(run, names[run.place], selection, settings.protocol) for run in selection.ranked]
    published = published_scores() if settings.reference == "paper" else ()
    mark = PAPER_MARK if names else ""
    paper = [_paper_entry(model, model.model + mark, label_sets, variants) for model in published]
    last = label_sets[-1]
    entries = sorted([*runs, *paper], key=lambda entry: _descending(entry.figures[last][variants[-1]].f1))
    comparison = _comparison(selection, names, settings.protocol)
    n_images = (
        len({question.image for question in selection.benchmark.questions}) if selection.benchmark else None
    )
    return Leaderboard(
        bench=selection.benchmark.name if selection.benchmark else "repope",
        protocol=settings.protocol,
        label_sets=label_sets,
        variants=variants,
        entries=tuple(entries),
        ranks={
            name: {variant: ranks_of(_f1(entries, name, variant)) for variant in variants}
            for name in label_sets
        },
        unranked=tuple(
            Unranked(
                entry=_unranked_entry(run, names[run.place], selection, settings.protocol), reason=reason
            )
            for run, reason in selection.unranked
        ),
        comparison=comparison,
        agreements=_agreements(comparison, paper, variants),
        pairs=_pairs(runs, paper, n_images),
        left_out=selection.left_out,
        differences=_differences(selection.ranked, names),
        n_images=comparison.n_images if comparison else None,
        n_benchmark_images=n_images,
    )


def _shape(selection: Selection) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Label sets and variants of the benchmark, or of the paper's figures where there is none."""
    if selection.benchmark is None:
        figures = published_scores()[0].figures
        return tuple(figures), tuple(figures["pope"])
    label_sets = selection.benchmark.label_sets
    variants = tuple(label_sets[0].variants)
    return tuple(label_set.name for label_set in label_sets), (
        *variants,
        *((MEAN,) if len(variants) > 1 else ()),
    )


def _names(runs: Sequence[FoundRun]) -> dict[str, str]:
    """What each run, by its folder, is called: its model, with the folder where several runs are of one model."""
    counts = Counter(run.model for run in runs)
    return {run.place: run.model if counts[run.model] == 1 else f"{run.model} ({run.place})" for run in runs}


def _run_entry(run: FoundRun, name: str, selection: Selection, protocol: config.Protocol) -> Entry:
    assert selection.benchmark is not None, "a run was selected without its benchmark"
    images = images_of(run)
    scores = score(name, selection.benchmark.name, _labels(selection, images), run.answers, protocol)
    return Entry(
        name=name,
        model=run.model,
        place=run.place,
        n_images=len(images),
        n_questions=sum(question.image in images for question in selection.benchmark.questions),
        n_answered=len(run.answers),
        figures=scores.figures,
        intervals=scores.intervals,
    )


def _unranked_entry(run: FoundRun, name: str, selection: Selection, protocol: config.Protocol) -> Entry:
    """Its answers are counted against all questions there are, not against those about its images."""
    assert selection.benchmark is not None, "a run was selected without its benchmark"
    entry = _run_entry(run, name, selection, protocol)
    return replace(entry, n_questions=len(selection.benchmark.questions))


def _labels(selection: Selection, images: frozenset[str]) -> tuple[LabelSet, ...]:
    assert selection.benchmark is not None, "a run was selected without its benchmark"
    return about_images(selection.benchmark.label_sets, images)


def _paper_entry(
    published: PublishedScores, name: str, label_sets: Sequence[str], variants: Sequence[str]
) -> Entry:
    return Entry(
        name=name,
        model=published.config_name,
        place=None,
        n_images=None,
        n_questions=None,
        n_answered=None,
        figures={
            key: {variant: published.figures[key][variant] for variant in variants} for key in label_sets
        },
        intervals={
            key: {variant: published.intervals[key][variant] for variant in variants} for key in label_sets
        },
    )


def _comparison(
    selection: Selection, names: Mapping[str, str], protocol: config.Protocol
) -> Comparison | None:
    if not selection.ranked:
        return None
    models = {names[run.place]: run.answers for run in selection.ranked}
    return compare(models, _labels(selection, images_of(selection.ranked[0])), protocol)


def _agreements(
    comparison: Comparison | None, paper: Sequence[Entry], variants: Sequence[Variant]
) -> tuple[RankAgreement, ...]:
    """Of the runs where there are several and two label sets, then of the paper's models."""
    found = []
    if comparison is not None and comparison.agreements:
        names = {
            standing.model for standing in next(iter(next(iter(comparison.standings.values())).values()))
        }
        for variant in variants if len(names) > 1 else ():
            agreement = comparison.agreements[variant]
            found.append(
                RankAgreement(
                    group="runs",
                    variant=variant,
                    n_models=len(names),
                    tau=agreement.tau,
                    interval=agreement.interval,
                    overtakers=tuple(
                        Overtaker(model=each.model, overtaken=each.overtaken, share=each.share)
                        for each in agreement.overtakings
                    ),
                )
            )
    return (*found, *(_paper_agreement(paper, variant) for variant in (variants if paper else ())))


def _paper_agreement(paper: Sequence[Entry], variant: Variant) -> RankAgreement:
    """From counts alone, so without saying how sure it is."""
    before, after = (_f1(paper, name, variant) for name in ("pope", "repope"))
    return RankAgreement(
        group="paper",
        variant=variant,
        n_models=len(paper),
        tau=agreement_of(before, after),
        interval=None,
        overtakers=tuple(
            Overtaker(model=model, overtaken=overtaken, share=None)
            for model, overtaken in overtakers_of(before, after)
        ),
    )


def _f1(entries: Sequence[Entry], label_set: str, variant: Variant) -> dict[str, float | None]:
    return {entry.name: entry.figures[label_set][variant].f1 for entry in entries}


def _pairs(
    runs: Sequence[Entry], paper: Sequence[Entry], n_images: int | None
) -> tuple[tuple[Entry, Entry], ...]:
    """Runs of the paper's models over all images beside the paper's figures: counts over fewer say nothing."""
    return tuple(
        (run, published)
        for run in runs
        if run.n_images == n_images
        for published in paper
        if published.model == run.model
    )


def _differences(runs: Sequence[FoundRun], names: Mapping[str, str]) -> tuple[SettingDifference, ...]:
    keys = dict.fromkeys(key for run in runs for key in run.facts if key not in _OWN_FACTS)
    found = []
    for key in keys:
        values: dict[str, list[str]] = {}
        for run in runs:
            values.setdefault(run.facts.get(key, NOT_SET), []).append(names[run.place])
        if len(values) > 1:
            found += [
                SettingDifference(key=key, value=value, names=tuple(having))
                for value, having in values.items()
            ]
    return tuple(found)


def _descending(value: float | None) -> float:
    return float("inf") if value is None else -value
