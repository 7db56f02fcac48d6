"""Made-up machines, for what is said of them."""

import dataclasses
from pathlib import Path

from repope_eval.machine.machine import Data, Device, Hub, Machine

GB = 1e9


def device(kind: str, free: float, number: int = 1, *, bfloat16: bool = True) -> Device:
    name = {"cuda": "NVIDIA Thing", "mps": "Apple GPU", "cpu": "CPU, x86_64"}[kind]
    return Device(
        kind=kind, name=name, number=number, free=free * GB, total=1.1 * free * GB, has_bfloat16=bfloat16
    )


COMPLETE = Machine(
    device=device("cuda", 79),
    cores=16,
    versions={
        "python": "3.11.7",
        "torch": "2.9.0+cu128",
        "transformers": "5.24.0",
        "bitsandbytes": "0.50.2",
        "flash-attn": "2.8",
        "hydra-submitit-launcher": "1.2.0",
    },
    data=Data(
        folder=Path("/data"),
        annotations=6,
        strange=(),
        images=500,
        dash_b=2682,
    ),
    hub=Hub(cache=Path("/cache"), free=900 * GB, is_offline=False, is_logged_in=True, here=frozenset()),
)
"""A machine with one GPU of 80 GB that lacks nothing."""


def with_device(made: Device) -> Machine:
    return dataclasses.replace(COMPLETE, device=made)
