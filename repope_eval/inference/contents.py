"""Whether answers belong together: what the checkpoint's files and the pictures hold, there and here."""

from collections.abc import Collection, Mapping
from pathlib import Path

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.images import image_hashes
from repope_eval.benchmarks.local_images import find_local_images
from repope_eval.errors import RepopeError
from repope_eval.records import Question
from repope_eval.runs.answer_store import read_lines
from repope_eval.runs.folder import RunFolder
from repope_eval.runs.manifest import in_words, located
from repope_eval.runs.manifest_form import CHECKPOINT_FILES
from repope_eval.settings.config import BenchSettings, ModelSettings, RunSettings


def require_same_contents(
    settings: RunSettings, benchmark: Benchmark, data_dir: Path, folder: RunFolder
) -> None:
    """Lets a run go on whose checkpoint or pictures lie elsewhere than they did, where they hold the same.

    What lies where it did is not looked at here: weights are once they are loaded, pictures once they are asked about.

    Raises:
        RepopeError: they hold something else, or are not on this machine.
    """
    if not folder.manifest.is_of_answers:
        return
    moved = set(folder.manifest.moved)
    if {"model.checkpoint", "model.revision"} & moved:
        files = _checkpoint_files(settings.model)
        if not files:
            raise folder.manifest.refuse_moved(f"{settings.model.checkpoint} is not here to be compared")
        folder.manifest.require_same({CHECKPOINT_FILES: files})
    known = folder.manifest.facts.get("settings", {}).get("bench", {}).get("images")
    if "bench.images" in moved or located(known) != located(settings.bench.images):
        answered = {image for (image, _), _ in read_lines(folder.answers)}
        questions = [question for question in benchmark.questions if question.image in answered]
        compared = _require_same_images(settings.bench, data_dir, folder, questions, {})
        if "bench.images" in moved and not compared:
            raise folder.manifest.refuse_moved(
                "none of the pictures that were asked about is here to be compared"
            )


def note_images(
    settings: BenchSettings,
    data_dir: Path,
    folder: RunFolder,
    answered: Collection[Question],
    asked: Mapping[str, Path],
) -> None:
    """Notes what the pictures hold that are about to be asked about.

    Args:
        settings: of the benchmark.
        data_dir: where its pictures lie.
        folder: whose `images.json` is written.
        answered: questions that have answers. Their pictures must be what they were; they may be gone.
        asked: where the pictures lie that are about to be asked about, some of them again.

    Raises:
        RepopeError: a picture that was asked about is another now.
    """
    compared = _require_same_images(settings, data_dir, folder, answered, asked)
    others = image_hashes({name: path for name, path in asked.items() if name not in compared})
    folder.write_images({**folder.images(), **others})


def _require_same_images(
    settings: BenchSettings,
    data_dir: Path,
    folder: RunFolder,
    answered: Collection[Question],
    asked: Mapping[str, Path],
) -> Collection[str]:
    """The pictures that were compared."""
    known = folder.images()
    names = {question.image for question in answered if question.image in known}
    paths = {**find_local_images(settings, data_dir, answered), **asked}
    here = image_hashes({name: path for name, path in paths.items() if name in names})
    differing = [name for name, digest in here.items() if digest != known[name]]
    if differing:
        first = differing[0]
        there, own = (in_words(f"sha256:{digest}") for digest in (known[first], here[first]))
        number = f"{len(differing)} of the pictures" if len(differing) > 1 else "a picture"
        raise RepopeError(
            f"{folder.path} holds answers about {number} that are others now, first {first}: its file is {there} there "
            f"and {own} here; put back what was there, or choose another out= to ask anew"
        )
    return here


def _checkpoint_files(settings: ModelSettings) -> dict[str, str]:
    """Of the checkpoint here; none where it is not on this machine."""
    from repope_eval.models.families import checkpoint_of
    from repope_eval.models.fingerprint import fingerprint

    try:
        found = checkpoint_of(settings, download=False)
        return fingerprint(found.folder, found.processor_folder)
    except RepopeError:
        return {}
