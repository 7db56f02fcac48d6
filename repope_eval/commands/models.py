"""`python -m repope_eval models`: the models, how large they are, and what they are asked."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from repope_eval.errors import RepopeError
from repope_eval.machine.memory_need import Rehearsed, Shape, memory_need, value_bytes_of
from repope_eval.reporting.console import print_table, print_text
from repope_eval.reporting.tables import Field, number_field, table, text_field
from repope_eval.settings.askers import CHAT
from repope_eval.settings.composition import listed_models
from repope_eval.settings.config import ModelSettings, ModelsSettings, number_format
from repope_eval.wording import memory_text, parameters_text

if TYPE_CHECKING:
    from repope_eval.machine.memory_need import Size

EXAMPLE_QUESTION = "Is there a snowboard in the image?"

UNKNOWN = "?"
"""Stands where a figure cannot be counted on this machine."""


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model's row of the table, each cell a text."""

    name: str
    checkpoint: str
    family: str
    parameters: str
    memory: tuple[str, ...]
    """Memory of the weights, a text for each of `MEMORY_COLUMNS`."""
    max_new_tokens: str
    gated: str


MEMORY_COLUMNS = ("bf16", "int8", "nf4")

log = logging.getLogger(__name__)


def execute(settings: ModelsSettings, command: str) -> None:
    """Prints the table of all models, or one model."""
    if settings.model is not None:
        _show_model(settings.model, fetch=settings.fetch)
        return
    rows = [_model_row(model, _model_size(model, fetch=settings.fetch)) for model in listed_models()]
    _print_models(rows)
    if any(row.parameters == UNKNOWN for row in rows):
        log.info(
            "%s: to be counted from the checkpoint's configuration, which is not on this machine; fetch=true "
            "fetches it from the Hub, without the weights",
            UNKNOWN,
        )


def _show_model(settings: ModelSettings, *, fetch: bool) -> None:
    """Prints one model: its row, its number format, and its prompt in full."""
    from repope_eval.models.checkpoints import NotHereError
    from repope_eval.models.families import checkpoint_of

    try:
        checkpoint = checkpoint_of(settings, download=fetch)
    except NotHereError as error:
        if fetch:
            raise
        with_adapter = f", or the configuration of {settings.adapter}," if settings.adapter else ""
        raise RepopeError(
            f"{settings.name}: the configuration and tokenizer of {settings.checkpoint}{with_adapter} are not on this "
            "machine, and its prompt is made with them; fetch=true fetches them from the Hub, without the weights"
        ) from error
    from repope_eval.asking.chat.loading import describe_network
    from repope_eval.machine.counting import count_need, size_of

    described = describe_network(settings, checkpoint)
    _print_models([_model_row(settings, size_of(described.network))])
    print_text(f"revision {settings.revision}, {number_format(settings)}")
    print_text(_need_line(settings, count_need(settings, described)))
    if settings.family == CHAT:
        from repope_eval.asking.chat.tried import tried_line

        print_text(tried_line(described.network.config.model_type))
    print_text(
        f"\nPrompt of the question {EXAMPLE_QUESTION!r}, with the family's mark where the image goes:\n"
    )
    print_text(described.prompt(EXAMPLE_QUESTION))


def _need_line(settings: ModelSettings, counted: Shape | Rehearsed) -> str:
    """A line with the memory that a run needs, in the model's number format and quantized."""
    value_bytes = value_bytes_of(settings)
    needs = (
        f"{memory_text(memory_need(counted, quantization=way, value_bytes=value_bytes).total)} in {name}"
        for way, name in (("none", number_format(settings)), ("int8", "int8"), ("nf4", "nf4"))
    )
    note = f"; {counted.note}" if isinstance(counted, Rehearsed) and counted.note else ""
    return f"needs {', '.join(needs)}, with an image of 640x480 and its questions{note}"


def _model_row(settings: ModelSettings, size: "Size | None") -> ModelRow:
    """A model's row; its size is unknown where neither its configuration nor its shape is at hand."""
    figures = [UNKNOWN] * (1 + len(MEMORY_COLUMNS))
    if size is not None:
        memory = (memory_text(size.weight_bytes(number_format)) for number_format in MEMORY_COLUMNS)
        figures = [parameters_text(size.parameters), *memory]
    parameters, *memory_figures = figures
    return ModelRow(
        settings.name,
        settings.checkpoint,
        settings.family,
        parameters,
        tuple(memory_figures),
        str(settings.max_new_tokens),
        "yes" if settings.gated else "",
    )


def _model_size(settings: ModelSettings, *, fetch: bool) -> "Size | None":
    """The size by the checkpoint's own configuration where it is here, else by the published shape."""
    from repope_eval.machine.memory_need import published_shape
    from repope_eval.models.checkpoints import DEMO, NotHereError
    from repope_eval.models.families import checkpoint_of

    shape = published_shape(settings.checkpoint)
    if settings.checkpoint == DEMO and shape is not None:
        return shape  # the same, without waiting for torch
    try:
        checkpoint = checkpoint_of(settings, download=fetch)
        from repope_eval.asking.chat.loading import describe_network
        from repope_eval.machine.counting import size_of

        return size_of(describe_network(settings, checkpoint).network)
    except RepopeError as error:
        if fetch or not isinstance(error, NotHereError):
            log.warning("%s", error)
        return shape


def _print_models(rows: list[ModelRow]) -> None:
    """Prints a line for each model."""

    def memory_field(column: int) -> Field[ModelRow]:
        return number_field(MEMORY_COLUMNS[column], lambda row: row.memory[column])

    print_table(
        table(
            "Models, and the memory that their weights need",
            [
                text_field("model", lambda row: row.name),
                text_field("checkpoint", lambda row: row.checkpoint),
                text_field("family", lambda row: row.family),
                number_field("parameters", lambda row: row.parameters),
                *(memory_field(column) for column in range(len(MEMORY_COLUMNS))),
                number_field("tokens", lambda row: row.max_new_tokens),
                text_field("gated", lambda row: row.gated),
            ],
            rows,
        ),
        padded=True,
    )
