"""The counts of a single set of labels as the scores have them, and the percentiles of all figures' replicates."""

from collections.abc import Mapping, Sequence

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.bootstrap import (
    answered_counts,
    confusions_of,
    counts_by_image,
    interval_of,
    labelled_images,
    mean_over,
    replicated,
    variant_cells,
)
from repope_eval.scoring.confusion import Confusion
from repope_eval.scoring.estimates import Interval
from repope_eval.scoring.intervals import INTERVAL_FIGURES
from repope_eval.scoring.protocols import PROTOCOLS, Protocol


def count(
    labels: Mapping[Question, bool], answers: Mapping[Question, Answer], protocol: Protocol
) -> Confusion:
    """Of the labelled questions' answers, read by a protocol."""
    label_sets = [LabelSet("pope", {"random": dict(labels)})]
    counts = counts_by_image(label_sets, labelled_images(label_sets), answers, protocol)
    return confusions_of(label_sets, counts.sum(axis=0))["pope"]["random"]


def n_answered_images(label_sets: Sequence[LabelSet], answers: Mapping[Question, Answer]) -> int:
    """The number of images that are drawn from."""
    counts = counts_by_image(label_sets, labelled_images(label_sets), answers, PROTOCOLS["repope"])
    return len(answered_counts(counts))


def percentiles(
    label_sets: Sequence[LabelSet],
    answers: Mapping[Question, Answer],
    protocol: Protocol = PROTOCOLS["repope"],
) -> dict[str, dict[str, dict[str, Interval]]]:
    """Of the replicates over the images with an answer, by label set and variant, however few they are."""
    counts = counts_by_image(label_sets, labelled_images(label_sets), answers, protocol)
    drawn = replicated(answered_counts(counts), protocol, INTERVAL_FIGURES)
    found: dict[str, dict[str, dict[str, Interval]]] = {label_set.name: {} for label_set in label_sets}
    for name, variant, cells in variant_cells(label_sets):
        found[name][variant] = {
            figure: interval_of(mean_over(values, cells)) for figure, values in drawn.items()
        }
    return found
