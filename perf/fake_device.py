"""CUDA devices that are not there: a program runs on them as on GPUs, on tensors without memory.

Shapes, number formats, devices and memory are as on GPUs, and no kernel is run. Floating-point numbers have no value,
but for those that follow from whole numbers alone. Whole numbers and truth values have theirs, so that lengths,
indexes, masks, and shapes that follow from them are real, and so is what a program decides by them. What follows from
floating-point numbers is made up: all of it is finite, none equals a number that is given, each other comparison is
true, and a third of the answers end at each step.

Counted are the bytes that live tensors hold on each device, how often the host waits for a device and in which line,
operations, and the different calls of attention. What CUDA refuses is refused: tensors of several devices in an
operation, an index that is neither on the CPU nor on the device of what it indexes, and unlike number formats.
What kernels take for themselves and the gaps between an allocator's blocks are not counted.
"""

import ctypes
import sys
import weakref
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import torch
from fake_tensors import (
    OnDevice,
    Shapes,
    content_of,
    is_kept,
    numbers_of,
    ones,
    storage_key,
    tensors_in,
    with_tensors,
    without_numbers,
    zeros,
)
from torch.utils._python_dispatch import TorchDispatchMode

from repope_eval.machine.hollow_tensors import INDEXING, consists_of_others

BLOCK = 512
"""torch's allocator hands out a GPU's memory in multiples of so many bytes."""
GOING_ON = 3
"""The made-up token that ends no answer."""
CAPABILITY = 9, 0
"""The compute capability of the devices, an H100's: transformers chooses kernels by it."""
GUARDS = "_ZN3c104impl26device_guard_impl_registryE"
"""torch's table of what guards the current device of each kind, as its library names it."""

aten = torch.ops.aten
COUNTING = {
    aten.nonzero.default,
    aten.unique_consecutive.default,
    aten._unique2.default,
    aten.unique_dim.default,
    aten.repeat_interleave.Tensor,
    aten.masked_select.default,
}
"""Operations whose result has as many numbers as the values say. The host waits to learn how many."""
UNEQUAL = {aten.eq.Scalar}
"""A number without a value is equal to none that is given: no pixel is padding. Whatever else is asked is true."""
PRODUCTS = {aten.mm, aten.addmm, aten.bmm, aten.baddbmm, aten.convolution}


class Attention(NamedTuple):
    """One way in which attention is called."""

    queries: tuple[int, ...]
    """[rows, heads, tokens, size of a head]."""
    keys: tuple[int, ...]
    is_masked: bool


class FakeDevices(TorchDispatchMode):
    """Runs what is told to CUDA devices on tensors without memory, and counts."""

    _mode_key = torch._C._TorchDispatchModeKey.FAKE  # torch looks for no driver in a mode of this kind
    _shapes = Shapes()  # the same for all devices

    def __init__(self, stop: int) -> None:
        """Begins without a tensor."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.waits: Counter[str] = Counter()
        """How often the host waited for a device, by the line that had it wait."""
        self.stop = stop
        """The made-up token of the third of the answers that end at each step."""
        self.copies = 0
        """Copies from the host that it did not wait for."""
        self.operations = 0
        self.attention: Counter[Attention] = Counter()
        self.bytes: Counter[torch.device] = Counter()
        self.peak: Counter[torch.device] = Counter()
        self.kernels: dict[Any, Callable[..., Any]] = {
            aten.scaled_dot_product_attention.default: self._attend,
            aten._local_scalar_dense.default: self._number,
            aten._to_copy.default: self._copy,
            aten.copy_.default: self._copy_into,
            aten.histc.default: self._count_in_bins,
        }
        """Operation -> what is done instead of it."""
        self._live: set[int] = set()

    def forget(self) -> None:
        """Counts from here on; what is held stays counted."""
        self.waits.clear()
        self.attention.clear()
        self.copies = self.operations = 0
        self.peak = self.bytes.copy()

    def tensor(self, content: torch.Tensor, device: torch.device) -> OnDevice:
        """A tensor of that content on a device. Its memory counts for as long as a view of it is alive."""
        key = storage_key(content)
        if key not in self._live:
            storage = content.untyped_storage()
            size = -(-storage.nbytes() // BLOCK) * BLOCK
            self._live.add(key)
            self.bytes[device] += size
            self.peak[device] = max(self.peak[device], self.bytes[device])
            weakref.finalize(storage, self._release, key, size, device)
        return OnDevice(content, device, self)

    def _release(self, key: int, size: int, device: torch.device) -> None:
        self._live.discard(key)
        self.bytes[device] -= size

    def waits_in(self, package: str) -> int:
        """How often the host waited in lines of a package."""
        return sum(number for line, number in self.waits.items() if line.startswith(f"{package}/"))

    def wait(self) -> None:
        """Notes that the host waits for a device."""
        self.waits[_line()] += 1

    def __torch_dispatch__(
        self, operation: Any, types: Any, arguments: Any = (), named: dict[str, Any] | None = None
    ) -> Any:
        """An operation; one that is of the CPU alone is run as it is."""
        named = named or {}
        tensors = list(tensors_in((arguments, named)))
        ours = [tensor for tensor in tensors if isinstance(tensor, OnDevice)]
        target = torch.device(named.get("device") or "cpu")
        is_ours = bool(ours) or target.type == "cuda"
        if is_ours and operation in self.kernels:
            self.operations += 1
            return self.kernels[operation](*arguments, **named)
        if consists_of_others(operation):
            with self:  # inference mode does not take these apart
                return operation.decompose(*arguments, **named)
        if not is_ours:
            return operation(*arguments, **named)
        self.operations += 1
        if operation in INDEXING:
            arguments = self._indexing(*arguments)
            tensors = list(tensors_in((arguments, named)))
        device = _common_device(operation, tensors) if ours else target
        if operation.overloadpacket in PRODUCTS:
            require_one_format(operation, tensors)
        changed = {id(tensor.content): tensor for tensor in ours}  # what is changed in its place stays itself
        return with_tensors(
            self._run(operation, arguments, named),
            lambda made: changed[id(made)] if id(made) in changed else self.tensor(made, device),
        )

    def _run(self, operation: Any, arguments: Any, named: dict[str, Any]) -> Any:
        """The result's content: with numbers where it is of whole numbers, made up where they follow from others."""
        given = arguments, named
        known = not any(content_of(tensor).is_meta for tensor in tensors_in(given))
        if operation.is_view or operation._schema.is_mutable:
            if operation._schema.is_mutable and not known and not content_of(arguments[0]).is_meta:
                raise NotImplementedError(f"{operation}: would put numbers that have no value among others")
            values, more = with_tensors(given, content_of if known else without_numbers)
            return operation(*values, **more)
        if operation in COUNTING:
            self.wait()
            values, more = with_tensors(given, numbers_of)
            return operation(*values, **more)
        made = self._shapes.made(operation, given)
        follows = known and any(True for _ in tensors_in(given))
        if not all(is_kept(tensor, follows=follows) for tensor in tensors_in(made)):
            return made
        if not known:
            return with_tensors(made, self._made_up(operation))
        values, more = with_tensors(given, content_of)
        return operation(*values, **more)

    def _made_up(self, operation: Any) -> Callable[[torch.Tensor], torch.Tensor]:
        """What makes numbers in the place of a result that follows from numbers without values."""
        if operation is aten.argmax.default:
            return self._tokens
        return zeros if operation in UNEQUAL else ones

    def _tokens(self, tensor: torch.Tensor) -> torch.Tensor:
        """The most likely tokens of so many rows: the first third ends the answer."""
        tokens = torch.full(tensor.shape, GOING_ON)
        tokens.view(-1)[: tokens.numel() // 3] = self.stop
        return tokens

    def _number(self, tensor: torch.Tensor) -> Any:
        self.wait()
        return numbers_of(tensor).item()

    def _copy(self, source: torch.Tensor, **named: Any) -> torch.Tensor:
        """A copy in another number format or on another device."""
        copy = aten._to_copy.default
        target = torch.device(named.get("device") or source.device)
        self._note_copy(source, target, is_waited_for=not named.get("non_blocking"))
        on_cpu = named | {"device": torch.device("cpu")}
        if target.type == "cpu":
            return copy(numbers_of(source), **on_cpu)  # type: ignore[no-any-return]
        made = copy(without_numbers(source), **named | {"device": torch.device("meta")})
        follows = not content_of(source).is_meta
        return self.tensor(
            copy(numbers_of(source), **on_cpu) if is_kept(made, follows=follows) else made, target
        )

    def _copy_into(
        self, target: torch.Tensor, source: torch.Tensor, non_blocking: bool = False
    ) -> torch.Tensor:
        self._note_copy(source, target.device, is_waited_for=not non_blocking)
        if not content_of(target).is_meta:
            content_of(target).copy_(numbers_of(source))
        return target

    def _count_in_bins(self, tensor: torch.Tensor, *bins: Any, **named: Any) -> torch.Tensor:
        """How many numbers are in each bin, also of whole numbers, of which the CPU counts none."""
        counts = aten.histc.default(numbers_of(tensor).float(), *bins, **named)
        return self.tensor(counts.to(tensor.dtype), tensor.device)

    def _note_copy(self, source: torch.Tensor, target: torch.device, *, is_waited_for: bool) -> None:
        """Notes a copy between host and device. One to the host is waited for whatever is asked: it is read next."""
        if source.device.type != target.type and source.numel():
            if is_waited_for or target.type == "cpu":
                self.wait()
            else:
                self.copies += 1

    def _indexing(self, indexed: torch.Tensor, indexes: Any, *more: Any) -> tuple[Any, ...]:
        """The arguments of indexing, with all indexes on the device of what is indexed, and none of truth values."""
        placed: list[torch.Tensor | None] = []
        for index in indexes:
            if index is None:
                placed.append(None)
                continue
            if index.device not in (torch.device("cpu"), indexed.device):
                raise RuntimeError(
                    "indices should be either on cpu or on the same device as the indexed tensor "
                    f"({indexed.device}), not on {index.device}: {_line()}"
                )
            if index.device != indexed.device or index.dtype == torch.bool:
                self.wait()
            numbers = numbers_of(index)
            found = numbers.nonzero().unbind(1) if index.dtype == torch.bool else [numbers]
            placed += [OnDevice(each, indexed.device, self) for each in found]
        return indexed, placed, *more

    def _attend(
        self,
        queries: OnDevice,
        keys: OnDevice,
        values: OnDevice,
        mask: OnDevice | None = None,
        *_: Any,
        **__: Any,
    ) -> OnDevice:
        """What a fused kernel returns; beside it, it makes a float32 number for each token and head."""
        operation = aten.scaled_dot_product_attention.default
        given = [queries, keys, values, *([] if mask is None else [mask])]
        device = _common_device(operation, given)
        require_one_format(operation, [tensor for tensor in given if tensor.dtype != torch.bool])
        self.attention[Attention(tuple(queries.shape), tuple(keys.shape), mask is not None)] += 1
        rows, heads, tokens, _size = queries.shape
        _sums = self.tensor(torch.empty(rows, heads, tokens, dtype=torch.float32, device="meta"), device)
        made = queries.content.new_empty(rows, tokens, heads, values.shape[-1])
        return self.tensor(made.transpose(1, 2), device)


def require_one_format(operation: Any, tensors: Sequence[torch.Tensor]) -> None:
    """Refuses tensors of unlike number formats in one operation.

    Raises:
        TypeError: as CUDA's kernels would refuse them.
    """
    if len({tensor.dtype for tensor in tensors}) > 1:
        raise TypeError(f"{operation} of {[tensor.dtype for tensor in tensors]}: {_line()}")


def _common_device(operation: Any, tensors: Sequence[torch.Tensor]) -> torch.device:
    """The device of all tensors; a single number may be on the CPU."""
    devices = {tensor.device for tensor in tensors if tensor.dim() or isinstance(tensor, OnDevice)}
    if len(devices) != 1:
        names = sorted(map(str, devices))
        raise RuntimeError(f"{operation}: all tensors are expected on one device, not on {names}: {_line()}")
    return devices.pop()


def _line() -> str:
    """The innermost line of this package or of transformers that is being run, as `package/file:line`."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        for package in ("transformers", "repope_eval"):
            _, found, file = frame.f_code.co_filename.rpartition(f"/{package}/")
            if found:
                return f"{package}/{file}:{frame.f_lineno}"
        frame = frame.f_back
    return "elsewhere"


def _tensor(data: Any, make: Callable[..., torch.Tensor] = torch.tensor, **named: Any) -> torch.Tensor:
    """As `torch.tensor`, which reads the numbers of tensors in a list past whoever follows operations."""
    return make(_numbers_in(data), **named)


def _numbers_in(data: Any) -> Any:
    if isinstance(data, (list, tuple)):
        return [_numbers_in(part) for part in data]
    return data.tolist() if isinstance(data, OnDevice) else data


@contextmanager
def devices_that_are_not_there(stop: int) -> Iterator[FakeDevices]:
    """CUDA devices, as many as are named. `stop` is the token that ends an answer.

    Before each operation torch asks what guards the current device, and a build for CPUs has no guard for CUDA. That
    of the meta device, which does nothing, stands in for it.
    """
    kinds: Any = torch._C._autograd.DeviceType
    (library, *_) = (Path(torch.__file__).parent / "lib").glob("libc10.*")
    guards = (ctypes.c_void_p * (kinds.Meta.value + 1)).in_dll(ctypes.CDLL(str(library)), GUARDS)
    guard, guards[kinds.CUDA.value] = guards[kinds.CUDA.value], guards[kinds.Meta.value]
    lifts = torch._C._only_lift_cpu_tensors()
    torch._C._set_only_lift_cpu_tensors(
        True
    )  # what is made of a list is copied to the device where it is seen
    capability = patch.object(torch.cuda, "get_device_capability", lambda *_: CAPABILITY)
    try:
        with (
            torch.inference_mode(),
            patch.object(torch, "tensor", _tensor),
            capability,
            FakeDevices(stop) as devices,
        ):
            yield devices
    finally:
        torch._C._set_only_lift_cpu_tensors(lifts)
        guards[kinds.CUDA.value] = guard
