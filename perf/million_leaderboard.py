"""What the leaderboard of several runs of a million answers each takes.

    python perf/million_leaderboard.py [--images 100000] [--runs 3]

A process of its own simulates a benchmark of one variant, with ten questions about each image and both label sets,
and the run folders of so many models. Then this process makes their leaderboard as `report` does, with every run's
figures and intervals, rankings, and each pair's difference on the same 10,000 draws. Seconds are on the wall, and,
where other programs run, those that the processor spent on this one alone.
"""

import argparse
import dataclasses
import gc
import tempfile
import time
from pathlib import Path

from gauges import forget_peak, peak_gigabytes
from million_answers import apart
from simulated_answers import QUESTIONS, make_truth, write_answers, write_questions

from repope_eval.benchmarks.sources import load_benchmark
from repope_eval.leaderboard.report import report
from repope_eval.runs.folder import RunFolder
from repope_eval.runs.stored_settings import sealed
from repope_eval.settings.config import BenchSettings, ReportSettings, ScoreSettings


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=100_000, help="ten questions each; default: 100000")
    parser.add_argument("--runs", type=int, default=3, help="default: 3")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        apart(_simulate, options.images, options.runs, folder)
        gc.set_threshold(50_000, 10, 1_000)  # as the program does
        forget_peak()
        started, processor = time.perf_counter(), time.process_time()
        report(ReportSettings(runs=str(folder / "runs"), out=str(folder / "out")), "perf")
        seconds, of_processor = time.perf_counter() - started, time.process_time() - processor
        print(f"leaderboard.html: {(folder / 'out' / 'leaderboard.html').stat().st_size / 1e6:.2f} MB")
        print(
            f"{options.runs} runs of {QUESTIONS * options.images} answers in {seconds:.1f} s "
            f"(processor: {of_processor:.1f} s) and {peak_gigabytes():.2f} GB"
        )


def _simulate(n_images: int, n_runs: int, folder: Path) -> None:
    truth = make_truth(n_images)
    write_questions(truth, folder / "questions", {"custom": tuple(range(QUESTIONS))})
    bench = BenchSettings(
        name="simulated",
        source="custom",
        variants=("custom",),
        questions=str(folder / "questions" / "pope_custom.jsonl"),
        relabels=str(folder / "questions" / "repope_custom.jsonl"),
    )
    hashes = load_benchmark(bench, folder).hashes
    for number in range(n_runs):
        settings = dataclasses.asdict(
            ScoreSettings(bench=bench, answers="simulated", model=f"model {number}")
        )
        with RunFolder(folder / "runs" / f"model_{number}", {}, resume=True) as run:
            write_answers(truth, number, run.answers, 1)
            run.manifest.note(
                status="complete",
                settings=settings,
                benchmark={"name": bench.name, "sha256": dict(hashes)},
                **sealed(settings),  # the report is to read the questions that this names
            )


if __name__ == "__main__":
    main()
