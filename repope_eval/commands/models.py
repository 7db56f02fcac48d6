"""`python -m repope_eval models`: the models, how large they are, and what they are asked."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

from repope_eval.errors import RepopeError
from repope_eval.quantities import count_text, memory_text
from repope_eval.reporting.console import print_table, print_text
from repope_eval.settings.composition import model_settings
from repope_eval.settings.config import ModelSettings, ModelsSettings, number_format
from repope_eval.settings.shipped_files import choices

if TYPE_CHECKING:
    from repope_eval.capacity.sizes import Size
    from repope_eval.models.recipe import Recipe
EXAMPLE_QUESTION = "Is there a snowboard in the image?"

UNKNOWN = "?"
"""Stands where a figure cannot be counted on this machine."""


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model, all in text."""

    name: str
    checkpoint: str
    family: str
    parameters: str
    memory: tuple[str, ...]
    """Of the weights, one for each of `MEMORY_COLUMNS`."""
    max_new_tokens: str
    gated: str


MEMORY_COLUMNS = ("bf16", "int8", "nf4")

log = logging.getLogger(__name__)


def execute(settings: ModelsSettings, command: str) -> None:
    """Prints the table, or one model."""
    if settings.model is not None:
        _show(settings.model, fetch=settings.fetch)
        return
    rows = [_row(model_settings(name), fetch=settings.fetch) for name in choices("model")]
    _print_models(rows)
    if any(row.parameters == UNKNOWN for row in rows):
        log.info(
            "%s: to be counted from the checkpoint's configuration, which is not on this machine; fetch=true "
            "fetches it from the Hub, without the weights",
            UNKNOWN,
        )


def _show(settings: ModelSettings, *, fetch: bool) -> None:
    """One model: its row, its number format, and its prompt in full."""
    from repope_eval.models.checkpoints import NotHereError

    try:
        recipe = _recipe(settings, fetch=fetch)
    except NotHereError as error:
        if fetch:
            raise
        raise RepopeError(
            f"{settings.name}: the configuration and tokenizer of {settings.checkpoint} are not on this machine, "
            "and its prompt is made with them; fetch=true fetches them from the Hub, without the weights"
        ) from error
    _print_models([_row(settings, fetch=fetch)])
    print_text(f"revision {settings.revision}, {number_format(settings)}")
    print_text(
        f"\nPrompt of the question {EXAMPLE_QUESTION!r}, with the family's mark where the image goes:\n"
    )
    print_text(recipe.prompt(EXAMPLE_QUESTION))


def _row(settings: ModelSettings, *, fetch: bool) -> ModelRow:
    parameters, *memory = _sizes(settings, fetch=fetch)
    return ModelRow(
        settings.name,
        settings.checkpoint,
        settings.family,
        parameters,
        tuple(memory),
        str(settings.max_new_tokens),
        "yes" if settings.gated else "",
    )


def _sizes(settings: ModelSettings, *, fetch: bool) -> tuple[str, ...]:
    """Parameters, and memory in each number format; unknown where neither configuration nor shape is at hand."""
    size = _size(settings, fetch=fetch)
    if size is None:
        return (UNKNOWN,) * (1 + len(MEMORY_COLUMNS))
    memory = (memory_text(size.weight_bytes(number_format)) for number_format in MEMORY_COLUMNS)
    return count_text(size.parameters), *memory


def _size(settings: ModelSettings, *, fetch: bool) -> "Size | None":
    """Counted from the checkpoint's own configuration where it is here, else from the published shape."""
    from repope_eval.capacity.shapes import published_shape
    from repope_eval.capacity.sizes import size_of
    from repope_eval.models.checkpoints import DEMO, NotHereError, find_checkpoint

    shape = published_shape(settings.family, settings.checkpoint)
    if settings.checkpoint == DEMO and shape is not None:
        return size_of(shape)  # the same, without waiting for torch
    try:
        find_checkpoint(settings.checkpoint, settings.revision, download=fetch)
        recipe = _recipe(settings, fetch=fetch)
    except RepopeError as error:
        if fetch or not isinstance(error, NotHereError):
            log.warning("%s", error)
        return None if shape is None else size_of(shape)
    from repope_eval.capacity.counting import count_parameters

    return count_parameters(recipe)


def _recipe(settings: ModelSettings, *, fetch: bool) -> "Recipe":
    """The recipe of a model whose configuration and tokenizer are on this machine, or may be fetched."""
    from repope_eval.models.loading import read_description

    return read_description(settings, download=fetch).recipe


def _print_models(rows: list[ModelRow]) -> None:
    """A line for each model."""
    table = Table(
        box=SIMPLE_HEAD, collapse_padding=True, title="Models, and the memory that their weights need"
    )
    for title in ("model", "checkpoint", "family"):
        table.add_column(title)
    for title in ("parameters", *MEMORY_COLUMNS, "tokens"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("gated")
    for row in rows:
        table.add_row(
            row.name,
            row.checkpoint,
            row.family,
            row.parameters,
            *row.memory,
            row.max_new_tokens,
            row.gated,
        )
    print_table(table)
