"""People's labels of whether an object is in an image, which count beside those of a published relabelling."""

from pathlib import Path

from repope_eval.benchmarks.pope_file import annotations_of, is_by_people, is_queue, object_of, plain_question
from repope_eval.captions.truth import CaptionTruth
from repope_eval.errors import RepopeError
from repope_eval.records import Label
from repope_eval.system.rows import read_row_file
from repope_eval.wording import shown


def object_labels(path: Path, truth: CaptionTruth) -> dict[str, dict[str, Label]]:
    """The labels of a file that `relabel` or `annotate` wrote, or of one in POPE's format, by image and object.

    What two people dispute has no label, as if nobody had looked.

    Args:
        path: the file; the setting `bench.relabels`.
        truth: has the images and the objects that it may be about.

    Raises:
        RepopeError: it cannot be read, is of other images or objects, gives one object two labels, or is a queue that
            nobody has labelled.
    """
    file, where = read_row_file(path), f"bench.relabels={path}"
    if is_queue(file) and not is_by_people(file):
        raise RepopeError(
            f"{where}: is a queue with {truth.annotation}'s own labels; label it with annotate, and give the labels "
            "that relabel wrote"
        )
    labels: dict[str, dict[str, Label]] = {}
    objects = truth.vocabulary.objects
    for row in annotations_of(file):
        image, text = row.question.image, row.question.text
        name = object_of(plain_question(text))
        if image not in truth.objects:
            raise RepopeError(
                f"{where}: {shown(image)} is none of the annotated images, such as {next(iter(truth.objects))}; remove "
                "the row"
            )
        if name not in objects:
            raise RepopeError(
                f"{where}: {shown(text)} about {image} asks for none of {truth.annotation}'s {len(objects)} objects, "
                "which CHAIR is about; remove the row"
            )
        if labels.setdefault(image, {}).setdefault(name, row.label) != row.label:
            raise RepopeError(f"{where}: {shown(name)} in {image} has two labels; keep one")
    return labels
