"""Who can be asked, and which settings mean something to it: those that mean nothing are refused or left out."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from repope_eval.errors import RepopeError
from repope_eval.settings.config import RunSettings
from repope_eval.settings.fields import Asked, Field, fields_by_key
from repope_eval.system.secrets import as_written

CHAT = "chat"
"""The family of all checkpoints that transformers loads with its own image-text-to-text classes: it has no recipe."""

SERVER = "endpoint"
"""The family of models that are behind a server."""


@dataclass(frozen=True, slots=True)
class AskerEntry:
    """One that can be asked."""

    loader: str
    """The function that loads it, `MODULE:NAME`."""
    heeds: frozenset[Asked]
    """The settings that mean something to it, by what they say they are `of`."""
    because: str
    """Why others mean nothing to it."""


_ALL_OF_WEIGHTS: frozenset[Asked] = frozenset({"all", "weights", "chat"})
"""A family with a recipe refuses by itself what it has no use for, with its own name in the line."""
_ASKS_NO_SERVER = "only model=endpoint asks a server"

ASKERS = {
    "chat": AskerEntry("repope_eval.asking.loaders:load_chat_asker", _ALL_OF_WEIGHTS, _ASKS_NO_SERVER),
    "endpoint": AskerEntry(
        "repope_eval.asking.endpoint.asker:load_endpoint_asker",
        frozenset({"all", "server"}),
        "the server decides",
    ),
    "transformers": AskerEntry(
        "repope_eval.asking.loaders:load_transformers_asker", _ALL_OF_WEIGHTS, _ASKS_NO_SERVER
    ),
}
"""The askers by name. A `model.family` of that name has this asker, all others transformers."""


def asker_entry(family: str) -> AskerEntry:
    """The asker of a family's models; the family need not be known."""
    return ASKERS.get(family, ASKERS["transformers"])


def refuse_idle(settings: RunSettings) -> None:
    """Refuses settings that were given a value and mean nothing to the asker.

    Raises:
        RepopeError: there are such settings. The message names them.
    """
    _refuse_greedy_draws(settings)
    given = [field.key for field, value in _idle_fields(settings) if value != field.default]
    if given:
        raise RepopeError(f"{', '.join(given)}: {asker_entry(settings.model.family).because}; leave it out")


def _refuse_greedy_draws(settings: RunSettings) -> None:
    """Refuses settings of sampling where answers are greedy: each of several draws would be the same."""
    model = settings.model
    given = {"repeats": settings.repeats, "model.top_p": model.top_p, "model.seed": model.seed}
    fields = fields_by_key(RunSettings)
    idle = [key for key, value in given.items() if value != fields[key].default]
    if not model.temperature and idle:
        raise RepopeError(
            f"{', '.join(idle)}: means nothing to greedy answers, which are always the same; give "
            "model.temperature=0.7 or another above 0, or leave it out"
        )


def applicable_settings(settings: RunSettings) -> dict[str, Any]:
    """The settings in the form in which files hold them, without those that mean nothing to the asker."""
    written: dict[str, Any] = as_written(settings)
    for field, _ in _idle_fields(settings):
        group, _, name = field.key.rpartition(".")
        del (written[group] if group else written)[name]
    return written


def _idle_fields(settings: RunSettings) -> Iterator[tuple[Field, Any]]:
    """The fields that mean nothing to the asker, each with its value; those of the run itself come first."""
    heeds = asker_entry(settings.model.family).heeds
    for field in sorted(fields_by_key(type(settings)).values(), key=lambda field: "." in field.key):
        if field.asked not in heeds:
            group, _, name = field.key.rpartition(".")
            yield field, getattr(getattr(settings, group) if group else settings, name)
