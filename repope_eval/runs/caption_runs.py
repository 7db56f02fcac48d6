"""Choosing runs that describe images, and the runs that are audited together: such ones, or ones of yes and no.

Runs of captions need not describe the same images, as files of captions do not: what is in an image is known without
the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from repope_eval.benchmarks.sources import asks_for_captions
from repope_eval.captions.caption_files import read_image_list
from repope_eval.captions.truth import CaptionTruth
from repope_eval.errors import RepopeError
from repope_eval.runs.finished_runs import (
    FindUnfinished,
    FinishedRun,
    LeftOut,
    data_folder_of,
    given_files,
    truth_of,
)
from repope_eval.runs.run_selection import Selection, chosen_name, images_of, runs_in, selection_of
from repope_eval.settings.command_settings import AuditSettings, EstimateSettings
from repope_eval.settings.config import ReportSettings
from repope_eval.wording import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionRuns:
    """Runs of one benchmark that describe images, which need not be the same."""

    bench: str
    runs: tuple[FinishedRun, ...]
    truth: CaptionTruth
    """What is in the images that they describe and that are asked about."""
    left_out: tuple[LeftOut, ...]
    """Other runs of this benchmark."""


def audited_runs(
    settings: AuditSettings | EstimateSettings, find_unfinished: FindUnfinished
) -> Selection | CaptionRuns:
    """Reads all runs in a folder, and chooses those of one benchmark.

    Raises:
        RepopeError: there is no such run, or the benchmark's files cannot be found or are broken.
    """
    runs, left_out = runs_in(settings.runs, find_unfinished)
    name = chosen_name(runs, settings.bench)
    captions = [run for run in runs if run.bench.name == name and asks_for_captions(run.bench)]
    if not captions:
        return selection_of(runs, left_out, settings)
    chosen = caption_runs(captions, settings, "audited")
    if settings.bench.image_list is None:
        return chosen
    asked, objects = set(read_image_list(Path(settings.bench.image_list).expanduser())), chosen.truth.objects
    kept = {image: names for image, names in objects.items() if image in asked}
    return replace(chosen, truth=replace(chosen.truth, objects=kept))


def caption_runs(
    runs: Sequence[FinishedRun], settings: AuditSettings | EstimateSettings | ReportSettings, done: str
) -> CaptionRuns:
    """The runs whose captions are of images that are annotated, and the truth of these images.

    Args:
        runs: all describe images; at least one.
        settings: where files lie, if not where the runs say.
        done: what is done with them, for the message that nothing can be.

    Raises:
        RepopeError: there is no such run, or the files cannot be found or are broken.
    """
    first = given_files(_first_with_labels(runs, settings), settings.bench)
    images = dict.fromkeys(image for run in runs for image in sorted(images_of(run)))
    truth = truth_of(first, data_folder_of(first, settings.data_dir), images)
    kept, left_out = [], []
    for run in runs:
        strange = images_of(run) - truth.objects.keys()
        if strange or not run.answers:
            reason = f"describes {counted(len(strange), 'image')} without an annotation" if strange else ""
            reason = reason or run.unfinished or "has no captions yet"
            left_out.append(LeftOut(folder=run.folder, reason=reason))
        else:
            kept.append(run)
    if not kept:
        lines = [f"  {run.folder}: {run.reason}" for run in left_out]
        raise RepopeError("\n".join([f"runs={settings.runs}: no run in it can be {done}", *lines]))
    return CaptionRuns(bench=first.bench.name, runs=tuple(kept), truth=truth, left_out=tuple(left_out))


def _first_with_labels(
    runs: Sequence[FinishedRun], settings: AuditSettings | EstimateSettings | ReportSettings
) -> FinishedRun:
    """A run that says where files lie, the user's own before others; one that counts people's labels before others."""
    labels = {run.folder: run.bench.relabels or run.withheld.get("relabels") for run in runs}
    named = sorted({name for name in labels.values() if name is not None})
    if settings.bench.relabels is None and len(named) > 1:
        raise RepopeError(
            f"runs={settings.runs}: runs were scored by people's labels in {named[0]} and in {named[1]}; give "
            "bench.relabels=FILE with those that count"
        )
    return min(runs, key=lambda run: (labels[run.folder] is None, len(run.withheld)))
