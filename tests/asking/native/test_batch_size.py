"""Batch sizes: asked for, measured, halved."""

import pytest

from repope_eval.asking.native.batch_size import FIRST, MOST, MOST_QUESTIONS, BatchSize
from repope_eval.errors import RepopeError

QUESTIONS = 10
"""How many POPE asks about an image, about."""


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
    size.learn([QUESTIONS] * FIRST, free_over_peak)
    assert size.images == images
    size.learn([QUESTIONS] * images, 1000.0)
    assert size.images == images  # only the first batch is measured


def test_a_number_is_kept_whatever_is_free() -> None:
    size = BatchSize("12", "cpu")
    size.learn([QUESTIONS] * 12, 1000.0)
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
    size.learn([QUESTIONS], 1000.0)
    assert size.images == 1


def test_a_device_of_another_kind_has_the_cpus_limit() -> None:
    size = BatchSize("auto", "mps")
    size.learn([QUESTIONS] * FIRST, 1000.0)
    assert size.images == MOST["cpu"]


@pytest.mark.parametrize(
    ("questions", "images"), [(1, 128), (2, 64), (3, 42), (4, 32), (5, 32), (QUESTIONS, 32), (12, 32)]
)
def test_images_with_few_questions_are_asked_about_together_in_larger_numbers(
    questions: int, images: int
) -> None:
    assert (MOST["cuda"], MOST_QUESTIONS["cuda"]) == (32, 128)
    size = BatchSize("auto", "cuda")
    size.learn([questions] * FIRST, 1000.0)
    assert size.images == images
    assert size.count_next([questions] * 500) == images


def test_a_run_that_begins_with_single_questions_has_no_larger_batches_of_others() -> None:
    """As one does that goes on: of its first images all questions but one may be answered."""
    size = BatchSize("auto", "cuda")
    size.learn([1] * FIRST, 1000.0)
    assert size.count_next([1] * 500) == 128
    assert size.count_next([QUESTIONS] * 500) == MOST["cuda"]
    assert size.count_next([1] * 60 + [QUESTIONS] * 440) == 66
    assert size.count_next([QUESTIONS] * 7) == 7


def test_a_number_that_was_asked_for_is_kept_whatever_the_questions() -> None:
    assert BatchSize("200", "cuda").count_next([QUESTIONS] * 300) == 200
