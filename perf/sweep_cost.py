"""What a sweep of all shipped models over RePOPE costs on GPUs, beside the paper's loop: computed, not measured.

    python perf/sweep_cost.py [--dollars 3] [--peak 989] [--utilisation 0.3 0.5] [--loading 1]

Operations follow from the models' shapes (`repope_eval/machine/memory_need.py`): 500 images of 640x480, each tiled
as its family does, 5,127 distinct questions; the paper's loop asks 9,000, each alone with its image. Hours are those
operations over the share of the data sheet's peak that is assumed, plus loading. A model that one GPU of 80 GB does
not hold is spread over several that take turns, so that all of them are paid for all the time.

Left out: reading images, which goes on beside the GPU; answers' tokens are counted as operations, though a GPU waits
for memory there; scoring.

Second table: the same formula for the models that `engine.py` measures, to be held against its ratios.
"""

import argparse
import math
from dataclasses import dataclass

import torch
from gauges import print_table
from random_checkpoints import KINDS, random_model

from repope_eval.machine.counting import shape_of
from repope_eval.machine.memory_need import (
    Shape,
    memory_need,
    operations_alone,
    published_shape,
    shared_operations,
)
from repope_eval.settings.composition import listed_models, model_settings

IMAGES, DISTINCT, ASKINGS = 500, 5127, 9000
GPU_BYTES = 0.98 * 80 * 2**30
"""Of an H100 with 80 GB, counted in powers of two, that a program has."""
MEASURED_QUESTIONS = 10
"""About each image in `engine.py`."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one model."""

    name: str
    parameters: int
    gpus: int
    shared: float
    """Operations of the whole benchmark."""
    paper: float
    loading: float
    """How many seconds that takes."""

    def hours(self, operations: float, rate: float) -> float:
        """GPU-hours at so many operations a second."""
        return self.gpus * (operations / rate + self.loading) / 3600


def _names() -> list[str]:
    """The shipped models whose shape is known, without the package's own."""
    models = [model for model in listed_models() if published_shape(model.checkpoint) is not None]
    return [model.name for model in models if model.name != "tiny"]


def main() -> None:
    options = _options()
    costs = [_cost(name, options.loading * 1e9) for name in _names()]
    rates = [options.peak * 1e12 * share for share in sorted(options.utilisation)]
    shares = [f"{share:.0%}" for share in sorted(options.utilisation)]
    print(
        f"{IMAGES} images, {DISTINCT:,} distinct questions, {ASKINGS:,} in the paper's loop; "
        f"{options.peak:.0f} TFLOP/s at {' and '.join(shares)}, weights at {options.loading:g} GB/s, "
        f"${options.dollars:g} a GPU-hour"
    )
    headings = ["model", "parameters", "GPUs", "PFLOP", "paper PFLOP", "times"]
    headings += [f"GPU-h at {share}" for share in shares] + [f"paper at {share}" for share in shares]
    headings += ["$", "paper $"]
    rows = [_row(cost, rates, options.dollars) for cost in costs]
    print_table(headings, [*rows, _sum(costs, rates, options.dollars)])
    print(f"GPU-h, paper: hours of all GPUs; $: at {shares[0]}\n")
    print_table(("family", "distinct x", "paper x"), [_ratios(kind) for kind in KINDS])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dollars", type=float, default=3, help="for a GPU-hour, assumed; default: 3")
    parser.add_argument(
        "--peak", type=float, default=989, help="TFLOP/s; default: 989, an H100's in bf16 without sparsity"
    )
    parser.add_argument(
        "--utilisation",
        type=float,
        nargs="+",
        default=[0.3, 0.5],
        help="of the peak, assumed; default: 0.3 0.5",
    )
    parser.add_argument("--loading", type=float, default=1, help="GB/s of weights, assumed; default: 1")
    return parser.parse_args()


def _cost(name: str, loading: float) -> Cost:
    settings = model_settings(name)
    shape = published_shape(settings.checkpoint)
    assert shape is not None
    need = memory_need(shape)
    return Cost(
        name=name,
        parameters=shape.parameters,
        gpus=math.ceil(need.total / GPU_BYTES),
        shared=_shared(shape, DISTINCT / IMAGES) * IMAGES,
        paper=_paper(shape, ASKINGS // IMAGES) * IMAGES,
        loading=need.weights / loading,
    )


def _shared(shape: Shape, questions: float) -> float:
    return shared_operations(shape, questions)


def _paper(shape: Shape, askings: int) -> float:
    return askings * operations_alone(shape)


def _row(cost: Cost, rates: list[float], dollars: float) -> list[str]:
    return [cost.name, f"{cost.parameters / 1e9:.1f} B", str(cost.gpus), *_figures([cost], rates, dollars)]


def _sum(costs: list[Cost], rates: list[float], dollars: float) -> list[str]:
    return [f"all {len(costs)}", "-", "-", *_figures(costs, rates, dollars)]


def _figures(costs: list[Cost], rates: list[float], dollars: float) -> list[str]:
    """Of several models together, and the dollars at the lowest rate."""
    shared, paper = sum(cost.shared for cost in costs), sum(cost.paper for cost in costs)
    ours = [sum(cost.hours(cost.shared, rate) for cost in costs) for rate in rates]
    theirs = [sum(cost.hours(cost.paper, rate) for cost in costs) for rate in rates]
    return [
        f"{shared / 1e15:,.1f}",
        f"{paper / 1e15:,.0f}",
        f"{paper / shared:.1f}",
        *(f"{hours:.3f}" for hours in ours),
        *(f"{hours:.2f}" for hours in theirs),
        f"{ours[0] * dollars:.2f}",
        f"{theirs[0] * dollars:.2f}",
    ]


def _ratios(kind: str) -> list[str]:
    """How many times fewer operations the shared engine takes than each question alone, and than the paper's loop."""
    model = random_model(kind, "30m", torch.device("cpu"), torch.float32)
    shape = shape_of(model.recipe)
    shared = _shared(shape, MEASURED_QUESTIONS)
    times = (_paper(shape, askings) / shared for askings in (MEASURED_QUESTIONS, ASKINGS // IMAGES))
    return [kind, *(f"{ratio:.1f}" for ratio in times)]


if __name__ == "__main__":
    main()
