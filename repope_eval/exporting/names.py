"""What a run's model, benchmark and figures are called outside this program, and where the benchmark is published."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass

from repope_eval.benchmarks.sources import SOURCES, label_set_title
from repope_eval.benchmarks.table_rows import hub_dataset
from repope_eval.exporting.scored_run import ScoredRun
from repope_eval.settings.command_settings import HUB_ID
from repope_eval.settings.config import BenchSettings

log = logging.getLogger(__name__)


NO_OWNER = "local"
"""Stands for the owner of a model that is known by no name on the Hub."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


def page_of(bench: BenchSettings) -> str | None:
    """The address of a page that has a benchmark's files; None where they are of the user."""
    if dataset := hub_dataset(bench):
        return f"https://huggingface.co/datasets/{dataset}"
    return SOURCES[bench.source].page


def dataset_of(bench: BenchSettings, label_set: str) -> str | None:
    """The dataset on the Hub that has a benchmark's questions with those labels; None where none is known.

    A table that is read from the Hub has all of its labels there.
    """
    return hub_dataset(bench) or SOURCES[bench.source].hub_datasets.get(label_set)


def dataset_title(bench: BenchSettings, label_set: str) -> str:
    """What people call a benchmark under one of its label sets."""
    source = SOURCES[bench.source]
    title = source.dataset_titles.get(label_set) or source.title
    return title or f"{hub_dataset(bench) or bench.name} ({label_set_title(label_set)} labels)"


def model_id(run: ScoredRun, given: str | None) -> str:
    """The model's id on the Hub: the one that is given, or else the run's own, or else one that is of no owner.

    The own one of a model with an adapter is the adapter's: the figures are not the base's.

    Args:
        given: the value of the setting `model_id`.
    """
    own = [run.asking.adapter or run.asking.checkpoint] if run.asking else []
    for name in (given, *own, run.finished_run.model):
        if name and re.fullmatch(HUB_ID, name):
            return name
    local_id = f"{NO_OWNER}/{file_name(run.finished_run.model)}"
    log.warning(
        "the run does not say what its model is called on the Hub, so %s is written; model_id=OWNER/NAME says it",
        local_id,
    )
    return local_id


def file_name(name: str) -> str:
    """A name in letters that every file system takes."""
    return _UNSAFE.sub("-", name).strip("-.") or "unnamed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A figure as other programs describe it."""

    id: str
    """The id in common use, or else one with this program's name before it."""
    title: str
    meaning: str
    lowest: float = 0.0
    highest: float = 1.0


METRICS: Mapping[str, Metric] = {
    "f1": Metric(id="f1", title="F1", meaning="harmonic mean of precision and recall"),
    "precision": Metric(id="precision", title="precision", meaning="share of the answers yes that are right"),
    "recall": Metric(
        id="recall", title="recall", meaning="share of the questions with label yes that are answered yes"
    ),
    "accuracy": Metric(id="accuracy", title="accuracy", meaning="share of the answers that are right"),
    "tnr": Metric(
        id="specificity",
        title="true negative rate",
        meaning="share of the questions with label no that are answered no",
    ),
    "balanced_accuracy": Metric(
        id="balanced_accuracy",
        title="balanced accuracy",
        meaning="mean of recall and the true negative rate",
    ),
    "f1_balanced": Metric(
        id="repope_eval.f1_balanced",
        title="F1 at 50 % yes",
        meaning="F1 if half of the questions had label yes, at the same recall and false positive rate",
    ),
    "mcc": Metric(
        id="matthews_correlation",
        title="Matthews correlation coefficient",
        meaning="correlation of labels and answers",
        lowest=-1.0,
    ),
}
"""The figures by their names in `scores.json`. The yes ratio is left out: neither more nor less of it is better."""

POSITIVE = "positive means that the right answer is yes"
"""Which of the two answers precision and recall are about; asked about an object, that it is in the image."""
