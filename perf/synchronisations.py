"""How often the host waits for the device while the shared engine answers a batch, counted on any machine.

    python perf/synchronisations.py [--images 32] [--questions 10]

The model is on torch's meta device, where tensors have shapes and no numbers. Code that needs a number of the device
has to ask for it: each time is counted, and a number made up. Copies from the host are counted, too. On a GPU, a
number that is asked for, or a copy that is waited for, has the host wait until the device has done all its work.

The tokens that are made up end a third of the answers at each step.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from command_line import positive
from drawn_images import draw_images, pope_questions
from gauges import print_table
from random_checkpoints import KINDS, random_model
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from repope_eval.inference.batch_size import MOST_TOKENS
from repope_eval.inference.generation import find_spellings
from repope_eval.inference.shared import generate_shared
from repope_eval.models.loading import Model
from repope_eval.models.recipe import Prepared

META = torch.device("meta")
GOING_ON = 3
"""A token that ends no answer."""
COUNTED = ("numbers asked for", "copies waited for", "copies not waited for")

aten = torch.ops.aten


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--family", choices=list(KINDS), help="kind of checkpoint")
    parser.add_argument("--images", type=positive, default=32, help="of the batch; default: 32")
    parser.add_argument("--questions", type=positive, default=10, help="about each image; default: 10")
    options = parser.parse_args()
    rows = []
    for kind in [options.family] if options.family else KINDS:
        model = random_model(kind, "30m", META, torch.bfloat16)
        (image,) = draw_images(1)
        prepared = model.recipe.prepare(image, pope_questions(options.questions))
        counts = count(model, [prepared] * options.images)
        rows.append([kind, *(str(counts[name]) for name in COUNTED)])
    print(f"{options.images} images, {options.questions} questions each, answers of at most 4 tokens")
    print_table(("family", *COUNTED), rows)


def count(model: Model, images: Sequence[Prepared]) -> Counter[str]:
    """What the shared engine asks of the device in a batch, under the names of `COUNTED`."""
    MOST_TOKENS.setdefault("meta", MOST_TOKENS["cuda"])
    counts: Counter[str] = Counter()
    with Transfers(counts, model.recipe.stop_token_ids[0]), _Lists(counts):
        generate_shared(model, images, 4, find_spellings(model.recipe))
    return counts


class _Lists(TorchFunctionMode):
    """Counts lists of numbers that become tensors on the device, or indexes of such tensors: each is a copy."""

    def __init__(self, counts: Counter[str]) -> None:
        super().__init__()
        self._counts = counts

    def __torch_function__(
        self, function: Any, types: Any, arguments: Any = (), named: dict[str, Any] | None = None
    ) -> Any:
        result = function(*arguments, **(named or {}))
        if function in (torch.tensor, torch.as_tensor, torch.Tensor.new_tensor):
            self._counts["copies waited for"] += bool(result.is_meta and result.numel())
        if function in (torch.Tensor.__getitem__, torch.Tensor.__setitem__) and arguments[0].is_meta:
            indexes = arguments[1] if isinstance(arguments[1], tuple) else arguments[1:2]
            self._counts["copies waited for"] += sum(isinstance(index, list) for index in indexes)
        return result


class Transfers(TorchDispatchMode):
    """Counts what goes between host and device, and makes up the numbers that the device would have."""

    def __init__(self, counts: Counter[str], stop: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._counts = counts
        self._stop = stop

    def __torch_dispatch__(
        self, operation: Any, types: Any, arguments: Any = (), named: dict[str, Any] | None = None
    ) -> Any:
        named = named or {}
        if torch._C._dispatch_has_kernel_for_dispatch_key(operation.name(), "CompositeImplicitAutograd"):
            with self:  # inference mode does not take these apart
                return operation.decompose(*arguments, **named)
        tensor: Any = arguments[0] if arguments else None
        if operation is aten._local_scalar_dense.default and tensor.is_meta:
            self._counts["numbers asked for"] += 1
            return self._made_up(tensor).flatten()[0].item()
        if operation is aten._to_copy.default and tensor.is_meta and named.get("device", META).type == "cpu":
            self._counts["numbers asked for"] += 1
            return self._made_up(tensor)
        if operation is aten._to_copy.default and not tensor.is_meta and named.get("device") == META:
            self._counts["copies not waited for" if named.get("non_blocking") else "copies waited for"] += 1
        if operation in (aten.index.Tensor, aten.index_put_.default) and tensor.is_meta:
            self._counts["copies waited for"] += sum(
                index is not None and not index.is_meta for index in arguments[1]
            )
        return operation(*arguments, **named)

    def _made_up(self, tensor: torch.Tensor) -> torch.Tensor:
        numbers = torch.ones(tensor.shape, dtype=tensor.dtype)
        if tensor.dtype == torch.long and tensor.dim() == 1:  # tokens
            numbers[:] = GOING_ON
            numbers[: len(numbers) // 3] = self._stop
        return numbers


if __name__ == "__main__":
    main()
