"""Whether answers belong together: the settings they depend on, and what the model's files and the pictures hold."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.images import image_hashes
from repope_eval.benchmarks.sources import find_local_images
from repope_eval.errors import RepopeError
from repope_eval.models.families import checkpoint_of
from repope_eval.models.weight_files import fingerprint
from repope_eval.records import Question
from repope_eval.runs.answer_store import read_lines
from repope_eval.runs.folder import RunFolder
from repope_eval.runs.manifest import PLACES, located, value_in_words
from repope_eval.runs.manifest_form import CHECKPOINT_FILES
from repope_eval.settings.askers import applicable_settings
from repope_eval.settings.config import BenchSettings, ModelSettings, RunSettings, number_format
from repope_eval.settings.fields import fields_of
from repope_eval.settings.named_files import FILE_BENCHMARKS
from repope_eval.system.secrets import as_written

_TELLING = frozenset(field.name for field in fields_of(ModelSettings) if field.changes_answers)
"""The settings of a model that answers depend on by more than a rounding."""

_CHECKPOINT_KEYS = frozenset(key for key, content in PLACES.items() if content == CHECKPOINT_FILES)
"""The settings that say where the checkpoint and its adapter are."""

_SAMPLING = ("temperature", "top_p", "seed")
"""Settings of sampled answers. Those of greedy ones are null, as in folders from before there was a choice."""


def identity(settings: RunSettings) -> dict[str, Any]:
    """The settings that a run's answers depend on, by dotted key.

    Engine, batch size and device change no answer. Neither does `repeats`, since each draw has a seed of its own: with
    more draws, a run goes on from those that are there, as it does with more images.
    """
    bench, model = settings.bench, settings.model
    told = {name: value for name, value in applicable_settings(settings)["model"].items() if name in _TELLING}
    # A prompt of null is that of folders that were made before there was a choice.
    meant = {
        "dtype": number_format(model),
        "prompt": None if model.prompt == "paper" else model.prompt,
        **(dict.fromkeys(_SAMPLING) if not model.temperature else {}),
    }
    told |= {name: value for name, value in meant.items() if name in told}
    return {
        "bench": bench.name,
        **(
            {"bench.blind": bench.blind} if bench.blind else {}
        ),  # as in folders made before there was a choice
        "bench.images": as_written(bench.images) if bench.source in FILE_BENCHMARKS else None,
        **{f"model.{name}": value for name, value in told.items()},
    }


def require_same_contents(
    settings: RunSettings, benchmark: Benchmark, data_dir: Path, folder: RunFolder
) -> None:
    """Compares a checkpoint or pictures that lie in another place than before with what they held then.

    Those in the same place are compared later: weights once they are loaded, pictures once they are asked about.

    Raises:
        RepopeError: they hold something else, or are not on this machine.
    """
    if not folder.manifest.is_of_answers:
        return
    moved = set(folder.manifest.moved)
    if _CHECKPOINT_KEYS & moved:
        files = _checkpoint_files(settings.model)
        if not files:
            here = " with ".join(filter(None, (settings.model.checkpoint, settings.model.adapter)))
            raise folder.manifest.refuse_moved(f"{here} is not here to be compared")
        folder.manifest.require_same({CHECKPOINT_FILES: files})
    known = folder.manifest.facts.get("settings", {}).get("bench", {}).get("images")
    if "bench.images" in moved or located(known) != located(settings.bench.images):
        answered = {question.image for question, _ in read_lines(folder.answers)}
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
    """Notes the content of the pictures that are about to be asked about, so that a later start can compare it.

    Args:
        data_dir: the folder of its pictures.
        folder: the run folder, whose `images.json` is written.
        answered: questions that have answers. Their pictures must be what they were; they may be gone.
        asked: where the pictures lie that are about to be asked about; some may have answers already.

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
    """The names of the pictures that were compared."""
    known = folder.images()
    names = {question.image for question in answered if question.image in known}
    paths = {**find_local_images(settings, data_dir, answered), **asked}
    here = image_hashes({name: path for name, path in paths.items() if name in names})
    differing = [name for name, digest in here.items() if digest != known[name]]
    if differing:
        first = differing[0]
        there, own = (value_in_words(f"sha256:{digest}") for digest in (known[first], here[first]))
        number = f"{len(differing)} of the pictures" if len(differing) > 1 else "a picture"
        raise RepopeError(
            f"{folder.path} holds answers about {number} that are others now, first {first}: its file is {there} there "
            f"and {own} here; put back what was there, or choose another out= to ask anew"
        )
    return here


def _checkpoint_files(settings: ModelSettings) -> dict[str, str]:
    """The fingerprints of the checkpoint's files; empty where they are not on this machine."""
    try:
        checkpoint = checkpoint_of(settings, download=False)
        return fingerprint(checkpoint.folder, checkpoint.processor_folder, checkpoint.adapter_folder)
    except RepopeError:
        return {}
