"""Follows how many bytes live tensors hold while a program runs."""

import weakref
from collections.abc import Iterable
from functools import cache
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


class LiveBytes(TorchDispatchMode):
    """While it is entered, counts the memory of all tensors that operations take or make.

    The memory of a tensor counts once, for as long as it or a view of it is alive. What kernels take for themselves is
    not counted. It is entered within inference mode.
    """

    def __init__(self) -> None:
        """Begins without a tensor."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.held = 0
        """Bytes that live tensors hold now."""
        self.peak = 0
        """The most bytes that they held at once."""
        self._live: set[int] = set()
        """The numbers of all memory that is held."""

    def forget(self) -> None:
        """Looks for the peak from here on."""
        self.peak = self.held

    def note(self, tensors: Iterable[torch.Tensor]) -> None:
        """Counts the memory of tensors, where it is not counted yet."""
        for tensor in tensors:
            storage = tensor.untyped_storage()
            key, size = int(storage._cdata), storage.nbytes()
            if key not in self._live:
                self._live.add(key)
                self.held += size
                self.peak = max(self.peak, self.held)
                weakref.finalize(storage, self._release, key, size)

    def _release(self, key: int, size: int) -> None:
        self._live.discard(key)
        self.held -= size

    def __torch_dispatch__(
        self, operation: Any, types: Any, arguments: Any = (), named: dict[str, Any] | None = None
    ) -> Any:
        """Runs an operation, or those that it consists of, and counts what they take and make."""
        named = named or {}
        if consists_of_others(operation):
            with self:  # inference mode does not take these apart
                return operation.decompose(*arguments, **named)
        self.note(tensors_in((arguments, named)))
        made = operation(*arguments, **named)
        self.note(tensors_in(made))
        return made


@cache
def consists_of_others(operation: Any) -> bool:
    """Whether torch takes an operation apart into others, which inference mode leaves to who follows it."""
    return bool(torch._C._dispatch_has_kernel_for_dispatch_key(operation.name(), "CompositeImplicitAutograd"))


def tensors_in(value: Any) -> list[torch.Tensor]:
    """The tensors in the arguments or the result of an operation."""
    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, torch.Tensor)]
