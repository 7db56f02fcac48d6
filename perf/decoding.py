"""What decoding costs on a GPU beside the rest of a batch, and what CUDA graphs could save: computed, not measured.

    python perf/decoding.py [--shapes 1b 8b] [--images 1 8 32] [--launch 10] [--bandwidth 3.35] [--peak 989]

The shared engine answers batches on devices that are not there (perf/fake_device.py). Each kernel that
a GPU would run takes the larger of two times: the bytes that it reads and writes over the memory's bandwidth, and its
floating-point operations over the assumed share of the peak. The host takes a fixed time to launch each. A step of
decoding begins when the host has read the token before, so it takes the longer of the host's time and the device's.

A CUDA graph launches all kernels of a step at once. What it saves is at most the time by which the host is slower,
and nothing where the device is. Left out, in favour of graphs: capturing one for each shape, and a cache of fixed
length, whose unused slots would be computed.

`attention shapes` is how many different calls of attention a batch has: cuDNN would prepare for each that is new.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import torch
from command_line import positive
from fake_cuda import fake_model, prepared
from fake_device import GOING_ON
from gauges import print_table
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from repope_eval.asking.native.generation import find_spellings
from repope_eval.asking.native.shared import decode, encode, prefill
from repope_eval.machine.memory_need import ANSWER_TOKENS
from repope_eval.models.loading import Model
from repope_eval.models.recipe import Prepared

HEADINGS = (
    "shape",
    "images",
    "encode ms",
    "prefill ms",
    "kernels a step",
    "host ms a step",
    "device ms a step",
    "decoding",
    "graphs save at most",
    "attention shapes",
)

aten = torch.ops.aten
WITHOUT_KERNEL = (aten.empty, aten.empty_like, aten.new_empty, aten._unsafe_view)
LOOKED_UP = (aten.embedding, aten.index, aten.index_select)
"""What reads as much of a table as it returns."""


@dataclass(frozen=True, slots=True)
class Card:
    """What is assumed of a GPU and of the program that feeds it."""

    bandwidth: float
    """How many bytes the GPU reads and writes a second."""
    rate: float
    """How many floating-point operations the GPU does a second."""
    launch: float
    """How many seconds the host takes to launch a kernel."""


@dataclass(slots=True)
class Work:
    """The kernels of a stage."""

    kernels: int = 0
    device: float = 0.0
    """How many seconds the device takes for them."""
    attention: set[tuple[object, ...]] = field(default_factory=set)
    """The different shapes of queries, keys and mask."""

    def seconds(self, card: Card) -> float:
        """The longer of the host's time and the device's."""
        return max(self.device, self.kernels * card.launch)


def main() -> None:
    options = _options()
    card = Card(options.bandwidth * 1e12, options.peak * 1e12 * options.utilisation, options.launch / 1e6)
    print(
        f"{options.questions} questions an image, answers of {ANSWER_TOKENS} tokens, bfloat16; {options.bandwidth:g} "
        f"TB/s, {options.peak:g} TFLOP/s at {options.utilisation:.0%}, {options.launch:g} us a kernel on the host"
    )
    rows = []
    for shape in options.shapes:
        with fake_model(f"internvl2_5_{shape}", options.layers) as (model, devices):
            devices.stop = GOING_ON
            image = prepared(model, options.questions)
            rows += [[shape, *_row(model, [image] * images, card)] for images in options.images]
    print_table(HEADINGS, rows)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shapes", choices=("1b", "2b", "4b", "8b"), nargs="+", default=["1b", "8b"])
    parser.add_argument("--images", type=positive, nargs="+", default=[1, 8, 32], help="of a batch")
    parser.add_argument("--questions", type=positive, default=10, help="about each image; default: 10")
    parser.add_argument("--layers", type=positive, help="of each half of a model; default: all")
    parser.add_argument(
        "--launch", type=float, default=10, help="microseconds of Python, torch and driver; default: 10"
    )
    parser.add_argument("--bandwidth", type=float, default=3.35, help="TB/s; default: 3.35, an H100's")
    parser.add_argument("--peak", type=float, default=989, help="TFLOP/s; default: 989, an H100's in bf16")
    parser.add_argument("--utilisation", type=float, default=0.5, help="of the peak, assumed; default: 0.5")
    return parser.parse_args()


def _row(model: Model, images: Sequence[Prepared], card: Card) -> list[str]:
    encoding, features = _counted(card, lambda: encode(model, images))
    prefilling, (rows, hidden) = _counted(card, lambda: prefill(model, images, features))
    spellings = find_spellings(model.recipe)
    decoding, _ = _counted(card, lambda: decode(model, rows, hidden, ANSWER_TOKENS, spellings))
    steps = ANSWER_TOKENS - 1
    total = sum(stage.seconds(card) for stage in (encoding, prefilling, decoding))
    saved = max(0.0, decoding.seconds(card) - decoding.device)
    return [
        str(len(images)),
        f"{encoding.seconds(card) * 1e3:.1f}",
        f"{prefilling.seconds(card) * 1e3:.1f}",
        str(decoding.kernels // steps),
        f"{decoding.kernels * card.launch / steps * 1e3:.1f}",
        f"{decoding.device / steps * 1e3:.1f}",
        f"{decoding.seconds(card) / total:.1%}",
        f"{saved / total:.1%}",
        str(len(encoding.attention | prefilling.attention | decoding.attention)),
    ]


def _counted(card: Card, stage: Callable[[], Any]) -> tuple[Work, Any]:
    """The work of a stage, and what it returns. No answer ends before its last token."""
    work = Work()
    with _Kernels(work, card):
        return work, stage()


class _Kernels(TorchDispatchMode):
    """Counts the operations that a GPU has kernels for, with the time that each takes there."""

    def __init__(self, work: Work, card: Card) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._work = work
        self._card = card

    def __torch_dispatch__(
        self, operation: Any, types: Any, arguments: Any = (), named: dict[str, Any] | None = None
    ) -> Any:
        named = named or {}
        if operation is aten.scaled_dot_product_attention.default:
            return self._attention(*arguments, **named)
        if torch._C._dispatch_has_kernel_for_dispatch_key(operation.name(), "CompositeImplicitAutograd"):
            with self:
                return operation.decompose(*arguments, **named)
        result = operation(*arguments, **named)
        kind = operation.overloadpacket
        is_view = all(part.alias_info and not part.alias_info.is_write for part in operation._schema.returns)
        if not is_view and kind not in WITHOUT_KERNEL:
            returned = _bytes(result)
            moved = 2 * returned if kind in LOOKED_UP else returned + _bytes((arguments, named))
            count = flop_registry.get(kind)
            self._add(moved, count(*arguments, **named, out_val=result) if count else 0)
        return result

    def _attention(
        self,
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        attn_mask: torch.Tensor | None = None,
        dropout_p: float = 0.0,
        is_causal: bool = False,
        **_: Any,
    ) -> torch.Tensor:
        """One kernel, as on a GPU: the meta device would have several."""
        rows, heads, columns, width = query.shape
        shape = query.shape, key.shape, None if attn_mask is None else attn_mask.shape
        self._work.attention.add(shape)
        result = query.new_empty(rows, columns, heads, value.shape[-1]).transpose(1, 2)
        operations = 4 * rows * heads * columns * key.shape[2] * width // (2 if is_causal else 1)
        self._add(_bytes((query, key, value, attn_mask, result)), operations)
        return result

    def _add(self, moved: int, operations: int) -> None:
        self._work.kernels += 1
        self._work.device += max(moved / self._card.bandwidth, operations / self._card.rate)


def _bytes(values: Any) -> int:
    """Bytes of the tensors among values, repeated rows counted once."""
    if isinstance(values, torch.Tensor):
        sides = zip(values.shape, values.stride(), strict=True)
        return values.itemsize * prod(side for side, stride in sides if stride)
    if isinstance(values, dict):
        return _bytes(list(values.values()))
    return sum(map(_bytes, values)) if isinstance(values, (list, tuple)) else 0


if __name__ == "__main__":
    main()
