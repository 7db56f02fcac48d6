"""Images that are on this machine already, for showing them; nothing is fetched, and none needs to be there."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from repope_eval.benchmarks.images import locate_images
from repope_eval.benchmarks.sources import DEMO_FOLDER
from repope_eval.errors import RepopeError
from repope_eval.records import Question
from repope_eval.settings.config import BenchSettings


def find_local_images(
    settings: BenchSettings, data_dir: Path, questions: Iterable[Question]
) -> Mapping[str, Path]:
    """Where the images of questions lie, as far as they are there."""
    own = {
        "demo": [DEMO_FOLDER / "images"],
        "coco": [data_dir / "val2014"],
        "dash_b": [data_dir / "dash_b"],
        "custom": [],
    }[settings.source]
    try:
        folders = [*own, *([Path(settings.images).expanduser()] if settings.images else [])]
        found, _ = locate_images((question.image for question in questions), folders)
    except (RepopeError, RuntimeError):
        # Names that lead out, folders that may not be searched, the home of nobody.
        return {}
    return found
