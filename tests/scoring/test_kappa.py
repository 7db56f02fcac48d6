"""Cohen's kappa, wherever it is used: one formula, its interval over images, and when there is none."""

import numpy as np
import pytest
from fewer_replicates import all_drawn

from repope_eval.scoring.kappa import estimate_kappa, table_kappas, too_few
from repope_eval.scoring.shared_errors import error_kappas


def test_kappa_by_hand() -> None:
    # 45 and 25 of 100 are sorted alike; by chance (60 * 70 + 40 * 30) / 100 are.
    table = np.array([[45.0, 15.0], [25.0, 15.0]])
    assert table_kappas(table) == pytest.approx((0.60 - 0.54) / (1 - 0.54))
    assert table_kappas(np.stack([table, table.T])).shape == (2,)
    assert np.isnan(table_kappas(np.array([[7.0, 0.0], [0.0, 0.0]])))
    assert np.isnan(table_kappas(np.zeros((2, 2))))


def test_kappa_of_errors_is_that_of_their_table() -> None:
    generator = np.random.default_rng(3)
    tables = generator.integers(0, 9, size=(50, 2, 2)).astype(float)
    (both, first), (second, neither) = tables.transpose(1, 2, 0)
    counts = np.stack([both + first + second + neither, both + first, both + second, both], axis=-1)
    np.testing.assert_array_equal(error_kappas(counts), table_kappas(tables))


def tables_of(*cells: tuple[int, float]) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """For each number of images one thing that both sort: the places in the table, row by row."""
    tables = np.zeros((sum(number for number, _ in cells), 4))
    row = 0
    for number, cell in cells:
        tables[row : row + number, int(cell)] = 1
        row += number
    return tables.reshape(-1, 2, 2)


def test_an_interval_is_about_kappa_and_narrows_with_more_images() -> None:
    tables = tables_of((40, 0), (30, 1), (30, 2), (50, 3))
    with all_drawn():
        one = estimate_kappa(tables, "none", "")
        two = estimate_kappa(np.concatenate([tables] * 4), "none", "")
    assert one.interval is not None
    assert two.interval is not None
    assert one.interval[0] < one.value < one.interval[1]  # type: ignore[operator]
    ratio = (two.interval[1] - two.interval[0]) / (one.interval[1] - one.interval[0])
    assert ratio == pytest.approx(1 / 2, rel=0.1)


def test_where_kappa_is_undefined_or_too_little_is_there_the_reason_says_so() -> None:
    undefined = estimate_kappa(tables_of((200, 0)), "all alike", "too few")
    assert (undefined.value, undefined.interval, undefined.reason) == (None, None, "all alike")
    few = estimate_kappa(tables_of((5, 0), (5, 3)), "all alike", "too few")
    assert (few.value, few.interval, few.reason) == (1.0, None, "too few")


@pytest.mark.parametrize(
    ("n_images", "occurring", "reason"),
    [
        (99, [20, 20], "99 images, and an interval takes 100"),
        (100, [19, 20], "one in 19 images, and an interval takes 20"),
        (100, [20, 1], "other in 1 image, and an interval takes 20"),
        (100, [20, 20], ""),
    ],
)
def test_images_and_what_has_to_occur_in_them(n_images: int, occurring: list[int], reason: str) -> None:
    arrays = {
        name: np.r_[np.full(number, 3.0), np.zeros(5)]
        for name, number in zip(("one", "other"), occurring, strict=True)
    }
    assert too_few(n_images, arrays) == reason
