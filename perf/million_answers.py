"""Whether a hundred times the questions are scored and reported in a minute and 4 GB, stage by stage.

    python perf/million_answers.py [--images 100000] [--ranks 8]

A process of its own simulates the benchmark and the answers (`simulated_answers.py`) and writes them: question files
in POPE's format, and the answers as the files that several ranks leave in a run folder. Then this process, which has
neither, does what the main rank of a run does from there on, by the product's own functions: `questions` reads the
question files, `merge` puts the ranks' files together, `answers` reads what came of it, `scoring` and `report` are
the two stages of `score_and_report`, with intervals of 10,000 bootstrap draws, and `report.html` at the end.

Peaks are of the whole process, and of what was held before its stage, too. Where other programs run, the seconds
that the processor spent on this one alone, in the last line, say what it takes on a quiet machine.
"""

import argparse
import gc
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

from gauges import forget_peak, peak_gigabytes, print_table
from simulated_answers import VARIANTS, make_truth, write_answers, write_questions

from repope_eval.benchmarks.benchmark import POPE_LABELS, Benchmark, make_benchmark
from repope_eval.benchmarks.pope_file import read_rows
from repope_eval.reporting.results import AnsweredBenchmark, score_and_report
from repope_eval.runs.answer_store import AnswerStore, merge_shares
from repope_eval.runs.folder import RunFolder
from repope_eval.settings.config import BenchSettings, ScoreSettings
from repope_eval.system.environment import timed

MOST_SECONDS = 60
MOST_GIGABYTES = 4.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=100_000, help="ten questions each; default: 100000")
    parser.add_argument("--ranks", type=int, default=8, help="files that the answers lie in; default: 8")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, RunFolder(Path(name) / "run", {}, resume=True) as folder:
        started = time.perf_counter()
        apart(_simulate, options.images, options.ranks, Path(name) / "questions", folder.answers)
        print(f"simulated in {time.perf_counter() - started:.1f} s, which do not count", flush=True)
        gc.set_threshold(50_000, 10, 1_000)  # as the program does
        stages = _Stages()
        _score(Path(name) / "questions", folder, stages)
        stages.print()
        _print_sizes(folder.path, options.images)
        stages.print_verdict(options.images)


def apart(work: Callable[..., None], *arguments: object) -> None:
    """Does the work in another process, whose memory is not this one's."""
    process = get_context("spawn").Process(target=work, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(process.exitcode)


def _simulate(n_images: int, n_ranks: int, questions: Path, answers: Path) -> None:
    truth = make_truth(n_images)
    write_questions(truth, questions, VARIANTS)
    write_answers(truth, 1, answers, n_ranks)


class _Stages:
    """Seconds and peak of each stage."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.peaks: dict[str, float] = {}
        self._processor = time.process_time()
        forget_peak()

    def end(self, *names: str) -> None:
        """Notes the peak since the last stage ended."""
        self.peaks |= dict.fromkeys(names, peak_gigabytes())
        forget_peak()

    def print(self) -> None:
        rows = [
            [name, f"{spent:.3f}", f"{self.peaks.get(name, 0):.2f}"] for name, spent in self.seconds.items()
        ]
        total = sum(self.seconds.values())
        rows.append(["total", f"{total:.3f}", f"{max(self.peaks.values()):.2f}"])
        print_table(("stage", "seconds", "peak GB"), rows)

    def print_verdict(self, n_images: int) -> None:
        total, peak = sum(self.seconds.values()), max(self.peaks.values())
        scored = self.seconds["scoring"] + self.seconds["report"]
        print(f"processor: {time.process_time() - self._processor:.1f} s")
        print(f"with reading and merging {n_images * 10} answers take {total:.1f} s")
        print(
            f"{n_images * 10} answers are scored with intervals and reported in {scored:.1f} s "
            f"(under {MOST_SECONDS} s: {_word(scored < MOST_SECONDS)}), and nothing takes more than {peak:.2f} GB "
            f"(under {MOST_GIGABYTES:.0f} GB: {_word(peak < MOST_GIGABYTES)})"
        )


def _score(questions: Path, folder: RunFolder, stages: _Stages) -> None:
    """What a run does once its questions are asked."""
    seconds = stages.seconds
    with timed(seconds, "questions"):
        benchmark = _read_benchmark(questions)
    stages.end("questions")
    with timed(seconds, "merge"):
        merge_shares(folder.answers)
    stages.end("merge")
    with timed(seconds, "answers"):
        store = AnswerStore(folder.answers, benchmark.questions)
        store.require_all()
    stages.end("answers")
    bench = BenchSettings(name=benchmark.name, source="custom", variants=tuple(VARIANTS))
    settings = ScoreSettings(bench=bench, answers=str(folder.answers))
    answered = AnsweredBenchmark("simulated", settings, benchmark, store.answers, counts={}, images={})
    score_and_report(answered, folder, seconds)
    stages.end("scoring", "report")


def _read_benchmark(folder: Path) -> Benchmark:
    """As `load_benchmark` does, which knows benchmarks of three variants by their published hashes alone."""
    originals, relabelled = (
        {variant: read_rows(folder / f"{kind}_{variant}.jsonl") for variant in VARIANTS}
        for kind in POPE_LABELS
    )
    return make_benchmark("simulated", originals, relabelled, POPE_LABELS, {})


def _print_sizes(folder: Path, n_images: int) -> None:
    answers = (folder / "answers.jsonl").stat().st_size
    print(f"answers.jsonl: {answers / 1e6:.1f} MB, {answers / (10 * n_images):.0f} bytes an answer")
    for name in ("report.html", "scores.json"):
        print(f"{name}: {(folder / name).stat().st_size / 1e6:.2f} MB")


def _word(holds: bool) -> str:
    return "yes" if holds else "no"


if __name__ == "__main__":
    main()
