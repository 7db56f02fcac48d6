"""Asks vLLM's server by this project: a whole run of `model=endpoint`, with a clock on the asking.

The server has an environment of its own, whose Python the job's way names. What it computes is in its own processes,
whose processor seconds are counted while questions are asked.
"""

import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from ask_repope_eval import known_annotations, put_clock_on_asking, report_of_run, run_to_its_end
from peer_job import Job, Stopwatch, read_job

from repope_eval.endpoint.asker import EndpointAsker

PATIENCE = 900
"""Seconds that the server may take to start: it compiles the model."""
CACHE_GIGABYTES = "4"
"""Memory of the server's key-value cache on a CPU."""
LONGEST = "4096"
"""Tokens of a prompt and its answer: more than those of the published tiles."""


def main() -> None:
    job = read_job()
    annotations = known_annotations(job)
    out = Path(job.folder) / "run"
    with _server(job) as (url, process):
        stopwatch = Stopwatch(lambda: time.process_time() + _processor_seconds(process))
        put_clock_on_asking(EndpointAsker, stopwatch)
        run_to_its_end(_words(job, url, annotations, out))
    report_of_run(job, out, stopwatch, ("httpx2",))


def _words(job: Job, url: str, annotations: Path, out: Path) -> list[str]:
    words = {
        "model": "endpoint",
        "model.url": url,
        "model.checkpoint": job.checkpoint,
        "model.max_new_tokens": job.max_new_tokens,
        "bench": "repope",
        "bench.annotations": annotations,
        "bench.images": Path(job.asks[0].image).parent,
        "data_dir": job.folder,
        "out": out,
    }
    return [f"{key}={value}" for key, value in words.items()]


@contextmanager
def _server(job: Job) -> Iterator[tuple[str, psutil.Process]]:
    """vLLM's server of the job's checkpoint, ready to be asked, until the block is left."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [
            *(job.way, "-m", "vllm.entrypoints.openai.api_server", "--model", job.checkpoint),
            *("--host", "127.0.0.1", "--port", str(port), "--dtype", "float32", "--seed", "0"),
            *("--max-model-len", LONGEST, "--enforce-eager"),
            *(("--kv-cache-memory-bytes", f"{CACHE_GIGABYTES}G") if job.device == "cpu" else ()),
        ]
    )
    try:
        _wait_for(server, port)
        yield f"http://127.0.0.1:{port}/v1", psutil.Process(server.pid)
    finally:
        server.terminate()
        server.wait()  # so that its seconds are among those of this process's children


def _wait_for(server: "subprocess.Popen[bytes]", port: int) -> None:
    """Returns when the server answers.

    Raises:
        SystemExit: it ended, or does not answer.
    """
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise SystemExit(f"vLLM's server ended with status {server.returncode}")
        with (
            suppress(urllib.error.URLError, ConnectionError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=PATIENCE),
        ):
            return
        time.sleep(0.2)
    raise SystemExit(f"vLLM's server does not answer within {PATIENCE} s")


def _processor_seconds(process: psutil.Process) -> float:
    """Seconds that a process under way and its children have had processors."""
    family = [process, *process.children(recursive=True)]
    return sum(times.user + times.system for times in (each.cpu_times() for each in family))


if __name__ == "__main__":
    main()
