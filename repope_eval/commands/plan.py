"""`python -m repope_eval plan`: how many images a study takes, from a pilot on few of them, or how many labels."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from typing import Any

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.sources import label_set_phrase, label_set_title
from repope_eval.cluster.sweep_plan import unfinished_runs
from repope_eval.errors import RepopeError
from repope_eval.records import LabelSet
from repope_eval.relabelling.design import label_effects
from repope_eval.relabelling.doubted_labels import doubted_labels
from repope_eval.relabelling.estimation import outcome_figures
from repope_eval.relabelling.label_plan import label_plan
from repope_eval.relabelling.label_plan_view import (
    TIMES,
    LabelPlanView,
    label_plan_document,
    label_plan_sentences,
    label_plan_table,
)
from repope_eval.reporting.console import print_sentences, print_table
from repope_eval.reporting.figure_texts import UNDEFINED, about_text, share_text
from repope_eval.reporting.tables import Cell as TableCell
from repope_eval.reporting.tables import Field, Table, number_field, table, text_field, value_field
from repope_eval.runs.finished_runs import FinishedRun
from repope_eval.runs.run_selection import names_of, runs_in, selection_of
from repope_eval.scoring.bootstrap import FEWEST_IMAGES, MEAN, has_mean
from repope_eval.scoring.planning import Spread, spreads_of_one, spreads_of_pairs
from repope_eval.scoring.power import LEVEL, Aim
from repope_eval.scoring.protocol_scores import include_distinct
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.shared_questions import Cell
from repope_eval.settings.command_settings import PlanSettings
from repope_eval.system.hub import network_off
from repope_eval.system.writing import make_folder, write_json
from repope_eval.wording import counted

DOCUMENT = "plan.json"

MOST_PAIRS = 3
"""Of more pairs, the middle one and the hardest are shown, and the document has all."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonPlan:
    """How many images show a difference between two runs."""

    bench: str
    runs: Sequence[str]
    """The runs of the pilot."""
    settings: PlanSettings
    n_images: Mapping[Cell, int]
    """The images that the benchmark has, by label set and variant."""
    spreads: Mapping[Cell, Sequence[Spread]]
    """Those of all pairs; of a single run, the one that is assumed."""

    @property
    def aim(self) -> Aim:
        """What the comparison is to show, and how often."""
        return Aim(power=self.settings.power, comparisons=self.settings.comparisons)

    @property
    def headline(self) -> Cell:
        """The label set and variant that the sentences are about: the last ones that the pilot tells something of.

        They sum up or correct those before.
        """
        cells = list(self.spreads)
        return next((cell for cell in reversed(cells) if self.known(cell)), cells[-1])

    def images(self, spread: Spread) -> int:
        """The number of images; 0 where the pilot cannot tell."""
        return spread.images(self.aim, self.settings.difference) or 0

    def known(self, cell: Cell) -> list[Spread]:
        """The pairs of which the pilot can tell it, the easiest first."""
        return sorted((each for each in self.spreads[cell] if each.error is not None), key=self.images)

    def shown(self, cell: Cell) -> list[tuple[str, Spread]]:
        """The pairs that are shown, with their titles: all where they are few, else the middle one and the hardest."""
        spreads = self.spreads[cell]
        if len(spreads) <= MOST_PAIRS:
            return [(_pair_title(spread), spread) for spread in spreads]
        known = self.known(cell)
        if not known:
            return [(counted(len(spreads), "pair"), spreads[0])]
        chosen = {f"middle of {len(known):,}": known[len(known) // 2], "hardest": known[-1]}
        return [(f"{title}: {_pair_title(spread)}", spread) for title, spread in chosen.items()]


def _pair_title(spread: Spread) -> str:
    return f"{spread.first} and {spread.second or 'another run'}"


@network_off()
def execute(settings: PlanSettings, command: str) -> None:
    """Prints the plan, and writes it where that is asked for."""
    selection = selection_of(*runs_in(settings.runs, unfinished_runs), settings)
    assert selection.benchmark is not None, "runs were selected without their benchmark"
    runs = _finished(selection.runs, settings)
    if settings.width is None:
        images = _plan_of(selection.benchmark, runs, settings)
        found = plan_table(images), sentences(images), plan_document(images)
    else:
        labels = _label_plan_of(selection.benchmark, runs, settings, settings.width)
        found = label_plan_table(labels), label_plan_sentences(labels), label_plan_document(labels)
    shown_table, said, document = found
    if settings.out is not None:
        out = Path(settings.out).expanduser()
        make_folder(out, "out", out)
        write_json(out / DOCUMENT, document)
    print_table(shown_table)
    print_sentences(" ".join(said))
    if settings.out is not None:
        log.info("the plan of every %s is in %s", "pair" if settings.width is None else "run", out / DOCUMENT)


def _plan_of(benchmark: Benchmark, runs: Sequence[FinishedRun], settings: PlanSettings) -> ComparisonPlan:
    """The plan of images that finished runs give.

    Raises:
        RepopeError: they tell too little.
    """
    names, protocol = names_of(runs), PROTOCOLS[settings.protocol]
    models = {names[run.folder]: run.answers for run in runs}
    label_sets = include_distinct(benchmark.label_sets)
    if len(models) > 1:
        spreads = spreads_of_pairs(models, label_sets, protocol)
    else:
        ((name, answers),) = models.items()
        spreads = spreads_of_one(name, answers, label_sets, protocol, settings.flips)
    plan = ComparisonPlan(
        bench=benchmark.name,
        runs=list(models),
        settings=settings,
        n_images=_n_images(label_sets),
        spreads=spreads,
    )
    _require_some(plan)
    return plan


def _label_plan_of(
    benchmark: Benchmark, runs: Sequence[FinishedRun], settings: PlanSettings, width: float
) -> LabelPlanView:
    """The plan of labels that finished runs give.

    Raises:
        RepopeError: nothing is read of their answers, or F1 is undefined for all of them.
    """
    label_set = benchmark.label_sets[0]  # before anybody corrected them, as audit asks about them
    doubted = doubted_labels(label_set, runs, settings.protocol)
    f1 = outcome_figures(PROTOCOLS[settings.protocol])["f1"]
    effects = {run: label_effects(each, label_set.distinct, f1) for run, each in doubted.tallies.items()}
    variant = MEAN if has_mean(label_set.variants) else next(iter(label_set.variants))
    undefined = [run for run, each in effects.items() if isnan(each.value)]
    if len(undefined) == len(effects):
        raise RepopeError(
            f"runs={settings.runs}: F1 ({variant}) is undefined, so no interval of it is planned"
        )
    for run in undefined:
        log.warning("%s is left out: its F1 (%s) is undefined", run, variant)
        del effects[run]
    shares = [times * settings.wrong for times in TIMES]
    return LabelPlanView(
        bench=benchmark.name,
        labels=label_set_phrase(label_set.name),
        variant=variant,
        protocol=settings.protocol,
        width=width,
        plans={share: label_plan(doubted.doubts.scores, doubted.effects, effects, share) for share in shares},
        wrong=settings.wrong,
        n_answered={
            run: sum(question in doubted.answers[run] for question in label_set.distinct) for run in effects
        },
    )


def _finished(runs: Sequence[FinishedRun], settings: PlanSettings) -> list[FinishedRun]:
    """Those of at least one run that have come to their end; of the others it is said that they have not."""
    finished = [run for run in runs if run.status == "complete"]
    if not finished:
        raise RepopeError(
            f"runs={settings.runs}: a pilot takes a run that has ended, and {runs[0].folder} {runs[0].unfinished}"
        )
    for run in runs:
        if run not in finished:
            log.warning("%s is left out: it %s", run.folder, run.unfinished)
    return finished


def _n_images(label_sets: Sequence[LabelSet]) -> dict[Cell, int]:
    numbers: dict[Cell, int] = {}
    for label_set in label_sets:
        images = {
            variant: {question.image for question in labels} for variant, labels in label_set.variants.items()
        }
        if has_mean(images):
            images[MEAN] = set().union(*images.values())
        numbers |= {(label_set.name, variant): len(of_variant) for variant, of_variant in images.items()}
    return numbers


def _require_some(plan: ComparisonPlan) -> None:
    """Raises RepopeError if the pilot cannot tell how much any difference varies; warns of pairs of which it cannot."""
    if not plan.known(plan.headline):
        first = max(plan.spreads[plan.headline], key=lambda spread: spread.n_images)
        raise RepopeError(
            f"runs={plan.settings.runs}: are too small a pilot: {_reason(first, plan.headline)}; have the runs answer "
            "about more images (limit=), or leave out runs that are nearly the same"
        )
    for cell, spreads in plan.spreads.items():
        unknown = [spread for spread in spreads if spread.reason is not None]
        if unknown:
            others = f", and of {counted(len(unknown) - 1, 'other')}" if len(unknown) > 1 else ""
            log.warning("no plan is made of %s%s", _reason(unknown[0], cell), others)


def _reason(spread: Spread, cell: Cell) -> str:
    return f"{_pair_title(spread)} ({cell[1]} under {label_set_phrase(cell[0])}): {spread.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One pair under one label set and variant."""

    cell: Cell
    title: str
    spread: Spread
    is_first: bool
    """Whether it is the first one of its label set."""


def plan_table(plan: ComparisonPlan) -> Table:
    """The images of each label set and variant."""
    rows: list[_Row] = []
    for cell in plan.spreads:
        for title, spread in plan.shown(cell):
            is_first = not rows or rows[-1].cell[0] != cell[0]
            rows.append(_Row(cell=cell, title=title, spread=spread, is_first=is_first))
    fields: list[Field[_Row]] = [
        text_field("labels", lambda row: label_set_title(row.cell[0])),
        text_field("variant", lambda row: row.cell[1]),
        text_field("pair", lambda row: row.title, wraps=True),
        number_field("pilot's images", lambda row: f"{row.spread.n_images:,}"),
        value_field("images needed", lambda row: _images_cell(row.spread, plan)),
        number_field(f"{plan.bench} has", lambda row: f"{plan.n_images[row.cell]:,}"),
        number_field("points these show", lambda row: share_text(_detectable(plan, row.cell, row.spread))),
    ]
    settings = plan.settings
    return table(
        f"Images that show {_difference_text(settings)} of F1 in {_share_text(settings)} comparisons",
        fields,
        rows,
        n_naming=3,
        starts_group=lambda row: row.is_first,
    )


def _detectable(plan: ComparisonPlan, cell: Cell, spread: Spread) -> float | None:
    """The smallest difference that all images of the benchmark show."""
    return spread.detectable(plan.aim, plan.n_images[cell])


def _images_cell(spread: Spread, plan: ComparisonPlan) -> TableCell:
    images = spread.images(plan.aim, plan.settings.difference)
    if images is None:
        return TableCell(text=UNDEFINED)
    bounds = spread.images_bounds(plan.aim, plan.settings.difference)
    note = "" if bounds is None else "–".join(map(about_text, bounds))
    return TableCell(text=about_text(images) if images >= FEWEST_IMAGES else f"< {FEWEST_IMAGES}", note=note)


def _images_phrase(images: int) -> str:
    """A number of images in a sentence; what fewer than 100 show, the normal distribution does not tell."""
    return f"about {about_text(images)}" if images >= FEWEST_IMAGES else f"fewer than {FEWEST_IMAGES}"


def _difference_text(settings: PlanSettings) -> str:
    return f"a difference of {counted(float(f'{100 * settings.difference:.4g}'), 'point', 'g')}"


def _share_text(settings: PlanSettings) -> str:
    return f"{100 * settings.power:.4g} of 100"


def sentences(plan: ComparisonPlan) -> Iterator[str]:
    """What it says to a reader without statistics."""
    settings, cell = plan.settings, plan.headline
    known = plan.known(cell)
    middle, hardest = known[len(known) // 2], known[-1]
    together = f", with {settings.comparisons:,} pairs tested together," if settings.comparisons > 1 else ""
    bounds = middle.images_bounds(plan.aim, settings.difference)
    ends = "" if bounds is None else f" ({' to '.join(map(about_text, bounds))}, as far as these tell)"
    yield (
        f"To see {_difference_text(settings)} of F1 ({cell[1]} under {label_set_phrase(cell[0])}) in "
        f"{_share_text(settings)} such comparisons{together} {_images_phrase(plan.images(middle))} images like the "
        f"{middle.n_images:,} of the pilot are needed{ends}; {plan.bench} has {plan.n_images[cell]:,}, which show "
        f"differences from {share_text(_detectable(plan, cell, middle))} points on."
    )
    n_pairs = len(plan.spreads[cell])
    if len(known) > 1:
        yield (
            f"That is the middle one of {len(known):,} pairs; the hardest, {_pair_title(hardest)}, takes "
            f"{_images_phrase(plan.images(hardest))}."
        )
    if middle.second is None:
        yield (
            "The pilot is a single run, so this rests on an assumption: another run answers "
            f"{100 * settings.flips:g} % of the questions otherwise (flips={settings.flips:g}), each by chance. Twice "
            "as many take twice the images; a second run on the same images would tell."
        )
    elif n_pairs > 1 and settings.comparisons == 1:
        yield f"Each pair is tested alone here; comparisons={n_pairs} plans for all {n_pairs:,} tested together."


def plan_document(plan: ComparisonPlan) -> dict[str, Any]:
    """The plan for programs, with every pair; differences are shares, 0.01 for one point."""
    settings, aim = plan.settings, plan.aim
    return {
        "benchmark": plan.bench,
        "protocol": settings.protocol,
        "difference": settings.difference,
        "power": settings.power,
        "level": LEVEL,
        "comparisons": settings.comparisons,
        "runs": list(plan.runs),
        "flips": settings.flips if len(plan.runs) == 1 else None,
        "plans": [
            {
                "label_set": cell[0],
                "variant": cell[1],
                "first": spread.first,
                "second": spread.second,
                "pilot_images": spread.n_images,
                "standard_error": spread.error,
                "images": spread.images(aim, settings.difference),
                "images_ci95": spread.images_bounds(aim, settings.difference),
                "benchmark_images": plan.n_images[cell],
                "detectable": _detectable(plan, cell, spread),
                "reason": spread.reason,
            }
            for cell, spreads in plan.spreads.items()
            for spread in spreads
        ],
    }
