"""Makes the answers that `doctor check=true` compares with: `python -m demo_making.answers` asks for them anew."""

import argparse
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from repope_eval.benchmarks.custom import DEMO
from repope_eval.machine.checks import STORED_ANSWERS, ask
from repope_eval.records import Answer
from repope_eval.runs.answer_store import answer_lines
from repope_eval.settings.composition import model_settings
from repope_eval.settings.config import BenchSettings

NUM_IMAGES = 6
"""The benchmark's first so many images are asked about: 61 questions, which take a CPU a second in each way.

Yes and no are at least 0.2 apart in the probabilities of each answer, so that rounding alone changes none.
"""


def make_answers() -> list[Answer]:
    """Asks the embedded model one question at a time, in float32 on the CPU; the answers in the benchmark's order."""
    bench = BenchSettings(name="demo", source="demo", variants=DEMO.variants)
    questions = DEMO.load(bench, Path()).first_images(NUM_IMAGES).questions
    model = replace(model_settings("tiny"), dtype="float32")
    answers = {answer.question: answer for answer in ask(model, "sequential", "cpu", questions)}
    return [answers[question] for question in questions]


def main(words: Iterable[str] | None = None) -> None:
    """Writes the answers into the package, or into another file."""
    parser = argparse.ArgumentParser(description="Writes the answers that a device is checked by.")
    parser.add_argument(
        "--out", type=Path, default=STORED_ANSWERS, help="file to write (default: the package's)"
    )
    options = parser.parse_args(None if words is None else list(words))
    options.out.write_bytes(answer_lines(make_answers()))


if __name__ == "__main__":
    main()
