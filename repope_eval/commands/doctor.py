"""`python -m repope_eval doctor`: what this machine has and lacks, and which models fit it."""

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from repope_eval.capacity.examination import examine
from repope_eval.capacity.findings import Finding, findings, gigabytes
from repope_eval.capacity.fits import Fit, fits, room_of
from repope_eval.capacity.machine import Machine
from repope_eval.capacity.shapes import Shape, published_shape
from repope_eval.quantities import hours_text, memory_text
from repope_eval.reporting.console import print_table, print_text
from repope_eval.settings.composition import model_settings
from repope_eval.settings.config import DoctorSettings, ModelSettings
from repope_eval.settings.named_folders import data_folder
from repope_eval.settings.shipped_files import choices


def execute(settings: DoctorSettings, command: str) -> None:
    """Prints both, and what to do next."""
    models = _models()
    machine = examine(settings.device, data_folder(settings.data_dir), [model for model, _ in models])
    data = "" if settings.data_dir is None else f"data_dir={settings.data_dir}"
    device = "" if settings.device == "auto" else f"device={settings.device}"
    _print_findings(findings(machine, data))
    memory = None if settings.memory is None else settings.memory * 1e9
    room = room_of(machine, memory, " ".join(filter(None, (device, data))))
    _print_fits(f"Models in {gigabytes(room.free)}", fits(room, models))
    print_text(_advice(machine))


def _models() -> list[tuple[ModelSettings, Shape]]:
    """All but the package's own, which fits anywhere."""
    known = [model_settings(name) for name in choices("model")]
    shapes = [(model, published_shape(model.family, model.checkpoint)) for model in known]
    return [(model, shape) for model, shape in shapes if shape is not None and model.name != "tiny"]


def _advice(machine: Machine) -> str:
    lines = ["Needs are computed, of the weights and of one image at a time with its questions."]
    if machine.device.kind == "cpu":
        lines.append(
            "On a CPU: python -m repope_eval asks the model of the package in seconds; of the others try the "
            "smallest, with limit=4 first."
        )
    return "\n".join(lines)


def _print_findings(lines: Sequence[Finding]) -> None:
    """A line for each thing that a machine has or lacks, with its mend where there is one."""
    table = Table(box=SIMPLE_HEAD, collapse_padding=True, title="This machine")
    for title in ("what", "here", "mend"):
        table.add_column(title)
    for line in lines:
        table.add_row(line.subject, line.state, line.mend, style="yellow" if line.mend else None)
    print_table(table)


def _print_fits(title: str, lines: Sequence[Fit]) -> None:
    """A line for each model: how it fits and with what command, or what it takes."""
    table = Table(box=SIMPLE_HEAD, collapse_padding=True, title=title)
    timed = any(line.hours is not None for line in lines)
    table.add_column("model")
    table.add_column("fits in")
    table.add_column("needs", justify="right", no_wrap=True)
    if timed:
        table.add_column("RePOPE takes about", justify="right", no_wrap=True)
    table.add_column("command, or what it takes")
    table.add_column("note")
    for place, line in enumerate(lines):
        if place and lines[place - 1].fits and not line.fits:
            table.add_section()
        hours = [hours_text(line.hours)] if timed else []
        style = None if line.fits else "dim"
        table.add_row(
            line.model, line.how, memory_text(line.need), *hours, line.remedy, line.note, style=style
        )
    print_table(table)
