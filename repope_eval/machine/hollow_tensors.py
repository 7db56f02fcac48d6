"""A network runs without weights, so that what a run of it takes can be counted before anything is downloaded.

Its floating-point numbers have shapes, formats and memory to be counted, and no values: a hollow tensor claims to be on
the CPU, and what stands in for it is on torch's meta device, where it takes no memory. Whole numbers and truth values
are real, and with them lengths, grids, windows and masks, and what a program decides by them. What follows from
hollow tensors is made up: whole numbers are 0, and truth values are true.
"""

import weakref
from collections.abc import Iterable
from functools import cache
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.flop_counter import flop_registry, sdpa_flop_count


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
    """Whether torch takes an operation apart into others, which inference mode leaves to whoever follows it."""
    return bool(torch._C._dispatch_has_kernel_for_dispatch_key(operation.name(), "CompositeImplicitAutograd"))


def tensors_in(value: Any) -> list[torch.Tensor]:
    """The tensors in the arguments or the result of an operation."""
    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, torch.Tensor)]


aten = torch.ops.aten
INDEXING = {aten.index.Tensor, aten.index_put.default, aten.index_put_.default, aten._index_put_impl_.default}
"""Operations whose second argument is a list of indexes, which may be masks."""


class HollowTensor(torch.Tensor):
    """A tensor on the CPU whose numbers have no values."""

    content: torch.Tensor
    """On torch's meta device."""
    counter: "HollowTensors"

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @staticmethod
    def __new__(cls, content: torch.Tensor, counter: "HollowTensors") -> "HollowTensor":  # noqa: D102
        made: HollowTensor = torch.Tensor._make_wrapper_subclass(
            cls,
            content.shape,
            strides=content.stride(),
            storage_offset=content.storage_offset(),
            dtype=content.dtype,
            device=torch.device("cpu"),
        )
        made.content, made.counter = content, counter
        return made

    def __deepcopy__(self, memo: Any) -> "HollowTensor":
        """A copy of all memory that it is a view of, as torch makes it of other tensors."""
        size = self.content.untyped_storage().nbytes()
        memory = torch.empty(size // self.content.itemsize, dtype=self.dtype, device="meta")
        return self.counter.hollow(
            memory.as_strided(self.content.shape, self.content.stride(), self.content.storage_offset())
        )

    def tolist(self) -> Any:
        """Made-up numbers: torch has lists of no subclass."""
        return torch.ones(self.shape, dtype=self.dtype).tolist()

    @classmethod
    def __torch_dispatch__(cls, operation: Any, *_: Any) -> Any:
        raise RuntimeError(f"{operation}: a tensor without values was used where none is followed")


class HollowTensors(LiveBytes):
    """Runs what is told to hollow tensors, and counts what they hold and the operations that they take."""

    def __init__(self) -> None:
        """Begins without a tensor."""
        super().__init__()
        self.operations = 0
        """Floating-point operations: of matrix products, convolutions and attention."""
        self.launches = 0
        """Operations of hollow tensors that make no view: a GPU would launch a kernel for each."""

    def hollow(self, content: torch.Tensor) -> HollowTensor:
        """A tensor that a tensor on the meta device stands in for."""
        self.note([content])
        return HollowTensor(content, self)

    def empty(self, network: nn.Module, dtype: torch.dtype) -> None:
        """Makes the weights of a network on the meta device hollow, in the number format that it would be loaded in.

        Args:
            dtype: the format of its weights; buffers keep theirs, as they do where a checkpoint is loaded.
        """
        tied: dict[int, nn.Parameter] = {}
        for module in network.modules():
            for name, weight in module.named_parameters(recurse=False, remove_duplicate=False):
                if id(weight) not in tied:
                    hollow = self.hollow(weight.data.to(dtype))
                    tied[id(weight)] = nn.Parameter(hollow, requires_grad=False)
                setattr(module, name, tied[id(weight)])
            for name, buffer in module.named_buffers(recurse=False):
                setattr(module, name, self._followed_tensor(buffer))

    def __torch_dispatch__(
        self, operation: Any, types: Any, arguments: Any = (), named: dict[str, Any] | None = None
    ) -> Any:
        """An operation; one of real tensors alone is run as it is."""
        named = named or {}
        given = tensors_in((arguments, named))
        if not any(isinstance(tensor, HollowTensor) for tensor in given):
            return super().__torch_dispatch__(operation, types, arguments, named)
        if operation is aten.scaled_dot_product_attention.default:
            self.launches += 1
            return self._attend(*arguments[:4])
        if consists_of_others(operation):
            with self:
                return operation.decompose(*arguments, **named)
        self.note(tensor for tensor in given if not isinstance(tensor, HollowTensor))
        self.launches += not operation.is_view
        if operation is aten._local_scalar_dense.default:
            return torch.ones((), dtype=arguments[0].dtype).item()
        if operation is aten._grouped_mm.default:
            return self._multiply_in_groups(*arguments[:2])
        return self._made_on_meta(operation, arguments, named)

    def _made_on_meta(self, operation: Any, arguments: Any, named: dict[str, Any]) -> Any:
        """The result of an operation that is run on the meta device."""
        if operation in INDEXING:
            arguments = (arguments[0], _without_masks(arguments[1]), *arguments[2:])
        changed = {
            id(tensor.content): tensor for tensor in tensors_in(arguments) if isinstance(tensor, HollowTensor)
        }
        values, more = tree_map_only(torch.Tensor, _meta_content, (arguments, named))
        if "device" in more:
            more["device"] = torch.device("meta")
        made = operation(*values, **more)
        self._count_operations(operation, values, more, made)
        if operation._schema.is_mutable and not isinstance(arguments[0], HollowTensor):
            return arguments[0]  # its numbers stay what they were
        return tree_map_only(
            torch.Tensor,
            lambda tensor: changed[id(tensor)] if id(tensor) in changed else self._followed_tensor(tensor),
            made,
        )

    def _followed_tensor(self, content: torch.Tensor) -> torch.Tensor:
        """A hollow tensor in place of one on the meta device; a real one if its numbers are whole, or truth values."""
        if content.is_floating_point() or content.is_complex():
            return self.hollow(content)
        fill = torch.ones if content.dtype == torch.bool else torch.zeros
        made = fill(content.shape, dtype=content.dtype)
        self.note([made])
        return made

    def _attend(
        self,
        queries: HollowTensor,
        keys: HollowTensor,
        values: HollowTensor,
        mask: torch.Tensor | None = None,
    ) -> HollowTensor:
        """What a fused kernel returns, which keeps no scores; a mask of truth values is made one of numbers for it."""
        rows, heads, tokens, _ = queries.shape
        self.operations += sdpa_flop_count(
            queries.shape, (rows, heads, *keys.shape[2:]), (rows, heads, *values.shape[2:])
        )
        new_empty = queries.content.new_empty
        # Held until this returns, as the kernel's caller holds it.
        _numbers = None if mask is None or mask.dtype != torch.bool else self.hollow(new_empty(mask.shape))
        return self.hollow(new_empty(rows, tokens, heads, values.shape[-1]).transpose(1, 2))

    def _multiply_in_groups(self, rows: HollowTensor, matrices: HollowTensor) -> HollowTensor:
        """Each row times the matrix of its group; the meta device has no such product in float32."""
        self.operations += 2 * rows.numel() * matrices.shape[-1]
        return self.hollow(rows.content.new_empty(rows.shape[0], matrices.shape[-1]))

    def _count_operations(self, operation: Any, values: Any, more: dict[str, Any], made: Any) -> None:
        count = flop_registry.get(operation.overloadpacket)
        if count is not None:
            self.operations += int(count(*values, **more, out_val=made))


def _meta_content(tensor: torch.Tensor) -> torch.Tensor:
    """What stands in for a tensor on the meta device."""
    return tensor.content if isinstance(tensor, HollowTensor) else tensor.to("meta")


def _without_masks(indexes: Any) -> list[torch.Tensor | None]:
    """Indexes without truth values, of which the meta device does not know how many are true."""
    positions: list[torch.Tensor | None] = []
    for index in indexes:
        is_mask = index is not None and index.dtype == torch.bool
        positions += index.nonzero().unbind(1) if is_mask else [index]
    return positions
