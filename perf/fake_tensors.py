"""Tensors that claim to be on a CUDA device, and what they hold instead."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import torch

MOST_KEPT = 2**22
"""Whole numbers of a larger tensor are not kept: those of quantized weights, say."""


class Owner(Protocol):
    """What counts the memory of tensors."""

    def tensor(self, content: torch.Tensor, device: torch.device) -> "OnDevice":
        """A tensor of that content on a device."""


class OnDevice(torch.Tensor):
    """A tensor that claims to be on a CUDA device."""

    content: torch.Tensor
    """On the CPU where its numbers are kept, else on torch's meta device."""
    owner: "Owner"

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @staticmethod
    def __new__(cls, content: torch.Tensor, device: torch.device, owner: "Owner") -> "OnDevice":  # noqa: D102
        made: OnDevice = torch.Tensor._make_wrapper_subclass(
            cls,
            content.shape,
            strides=content.stride(),
            storage_offset=content.storage_offset(),
            dtype=content.dtype,
            device=device,
        )
        made.content, made.owner = content, owner
        return made

    def __deepcopy__(self, memo: Any) -> "OnDevice":
        """A copy of all memory that it is a view of, as torch makes it of other tensors."""
        content = self.content
        size = content.untyped_storage().nbytes() // content.itemsize
        memory = content.as_strided((size,), (1,), 0).clone()
        copied = memory.as_strided(content.shape, content.stride(), content.storage_offset())
        return self.owner.tensor(copied, self.device)

    def tolist(self) -> Any:
        """The numbers, copied to the CPU first: torch has lists of no subclass."""
        return self.cpu().tolist()

    def data_ptr(self) -> int:
        """What tells memory apart; accelerate finds tied weights by it."""
        return storage_key(self.content)

    def __format__(self, form: str) -> str:
        return format(self.cpu(), form)

    @classmethod
    def __torch_dispatch__(cls, operation: Any, *_: Any) -> Any:
        raise RuntimeError(
            f"{operation}: a tensor of a device that is not there was used where none is faked"
        )


def storage_key(content: torch.Tensor) -> int:
    """The number of a tensor's memory, the same for all views of it."""
    return int(content.untyped_storage()._cdata)


def content_of(tensor: torch.Tensor) -> torch.Tensor:
    """What stands in for a tensor where an operation is really run."""
    return tensor.content if isinstance(tensor, OnDevice) else tensor


def without_numbers(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor of the same shape on the meta device; a single number of the CPU stays as it is."""
    return content_of(tensor).to("meta") if isinstance(tensor, OnDevice) or tensor.dim() else tensor


def numbers_of(tensor: torch.Tensor) -> torch.Tensor:
    """The numbers of a tensor, ones where it has none."""
    content = content_of(tensor)
    return ones(content) if content.is_meta else content


def ones(tensor: torch.Tensor) -> torch.Tensor:
    """As many ones on the CPU."""
    return torch.ones(tensor.shape, dtype=tensor.dtype)


def zeros(tensor: torch.Tensor) -> torch.Tensor:
    """As many zeros on the CPU."""
    return torch.zeros(tensor.shape, dtype=tensor.dtype)


def is_kept(tensor: torch.Tensor, *, follows: bool = False) -> bool:
    """Whether the numbers of such a tensor are kept, if they are not too many.

    Whole numbers and truth values are, and floating-point numbers that follow from such alone.
    """
    return (follows or not tensor.is_floating_point()) and tensor.numel() <= MOST_KEPT


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """The tensors in the arguments or the result of an operation."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from tensors_in(part)
    elif isinstance(value, dict):
        yield from tensors_in(list(value.values()))


def with_tensors(value: Any, change: Callable[[torch.Tensor], Any]) -> Any:
    """Arguments or a result with each tensor changed; a CUDA device becomes the one that the tensors are on then."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, (tuple, list)):
        return type(value)(with_tensors(part, change) for part in value)
    if isinstance(value, dict):
        return {name: with_tensors(part, change) for name, part in value.items()}
    if isinstance(value, torch.device) and value.type == "cuda":
        return torch.device("meta" if change is without_numbers else "cpu")
    return value


class Shapes:
    """What operations make of tensors without numbers, worked out once for tensors of the same shapes."""

    def __init__(self) -> None:
        self._known: dict[Any, tuple[Any, ...]] = {}

    def made(self, operation: Any, given: tuple[Any, dict[str, Any]]) -> Any:
        """The result of an operation that is no view by its schema."""
        key = operation, torch.get_default_dtype(), _form(given)
        if key in self._known:
            shape, strides, dtype = self._known[key]
            return torch.empty_strided(shape, strides, dtype=dtype, device="meta")
        values, more = with_tensors(given, without_numbers)
        made = operation(*values, **more)
        memory = {storage_key(tensor) for tensor in tensors_in((values, more))}
        # aten._unsafe_view makes a view, whatever its schema says.
        if isinstance(made, torch.Tensor) and storage_key(made) not in memory:
            self._known[key] = made.shape, made.stride(), made.dtype
        return made


def _form(value: Any) -> Any:
    """What a result's shape and number format follow from."""
    if isinstance(value, torch.Tensor):
        return value.shape, value.stride(), value.dtype
    if isinstance(value, (tuple, list)):
        return tuple(map(_form, value))
    if isinstance(value, dict):
        return tuple((name, _form(part)) for name, part in value.items())
    return type(value), value  # 1 and 1.0 make different formats
