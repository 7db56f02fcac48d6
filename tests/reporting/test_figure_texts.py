"""How figures, their changes and intervals are written."""

import pytest

from repope_eval.reporting.figure_texts import change_text, clipped, count_text, figure_text, interval_text


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("tp", 0, "0"),
        ("tp", 1007.0, "1007"),
        ("tp", 1006.6666, "1006.7"),
        ("f1", 0.0, "0.0000"),
        ("f1", 1, "1.0000"),
        ("f1", 0.87325, "0.8732"),
        ("mcc", -0.026, "−0.0260"),
        ("mcc", -0.00001, "0.0000"),
        ("f1", None, "–"),
        ("tp", None, "–"),
    ],
)
def test_a_figure_as_it_is_shown(name: str, value: float | None, text: str) -> None:
    assert figure_text(name, value) == text


def test_a_count_is_whole_where_it_can_be() -> None:
    assert [count_text(value) for value in (0, 3000, 2728.0, 2728.3333)] == ["0", "3000", "2728", "2728.3"]


def test_intervals_stand_in_brackets_with_the_digits_of_their_figure() -> None:
    assert figure_text("f1", 0.8732, (0.8512, 0.8933)) == "0.8732 [0.8512, 0.8933]"
    assert figure_text("tp", 1150.0, (1100.4, 1200.6)) == "1150 [1100, 1201]"
    assert figure_text("tp", 1150.5, (1100.4, 1200.6)) == "1150.5 [1100.4, 1200.6]"
    assert change_text("f1", 0.05, (-0.01, 0.11)) == "+0.0500 [−0.0100, +0.1100]"
    assert figure_text("mcc", -0.026, (-0.1, 0.05)) == "−0.0260 [−0.1000, 0.0500]"
    assert figure_text("f1", None, (0.1, 0.2)) == change_text("f1", None, (0.1, 0.2)) == "–"


def test_an_interval_alone() -> None:
    assert interval_text((0.8512, 0.8933)) == "0.8512 to 0.8933"
    assert interval_text(None) == "–"


def test_a_long_text_is_cut_and_says_so() -> None:
    assert clipped("x" * 5, 3) == "xxx… (2 more characters)"
    assert clipped("xxx", 3) == "xxx"
