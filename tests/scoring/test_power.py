"""How many standard errors a difference must have, and what follows of numbers of images."""

import numpy as np
import pytest

from repope_eval.scoring.power import LEVEL, Aim


@pytest.mark.parametrize(
    ("power", "comparisons", "errors"),
    [
        (0.8, 1, 1.95996 + 0.84162),
        (0.9, 1, 1.95996 + 1.28155),
        (0.5, 1, 1.95996),
        (0.8, 5, 2.57583 + 0.84162),  # 1 % for each of five: the quantile of 99.5 %
        (0.8, 50, 3.29053 + 0.84162),
    ],
)
def test_the_errors_of_a_difference_are_two_normal_quantiles(
    power: float, comparisons: int, errors: float
) -> None:
    assert Aim(power=power, comparisons=comparisons).errors == pytest.approx(errors, abs=2e-5)


def test_images_and_what_they_show_are_each_others_inverse() -> None:
    aim = Aim(power=0.9, comparisons=3)
    assert aim.images(500, 0.004, aim.detectable(0.004)) in (500, 501)
    # Half the difference takes four times the images.
    assert aim.images(500, 0.004, aim.detectable(0.004) / 2) == pytest.approx(2000, abs=1)


def test_so_many_images_by_hand() -> None:
    """500 x (2.8016 x 0.4)^2"""
    assert Aim().images(500, 0.004, 0.01) == 628


def test_a_difference_of_so_many_errors_is_found_so_often() -> None:
    aim = Aim(power=0.7, comparisons=10)
    z = np.random.default_rng(0).normal(aim.errors, 1, 200_000)
    critical = Aim(power=0.5, comparisons=10).errors
    assert (np.abs(z) > critical).mean() == pytest.approx(0.7, abs=0.005)
    nothing = np.random.default_rng(0).normal(0, 1, 2_000_000)
    assert (np.abs(nothing) > critical).mean() == pytest.approx(LEVEL / 10, rel=0.05)
