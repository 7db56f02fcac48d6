"""Loads askers of weights on this machine. Torch is imported once there is something to load."""

import gc
import logging
from typing import TYPE_CHECKING, Any

from repope_eval.asking.asker import Asker
from repope_eval.models.families import checkpoint_of
from repope_eval.models.sampling import sampling_of
from repope_eval.settings.config import RunSettings
from repope_eval.system.ranks import Ranks

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)


def load_transformers_asker(settings: RunSettings, ranks: Ranks) -> Asker:
    """Loads a checkpoint of one of the families onto the device of this rank."""
    checkpoint = checkpoint_of(settings.model)  # one that is missing needs no torch
    from repope_eval.asking.native.batches import TransformersAsker
    from repope_eval.models.loading import load_model

    return TransformersAsker(
        load_model(settings.model, _rank_device(settings, ranks), checkpoint),
        verify=settings.verify if ranks.is_main else 0,  # non-main ranks compute as the main one does
        **_asker_arguments(settings, ranks),
    )


def load_chat_asker(settings: RunSettings, ranks: Ranks) -> Asker:
    """Loads a checkpoint, with the processor and the class that transformers has for it, onto the device of this rank.

    Raises:
        RepopeError: the checkpoint cannot be had or loaded, or cannot be asked about images, or a setting does not fit
            this machine or the checkpoint.
    """
    checkpoint = checkpoint_of(settings.model)  # one that is missing needs no torch
    from repope_eval.asking.chat.asking import ChatAsker
    from repope_eval.asking.chat.loading import load_chat_model

    return ChatAsker(
        load_chat_model(settings.model, _rank_device(settings, ranks), checkpoint),
        verify=settings.verify,  # on each rank: what it finds decides how that rank goes on
        **_asker_arguments(settings, ranks),
    )


def _rank_device(settings: RunSettings, ranks: Ranks) -> "torch.device":
    """The device that a checkpoint is loaded onto now. It becomes the current one of this process.

    Whatever names no device would otherwise open a context on the first GPU, some 0.5 GB for each rank: the thread that
    pins memory for torch's loader does.
    """
    import torch

    from repope_eval.models.placement import choose_device, device_of_rank

    gc.set_threshold(700, 10, 10)  # the usual pace again: unreachable tensors may hold a GPU's memory
    device = choose_device(device_of_rank(settings.device, ranks))
    if device.type == "cuda" and device.index is not None:
        torch.cuda.set_device(device)
    log.info("loading %s", " with ".join(filter(None, (settings.model.checkpoint, settings.model.adapter))))
    return device


def _asker_arguments(settings: RunSettings, ranks: Ranks) -> dict[str, Any]:
    """The arguments that say how a model on this machine is asked; they are the same for each of its askers."""
    return {
        "engine": settings.engine,
        "batch_size": settings.batch_size,
        "workers": settings.workers,
        "max_new_tokens": settings.model.max_new_tokens,
        "programs": ranks.local_count,
        "shows_images": settings.bench.blind != "none",
        "sampling": sampling_of(settings.model),
    }
