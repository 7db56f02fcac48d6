"""The line that a run ends its asking with."""

from typing import Any

from repope_eval.asking.session import asking_line


def facts(images: int, questions: int, seconds: float, peak: int | None = 2_100_000_000) -> dict[str, Any]:
    return {"images": images, "questions": questions, "seconds": seconds, "peak_memory_bytes": peak}


def test_the_whole_benchmark_is_projected_by_its_images() -> None:
    assert asking_line([facts(8, 80, 12.3)], 500) == (
        "asked 80 questions about 8 images in 12 s: 6.5 questions a second, peak memory 2.1 GB; "
        "all 500 images would take about 13 min"
    )


def test_nothing_is_projected_where_all_was_asked() -> None:
    assert asking_line([facts(500, 5127, 600.0, None)], None) == (
        "asked 5,127 questions about 500 images in 10 min: 8.5 questions a second"
    )


def test_ranks_work_at_the_same_time_each_in_its_own_memory() -> None:
    line = asking_line([facts(4, 40, 10.0), facts(4, 41, 20.0), {}], 80)
    assert line == (
        "asked 81 questions about 8 images by 2 processes in 20 s: 4.0 questions a second, peak memory 4.2 GB; "
        "all 80 images would take about 3 min"
    )


def test_a_rank_that_had_nothing_to_ask_divides_by_nothing() -> None:
    assert asking_line([{}], 500) == "nothing was asked"
