"""Asks a model that transformers loads, on the devices of this machine. Torch is imported once one is made."""

import gc
import logging
from collections.abc import Generator, Sequence
from typing import Any

from repope_eval.errors import RepopeError
from repope_eval.inference.asker import AskedImage, Asker
from repope_eval.models.checkpoints import find_checkpoint
from repope_eval.models.families import recipe_class, require_family
from repope_eval.models.fingerprint import fingerprint
from repope_eval.process.ranks import Ranks
from repope_eval.records import Answer
from repope_eval.settings.config import ModelSettings, RunSettings, number_format
from repope_eval.settings.written import as_written

log = logging.getLogger(__name__)


class TransformersAsker(Asker):
    """A checkpoint of one of the families, asked a batch of images at a time by one of the engines."""

    @staticmethod
    def refuse_mistakes(settings: RunSettings, ranks: Ranks) -> None:
        """Refuses an unknown family, and one model spread over the GPUs that several ranks would share."""
        require_family(settings.model.family)
        if ranks.are_several and settings.model.device_map is not None:
            raise RepopeError(
                f"model.device_map={settings.model.device_map} spreads one model over the GPUs, and {ranks.count} "
                "processes were started, each with a model of its own: start one, or leave model.device_map out"
            )

    @staticmethod
    def identity(settings: ModelSettings) -> dict[str, Any]:
        """The checkpoint and what it is shown; engine, batch size and device change no answer."""
        return {
            "model.checkpoint": as_written(settings.checkpoint),
            "model.revision": as_written(settings.revision),
            "model.family": settings.family,
            "model.dtype": number_format(settings),
            "model.quantization": settings.quantization,
            "model.max_new_tokens": settings.max_new_tokens,
            "model.system_prompt": settings.system_prompt,
            "model.question_suffix": settings.question_suffix,
            "model.max_tiles": settings.max_tiles,
        }

    @staticmethod
    def fingerprint(settings: ModelSettings) -> dict[str, str]:
        """What stands for the content of the checkpoint's files; empty where they are not on this machine."""
        try:
            found = find_checkpoint(
                settings.checkpoint,
                settings.revision,
                processor_files=recipe_class(settings.family).processor_files,
                download=False,
            )
            return fingerprint(found.folder, found.processor_folder)
        except RepopeError:
            return {}

    def __init__(self, settings: RunSettings, ranks: Ranks) -> None:
        """Loads the model onto its device."""
        find_checkpoint(
            settings.model.checkpoint, settings.model.revision
        )  # one that is missing needs no torch
        from repope_eval.inference.batches import Batches
        from repope_eval.models.loading import describe_device, describe_model, load_model
        from repope_eval.models.placement import choose_device, device_of_rank

        device = choose_device(device_of_rank(settings.device, ranks))
        log.info("loading %s", settings.model.checkpoint)
        gc.set_threshold(700, 10, 10)  # as usual again: what nothing reaches may hold a GPU's memory
        model = load_model(settings.model, device)
        self.source = describe_model(model)
        self.device = describe_device(model.device)
        self._batches = Batches(
            model,
            engine=settings.engine,
            batch_size=settings.batch_size,
            workers=settings.workers,
            max_new_tokens=settings.model.max_new_tokens,
            programs=ranks.local_count,
        )

    def in_order(self, images: Sequence[AskedImage]) -> Sequence[AskedImage]:
        """The images with the longest prompts first."""
        return self._batches.in_order(images)

    def ask(self, images: Sequence[AskedImage]) -> Generator[Sequence[Answer], None, None]:
        """Yields the answers of one batch of images after another."""
        return self._batches.ask(images)

    def facts(self) -> dict[str, Any]:
        """Engine, batch size, workers, memory, and the tokens that yes and no begin with."""
        return self._batches.facts()
