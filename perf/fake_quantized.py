"""nf4 and int8 on devices that are not there: bitsandbytes' own layers, without its kernels.

The layers and their tensors are those of bitsandbytes. In the place of its kernels is what they allocate on a GPU:
nf4's one matrix that is unpacked at a time, int8's whole products and rounded rows. No row has outliers, which int8
would multiply apart. How weights are quantized while they are loaded is left out.
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from bitsandbytes.functional import QuantState
from bitsandbytes.nn import Linear4bit, Linear8bitLt
from fake_device import FakeDevices
from torch import nn
from transformers import PreTrainedModel

BLOCK = 64
"""Weights that share a scale under nf4."""
VALUES = 16
"""Different values under nf4."""
OUTLIER = 6.0
"""From what size on int8 takes a number for an outlier."""


def quantize(network: PreTrainedModel, devices: FakeDevices, how: str) -> None:
    """Puts layers of bitsandbytes in the place of the language model's linear ones, as loading does (nf4 or int8)."""
    language_model = network.get_decoder()
    linear = [item for item in language_model.named_modules() if isinstance(item[1], nn.Linear)]
    for name, module in linear:
        make = {"nf4": _nf4, "int8": _int8}[how]
        language_model.set_submodule(name, make(module, devices))
    operations = torch.ops.bitsandbytes
    devices.kernels |= {
        operations.gemm_4bit.default: _run_in(devices, _unpack_and_multiply),
        operations.int8_vectorwise_quant.default: _run_in(devices, _round_rows),
        operations.int8_mixed_scaled_mm.default: _run_in(devices, _multiply_rounded),
    }


def _empty(devices: FakeDevices, like: torch.Tensor, *shape: int, dtype: torch.dtype) -> torch.Tensor:
    return devices.tensor(torch.empty(*shape, dtype=dtype, device="meta"), like.device)


def _nf4(linear: nn.Linear, devices: FakeDevices) -> nn.Module:
    weight = linear.weight
    number = weight.numel()
    layer = Linear4bit(
        linear.in_features, linear.out_features, compute_dtype=weight.dtype, quant_type="nf4", device="meta"
    )
    packed = nn.Parameter(_empty(devices, weight, number // 2, 1, dtype=torch.uint8), requires_grad=False)
    packed.quant_state = QuantState(  # type: ignore[attr-defined]
        absmax=_empty(devices, weight, number // BLOCK, dtype=torch.float32),
        shape=weight.shape,
        code=_empty(devices, weight, VALUES, dtype=torch.float32),
        blocksize=BLOCK,
        quant_type="nf4",
        dtype=weight.dtype,
    )
    layer.weight, layer.bias = packed, linear.bias
    return layer  # type: ignore[no-any-return]


def _int8(linear: nn.Linear, devices: FakeDevices) -> nn.Module:
    weight = linear.weight
    layer = Linear8bitLt(
        linear.in_features, linear.out_features, has_fp16_weights=False, threshold=OUTLIER, device="meta"
    )
    rounded = nn.Parameter(_empty(devices, weight, *weight.shape, dtype=torch.int8), requires_grad=False)
    rounded.CB = rounded.data  # type: ignore[attr-defined]
    rounded.SCB = _empty(devices, weight, len(weight), dtype=torch.float32)  # type: ignore[attr-defined]
    layer.weight, layer.bias = rounded, linear.bias
    return layer.eval()  # type: ignore[no-any-return]


def _run_in(devices: FakeDevices, kernel: Callable[..., Any]) -> Callable[..., Any]:
    def run(*arguments: Any, **named: Any) -> Any:
        with devices:
            return kernel(*arguments, **named)

    return run


def _unpack_and_multiply(
    rows: torch.Tensor,
    packed: torch.Tensor,
    shape: list[int],
    *_: Any,
    bias: torch.Tensor | None = None,
    **__: Any,
) -> torch.Tensor:
    return nn.functional.linear(rows, rows.new_empty(shape), bias)


def _round_rows(
    rows: torch.Tensor, threshold: float = 0.0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Rounded rows, their scales, and the columns of outliers: none."""
    bool((rows.abs() >= threshold).any())  # for which the host waits
    scales = rows.new_empty(math.prod(rows.shape[:-1]), dtype=torch.float32)
    return rows.new_empty(rows.shape, dtype=torch.int8), scales, rows.new_empty(0, dtype=torch.long)


def _multiply_rounded(
    rows: torch.Tensor,
    rounded: torch.Tensor,
    weight: torch.Tensor,
    *_: Any,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The product in the rows' format, by way of whole numbers and of float16; and the outliers of the rows: none."""
    whole = rounded.new_empty(len(rounded), len(weight), dtype=torch.int32)
    return torch.empty_like(whole, dtype=torch.float16).to(rows.dtype), rows.new_empty(0)
