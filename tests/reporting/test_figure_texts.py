"""How figures and changes are written: the ends of a change's interval show on which side of zero they are."""

import pytest

from repope_eval.reporting.console import print_table
from repope_eval.reporting.figure_texts import change_interval_text, change_text, points_interval_text
from repope_eval.reporting.table_exports import latex, markdown
from repope_eval.reporting.tables import Column, Field, points_cell, table
from repope_eval.scoring.estimates import Estimate


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        ((-0.018, -0.006), "−1.8 to −0.6"),
        ((0.0004, 0.065), "+0.04 to +6.5"),
        ((-0.065, -0.000004), "−6.5 to −0.0004"),
        ((-0.0004, 0.00003), "−0.04 to +0.003"),
        ((0.00049, 0.0006), "+0.05 to +0.1"),
        ((-0.0002, 0.0002), "−0.02 to +0.02"),
        ((0, 0.065), "0.0 to +6.5"),
        ((-0.004, 0), "−0.4 to 0.0"),
        ((0, 0), "0.0–0.0"),
        ((1e-17, 0.065), "0.0 to +6.5"),  # is of adding and taking away
        (None, "–"),
    ],
)
def test_an_end_that_is_not_zero_does_not_read_as_zero(
    interval: tuple[float, float] | None, text: str
) -> None:
    assert change_interval_text("f1", interval) == text


def test_ends_of_coefficients_and_counts_are_told_from_zero() -> None:
    assert change_interval_text("mcc", (0.0001, 0.02)) == "+0.0001 to +0.020"
    assert change_interval_text("tp", (-0.25, 3)) == "−0.2 to +3"
    assert points_interval_text((0.00002, 0.0062)) == "+0.002 to +0.62"


def test_every_form_of_a_table_has_the_end_as_it_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    change = Field(Column(title="change"), points_cell)
    shown = table("Changes", [change], [Estimate(value=0.03, interval=(0.0004, 0.065))], n_naming=0)
    print_table(shown)
    page = shown.rows[0].cells[0].note  # which it shows beside the figure
    for text in (capsys.readouterr().out, markdown(shown), latex(shown, "changes"), page):
        assert "+0.04 to +6.5" in text


def test_the_change_itself_is_rounded_as_it_was() -> None:
    assert change_text("f1", 0.0003, (0.0001, 0.0006)) == "0.0 (+0.01 to +0.1)"
    assert points_cell(Estimate(value=0.03, interval=(0.0004, 0.065))).full_text == "+3.0 (+0.04 to +6.5)"
