"""Asks vLLM's server by this project: a whole run of `model=endpoint`, with a clock on the asking.

The server has an environment of its own, whose Python the job's way names. What it computes is in its own processes,
whose processor seconds are counted while questions are asked.
"""

import time
from pathlib import Path

import psutil
from ask_repope_eval import know_annotations, put_clock_on_asking, report_of_run, run_to_its_end
from peer_job import Job, Stopwatch, read_job
from peer_server import serving

from repope_eval.asking.endpoint.asker import EndpointAsker

CACHE_GIGABYTES = "4"
"""Memory of the server's key-value cache on a CPU."""
LONGEST = "4096"
"""Tokens of a prompt and its answer: more than those of the published tiles."""


def main() -> None:
    job = read_job()
    know_annotations(job)
    out = Path(job.folder) / "run"
    with serving("vLLM's server", _command(job)) as (port, server):
        process = psutil.Process(server.pid)
        stopwatch = Stopwatch(lambda: time.process_time() + _processor_seconds(process))
        put_clock_on_asking(EndpointAsker, stopwatch)
        run_to_its_end(_words(job, f"http://127.0.0.1:{port}/v1", out))
    report_of_run(job, out, stopwatch, ("httpx2",))


def _words(job: Job, url: str, out: Path) -> list[str]:
    words = {
        "model": "endpoint",
        "model.url": url,
        "model.checkpoint": job.checkpoint,
        "model.max_new_tokens": job.max_new_tokens,
        "data_dir": job.folder,
        "out": out,
    }
    return [*(f"{key}={value}" for key, value in words.items()), *job.bench]


def _command(job: Job) -> tuple[str, ...]:
    """vLLM's server of the job's checkpoint."""
    return (
        *(job.way, "-m", "vllm.entrypoints.openai.api_server", "--model", job.checkpoint),
        *("--dtype", "float32", "--seed", "0", "--max-model-len", LONGEST, "--enforce-eager"),
        *(("--kv-cache-memory-bytes", f"{CACHE_GIGABYTES}G") if job.device == "cpu" else ()),
    )


def _processor_seconds(process: psutil.Process) -> float:
    """Seconds that a process under way and its children have had processors."""
    family = [process, *process.children(recursive=True)]
    return sum(times.user + times.system for times in (each.cpu_times() for each in family))


if __name__ == "__main__":
    main()
