"""`python -m repope_eval questions`: a benchmark's distinct questions, for code that is not this program's."""

import logging
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.sources import find_benchmark_images, load_benchmark
from repope_eval.settings.command_settings import QuestionsSettings
from repope_eval.settings.launching import bench_words
from repope_eval.settings.named_files import data_folder
from repope_eval.system.writing import refuse_existing, write_lines
from repope_eval.wording import counted

log = logging.getLogger(__name__)


def execute(settings: QuestionsSettings, command: str) -> None:
    """Writes the questions, those about one image together; missing images are fetched as a run fetches them.

    Each line is `{image, question, path, response}`. The response is null, which `score` refuses, so that a question
    that nobody answered is never scored.
    """
    out, data_dir = Path(settings.out).expanduser(), data_folder(settings.data_dir)
    refuse_existing(out, settings.out, [])
    benchmark = load_benchmark(settings.bench, data_dir).first_images(settings.limit)
    paths: Mapping[str, Path] = {}
    if settings.fetch_images:
        names = list(dict.fromkeys(question.image for question in benchmark.questions))
        paths = find_benchmark_images(settings.bench, data_dir, names)
    write_lines(out, _question_rows(benchmark, paths))
    score = ["python", "-m", "repope_eval", "score", f"answers={settings.out}", *bench_words()]
    log.info(
        "%s has %s; put each one's answer in place of its null response, and score them: %s",
        settings.out,
        counted(len(benchmark.questions), "distinct question"),
        shlex.join(score),
    )


def _question_rows(benchmark: Benchmark, paths: Mapping[str, Path]) -> Iterator[dict[str, Any]]:
    for question in benchmark.questions:
        path = paths.get(question.image)
        yield {
            "image": question.image,
            "question": question.text,
            "path": None if path is None else str(path.absolute()),
            "response": None,
        }
