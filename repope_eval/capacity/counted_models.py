"""Counts what listed models need: by their published shapes, or by their own small files where these are here."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from repope_eval.capacity.shapes import Rehearsed, Shape, published_shape
from repope_eval.errors import RepopeError
from repope_eval.models.families import CHAT, checkpoint_of
from repope_eval.settings.config import ModelSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CountedModels:
    """Models with what their need follows from."""

    models: tuple[tuple[ModelSettings, Shape | Rehearsed], ...]
    n_not_here: int
    """How many were not counted because their small files are not on this machine."""


def count_models(listed: Iterable[ModelSettings]) -> CountedModels:
    """Counts models without a download. What is wrong with a chat model's files is told in the log."""
    from repope_eval.models.checkpoints import NotHereError

    models, n_not_here = [], 0
    for settings in listed:
        try:
            counted = (
                _rehearsed(settings) if settings.family == CHAT else published_shape(settings.checkpoint)
            )
        except NotHereError:
            n_not_here += 1
        except RepopeError as error:
            log.warning("%s: %s", settings.name, error)
        else:
            models += [(settings, counted)] if counted else []
    return CountedModels(tuple(models), n_not_here)


def _rehearsed(settings: ModelSettings) -> Shape | Rehearsed:
    """What a model takes by the files of its checkpoint on this machine.

    Raises:
        RepopeError: they are not here, or not as they should be.
    """
    checkpoint = checkpoint_of(settings, download=False)  # one that is missing needs no torch
    from repope_eval.capacity.rehearsal import count_need
    from repope_eval.chat.loading import describe_network

    log.info("%s: counting what it takes", settings.name)  # a few seconds for a large one
    return count_need(settings, describe_network(settings, checkpoint))
