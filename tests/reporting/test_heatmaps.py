"""Heatmaps of pairs: their colours, and which places of the square are empty."""

import pytest

from repope_eval.reporting.heatmaps import MOST_WITH_ROOM, HeatCell, Scale, heatmap

SCALE = Scale(
    steps=(1, 2), texts=("little", "some", "much"), ahead="ahead", behind="behind", chance="by chance"
)


@pytest.mark.parametrize(
    ("value", "shade"),
    [
        (0.0, "up1"),
        (0.9, "up1"),
        (1.0, "up2"),
        (5.0, "up3"),
        (-0.1, "down1"),
        (-1.0, "down2"),
        (-9.0, "down3"),
    ],
)
def test_a_value_is_the_darker_the_further_from_zero(value: float, shade: str) -> None:
    assert SCALE.shade(value, is_chance=False) == shade
    assert SCALE.shade(value, is_chance=True) == "chance"


def test_the_legend_goes_from_the_lowest_to_the_highest() -> None:
    assert [shade for shade, _ in SCALE.legend] == ["down3", "down2", "down1", "chance", "up1", "up2", "up3"]


def test_a_thing_meets_itself_in_no_cell_and_half_a_heatmap_has_the_upper_half() -> None:
    def cell(row: str, column: str) -> HeatCell:
        return HeatCell(text=f"{row}{column}", shade="up1")

    whole = heatmap("", "abc", cell, is_whole=True)
    assert [[one and one.text for one in row] for row in whole.rows] == [
        [None, "ab", "ac"],
        ["ba", None, "bc"],
        ["ca", "cb", None],
    ]
    half = heatmap("", "abc", cell, is_whole=False)
    assert [[one and one.text for one in row] for row in half.rows] == [
        [None, "ab", "ac"],
        [None, None, "bc"],
        [None, None, None],
    ]
    assert (whole.n_empty, half.n_empty) == ([1, 0, 0], [1, 2, 3])


def test_many_things_have_a_dense_heatmap_and_long_names_are_shortened() -> None:
    names = [f"{'a' * 60} {number}" for number in range(MOST_WITH_ROOM + 1)]
    dense = heatmap("", names, lambda *_: None, is_whole=True)
    assert dense.is_dense
    assert not heatmap("", names[1:], lambda *_: None, is_whole=True).is_dense
    assert len(set(dense.labels)) == len(names)
