"""Letters that matplotlib's font lacks: found in other fonts for a PDF, or told."""

import logging
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

from repope_eval.reporting.charts import fonts
from repope_eval.reporting.charts.drawing import draw
from repope_eval.reporting.charts.fonts import OWN_FONT

OTHER = Path(mpl.get_data_path()) / "fonts" / "ttf" / "STIXNonUni.ttf"
"""A font that comes with matplotlib, too, with letters that its first one lacks."""


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> None:
    for remembering in (fonts._families_for, fonts._warn_of):
        remembering.cache_clear()


@pytest.fixture
def other_letter() -> str:
    own = FT2Font(str(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")).get_charmap()
    return chr(min(code for code in FT2Font(str(OTHER)).get_charmap() if code > 0xE000 and code not in own))


def drawn(name: str) -> tuple[bytes, list[list[str]]]:
    """The PDF of a chart with that name in it, and the families of its texts."""
    families = []

    def paint(figure: Figure) -> None:
        text = figure.text(0.1, 0.5, name)
        families.append(text)

    chart = draw("chart", "Title", "Description", 1.0, paint)
    return chart.pdf, [text.get_fontfamily() for text in families if isinstance(text, Text)]


@pytest.mark.draws("svg", "pdf")
def test_letters_are_found_in_another_font(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, other_letter: str
) -> None:
    monkeypatch.setattr(fonts, "system_fonts", lambda: [str(OTHER), "no-such-file.ttf"])
    pdf, families = drawn(f"model {other_letter}")
    assert families == [[OWN_FONT, "STIXNonUnicode"]]
    assert b"STIXNonUnicode" in pdf
    assert not caplog.records


@pytest.mark.draws("svg", "pdf")
def test_letters_that_no_font_has_are_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(fonts, "system_fonts", list)
    with caplog.at_level(logging.WARNING):
        drawn("模型 one")
        drawn("one 模型")
    (record,) = caplog.records
    assert record.getMessage().startswith("charts as PDF have boxes for 型模: no font on this machine")


@pytest.mark.draws("svg", "pdf")
def test_where_the_own_font_has_all_letters_no_other_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> list[str]:
        raise AssertionError("fonts of the machine are looked for")

    monkeypatch.setattr(fonts, "system_fonts", fail)
    _, families = drawn("Ein Modell, модель − 95 %")
    assert families == [["sans-serif"]]
