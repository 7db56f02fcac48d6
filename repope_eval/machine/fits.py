"""Which models fit a machine and how, and what it lacks, with what mends it."""

import logging
import math
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from repope_eval.benchmarks.benchmark import BenchmarkSize
from repope_eval.benchmarks.coco import ANNOTATIONS, SOURCE
from repope_eval.benchmarks.pope_file import POPE_VARIANTS
from repope_eval.errors import RepopeError
from repope_eval.machine.machine import Data, Device, Hub, Machine
from repope_eval.machine.memory_need import (
    ANSWER_TOKENS,
    CAPTION_TOKENS,
    QUESTIONS,
    Rehearsed,
    Shape,
    memory_need,
    published_shape,
    shared_operations,
    value_bytes_of,
)
from repope_eval.machine.speed import (
    GPU_GIGABYTE,
    MOST_WORKERS,
    Card,
    SpeedEstimate,
    automatic_workers,
    card_of,
    estimate_speed,
)
from repope_eval.models.families import checkpoint_of
from repope_eval.settings.askers import CHAT
from repope_eval.settings.config import ModelSettings, number_format
from repope_eval.wording import installing_extra

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
            counted = shape_or_count(settings)
        except NotHereError:
            n_not_here += 1
        except RepopeError as error:
            log.warning("%s: %s", settings.name, error)
        else:
            models.append((settings, counted))
    return CountedModels(tuple(models), n_not_here)


def shape_or_count(settings: ModelSettings) -> Shape | Rehearsed:
    """A shipped checkpoint's shape, or what a model takes by the small files of its checkpoint on this machine.

    Raises:
        NotHereError: the files are not here.
        RepopeError: something is wrong with them.
    """
    if settings.adapter is not None:  # it takes no memory of its own
        from repope_eval.models.adapters import find_adapter
        from repope_eval.models.checkpoints import NotHereError

        with suppress(NotHereError):
            find_adapter(settings.adapter, settings.adapter_revision or "main", download=False)
    shape = None if settings.family == CHAT else published_shape(settings.checkpoint)
    if shape is not None:
        return shape
    checkpoint = checkpoint_of(settings, download=False)  # one that is missing needs no torch
    from repope_eval.asking.chat.loading import describe_network
    from repope_eval.machine.counting import count_need

    log.info("%s: counting what it takes", settings.name)  # a few seconds for a large one
    return count_need(settings, describe_network(settings, checkpoint))


QUANTIZATIONS = ("none", "int8", "nf4")
"""Ways to load the weights, the most faithful first."""

HEADROOM = 1.05
"""A model fits where so many times its computed need is free."""

GPU_SIZES = (4, 6, 8, 12, 16, 24, 32, 40, 48, 80)
"""The memory that GPUs are sold with, in GB."""

OPERATIONS_A_CORE = 5e10
"""Floating-point operations a second that a core is taken to do.

5e10 were measured with float32 on a busy server, and two and a half times that with bfloat16, for which not every
processor has instructions (perf/RESULTS.md).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Whether one model fits one machine, and how."""

    model: str
    fits: bool
    how: str
    """Number format or quantization, and over how many devices."""
    quantization: str
    """none, int8 or nf4; none where the model does not fit."""
    need: float
    """Bytes that it needs on all devices together."""
    hours: float | None
    """Hours that all of the benchmark takes, roughly; None where that is not known."""
    remedy: str
    """What `command_of` lacks for this model, empty where nothing; where the model does not fit, the GPUs it takes."""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """The memory that models are to fit."""

    machine: Machine
    free: float
    """Bytes that are free on one device."""
    number: int
    """How many devices there are."""
    words: str = ""
    """What commands end with, such as `data_dir=...`."""
    is_measured: bool = True
    """Whether this machine has it; else somebody asked about it, and the device's speed is unknown."""
    card: Card | None = None
    """The data sheet of the device; None where it is no GPU that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedBenchmark:
    """The benchmark that models are to be asked about."""

    words: str
    """What names it in commands, such as `bench=repope`."""
    size: BenchmarkSize
    describes: bool = False
    """Whether models are asked to describe images, in place of answering yes or no."""

    def answer_tokens(self, settings: ModelSettings) -> int:
        """How many tokens an answer of a model has, by assumption."""
        return min(CAPTION_TOKENS, settings.max_new_tokens) if self.describes else ANSWER_TOKENS


REPOPE = AskedBenchmark(words="bench=repope", size=SOURCE.sizes[POPE_VARIANTS])


def room_of(machine: Machine, memory: float | None = None, words: str = "") -> Room:
    """The memory that a machine has free on each of its devices; or so many bytes on one device of unknown speed."""
    device = machine.device
    if memory is not None:
        return Room(machine=machine, free=memory, number=1, words=words, is_measured=False)
    card = card_of(device.name) if device.kind == "cuda" else None
    return Room(machine=machine, free=device.free, number=device.number, words=words, card=card)


def with_card(machine: Machine, card: Card) -> Machine:
    """The machine as if its only device were a card that nothing else uses, with cores for all workers beside it."""
    device = Device(
        kind="cuda",
        name=card.name,
        number=1,
        free=card.memory,
        total=card.memory,
        has_bfloat16=card.has_bfloat16,
    )
    return replace(machine, device=device, cores=MOST_WORKERS + 1)


def speed_of(
    room: Room,
    settings: ModelSettings,
    counted: Shape | Rehearsed,
    asked: AskedBenchmark,
    quantization: str,
    answer_tokens: float | None = None,
) -> SpeedEstimate | None:
    """How long a model takes for the benchmark on a known GPU; None where the card or the operations are not known.

    Its answers have so many tokens; None: as many as the benchmark's are taken to have.
    """
    if room.card is None:
        return None
    return estimate_speed(
        counted,
        asked.size,
        room.card,
        workers=automatic_workers(room.machine.cores),
        answer_tokens=asked.answer_tokens(settings) if answer_tokens is None else answer_tokens,
        quantization=quantization,
        value_bytes=value_bytes_of(settings),
    )


def fits(
    room: Room, models: Iterable[tuple[ModelSettings, Shape | Rehearsed]], asked: AskedBenchmark = REPOPE
) -> tuple[Fit, ...]:
    """A fit for each model.

    Models that fit come first. Of these the most faithful way comes first, and of equal ways the least computation.
    """
    lines = []
    for settings, counted in models:
        questions, tokens = asked.size.questions / asked.size.images, asked.answer_tokens(settings)
        operations = shared_operations(counted, questions, tokens) * asked.size.images
        way, fit = _fit(room, settings, counted, asked, operations)
        lines.append((way, operations, fit))
    return tuple(fit for _, _, fit in sorted(lines, key=lambda line: line[:2]))


def command_of(room: Room, asked: AskedBenchmark, model: str) -> str:
    """The command that asks a model, but for the words that it alone needs (see `Fit.remedy`)."""
    return " ".join(filter(None, ("python -m repope_eval", f"model={model}", asked.words, room.words)))


def _fit(
    room: Room,
    settings: ModelSettings,
    counted: Shape | Rehearsed,
    asked: AskedBenchmark,
    operations: float,
) -> tuple[int, Fit]:
    """How one model fits, with the index of the first way in which it does: the number of ways if in none."""
    machine, kind, note = room.machine, room.machine.device.kind, _fit_note(room.machine, settings, counted)
    ways = list(_loading_ways(room))
    for index, (quantization, devices) in enumerate(ways):
        need = _needed_bytes(settings, counted, quantization, kind, asked)
        if need * HEADROOM <= room.free * devices:
            speed = speed_of(room, settings, counted, asked, quantization)
            return index, Fit(
                model=settings.name,
                fits=True,
                how=_way_text(machine.device, settings, quantization, devices),
                quantization=quantization,
                need=need,
                hours=speed.seconds / 3600 if speed else _hours_of(room, operations),
                remedy=_further_words(room, settings, quantization, devices),
                note=note,
            )
    need, smallest = (_needed_bytes(settings, counted, way, "cuda", asked) for way in ("none", "nf4"))
    remedy = _needed_gpus(need)
    if _needed_gpus(smallest) != remedy:
        remedy += f", or {_needed_gpus(smallest)} with model.quantization=nf4"
    return len(ways), Fit(
        model=settings.name,
        fits=False,
        how="-",
        quantization="none",
        need=need,
        hours=None,
        remedy=remedy,
        note=note,
    )


def _hours_of(room: Room, operations: float) -> float | None:
    if room.machine.device.kind != "cpu" or not room.is_measured or not operations:
        return None
    return operations / (OPERATIONS_A_CORE * room.machine.cores) / 3600


def _loading_ways(room: Room) -> Iterator[tuple[str, int]]:
    """The quantizations, each with how many devices the weights are on: one, and then all."""
    for quantization in QUANTIZATIONS if room.machine.quantizes else QUANTIZATIONS[:1]:
        yield quantization, 1
        if room.number > 1:
            yield quantization, room.number


def _needed_bytes(
    settings: ModelSettings, counted: Shape | Rehearsed, quantization: str, kind: str, asked: AskedBenchmark
) -> float:
    return memory_need(
        counted,
        quantization=quantization,
        value_bytes=value_bytes_of(settings),
        questions=math.ceil(asked.size.questions / asked.size.images) if asked.describes else QUESTIONS,
        caption_tokens=settings.max_new_tokens if asked.describes else 0,
        device=kind,
    ).total


def _way_text(device: Device, settings: ModelSettings, quantization: str, devices: int) -> str:
    way = _format_text(device, settings) if quantization == "none" else quantization
    return f"{way} over {devices} GPUs" if devices > 1 else way


def _format_text(device: Device, settings: ModelSettings) -> str:
    wanted = number_format(settings)
    return "float16" if wanted == "bfloat16" and not device.has_bfloat16 else wanted


def _further_words(room: Room, settings: ModelSettings, quantization: str, devices: int) -> str:
    parts = [] if quantization == "none" else [f"model.quantization={quantization}"]
    chosen = _format_text(room.machine.device, settings)
    parts += [] if chosen == number_format(settings) else [f"model.dtype={chosen}"]
    parts += ["model.device_map=auto"] if devices > 1 else []
    return " ".join(parts)


def _needed_gpus(need: float) -> str:
    """The GPUs that are needed for a model that does not fit here."""
    wanted = need * HEADROOM / GPU_GIGABYTE
    size = next((size for size in GPU_SIZES if size >= wanted), None)
    if size is not None:
        return f"a GPU of {size} GB"
    return f"{math.ceil(wanted / GPU_SIZES[-1])} x {GPU_SIZES[-1]} GB with model.device_map=auto"


def _fit_note(machine: Machine, settings: ModelSettings, counted: Shape | Rehearsed) -> str:
    notes = [counted.note] if isinstance(counted, Rehearsed) and counted.note else []
    if settings.checkpoint in machine.hub.here:
        return ", ".join(["weights are here", *notes])
    if settings.gated and not machine.hub.is_logged_in:
        return ", ".join(["licence and token first", *notes])
    return ", ".join(notes)


POPE_IMAGES = 500
DASH_B_IMAGES = 2682
DATA_COMMAND = "python -m repope_eval data bench=repope"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a machine has or lacks."""

    subject: str
    state: str
    mend: str = ""
    """What to do where something is missing; empty where nothing is."""


def findings(machine: Machine, words: str = "") -> tuple[Finding, ...]:
    """Everything that is said of a machine, the device first.

    Args:
        machine: what there is.
        words: what names its data folder in commands, such as `data_dir=...`; empty where it is the default.
    """
    versions = machine.versions
    names = ("python", "torch", "transformers")
    return (
        _device_finding(machine.device, machine.cores, versions.get("torch", "")),
        Finding("versions", ", ".join(f"{name} {versions.get(name, '?')}" for name in names)),
        _quantization_finding(machine),
        _flash_attention_finding(machine),
        _launcher_finding(machine),
        *_data_findings(machine.data, f" {words}" if words else ""),
        *_hub_findings(machine.hub),
    )


def gigabytes(number: float) -> str:
    """A number of bytes as a text in gigabytes, which are powers of ten."""
    return f"{number / 1e9:.1f} GB"


def _device_finding(device: Device, cores: int, torch_version: str) -> Finding:
    several = f"{device.number} x " if device.number > 1 else ""
    held = f"{gigabytes(device.free)} of {gigabytes(device.total)} free"
    if device.kind != "cpu":
        return Finding("device", f"{several}{device.name}, {held}")
    why = "this torch is built without CUDA" if "+cpu" in torch_version else "torch sees no GPU"
    return Finding(
        "device",
        f"{device.name}, {cores} cores, {held}",
        f"{why}: where there is one, look at nvidia-smi, and install torch as https://pytorch.org says",
    )


def _quantization_finding(machine: Machine) -> Finding:
    installed = machine.versions.get("bitsandbytes")
    if machine.device.kind == "mps":
        return Finding("int8, nf4", "not on Apple's GPU: bitsandbytes is not for it")
    if installed is None:
        return Finding("int8, nf4", "bitsandbytes is not installed", "pip install bitsandbytes")
    return Finding("int8, nf4", f"bitsandbytes {installed}")


def _flash_attention_finding(machine: Machine) -> Finding:
    installed = machine.versions.get("flash-attn")
    has = f"flash-attn {installed}" if installed else "not installed"
    if machine.device.kind != "cuda":
        return Finding("flash attention", f"{has}, and not needed: sdpa is the default")
    if not machine.device.has_bfloat16:  # NVIDIA's GPUs have both from the same generation on
        return Finding("flash attention", "not on this GPU, which is too old for it: sdpa is used")
    words = "model.attn_implementation=flash_attention_2"
    gain = f"with {words} Qwen2.5-VL" if installed else f"with flash-attn and {words} Qwen2.5-VL"
    return Finding("flash attention", f"{has}; sdpa is the default, but {gain} waits less for the GPU")


def _launcher_finding(machine: Machine) -> Finding:
    installed = machine.versions.get("hydra-submitit-launcher")
    if installed:
        return Finding("SLURM launcher", f"hydra-submitit-launcher {installed}")
    return Finding(
        "SLURM launcher",
        "not installed, and needed for hydra/launcher=submitit_slurm alone",
        installing_extra("slurm"),
    )


def _data_findings(data: Data, words: str) -> Iterator[Finding]:
    command = f"{DATA_COMMAND}{words}"
    yield Finding("data folder", str(data.folder))
    count = f"{data.annotations} of {len(ANNOTATIONS.sha256)} files, right by their hash"
    mend = "" if data.annotations == len(ANNOTATIONS.sha256) else f"{command} fetch_images=false"
    if data.strange:
        count += f"; {', '.join(map(str, data.strange))}: not the published content"
        mend = f"remove what is not the published file, then {command} fetch_images=false"
    yield Finding("annotations", count, mend)
    count, mend = f"{data.images} of {POPE_IMAGES}", ""
    if data.images is None:
        count, mend = "which ones is known with the annotations", command
    elif data.images != POPE_IMAGES:
        mend = f"{command}, or bench.images=FOLDER where val2014 is on disk"
    yield Finding("COCO images", count, mend)
    count, mend = f"{data.dash_b} of {DASH_B_IMAGES} images", ""
    if data.dash_b is None:
        count = "not there"
    if data.dash_b != DASH_B_IMAGES:
        fetching = f"python -m repope_eval data bench=dash_b bench.images_from=hub{words}"
        mend = f"{fetching} (needed for bench=dash_b alone)"
    yield Finding("DASH-B", count, mend)


def _hub_findings(hub: Hub) -> Iterator[Finding]:
    if hub.is_offline:
        yield Finding("Hub", "offline: HF_HUB_OFFLINE=1", "unset HF_HUB_OFFLINE to download")
    else:
        yield Finding("Hub", "downloads as needed")
    if hub.is_logged_in:
        yield Finding("Hub login", "a token is there")
    else:
        mend = "hf auth login, or HF_TOKEN (needed for PaliGemma alone)"
        yield Finding("Hub login", "no token", mend)
    yield Finding("Hub cache", f"{hub.cache}, {gigabytes(hub.free)} free on its disk")
