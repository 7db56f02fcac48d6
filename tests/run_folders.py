"""Run folders made without a model: answers to the embedded benchmark that are wrong as often as is wanted."""

import functools
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.sources import load_benchmark
from repope_eval.runs.stored_settings import sealed
from repope_eval.settings.config import BenchSettings
from repope_eval.settings.named_files import shipped_folder

DEMO = BenchSettings(name="demo", source="demo", variants=("random", "popular", "adversarial"))


@functools.cache
def demo() -> Benchmark:
    """The embedded benchmark."""
    assert (shipped_folder("configs") / "benchmarks" / "demo.yaml").is_file()
    return load_benchmark(DEMO, Path())


def answer_lines(
    benchmark: Benchmark, wrong: float = 0.1, seed: int = 0, labels: int = 1, yes: str = "Yes", no: str = "No"
) -> list[dict[str, Any]]:
    """An answer to every question: that of a label set, but for a share of wrong ones, an ambiguous one's a no."""
    truth = {
        question: label
        for of_variant in benchmark.label_sets[labels].variants.values()
        for question, label in of_variant.items()
    }
    generator = random.Random(seed)
    return [
        {
            "image": question.image,
            "question": question.text,
            "response": yes if truth.get(question, False) != (generator.random() < wrong) else no,
            "n_tokens": 2,
            "p_yes": None,
            "p_no": None,
        }
        for question in benchmark.questions
    ]


def told_lines(
    benchmark: Benchmark, threshold: float = 0.5, seed: int = 0, yes: str = "Yes", no: str = "No"
) -> list[dict[str, Any]]:
    """An answer to every question with its probabilities: yes where that of yes is as high as the threshold.

    They tell the last label set's labels, but overlap: at the best threshold, .45, a tenth of the answers is wrong.
    """
    generator = random.Random(seed)
    lines = []
    for line in answer_lines(benchmark, 0.0):
        middle = 0.62 if line["response"] == "Yes" else 0.3
        p_yes = round(min(0.999, max(0.001, generator.gauss(middle, 0.13))), 4)
        said = yes if p_yes >= threshold else no
        lines.append({**line, "response": said, "p_yes": p_yes, "p_no": round(1 - p_yes, 4)})
    return lines


def manifest_of(benchmark: Benchmark, model: str, **settings: Any) -> dict[str, Any]:
    """What a run's manifest holds of what a report reads."""
    bench = {"name": "demo", "source": "demo", "variants": ["random", "popular", "adversarial"]}
    return {
        "schema": 1,
        "identity": {"bench": "demo", "model.dtype": "float32"},
        "status": "complete",
        "settings": {"model": {"name": model}, "bench": bench, "engine": "shared", "data_dir": None}
        | settings,
        "benchmark": {"name": benchmark.name, "sha256": dict(benchmark.hashes)},
        "versions": {"python": "3.11.0"},
    }


def write_run(
    folder: Path,
    benchmark: Benchmark,
    model: str,
    lines: Sequence[dict[str, Any]],
    change: Callable[[dict[str, Any]], Any] = lambda manifest: None,
    *,
    is_own: bool = True,
) -> Path:
    """Writes a run folder; `change` changes its manifest before, and the seal is this user's if it is `is_own`."""
    folder.mkdir(parents=True)
    manifest = manifest_of(benchmark, model)
    change(manifest)
    if is_own and isinstance(manifest.get("settings"), dict):
        manifest |= sealed(manifest["settings"])
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "answers.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder
