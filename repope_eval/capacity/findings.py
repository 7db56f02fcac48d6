"""What a machine has and lacks: a line for each thing, with what mends it."""

from collections.abc import Iterator
from dataclasses import dataclass

from repope_eval.capacity.machine import Data, Device, Hub, Machine

DATA_COMMAND = "python -m repope_eval data bench=repope"


@dataclass(frozen=True, slots=True, kw_only=True)
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
        Finding(subject="versions", state=", ".join(f"{name} {versions.get(name, '?')}" for name in names)),
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
        return Finding(subject="device", state=f"{several}{device.name}, {held}")
    why = "this torch is built without CUDA" if "+cpu" in torch_version else "torch sees no GPU"
    return Finding(
        subject="device",
        state=f"{device.name}, {cores} cores, {held}",
        mend=f"{why}: where there is one, look at nvidia-smi, and install torch as https://pytorch.org says",
    )


def _quantization(machine: Machine) -> Finding:
    installed = machine.versions.get("bitsandbytes")
    if machine.device.kind == "mps":
        return Finding(subject="int8, nf4", state="not on Apple's GPU: bitsandbytes is not for it")
    if installed is None:
        return Finding(
            subject="int8, nf4", state="bitsandbytes is not installed", mend="pip install bitsandbytes"
        )
    return Finding(subject="int8, nf4", state=f"bitsandbytes {installed}")


def _flash_attention(machine: Machine) -> Finding:
    installed = machine.versions.get("flash-attn")
    state = f"flash-attn {installed}" if installed else "not installed, and not needed: sdpa is the default"
    return Finding(subject="flash attention", state=state)


def _launcher(machine: Machine) -> Finding:
    installed = machine.versions.get("hydra-submitit-launcher")
    if installed:
        return Finding(subject="SLURM launcher", state=f"hydra-submitit-launcher {installed}")
    return Finding(
        subject="SLURM launcher",
        state="not installed, and needed for hydra/launcher=submitit_slurm alone",
        mend="pip install 'repope-eval[slurm]'",
    )


def _data(data: Data, words: str) -> Iterator[Finding]:
    command = f"{DATA_COMMAND}{words}"
    yield Finding(subject="data folder", state=str(data.folder))
    count = f"{data.annotations} of {data.annotations_of} files, right by their hash"
    mend = "" if data.annotations == data.annotations_of else f"{command} fetch_images=false"
    if data.strange:
        count += f"; {', '.join(map(str, data.strange))}: not the published content"
        mend = f"remove what is not the published file, then {command} fetch_images=false"
    yield Finding(subject="annotations", state=count, mend=mend)
    if data.images is None:
        yield Finding(subject="COCO images", state="which ones is known with the annotations", mend=command)
    else:
        yield Finding(
            subject="COCO images",
            state=f"{data.images} of {data.images_of}",
            mend=""
            if data.images == data.images_of
            else f"{command}, or bench.images=FOLDER where val2014 is on disk",
        )
    yield Finding(
        subject="DASH-B",
        state="not there" if data.dash_b is None else f"{data.dash_b} of {data.dash_b_of} images",
        mend=""
        if data.dash_b == data.dash_b_of
        else f"python -m repope_eval data bench=dash_b bench.images_from=hub{words} (needed for bench=dash_b alone)",
    )


def _hub(hub: Hub) -> Iterator[Finding]:
    yield Finding(
        subject="Hub",
        state="offline: HF_HUB_OFFLINE=1" if hub.is_offline else "downloads as needed",
        mend="unset HF_HUB_OFFLINE to download" if hub.is_offline else "",
    )
    yield Finding(
        subject="Hub login",
        state="a token is there" if hub.is_logged_in else "no token",
        mend="" if hub.is_logged_in else "hf auth login, or HF_TOKEN (needed for PaliGemma alone)",
    )
    yield Finding(subject="Hub cache", state=f"{hub.cache}, {gigabytes(hub.free)} free on its disk")
