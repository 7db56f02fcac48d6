"""Whether this machine's GPU does what the tests hold on a CPU, and how fast: one command, without network.

    python perf/gpu.py [--device cuda] [--out gpu.md] [--stages goldens speed]

`make gpu` does the same from a fresh clone, in less than ten minutes on an H100; `make gpu DEVICE=cpu` tries the
program in small. Prints a table, and writes it to a file as a section for RESULTS.md. Its stages:

- goldens: both engines against the original code in float32 and bfloat16, and on the demo's trained model
- chat: model=chat by both engines in float32 and bfloat16, about several images
- speed: InternVL2.5's 1B and 8B shapes with random weights: questions a second, share of the peak, memory, waiting,
  and the time beside what was estimated from the card's data sheet
- kernels: cuDNN's attention kernel against the others, and what the first batch of a new shape costs
- quantization: int8 and nf4 loaded and asked, and the memory they take
- processes: two processes of one run share the device
- memory: a batch that does not fit is halved, and its answers stay
- interruption: Ctrl-C in the middle of a run, and the run again

The exit status is 1 where something is not as it has to be: an answer differs that may not (gpu_checks/rows.py says
which may), memory exceeds the formula's, or a stage ends with an error, whose first line is then its row.
"""

import argparse
import gc
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from gpu_checks.chat import chat
from gpu_checks.goldens import goldens
from gpu_checks.kernels import kernels
from gpu_checks.memory_limit import memory_limit
from gpu_checks.quantization import quantization
from gpu_checks.rows import Row, Stage, until_error
from gpu_checks.runs import interruption, two_processes
from gpu_checks.speed import speed

from repope_eval.asking.native.memory import give_back, total_bytes
from repope_eval.errors import RepopeError
from repope_eval.models.placement import choose_device
from repope_eval.system.environment import machine, usable_cores, versions

STAGES: dict[str, Stage] = {
    "goldens": goldens,
    "chat": chat,
    "speed": speed,
    "kernels": kernels,
    "quantization": quantization,
    "processes": two_processes,
    "memory": memory_limit,
    "interruption": interruption,
}
"""Name on the command line -> what yields its rows."""

VERDICTS = {True: "yes", False: "**NO**", None: "-"}


def main() -> int:
    options = _options()
    try:
        device = choose_device(options.device)
    except RepopeError as error:
        raise SystemExit(str(error)) from error
    found: list[tuple[str, Row]] = []
    seconds = {}
    for name in options.stages:
        started = time.perf_counter()
        for row in rows_of(STAGES[name], device):
            found.append((name, row))
            print(f"{name}: {row.what}: {row.found}", file=sys.stderr, flush=True)  # a sign of life
        seconds[name] = time.perf_counter() - started
    text = section(device, found, seconds)
    options.out.write_text(text, encoding="utf-8")
    print(text)
    return 1 if any(row.ok is False for _, row in found) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda", help="cuda, cuda:N or cpu; default: cuda")
    parser.add_argument("--out", type=Path, default=Path("gpu.md"), help="default: gpu.md")
    parser.add_argument(
        "--stages", nargs="+", choices=list(STAGES), default=list(STAGES), help="default: all"
    )
    return parser.parse_args()


def rows_of(stage: Stage, device: torch.device) -> Iterator[Row]:
    """The rows of a stage, which leaves the device's memory to the next one."""
    yield from until_error("ended with an error", stage(device))
    gc.collect()
    give_back(device)


def section(device: torch.device, found: Sequence[tuple[str, Row]], seconds: dict[str, float]) -> str:
    """The findings as a section in Markdown, with the names of the device and of all that was used.

    Args:
        device: the device.
        found: the rows, each with its stage.
        seconds: of each stage.
    """
    is_gpu = device.type == "cuda"
    name = torch.cuda.get_device_name(device) if is_gpu else f"a CPU ({machine()['processor']}), in small"
    used = [f"{package} {version}" for package, version in versions().items()]
    used += [f"CUDA {torch.version.cuda}", f"cuDNN {torch.backends.cudnn.version()}"] if is_gpu else []
    failed = sum(row.ok is False for _, row in found)
    in_small = [] if is_gpu else ["Tried in small: times, shares and memory say nothing about a GPU.", ""]
    table = [
        f"| {' | '.join(cell.replace('|', '/') for cell in (stage, row.what, row.found, VERDICTS[row.ok]))} |"
        for stage, row in found
    ]
    return "\n".join(
        [
            f"## `make gpu` on {name}",
            "",
            *in_small,
            f"{total_bytes(device) / 1e9:.0f} GB, {usable_cores()} cores; {', '.join(used)}.",
            f"Seconds: {', '.join(f'{stage} {taken:.0f}' for stage, taken in seconds.items())}.",
            f"Rows that are not as they have to be: {failed}.",
            "",
            "| stage | what | found | as it has to be |",
            "|---|---|---|---|",
            *table,
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
