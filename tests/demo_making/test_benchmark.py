"""The embedded benchmark: made by the package's own code, with the paper's rates of annotation errors."""

import json
from pathlib import Path

import numpy as np
import pytest

from demo_making.benchmark import VARIANTS, DemoBenchmark, make_benchmark, write_benchmark
from repope_eval.benchmarks.benchmark import Benchmark
from repope_eval.benchmarks.custom import DEMO_FOLDER
from repope_eval.benchmarks.images import open_image
from repope_eval.benchmarks.pope_file import ANNOTATOR_LABELS, read_rows
from repope_eval.benchmarks.sources import load_benchmark
from repope_eval.models.internvl import best_grid
from repope_eval.relabelling.label_changes import label_changes
from repope_eval.relabelling.rule import relabel
from repope_eval.settings.config import BenchSettings


@pytest.fixture(scope="module")
def benchmark() -> Benchmark:
    return load_benchmark(BenchSettings(name="demo", source="demo", variants=VARIANTS), Path("unused"))


@pytest.fixture(scope="module")
def made() -> DemoBenchmark:
    return make_benchmark()


def test_what_the_package_holds_is_what_its_code_makes(made: DemoBenchmark, tmp_path: Path) -> None:
    write_benchmark(made, tmp_path)
    shipped = {path.relative_to(DEMO_FOLDER) for path in DEMO_FOLDER.rglob("*") if path.is_file()}
    assert shipped == {path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()}
    for name in shipped:
        if name.suffix == ".jsonl":
            assert (tmp_path / name).read_bytes() == (DEMO_FOLDER / name).read_bytes(), name
        else:  # another version of the imaging library may compress, or round, a little differently
            pixels = [np.asarray(open_image(folder / name), np.int16) for folder in (tmp_path, DEMO_FOLDER)]
            assert np.abs(pixels[0] - pixels[1]).mean() < 1, name


def test_it_is_small_and_varied() -> None:
    images = sorted((DEMO_FOLDER / "images").iterdir())
    assert len(images) == 100
    assert sum(path.stat().st_size for path in DEMO_FOLDER.rglob("*") if path.is_file()) < 3_000_000
    sizes = {open_image(path).size for path in images}
    assert any(width > height for width, height in sizes)
    assert any(width < height for width, height in sizes)
    assert len({best_grid(width, height, side=64, max_tiles=12) for width, height in sizes}) >= 4


def test_twenty_or_more_kinds_of_object_with_skewed_frequencies() -> None:
    lines = (DEMO_FOLDER / "objects.jsonl").read_text().splitlines()
    kinds = [kind for line in lines for kind in json.loads(line)["objects"]]
    frequencies = sorted((kinds.count(kind) for kind in set(kinds)), reverse=True)
    assert len(frequencies) >= 20
    assert frequencies[0] > 3 * frequencies[-1]


def test_variants_have_six_questions_an_image_and_share_the_positives(benchmark: Benchmark) -> None:
    pope = benchmark.label_sets[0].variants
    assert {variant: len(labels) for variant, labels in pope.items()} == dict.fromkeys(VARIANTS, 600)
    positives = [{question for question, label in labels.items() if label} for labels in pope.values()]
    assert positives[0] == positives[1] == positives[2]
    assert len(positives[0]) == 300


@pytest.mark.parametrize(
    ("variant", "flipped", "removed"),
    [("random", 0.0033, 0.0127), ("popular", 0.026, 0.044), ("adversarial", 0.022, 0.0727)],
)
def test_labels_change_at_about_the_papers_rates(
    benchmark: Benchmark, variant: str, flipped: float, removed: float
) -> None:
    pope, repope = (label_set.variants[variant] for label_set in benchmark.label_sets)
    yes, no = label_changes(pope, repope)
    assert yes.flipped_share == pytest.approx(0.0927, abs=0.01)
    assert yes.removed_share == pytest.approx(0.138, abs=0.01)
    assert no.flipped_share == pytest.approx(flipped, abs=0.01)
    assert no.removed_share == pytest.approx(removed, abs=0.03)


@pytest.mark.parametrize("variant", VARIANTS)
def test_corrected_labels_follow_from_the_annotators_files_by_the_rule(variant: str) -> None:
    first, second, decider = (
        read_rows(DEMO_FOLDER / f"{name}_{variant}.jsonl", ANNOTATOR_LABELS)
        for name in ("annotator_first", "annotator_second", "decider")
    )
    questions = read_rows(DEMO_FOLDER / f"pope_{variant}.jsonl")
    assert relabel(questions, first, second, decider) == read_rows(DEMO_FOLDER / f"repope_{variant}.jsonl")


def test_corrected_labels_are_right_about_what_is_drawn(made: DemoBenchmark, benchmark: Benchmark) -> None:
    drawn = {name: {placed.kind for placed in scene.objects} for name, scene in made.scenes.items()}
    for labels in benchmark.label_sets[1].variants.values():
        assert all(label == (question.object in drawn[question.image]) for question, label in labels.items())
