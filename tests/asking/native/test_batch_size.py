"""Batch sizes: asked for, measured, halved."""

import pytest

from repope_eval.asking.native.batch_size import FIRST, MOST, BatchSize
from repope_eval.errors import RepopeError


@pytest.mark.parametrize(
    ("free_over_peak", "images"),
    [
        (1.0, FIRST),  # what fitted once is not made smaller
        (4.0, 6),  # 4 times 2 images, and a fifth of the memory left free
        (1000.0, MOST["cuda"]),
        (None, FIRST),
    ],
)
def test_auto_is_set_by_what_the_first_batch_needed(free_over_peak: float | None, images: int) -> None:
    size = BatchSize("auto", "cuda")
    assert size.images == FIRST
    size.learn(FIRST, free_over_peak)
    assert size.images == images
    size.learn(images, 1000.0)
    assert size.images == images  # only the first batch is measured


def test_a_number_is_kept_whatever_is_free() -> None:
    size = BatchSize("12", "cpu")
    size.learn(12, 1000.0)
    assert size.images == 12


def test_halving_goes_down_to_one_image_and_no_further() -> None:
    size = BatchSize("12", "cpu")
    sizes = []
    while size.images > 1:
        size.halve(size.images)
        sizes.append(size.images)
    assert sizes == [6, 3, 1]
    with pytest.raises(RepopeError, match="out of memory with a single image"):
        size.halve(1)


def test_after_out_of_memory_nothing_is_measured() -> None:
    size = BatchSize("auto", "cuda")
    size.halve(FIRST)
    size.learn(1, 1000.0)
    assert size.images == 1


def test_a_device_of_another_kind_has_the_cpus_limit() -> None:
    size = BatchSize("auto", "mps")
    size.learn(FIRST, 1000.0)
    assert size.images == MOST["cpu"]
