"""Whether twice the images take twice the time and no more memory.

    python perf/scaling.py [--images 16] [--batch-size 2] [--shape 1b --device cuda --dtype bfloat16]

Asks about 1, 2, 4, ... images, up to --images, in batches of --batch-size, from JPEG files to answers, and
prints seconds and peak memory of each. Then, with what each was measured at:

- linear: yes, if a line through seconds against images explains nearly all of their variance, and an image
  costs at the largest number about what it costs at the middle one, or less;
- memory flat: yes, if the peak hardly grows from the middle number to the largest.

`middle` is the number half way; it has to fill a batch, and the largest two, for the answer
to mean anything. On a CPU the peak is of the whole process; where others use it too, ask for what this program
alone computes: `OMP_NUM_THREADS=1 python perf/scaling.py --clock processor`.
"""

import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from command_line import clock_of, make_model, parser, positive, print_machine
from drawn_images import pope_questions, write_files
from gauges import forget_peak, peak_gigabytes, print_table, timed
from random_checkpoints import kinds_of

from repope_eval.asking.asker import group_by_image
from repope_eval.asking.native.batches import TransformersAsker
from repope_eval.models.loading import Model
from repope_eval.records import Question
from repope_eval.runs.answer_store import AnswerStore

LEAST_R_SQUARED = 0.99
MOST_SLOWDOWN = 1.15
"""How much longer an image may take at the largest number than at the middle one: what noise may do."""
MOST_GROWTH = 0.05
"""How much the peak may grow, as a share of what it was at the middle number."""


def main() -> None:
    made = parser(__doc__, images=16)
    made.add_argument("--batch-size", type=positive, default=2, help="images at a time; default: 2")
    options = made.parse_args()
    clock = clock_of(options)
    kind = kinds_of(options.shape, options.family)[0]
    model, questions = make_model(options, kind), pope_questions(options.questions)
    words = [kind, f"{len(questions)} questions an image", f"batches of {options.batch_size}"]
    print_machine(options, words)
    numbers = _numbers(options.images)
    seconds, peaks = [], []
    with tempfile.TemporaryDirectory() as folder:
        files = write_files(numbers[-1], Path(folder))
        ask = partial(answer, model, questions=questions, batch_size=options.batch_size)
        ask(
            files[: options.batch_size], max_new_tokens=options.max_new_tokens
        )  # pays for what is set up once
        for number in numbers:
            forget_peak(model.device)
            work = partial(ask, files[:number], max_new_tokens=options.max_new_tokens)
            seconds.append(timed(model.device, work, clock)[1])
            peaks.append(peak_gigabytes(model.device))
    _print_measured(numbers, seconds, peaks)
    _print_verdict(numbers, seconds, peaks)


def answer(
    model: Model, files: Sequence[Path], questions: Sequence[str], batch_size: int, max_new_tokens: int
) -> None:
    """Asks all questions about each image as a run does: a batch of images at a time, each batch stored."""
    asked = [Question(file.name, text, "") for file in files for text in questions]
    asker = TransformersAsker(
        model, engine="shared", batch_size=str(batch_size), workers="auto", max_new_tokens=max_new_tokens
    )
    images = asker.order_images(group_by_image(asked, {file.name: file for file in files}))
    with tempfile.TemporaryDirectory() as folder:
        store = AnswerStore(Path(folder) / "answers.jsonl", asked)
        for answers in asker.ask(images):
            store.append(answers)


def _numbers(most: int) -> list[int]:
    """1, 2, 4, ... and the largest."""
    return [*(2**power for power in range(most.bit_length()) if 2**power < most), most]


def _print_measured(numbers: Sequence[int], seconds: Sequence[float], peaks: Sequence[float]) -> None:
    rows = [
        [str(number), f"{taken:.3f}", f"{taken / number:.3f}", f"{peak:.3f}"]
        for number, taken, peak in zip(numbers, seconds, peaks, strict=True)
    ]
    print_table(("images", "seconds", "seconds an image", "peak GB"), rows)


def _print_verdict(numbers: Sequence[int], seconds: Sequence[float], peaks: Sequence[float]) -> None:
    middle = len(numbers) // 2
    slope, start, r_squared = _line(numbers, seconds)
    slowdown = (seconds[-1] / numbers[-1]) / (seconds[middle] / numbers[middle])
    growth = peaks[-1] / peaks[middle] - 1
    print(f"\nseconds = {start:.3f} + {slope:.4f} x images, r^2 {r_squared:.4f}")
    print(f"seconds an image, {numbers[-1]} images over {numbers[middle]}: {slowdown:.3f}")
    print(f"growth of the peak from {numbers[middle]} images to {numbers[-1]}: {growth:.1%}")
    is_linear = r_squared >= LEAST_R_SQUARED and slowdown <= MOST_SLOWDOWN
    print(
        f"linear: {_word(is_linear)} (r^2 at least {LEAST_R_SQUARED}, an image at most {MOST_SLOWDOWN} times as slow)"
    )
    print(f"memory flat: {_word(growth <= MOST_GROWTH)} (the peak grows by at most {MOST_GROWTH:.0%})")


def _line(numbers: Sequence[int], seconds: Sequence[float]) -> tuple[float, float, float]:
    """Slope, value at 0 and r^2 of the least-squares line; of fewer than three points it says nothing."""
    if len(numbers) < 2:
        return seconds[0] / numbers[0], 0.0, 1.0
    slope, start = np.polyfit(numbers, seconds, 1)
    r_squared = np.corrcoef(numbers, seconds)[0, 1] ** 2
    return float(slope), float(start), float(r_squared)


def _word(holds: bool) -> str:
    return "yes" if holds else "no"


if __name__ == "__main__":
    main()
