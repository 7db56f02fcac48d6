"""Where the time goes, stage by stage, and how much memory a batch takes.

    python perf/stages.py [--family internvl2_5_qwen2] [--images 4] [--shape 1b --device cuda --dtype bfloat16]

First table: one batch of images, from JPEG files to answers. Stages of the network are told apart by hooks on
its parts, so the engine is measured as it is: `encode` is the vision tower and the projector; the language
model is in `prefill` while its cache is empty (where nothing can be prefilled, whole prompts are `questions`),
in `questions` until the head is first asked for a token, and in `decoding` after it. `other` is what is left:
embeddings, masks, copies of the cache, the program.

`TFLOP` are counted in a pass of its own: of causal attention half, of attention under any other mask all, and
where weights are in nf4 without the products of single tokens. `of peak` is the rate achieved as a share of
what the product of two large square matrices achieves in the same run. On a GPU the hooks wait for it at each
stage, which is in the seconds.

Second table: most memory held while a batch of so many images is answered (on a CPU: by the whole process).
"""

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from command_line import clock_of, make_model, parser, positive, print_machine
from drawn_images import pope_questions, write_files
from gauges import Clock, forget_peak, matrix_product_flops, now, peak_gigabytes, print_table, timed
from random_checkpoints import kinds_of
from torch import nn
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from repope_eval.asking.native.generation import find_spellings
from repope_eval.asking.native.shared import generate_shared
from repope_eval.benchmarks.images import open_image
from repope_eval.models.loading import Model
from repope_eval.models.recipe import Prepared

FILE_STAGES = ("image files", "pixels", "tokenizing")
NETWORK_STAGES = ("encode", "prefill", "questions", "decoding")
BATCH_SIZES = (1, 2, 4, 8)
ATTENTION_KERNELS = (
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu,
    torch.ops.aten._scaled_dot_product_flash_attention,
    torch.ops.aten._scaled_dot_product_efficient_attention,
    torch.ops.aten._scaled_dot_product_cudnn_attention,
)

Meter = Callable[[], float]
"""What is read before and after a stage: a clock, or a counter of operations."""
Readings = defaultdict[str, float]
"""Stage -> what a meter advanced by."""


def main() -> None:
    made = parser(__doc__, images=4)
    made.add_argument(
        "--batch-sizes", type=positive, nargs="+", default=BATCH_SIZES, help="of the second table"
    )
    options = made.parse_args()
    clock = clock_of(options)
    kind = kinds_of(options.shape, options.family)[0]
    model, questions = make_model(options, kind), pope_questions(options.questions)
    print_machine(options, [f"{kind}, a batch of {options.images} images, {len(questions)} questions each"])
    with tempfile.TemporaryDirectory() as folder:
        files = write_files(max(options.images, *options.batch_sizes), Path(folder))
        prepared = [model.recipe.prepare(open_image(file), questions) for file in files]
        _answer(model, prepared[:1], options.max_new_tokens)  # pays for what is set up once
        _print_stages(model, files[: options.images], questions, options.max_new_tokens, clock)
    print()
    _print_memory(model, prepared, options.batch_sizes, options.max_new_tokens, clock)


def _answer(model: Model, prepared: Sequence[Prepared], max_new_tokens: int) -> None:
    generate_shared(model, prepared, max_new_tokens, find_spellings(model.recipe))


def _print_stages(
    model: Model, files: Sequence[Path], questions: Sequence[str], max_new_tokens: int, clock: Clock
) -> None:
    device = model.device
    started = now(device, clock)
    images, decoding_files = timed(device, lambda: [open_image(file) for file in files], clock)
    prepared, preparing = timed(
        device, lambda: [model.recipe.prepare(image, questions) for image in images], clock
    )
    with _Stages(model, partial(now, device, clock)).attached() as seconds:
        _answer(model, prepared, max_new_tokens)
    total = now(device, clock) - started
    prompts = [model.recipe.prompt(text) for _ in files for text in questions]
    _, tokenizing = timed(device, lambda: list(map(model.recipe.tokenizer.encode, prompts)), clock)
    seconds.update(zip(FILE_STAGES, (decoding_files, preparing - tokenizing, tokenizing), strict=True))
    seconds["other"] = total - sum(seconds.values())
    operations = _count_operations(model, prepared, max_new_tokens)
    peak = matrix_product_flops(device, model.dtype, clock)
    print(f"product of two large square matrices: {peak / 1e12:.3f} TFLOP/s")
    rows = [
        [
            stage,
            f"{seconds[stage]:.4f}",
            f"{seconds[stage] / total:.1%}",
            *_rates(operations, seconds, stage, peak),
        ]
        for stage in (*FILE_STAGES, *NETWORK_STAGES, "other")
    ]
    everything = sum(operations.values()) / total / peak
    rows.append(
        ["total", f"{total:.4f}", "100.0%", f"{sum(operations.values()) / 1e12:.3f}", f"{everything:.1%}"]
    )
    print_table(("stage", "seconds", "share", "TFLOP", "of peak"), rows)


def _rates(operations: Readings, seconds: Readings, stage: str, peak: float) -> tuple[str, str]:
    if not operations[stage]:
        return "-", "-"
    return f"{operations[stage] / 1e12:.3f}", f"{operations[stage] / seconds[stage] / peak:.1%}"


def _count_operations(model: Model, prepared: Sequence[Prepared], max_new_tokens: int) -> Readings:
    """Floating-point operations of each stage of the network."""
    formulas = {kernel: _attention_formula(kernel) for kernel in ATTENTION_KERNELS}
    with (
        FlopCounterMode(display=False, custom_mapping=formulas) as counter,
        _Stages(model, counter.get_total_flops).attached() as operations,
    ):
        _answer(model, prepared, max_new_tokens)
    return operations


def _attention_formula(kernel: Any) -> Callable[..., int]:
    """How many operations a call takes: half where tokens look back only, which torch's own formula leaves out."""
    causal = [argument.name for argument in kernel.default._schema.arguments].index("is_causal")

    def count(*arguments: Any, out_shape: Any = None, is_causal: bool = False, **_: Any) -> int:
        halves = is_causal or (len(arguments) > causal and arguments[causal])
        operations = int(sdpa_flop_count(*arguments[:3]))
        return operations // 2 if halves else operations

    return count


class _Stages:
    """Hooks that ask a meter before and after each part of the network is called, and sum up by stage."""

    def __init__(self, model: Model, meter: Meter) -> None:
        self.readings: Readings = defaultdict(float)
        self._model, self._meter = model, meter
        self._head = model.network.get_output_embeddings()
        self._stage = "encode"
        self._started: list[float] = []

    @contextmanager
    def attached(self) -> Iterator[Readings]:
        """The readings, which grow while the context lasts."""
        children = self._model.network.model.children()
        parts = [child for child in children if any(True for _ in child.parameters())]
        handles = [
            part.register_forward_pre_hook(self._enter, with_kwargs=True) for part in (*parts, self._head)
        ]
        handles += [part.register_forward_hook(self._leave) for part in (*parts, self._head)]
        try:
            yield self.readings
        finally:
            for handle in handles:
                handle.remove()

    def _enter(self, part: nn.Module, arguments: Any, named: dict[str, Any]) -> None:
        if part is self._model.network.model.language_model:
            self._stage = self._language_stage(named)
        elif part is not self._head:  # the head belongs to the stage whose tokens it reads
            self._stage = "encode"
        self._started.append(self._meter())

    def _leave(self, part: nn.Module, arguments: Any, output: Any) -> None:
        self.readings[self._stage] += self._meter() - self._started.pop()
        if part is self._head:
            self._stage = "decoding"

    def _language_stage(self, named: dict[str, Any]) -> str:
        cache = named.get("cache", named.get("past_key_values"))  # the newer name, and the older one
        is_empty = cache is None or not cache.get_seq_length()
        if self._stage == "decoding":
            return "decoding"
        return "prefill" if is_empty and not self._model.recipe.attends_both_ways else "questions"


def _print_memory(
    model: Model, prepared: Sequence[Prepared], batch_sizes: Sequence[int], max_new_tokens: int, clock: Clock
) -> None:
    forget_peak(model.device)
    idle = peak_gigabytes(model.device)
    rows = []
    for size in batch_sizes:
        forget_peak(model.device)
        _, seconds = timed(model.device, partial(_answer, model, prepared[:size], max_new_tokens), clock)
        peak = peak_gigabytes(model.device)
        rows.append([str(size), f"{peak:.2f}", f"{(peak - idle) / size:.2f}", f"{seconds / size:.3f}"])
    print(f"held before any question: {idle:.2f} GB")
    print_table(("images a batch", "peak GB", "GB an image", "seconds an image"), rows)


if __name__ == "__main__":
    main()
