"""What a run's model and benchmark are called outside this program, and where the benchmark is published."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from repope_eval.benchmarks import amber, coco, dash_b, pope_seem, popev2
from repope_eval.benchmarks.sources import SOURCES
from repope_eval.exporting.scored_run import ScoredRun
from repope_eval.reporting.figure_texts import label_set_title
from repope_eval.settings.config import BenchSettings
from repope_eval.settings.export_command import HUB_ID

log = logging.getLogger(__name__)

HUB_PREFIX = "hub:"
"""What `bench.questions` begins with where it names a dataset of the Hub."""

NO_OWNER = "local"
"""Stands for the owner of a model that is known by no name on the Hub."""

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a benchmark's questions and labels are published."""

    page: str | None = None
    """The address of a page that has its files; None where they are of the user."""
    hub_datasets: Mapping[str, str] = field(default_factory=dict)
    """Ids of datasets on the Hub with the benchmark's questions and labels, by label set."""


def _on_hub(dataset: str, label_set: str) -> Origin:
    return Origin(page=f"https://huggingface.co/datasets/{dataset}", hub_datasets={label_set: dataset})


ORIGINS: Mapping[str, Origin] = {
    "coco": Origin(page=coco.ANNOTATIONS.page, hub_datasets={"pope": coco.POPE_ON_HUB[0]}),
    "pope_aokvqa": Origin(page=pope_seem.AOKVQA.page),
    "pope_gqa": Origin(page=pope_seem.GQA.page),
    "popev2": Origin(page=popev2.ANNOTATIONS.page),
    "amber": Origin(page=amber.QUERIES.page, hub_datasets={"amber": amber.HUB_DATASET}),
    "dash_b": _on_hub(dash_b.HUB_DATASET, "dash_b"),
}
"""The benchmarks that are published, by `bench.source`."""


def origin_of(bench: BenchSettings) -> Origin:
    """Where a benchmark is published; nothing is known of files of the user."""
    if bench.questions and bench.questions.startswith(HUB_PREFIX):
        return _on_hub(bench.questions.removeprefix(HUB_PREFIX), "pope")
    return ORIGINS.get(bench.source, Origin())


def dataset_title(bench: BenchSettings, label_set: str) -> str:
    """What people call a benchmark under one of its label sets."""
    labels, title = label_set_title(label_set), SOURCES[bench.source].title
    if bench.source == "coco":
        return labels
    return title or f"{bench.name} ({labels} labels)"


def model_id(run: ScoredRun, given: str | None) -> str:
    """The model's id on the Hub: the one that is given, or else the run's own, or else one that is of no owner.

    Args:
        run: the run.
        given: the value of the setting `model_id`.
    """
    own = [run.asking.checkpoint] if run.asking else []
    for name in (given, *own, run.found.model):
        if name and re.fullmatch(HUB_ID, name):
            return name
    found = f"{NO_OWNER}/{file_name(run.found.model)}"
    log.warning(
        "the run does not say what its model is called on the Hub, so %s is written; model_id=OWNER/NAME says it",
        found,
    )
    return found


def file_name(name: str) -> str:
    """A name in letters that every file system takes."""
    return _UNSAFE.sub("-", name).strip("-.") or "unnamed"
