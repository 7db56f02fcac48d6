"""Options that the measuring programs share."""

import argparse
import time
from collections.abc import Callable, Sequence

import torch
from random_checkpoints import KINDS, SHAPES, random_model

from repope_eval.models.loading import Model
from repope_eval.models.placement import choose_device

CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}
"""Name -> clock in seconds. The second goes while this process has a processor, for each that it has."""
DTYPES = ("float32", "bfloat16", "float16")


def parser(description: str | None, *, images: int) -> argparse.ArgumentParser:
    """A parser with the options that say what is asked of which model; programs add their own."""
    made = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--family", choices=list(KINDS), help="kind of checkpoint")
    made.add_argument("--shape", choices=list(SHAPES), default="30m", help="default: 30m")
    made.add_argument("--images", type=positive, default=images, help=f"default: {images}")
    made.add_argument("--questions", type=positive, default=10, help="about each image; default: 10")
    made.add_argument("--max-new-tokens", type=positive, default=4, help="longest answer; default: 4")
    made.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    made.add_argument("--dtype", choices=DTYPES, default="float32", help="default: float32")
    made.add_argument(
        "--quantization", choices=("none", "int8", "nf4"), default="none", help="of the language model"
    )
    made.add_argument(
        "--clock",
        choices=list(CLOCKS),
        default="wall",
        help="processor: what this program alone computes, for a CPU that others use too (with OMP_NUM_THREADS=1)",
    )
    return made


def clock_of(options: argparse.Namespace) -> Callable[[], float]:
    """The clock that the options name."""
    if options.clock == "processor" and choose_device(options.device).type != "cpu":
        raise SystemExit("--clock processor: does not count what a GPU does; leave it out")
    return CLOCKS[options.clock]


def positive(text: str) -> int:
    """A whole number above 0."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def make_model(options: argparse.Namespace, kind: str) -> Model:
    """The model of that kind that the options ask for."""
    dtype: torch.dtype = getattr(torch, options.dtype)
    return random_model(kind, options.shape, choose_device(options.device), dtype, options.quantization)


def print_machine(options: argparse.Namespace, words: Sequence[str] = ()) -> None:
    """One line that says where and with what settings was measured."""
    device = choose_device(options.device)
    gpu = [torch.cuda.get_device_name(device)] if device.type == "cuda" else []
    quantized = [] if options.quantization == "none" else [options.quantization]
    facts = [str(device), *gpu, f"{torch.get_num_threads()} threads", options.dtype, *quantized]
    print(
        ", ".join(
            [*facts, f"{options.clock} clock", f"shape {options.shape}", f"torch {torch.__version__}", *words]
        ),
        flush=True,
    )
