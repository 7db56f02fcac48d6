"""What a machine has and lacks: a line for each thing, with what mends it."""

from collections.abc import Iterator
from dataclasses import dataclass

from repope_eval.benchmarks.coco import ANNOTATIONS
from repope_eval.capacity.machine import Data, Device, Hub, Machine
from repope_eval.wording import installing_extra

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
        words: that name its data folder in commands, such as `data_dir=...`; empty where it is the default.
    """
    versions = machine.versions
    names = ("python", "torch", "transformers")
    return (
        _device(machine.device, machine.cores, versions.get("torch", "")),
        Finding("versions", ", ".join(f"{name} {versions.get(name, '?')}" for name in names)),
        _quantization(machine),
        _flash_attention(machine),
        _launcher(machine),
        *_data(machine.data, f" {words}" if words else ""),
        *_hub(machine.hub),
    )


def gigabytes(number: float) -> str:
    """A number of bytes as a text in gigabytes, which are powers of ten."""
    return f"{number / 1e9:.1f} GB"


def _device(device: Device, cores: int, torch_version: str) -> Finding:
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


def _quantization(machine: Machine) -> Finding:
    installed = machine.versions.get("bitsandbytes")
    if machine.device.kind == "mps":
        return Finding("int8, nf4", "not on Apple's GPU: bitsandbytes is not for it")
    if installed is None:
        return Finding("int8, nf4", "bitsandbytes is not installed", "pip install bitsandbytes")
    return Finding("int8, nf4", f"bitsandbytes {installed}")


def _flash_attention(machine: Machine) -> Finding:
    installed = machine.versions.get("flash-attn")
    state = f"flash-attn {installed}" if installed else "not installed, and not needed: sdpa is the default"
    return Finding("flash attention", state)


def _launcher(machine: Machine) -> Finding:
    installed = machine.versions.get("hydra-submitit-launcher")
    if installed:
        return Finding("SLURM launcher", f"hydra-submitit-launcher {installed}")
    return Finding(
        "SLURM launcher",
        "not installed, and needed for hydra/launcher=submitit_slurm alone",
        installing_extra("slurm"),
    )


def _data(data: Data, words: str) -> Iterator[Finding]:
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


def _hub(hub: Hub) -> Iterator[Finding]:
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
