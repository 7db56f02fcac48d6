"""How large the leaderboard's page of many runs is: bytes, printed pages, and how soon a browser shows it.

    python perf/leaderboard_page.py [--models 3 19 40] [--data-dir DIR] [--keep DIR]

Simulated models answer the embedded benchmark, or with `--data-dir` POPE and RePOPE on COCO, whose files lie in
`annotations/` of that folder. Some questions are hard for all of them. `report` is timed in this process, by the
processor's clock. Then Chromium loads the page three times, whose fastest load is printed, and prints it on A4.
"""

import argparse
import dataclasses
import gc
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from gauges import print_table

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.sources import load_benchmark
from repope_eval.leaderboard.report import report
from repope_eval.records import Answer
from repope_eval.runs.answer_store import answer_lines
from repope_eval.runs.folder import RunFolder
from repope_eval.runs.stored_settings import sealed
from repope_eval.settings.config import BenchSettings, ReportSettings, ScoreSettings

COLUMNS = ("models", "pairs", "page MB", "A4 pages", "DOM ready ms", "first paint ms", "report processor s")
LOADS = 3
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
VARIANTS = ("random", "popular", "adversarial")
DEMO = BenchSettings(name="demo", source="demo", variants=VARIANTS)
POPE = BenchSettings(name="repope", source="coco", variants=VARIANTS)

_STRENGTH, _SPREAD = 3.0, 0.05
"""Of a model's logit of being right: of the best one, and how much less the next one has."""
_HARDNESS, _OWN = 1.5, 1.0
"""Standard deviations of that logit: between questions, for all models alike, and of each model's own."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", type=int, nargs="+", default=[3, 19, 40], help="default: 3 19 40")
    parser.add_argument("--data-dir", help="folder whose annotations/ has the files; default: the demo")
    parser.add_argument("--keep", help="folder that the pages are left in")
    options = parser.parse_args()
    bench = POPE if options.data_dir else DEMO
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for n_models in options.models:
            folder = Path(options.keep or name) / f"{n_models}_models"
            shutil.rmtree(folder, ignore_errors=True)
            write_runs(folder / "runs", bench, options.data_dir, n_models)
            rows.append(_measured_row(folder, n_models))
    print_table(COLUMNS, rows)


def write_runs(folder: Path, bench: BenchSettings, data_dir: str | None, n_models: int) -> None:
    """Writes a run folder for each of so many simulated models."""
    benchmark = load_benchmark(bench, Path(data_dir or folder))
    for number in range(n_models):
        settings: dict[str, Any] = dataclasses.asdict(
            ScoreSettings(bench=bench, answers="simulated", model=f"Simulated-VLM-{number + 1}B-chat")
        ) | {"data_dir": data_dir}
        with RunFolder(folder / f"model_{number:02d}", {}, resume=True) as run:
            run.answers.write_bytes(answer_lines(list(_answers(benchmark, number))))
            run.manifest.note(
                status="complete",
                settings=settings,
                benchmark={"name": bench.name, "sha256": dict(benchmark.hashes)},
                **sealed(settings),
            )


def _answers(benchmark: Benchmark, number: int) -> Iterator[Answer]:
    """A model's answers: right under the corrected labels as often as its strength and the question's hardness say."""
    labels = benchmark.label_sets[-1].distinct
    n_questions = len(benchmark.questions)
    shared = np.random.default_rng(0).normal(0, _HARDNESS, n_questions)
    own = np.random.default_rng(number + 1)
    logits = _STRENGTH - _SPREAD * number + shared + own.normal(0, _OWN, n_questions)
    for question, logit in zip(benchmark.questions, logits.tolist(), strict=True):
        is_yes = labels.get(question, True) == (logit > 0)
        yield Answer(question, "Yes" if is_yes else f"No, there is no {question.object}.", 2)


def _measured_row(folder: Path, n_models: int) -> list[str]:
    gc.collect()
    started = time.process_time()
    report(
        ReportSettings(runs=str(folder / "runs"), out=str(folder / "out")), "python perf/leaderboard_page.py"
    )
    seconds = time.process_time() - started
    page = folder / "out" / "leaderboard.html"
    n_pages, ready, painted = _in_browser(page)
    return [
        str(n_models),
        str(n_models * (n_models - 1) // 2),
        f"{page.stat().st_size / 1e6:.2f}",
        str(n_pages),
        f"{ready:.0f}",
        f"{painted:.0f}",
        f"{seconds:.1f}",
    ]


_TIMES = """() => [
  performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd,
  performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN,
]"""


def _in_browser(page: Path) -> tuple[int, float, float]:
    """The number of printed pages, and milliseconds until the document is ready and until the first paint."""
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        raise SystemExit(f"no browser here: none of {', '.join(BROWSERS)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, chromium_sandbox=False)
        times = []
        for _ in range(LOADS):
            shown = browser.new_page(viewport={"width": 1400, "height": 900})
            shown.goto(page.as_uri(), wait_until="load")
            shown.wait_for_timeout(200)
            times.append(shown.evaluate(_TIMES))
            printed = shown.pdf(prefer_css_page_size=True, print_background=True)
            shown.close()
        browser.close()
    ready, painted = (min(of_kind) for of_kind in zip(*times, strict=True))
    return len(re.findall(rb"/Type\s*/Page\b", printed)), ready, painted


if __name__ == "__main__":
    main()
