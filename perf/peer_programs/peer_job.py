"""What a program of another environment is told to ask, and what it reports: JSON files, read with nothing but Python.

Each program here is started as `PYTHON PROGRAM JOB_FILE`, in an environment that has neither this project nor its
measuring programs. `perf/peer_work.py` writes the job, and `perf/peers.py` reads the report.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Ask:
    """One question about one image."""

    image: str
    """Path of the image's file."""
    question: str
    prompt: str
    """The whole prompt that the model is given, with one `<image>` in it."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a program is to ask, and where it reports."""

    checkpoint: str
    """Folder of a checkpoint in transformers' layout."""
    asks: tuple[Ask, ...]
    """In the order of the files, repeated ones included."""
    bench: tuple[str, ...]
    """The words by which this project's command line names the same benchmark."""
    max_new_tokens: int
    device: str
    """cpu or cuda."""
    way: str
    """Which of its ways the program asks in; empty where it has one."""
    folder: str
    """An empty folder that the program may write to."""
    report: str
    """Path of the file that the program reports in."""

    def distinct(self) -> tuple[Ask, ...]:
        """Each ask once, those about one image together."""
        images = list(dict.fromkeys(ask.image for ask in self.asks))
        return tuple(sorted(dict.fromkeys(self.asks), key=lambda ask: images.index(ask.image)))


class Stopwatch:
    """Seconds of the stretches that it measured: on the wall, and of processors."""

    def __init__(self, processor: Callable[[], float] = time.process_time) -> None:
        """Takes the clock of processors: by default that of this process, with all of its threads."""
        self.wall = self.processor = 0.0
        self._processor = processor

    @contextmanager
    def running(self) -> Iterator[None]:
        """Adds what passes inside."""
        wall, processor = time.perf_counter(), self._processor()
        try:
            yield
        finally:
            self.wall += time.perf_counter() - wall
            self.processor += self._processor() - processor


@dataclass(frozen=True, slots=True)
class Report:
    """What a program found out."""

    responses: tuple[str, ...]
    """To each ask of the job, without spaces around."""
    wall: float
    """Seconds of inference: from image files and prompts to answers, with the model loaded."""
    processor: float
    """Seconds that processors spent on the same."""
    prompts: int
    """How many prompts the program was given for these answers."""
    versions: dict[str, str]
    """Version by package."""


def write_job(job: Job, path: Path) -> None:
    """Writes a job for a program to read."""
    path.write_text(json.dumps(asdict(job)), encoding="utf-8")


def read_job() -> Job:
    """The job that the command line names."""
    fields = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    asks, bench = tuple(Ask(**ask) for ask in fields["asks"]), tuple(fields["bench"])
    return Job(**{**fields, "asks": asks, "bench": bench})


def write_report(
    job: Job,
    asked: Sequence[Ask],
    responses: Sequence[str],
    stopwatch: Stopwatch,
    packages: Sequence[str],
) -> None:
    """Reports the responses to the asks that were asked; a repeated one has the response of its first.

    Args:
        job: the job.
        asked: the asks in the order of `responses`: all of the job, or each distinct one.
        responses: what was answered to them.
        stopwatch: has measured the inference.
        packages: the names of the distributions that did it.

    Raises:
        ValueError: there are fewer responses than asks, or more.
    """
    if len(responses) != len(asked):
        raise ValueError(f"{len(responses)} responses came to {len(asked)} prompts")
    if tuple(asked) == job.asks:
        ordered = list(responses)
    else:
        response_of = dict(zip(asked, responses, strict=True))
        ordered = [response_of[ask] for ask in job.asks]
    report = Report(
        tuple(response.strip() for response in ordered),
        stopwatch.wall,
        stopwatch.processor,
        len(asked),
        {package: version(package) for package in packages},
    )
    Path(job.report).write_text(json.dumps(asdict(report)), encoding="utf-8")


def read_report(path: Path) -> Report:
    """The report in a file."""
    fields = json.loads(path.read_text(encoding="utf-8"))
    return Report(**{**fields, "responses": tuple(fields["responses"])})
