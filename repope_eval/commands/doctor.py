"""`python -m repope_eval doctor`: what this machine has and lacks, and which models fit it."""

from repope_eval.composition import choices, model_settings
from repope_eval.config import DoctorSettings, ModelSettings
from repope_eval.doctor.examination import examine
from repope_eval.doctor.findings import findings, gigabytes
from repope_eval.doctor.fits import fits, room_of
from repope_eval.doctor.machine import Machine
from repope_eval.models.shapes import Shape, published_shape
from repope_eval.named_folders import data_folder
from repope_eval.reporting.console import print_findings, print_fits, print_text

SETTINGS = DoctorSettings


def execute(settings: DoctorSettings, command: str) -> None:
    """Prints both, and what to do next."""
    models = _models()
    machine = examine(settings.device, data_folder(settings.data_dir), [model for model, _ in models])
    data = "" if settings.data_dir is None else f"data_dir={settings.data_dir}"
    device = "" if settings.device == "auto" else f"device={settings.device}"
    print_findings(findings(machine, data))
    memory = None if settings.memory is None else settings.memory * 1e9
    room = room_of(machine, memory, " ".join(filter(None, (device, data))))
    print_fits(f"Models in {gigabytes(room.free)}", fits(room, models))
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
