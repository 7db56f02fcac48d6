"""What a step of decoding copies of the key-value cache, with spare room in its layers and without: measured on a CPU.

    python perf/cache_growth.py [--rows 32] [--tokens 600] [--layers 24] [--steps 128] [--size 64]

Each way appends one token a step to the same rows, and nothing else: no attention, no weights. `concatenated` is
transformers' own layer. Ways take turns, round by round; a time is the median round's. `bytes written` counts what a
step adds to the cache and, where a layer grows, all that it copies.
"""

import argparse
import time
from collections.abc import Mapping
from statistics import median

import torch
from command_line import positive
from gauges import print_table

from repope_eval.asking.native.cache import SPARE, RoomyLayer
from repope_eval.models.transformers_internals import DynamicLayer

CONCATENATED = "concatenated"
ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in (("rows", 32), ("tokens", 600), ("layers", 24), ("steps", 128), ("size", 64)):
        parser.add_argument(f"--{name}", type=positive, default=default, help=f"default: {default}")
    options = parser.parse_args()
    ways: Mapping[str, int | None] = {
        CONCATENATED: None,
        "room for 16 more": 16,
        f"room for {SPARE} more (as it is)": SPARE,
        "room for half more": options.tokens // 2,
    }
    measured: dict[str, list[tuple[float, int]]] = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way, spare in ways.items():
            measured[way].append(decode(spare, options))
    print(
        f"{options.rows} rows of {options.tokens} tokens, {options.layers} layers of one head of {options.size} numbers"
        f", float32, {options.steps} steps"
    )
    seconds = {way: median(time for time, _ in rounds) for way, rounds in measured.items()}
    written = {way: rounds[0][1] for way, rounds in measured.items()}
    rows = [
        [
            way,
            f"{seconds[way] * 1e3:.2f}",
            f"{seconds[CONCATENATED] / seconds[way]:.1f}",
            f"{written[way] / 1e6:.2f}",
            f"{written[CONCATENATED] / written[way]:.1f}",
        ]
        for way in ways
    ]
    print_table(("layer", "ms a step", "times as fast", "MB written a step", "times fewer"), rows)


@torch.inference_mode()
def decode(spare: int | None, options: argparse.Namespace) -> tuple[float, int]:
    """Seconds and bytes written, a step; `spare` is None for transformers' own layers."""
    layers = [DynamicLayer() if spare is None else RoomyLayer() for _ in range(options.layers)]
    prompts = torch.zeros(options.rows, 1, options.tokens, options.size)
    token = torch.zeros(options.rows, 1, 1, options.size)
    for layer in layers:
        layer.update(prompts, prompts)
        layer.spare = spare
    written = 0
    started = time.perf_counter()
    for _ in range(options.steps):
        places = [layer.keys.data_ptr() for layer in layers]
        for layer in layers:
            layer.update(token, token)
        written += sum(
            2 * (token if layer.keys.data_ptr() == place else layer.keys).nbytes
            for layer, place in zip(layers, places, strict=True)
        )
    return (time.perf_counter() - started) / options.steps, written // options.steps


if __name__ == "__main__":
    main()
