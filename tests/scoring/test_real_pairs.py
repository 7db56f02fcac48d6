"""Two real models on the questions that both answered, against figures that other code measured."""

from pathlib import Path

import numpy as np
import pytest
import real_answers

from repope_eval.scoring.comparison import Comparison, compare
from repope_eval.scoring.differences import Difference


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    """LLaVA-1.5 7B and 13B, and the first 3,000 rows of the latter's file."""
    shared = Path(__file__).parents[3] / "shared"
    if not (shared / "annotations").is_dir():
        pytest.skip(f"{shared} is not there: it holds POPE's and RePOPE's files, which have no licence")
    benchmark = real_answers.benchmark(shared)
    models = {size: dict(real_answers.joined(shared, benchmark, size).answers) for size in ("7b", "13b")}
    return compare(models, benchmark.label_sets, "repope", ranked=[])


def pair(compared: Comparison, name: str, variant: str) -> Difference:
    (difference,) = compared.differences[name][variant]
    assert (difference.first, difference.second) == ("7b", "13b")
    return difference


def test_so_many_images_show_so_much(compared: Comparison) -> None:
    of_variants = [pair(compared, "repope", variant) for variant in ("random", "popular", "adversarial")]
    images = [found.images_for_one_point or 0 for found in of_variants]
    assert (min(images), max(images)) == (735, 973)
    points = [round(100 * (found.detectable or 0), 1) for found in of_variants]
    assert (min(points), max(points)) == (1.2, 1.4)


def test_the_interval_is_as_wide_as_its_standard_error_says(compared: Comparison) -> None:
    """What power is computed with, without drawing, and what the replicates show, are one."""
    for by_variant in compared.differences.values():
        for (found,) in by_variant.values():
            assert found.interval is not None
            assert found.detectable is not None
            width = 2 * 1.96 * found.detectable / 2.80
            assert np.ptp(found.interval) == pytest.approx(width, rel=0.05)
