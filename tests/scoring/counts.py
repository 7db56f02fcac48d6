"""The counts of a single set of labels, as the scores have them."""

from collections.abc import Mapping

from repope_eval.records import Answer, LabelSet, Question
from repope_eval.scoring.bootstrap import confusions_of, counts_by_image, labelled_images
from repope_eval.scoring.confusion import Confusion
from repope_eval.scoring.protocols import Protocol


def count(
    labels: Mapping[Question, bool], answers: Mapping[Question, Answer], protocol: Protocol
) -> Confusion:
    """Of the labelled questions' answers, read by a protocol."""
    label_sets = [LabelSet("pope", {"random": dict(labels)})]
    counts = counts_by_image(label_sets, labelled_images(label_sets), answers, protocol)
    return confusions_of(label_sets, counts)["pope"]["random"]
