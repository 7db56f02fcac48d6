"""Asks `transformers serve` over HTTP, ask after ask, as a client of its chat completions does."""

import base64
import json
import os
import sys
import time
import urllib.request
from pathlib import Path

from peer_job import Ask, Job, Stopwatch, read_job, write_report
from peer_server import serving

PATIENCE = 300
"""Seconds that an answer may take."""


def main() -> None:
    job = read_job()
    command = (str(Path(sys.executable).with_name("transformers")), "serve", job.checkpoint)
    how = ("--device", job.device, "--dtype", "float32")
    with serving("transformers serve", (*command, *how)) as (port, server):
        stopwatch = Stopwatch(lambda: time.process_time() + _processor_seconds(server.pid))
        with stopwatch.running():
            responses = [_response(job, ask, port) for ask in job.asks]
    write_report(job, job.asks, responses, stopwatch, ("transformers", "torch"))


def _response(job: Job, ask: Ask, port: int) -> str:
    picture = base64.b64encode(Path(ask.image).read_bytes()).decode("ascii")
    content = [
        {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{picture}"}},
        {"type": "text", "text": ask.question},
    ]
    body = {
        "model": job.checkpoint,
        "messages": [{"role": "user", "content": content}],
        "max_tokens": job.max_new_tokens,
        "temperature": 0,
        "stream": False,
    }
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/chat/completions",
        data=json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        text: str = json.load(answer)["choices"][0]["message"]["content"]
    return text


def _processor_seconds(process: int) -> float:
    """Seconds that a process under way has had processors, by Linux's account."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    user, system = int(fields[11]), int(fields[12])
    return (user + system) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
