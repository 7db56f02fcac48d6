"""Which settings mean something to whom a run asks: weights that are loaded on this machine, or a server."""

from collections.abc import Iterator
from typing import Any

from repope_eval.errors import RepopeError
from repope_eval.settings.config import RunSettings
from repope_eval.settings.fields import Field, fields_by_key
from repope_eval.settings.written import as_written

SERVER = "endpoint"
"""The family of models that are behind a server."""

OF_WEIGHTS = (
    *(
        "engine",
        "verify",
        "device",
        "batch_size",
        "workers",
        "model.revision",
        "model.recipe_dtype",
        "model.dtype",
    ),
    *(
        "model.quantization",
        "model.prompt",
        "model.max_tiles",
        "model.min_pixels",
        "model.max_pixels",
        "model.chat_template",
        "model.attn_implementation",
        "model.device_map",
        "model.gated",
    ),
)
"""Settings that say how weights are loaded and asked on this machine, which a server decides by itself."""

OF_SERVERS = (
    *("model.url", "model.api_key_env", "model.image_format", "model.max_side", "model.concurrency"),
    *("model.timeout", "model.price_in", "model.price_out"),
)
"""Settings that say how a server is asked."""


def refuse_idle(settings: RunSettings) -> None:
    """Refuses settings that were given a value and mean nothing to whom is asked.

    Raises:
        RepopeError: there are such settings. The message names them.
    """
    given = [field.key for field, value in _idle(settings) if value != field.default]
    if given:
        whose = (
            "the server decides" if settings.model.family == SERVER else "only model=endpoint asks a server"
        )
        raise RepopeError(f"{', '.join(given)}: {whose}; leave it out")


def applicable(settings: RunSettings) -> dict[str, Any]:
    """The settings in the form in which files hold them, without those that mean nothing to whom is asked."""
    written: dict[str, Any] = as_written(settings)
    for field, _ in _idle(settings):
        group, _, name = field.key.rpartition(".")
        del (written[group] if group else written)[name]
    return written


def _idle(settings: RunSettings) -> Iterator[tuple[Field, Any]]:
    """The fields that mean nothing to whom is asked, each with its value."""
    fields = fields_by_key(type(settings))
    for key in OF_WEIGHTS if settings.model.family == SERVER else OF_SERVERS:
        group, _, name = key.rpartition(".")
        yield fields[key], getattr(getattr(settings, group) if group else settings, name)
