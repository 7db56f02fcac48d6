"""How this harness stands against the programs that a user would pick instead, on the same work in one run.

    sh perf/peer_environments.sh
    python perf/peers.py [--work captions] [--images 2] [--peers ours vllm_best] [--device cpu] [--environments .peers]

The work: one random checkpoint in LLaVA-NeXT's layout (random_checkpoints.py), drawn images, and the 18 askings that
POPE has about each in its three files, 10 of them distinct; with --work captions a description of each image, of 64
tokens. All answer greedily, in float32, with the same prompts and as many new tokens. Each is a process of its own:
transformers' own `generate` in this environment, the others in environments that the script makes; where one is missing
its row says so, and why.

Two clocks count. Inference is from image files and prompts to answers, with the model loaded; the whole process also
starts, loads and ends, and ours scores the answers and writes its page. Processor seconds are those of the process and
its children. They are the figures to trust where a machine does other things, too, and every program is told to use one
thread, so that they can be compared. With --device cuda the ratios are those of the wall clock.

vLLM at its best is asked each distinct question once, an image's questions behind one another, one at a time: then its
prefix cache holds all that they share. It compiles the model when it starts, and nothing is cached from an earlier
start; another row has it leave that out. Captions share no more than how their prompts begin: vLLM is given all of them
at once, and writes as many at a time as it chooses.

The first program is the measure. It leaves out the check that each run of ours makes of itself (verify=0), since no
peer makes one; `ours_as_shipped` has it. `ours_one_image` asks about one image at a time.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "peer_programs"))

from command_line import positive
from gauges import print_table
from peer_job import Job, Report, read_report, write_job
from peer_process import Ended, run_measured
from peer_work import KIND, Work, make_captions, make_questions

from repope_eval.system.environment import machine

PROGRAMS = Path(__file__).parent / "peer_programs"
PATIENCE = 3600
"""Seconds after which a program counts as stuck."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A program and one way of asking with it."""

    title: str
    program: str
    """The file in peer_programs that asks with it."""
    way: str = ""
    environment: str = ""
    """The name of its environment; empty: the one that this runs in."""
    server: str = ""
    """The name of the environment of the server that it asks, whose Python is its way; empty: it asks none."""


OURS = "ours"
PEERS: Mapping[str, Peer] = {
    OURS: Peer("repope_eval, verify=0", "ask_repope_eval", "verify=0"),
    "ours_as_shipped": Peer("repope_eval", "ask_repope_eval"),
    "ours_one_image": Peer("repope_eval, batch_size=1", "ask_repope_eval", "verify=0 batch_size=1"),
    "vllm_best": Peer("vLLM, deduplicated, grouped, one sequence", "ask_vllm", "best", "vllm"),
    "vllm_best_eager": Peer("vLLM, the same, without compiling", "ask_vllm", "best eager", "vllm"),
    "vllm": Peer("vLLM, the files' order", "ask_vllm", "cached", "vllm"),
    "vllm_eager": Peer("vLLM, the files' order, without compiling", "ask_vllm", "cached eager", "vllm"),
    "vllm_uncached": Peer("vLLM, the files' order, no prefix cache", "ask_vllm", "uncached", "vllm"),
    "endpoint": Peer("repope_eval, vLLM's server, without compiling", "ask_through_server", server="vllm"),
    "generate_batches": Peer("transformers, batches of an image", "ask_transformers", "batches"),
    "generate": Peer("transformers, one at a time", "ask_transformers", "one"),
    "transformers_serve": Peer("transformers serve", "ask_served", "", "transformers_serve"),
    "lmms_eval": Peer("lmms-eval, llava_hf", "ask_lmms_eval", "", "lmms_eval"),
}
"""Name on the command line -> peer."""


@dataclass(frozen=True, slots=True)
class Workload:
    """What the peers may be asked."""

    make: Callable[[Path, int, str], Work]
    """Makes it in an empty folder, of so many images and a checkpoint of that shape."""
    max_new_tokens: int
    """The longest answer, unless another is asked for."""
    peers: tuple[str, ...]
    """Those of PEERS that are asked, unless others are named; the first is the measure."""


WORKLOADS: Mapping[str, Workload] = {
    "questions": Workload(make_questions, 2, tuple(name for name in PEERS if name != "vllm_eager")),
    "captions": Workload(
        make_captions, 64, (OURS, "ours_as_shipped", "ours_one_image", "vllm", "vllm_eager", "generate")
    ),
}
"""Name on the command line -> work."""

HEADINGS = (
    "program",
    "prompts",
    "inference processor s",
    "inference wall s",
    "whole processor s",
    "whole wall s",
    "inference x",
    "whole x",
    "same answers",
)
LEGEND = """
prompts: how many the program was given for the answers to all askings
inference, whole: seconds from image files to answers with the model loaded, and of the whole process
x: how many times the seconds of the first program it takes
same answers: askings that have the first program's answer. Random weights also generate bytes that are no whole
characters; vLLM's server sends texts, and leaves such bytes out, so that those askings are not compared"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a peer."""

    peer: Peer
    ended: Ended | None = None
    report: Report | None = None
    reason: str = ""
    """Why there is no report."""


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        work = WORKLOADS[options.work].make(folder, options.images, options.shape)
        _print_machine(options, work)
        outcomes = []
        for peer in options.peers:
            outcomes.append(measure(PEERS[peer], work, folder / peer, options))
            print(f"{peer}: {_sign_of_life(outcomes[-1])}", file=sys.stderr, flush=True)
    _print_outcomes(outcomes, options.device)
    return 1 if any(outcome.report is None for outcome in outcomes) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", choices=list(WORKLOADS), default="questions", help="default: questions")
    parser.add_argument(
        "--images", type=positive, default=2, help="18 questions or a caption each; default: 2"
    )
    parser.add_argument("--shape", choices=("tiny", "30m"), default="30m", help="default: 30m")
    parser.add_argument(
        "--max-new-tokens", type=positive, help="longest answer; default: 2 of questions, 64 of captions"
    )
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="default: cpu")
    parser.add_argument(
        "--peers", nargs="+", choices=list(PEERS), help="the first is the measure; default: those of the work"
    )
    parser.add_argument("--environments", type=Path, default=Path(".peers"), help="default: .peers")
    options = parser.parse_args()
    workload = WORKLOADS[options.work]
    options.max_new_tokens = options.max_new_tokens or workload.max_new_tokens
    options.peers = options.peers or workload.peers
    return options


def measure(peer: Peer, work: Work, folder: Path, options: argparse.Namespace) -> Outcome:
    """Has a peer do the work, in a folder of its own that is made for it."""
    python, server = (_python(name, options.environments) for name in (peer.environment, peer.server))
    for name, path in ((peer.environment, python), (peer.server, server)):
        if not path.exists():
            return Outcome(peer, reason=_why_missing(name, options.environments, options.device))
    (folder / "own").mkdir(parents=True)
    job = Job(
        checkpoint=str(work.checkpoint),
        asks=work.asks,
        bench=work.bench,
        max_new_tokens=options.max_new_tokens,
        device=options.device,
        way=str(server) if peer.server else peer.way,
        folder=str(folder / "own"),
        report=str(folder / "report.json"),
    )
    write_job(job, folder / "job.json")
    command = [str(python), str(PROGRAMS / f"{peer.program}.py"), str(folder / "job.json")]
    ended = run_measured(command, _environment(options.device, folder), folder / "log", PATIENCE)
    if ended.status or not Path(job.report).exists():
        return Outcome(peer, ended, reason=f"exit status {ended.status}: {ended.said}")
    return Outcome(peer, ended, read_report(Path(job.report)))


def _python(environment: str, environments: Path) -> Path:
    if not environment:
        return Path(sys.executable)
    return environments.absolute() / environment / "bin" / "python"


def _why_missing(name: str, environments: Path, device: str) -> str:
    """Why there is no environment: the last words of the script that could not make it, if it was run."""
    log = environments / f"{name}.log"
    words = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.exists() else []
    if words:
        return f"its environment could not be made: {words[-1]}"
    return (
        f"no environment {environments / name}; make it with sh perf/peer_environments.sh "
        f"{environments} {device} {name}"
    )


def _environment(device: str, folder: Path) -> Mapping[str, str]:
    """One thread for each library that has a setting for it, one process for vLLM, and nothing is looked for online.

    What vLLM compiles goes into the folder, so that no measurement finds what an earlier one left.
    """
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    threads = one_thread | {"RAYON_NUM_THREADS": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1"}
    # What an engine in a process of its own computes would not be on the clock of the process that asks.
    of_vllm = {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_CACHE_ROOT": str(folder / "cache")}
    return {**os.environ, **offline, **of_vllm, **(threads if device == "cpu" else {})}


def _print_machine(options: argparse.Namespace, work: Work) -> None:
    facts = [
        options.device,
        str(machine()["processor"]),
        "one thread each, float32",
        f"{KIND} of {work.parameters / 1e6:.1f} M parameters",
        f"{options.images} images of 640x480, {len(work.asks)} askings, {len(set(work.asks))} distinct",
        f"answers of at most {options.max_new_tokens} tokens",
    ]
    print(", ".join(facts), flush=True)


def _sign_of_life(outcome: Outcome) -> str:
    if outcome.report is None or outcome.ended is None:
        return outcome.reason
    return f"{outcome.report.processor:.1f} s of {outcome.ended.processor:.1f} s"


def _print_outcomes(outcomes: list[Outcome], device: str) -> None:
    print_table(HEADINGS, [_row(outcome, outcomes[0], device) for outcome in outcomes])
    print(LEGEND)
    if outcomes[0].report:
        print(f"different answers: {len(set(outcomes[0].report.responses))} among the first program's")
    for outcome in outcomes:
        versions = outcome.report.versions if outcome.report else {}
        found = ", ".join(f"{package} {version}" for package, version in versions.items())
        print(f"{outcome.peer.title}: {found or outcome.reason}")


def _row(outcome: Outcome, measure: Outcome, device: str) -> list[str]:
    report, ended = outcome.report, outcome.ended
    if report is None or ended is None:
        return [outcome.peer.title, *["-"] * (len(HEADINGS) - 2), "not measured"]
    seconds = (report.processor, report.wall, ended.processor, ended.wall)
    ratios, same = ["-", "-"], "-"
    if measure.report and measure.ended:
        clock = "processor" if device == "cpu" else "wall"
        ratios = [
            f"{getattr(report, clock) / getattr(measure.report, clock):.2f}",
            f"{getattr(ended, clock) / getattr(measure.ended, clock):.2f}",
        ]
        pairs = list(zip(report.responses, measure.report.responses, strict=True))
        if outcome.peer.server:
            pairs = [(one, other) for one, other in pairs if "\N{REPLACEMENT CHARACTER}" not in other]
        same = f"{sum(one == other for one, other in pairs)} of {len(pairs)}"
    return [
        outcome.peer.title,
        str(report.prompts),
        *(f"{figure:.2f}" for figure in seconds),
        *ratios,
        same,
    ]


if __name__ == "__main__":
    sys.exit(main())
