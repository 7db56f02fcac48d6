"""Asks by this project: a whole run of `python -m repope_eval`, with a clock on the asking.

The benchmark is drawn, so its files are not the published ones: their hashes are entered as known before the run.
"""

import hashlib
import json
import runpy
import sys
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from peer_job import Job, Stopwatch, read_job, write_report

from repope_eval.asking.asker import AskedImage, Asker
from repope_eval.asking.native.batches import TransformersAsker
from repope_eval.benchmarks import chair, coco
from repope_eval.records import Answer


def main() -> None:
    job = read_job()
    know_annotations(job)
    out = Path(job.folder) / "run"
    stopwatch = Stopwatch()
    put_clock_on_asking(TransformersAsker, stopwatch)
    run_to_its_end(_words(job, out))
    report_of_run(job, out, stopwatch, ("transformers", "torch"))


def know_annotations(job: Job) -> None:
    """Has the hashes of the benchmark's files count as the published ones from now on."""
    annotations = Path(job.checkpoint).parent / "annotations"
    hashes = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in annotations.iterdir()}
    coco.ANNOTATIONS = replace(coco.ANNOTATIONS, sha256=hashes)
    chair.ANNOTATIONS = coco.ANNOTATIONS  # type: ignore[attr-defined] # it has a name of its own for the same


def run_to_its_end(words: Sequence[str]) -> None:
    """Runs `python -m repope_eval` with these words, in this process, whose clock is on the asking.

    Raises:
        SystemExit: it failed.
    """
    sys.argv = ["repope_eval", *words]
    try:
        runpy.run_module("repope_eval", run_name="__main__")
    except SystemExit as ended:
        if ended.code:
            raise


def report_of_run(job: Job, out: Path, stopwatch: Stopwatch, packages: Sequence[str]) -> None:
    """Reports the answers in a run folder."""
    answers = [json.loads(line) for line in (out / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    response_of = {(answer["image"], answer["question"]): answer["response"] for answer in answers}
    responses = [response_of[Path(ask.image).name, ask.question] for ask in job.distinct()]
    write_report(job, job.distinct(), responses, stopwatch, packages)


def _words(job: Job, out: Path) -> list[str]:
    """The command line; the job's way has further words of it."""
    words = {
        "model": "llava_next_vicuna_7b",
        "model.checkpoint": job.checkpoint,
        "model.dtype": "float32",
        "model.max_new_tokens": job.max_new_tokens,
        "data_dir": job.folder,
        "device": job.device,
        "out": out,
    }
    return [*(f"{key}={value}" for key, value in words.items()), *job.bench, *job.way.split()]


def put_clock_on_asking(asker: type[Asker], stopwatch: Stopwatch) -> None:
    """Has the stopwatch run while answers are made; the run's check of itself is not among it."""
    ask = asker.ask

    def clocked(self: Asker, images: Sequence[AskedImage]) -> Generator[Sequence[Answer], None, None]:
        with closing(ask(self, images)) as batches:
            while True:
                with stopwatch.running():
                    answers = next(batches, None)
                if answers is None:
                    return
                yield answers

    asker.ask = clocked  # type: ignore[method-assign]


if __name__ == "__main__":
    main()
