"""Charts: what they show, the same each time, and fit for both sides of a page."""

import dataclasses
import functools
import math
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from run_examples import EFFECT, EVIDENCE
from score_examples import CELL, RELABELLED, UNDEFINED_CELL, scores_of

from repope_eval.reporting.charts.detections import detection_charts
from repope_eval.reporting.charts.drawing import Chart
from repope_eval.reporting.charts.errors import objects_charts, relabelling_chart
from repope_eval.reporting.charts.figures import (
    _paint_bins,
    counts_chart,
    precision_recall_chart,
    reliability_chart,
    window_around,
)
from repope_eval.scoring.calibration import ReliabilityBin, drawn_bins
from repope_eval.scoring.detection import Detection
from repope_eval.scoring.estimates import Estimate
from repope_eval.scoring.object_rates import object_rates
from repope_eval.scoring.relabelling_effect import Effect

pytestmark = pytest.mark.draws

BOTH = ["POPE", "RePOPE"]
CELLS = {"random": CELL, "adversarial": dataclasses.replace(CELL, precision=0.9084), "mean": CELL}
SCORES = scores_of(CELLS, dict.fromkeys(CELLS, RELABELLED))


def detections_of(**shares: tuple[float | None, float | None, int]) -> dict[str, Detection]:
    """By object: the share of images that show and that lack it where the model is right, and how many each."""
    whole = {"all objects": (0.8, 0.6, 100), **shares}
    return {
        name: Detection(
            estimates={
                "acc": Estimate(value=0.7),
                "tpr": Estimate(value=tpr, interval=(0.7, 0.9) if name == "all objects" else None),
                "tnr": Estimate(value=tnr, interval=(0.5, 0.7) if name == "all objects" else None),
                "harmonic_mean": Estimate(value=0.7),
            },
            n_positives=n,
            n_negatives=n,
            n_unparsed=0,
        )
        for name, (tpr, tnr, n) in whole.items()
    }


DETECTIONS = detections_of(dog=(1.0, 0.0, 5), cat=(0.9, 0.8, 9), cow=(0.1, 0.2, 4), car=(None, 0.5, 9))
CHARTS: dict[str, Callable[[], Chart]] = {
    "counts": lambda: counts_chart(SCORES),
    "precision_recall": lambda: precision_recall_chart(SCORES),
    "relabelling": lambda: relabelling_chart([EFFECT, effect("adversarial")], BOTH),
    "hallucinated_objects": lambda: charts_of([effect("a car")])[0],
    "missed_objects": lambda: charts_of([effect("a car")])[1],
    "reliability": lambda: reliability_chart({"pope": {"random": EVIDENCE}, "repope": {"random": EVIDENCE}}),
    "detections": lambda: detection_charts(DETECTIONS)[0],
    "confused_objects": lambda: detection_charts(DETECTIONS)[1],
}


@functools.cache
def drawn(name: str) -> Chart:
    """A chart, drawn once; PDF may be empty."""
    return CHARTS[name]()


def effect(group: str, **fields: object) -> Effect:
    return dataclasses.replace(EFFECT, group=group, **fields)  # type: ignore[arg-type]


def charts_of(effects: Sequence[Effect], label_sets: Sequence[str] = ("pope", "repope")) -> list[Chart]:
    return objects_charts(object_rates(effects, label_sets))


def texts(chart: Chart) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", chart.svg.decode())


@pytest.mark.draws("svg", "pdf")
@pytest.mark.parametrize("name", ["counts", "reliability"])
def test_a_chart_is_the_same_each_time_as_svg_and_pdf(name: str) -> None:
    chart = CHARTS[name]()
    assert chart == CHARTS[name]()
    assert chart.name == name
    assert chart.svg.startswith(b"<?xml")
    assert chart.pdf.startswith(b"%PDF")
    assert b"CreationDate" not in chart.pdf
    assert b"<dc:date>" not in chart.svg


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_in_a_page_has_its_colours_a_name_and_ids_of_its_own(name: str) -> None:
    chart = drawn(name)
    (inline,) = ElementTree.fromstring(chart.inline)
    assert set(inline.attrib) == {
        "viewBox",
        "role",
        "aria-labelledby",
        "style",
    }  # no width: as wide as there is room
    assert [child.tag for child in inline][:2] == ["title", "desc"]
    assert (inline[0].text, inline[1].text) == (chart.title, chart.description)
    ids = [element.attrib["id"] for element in inline.iter() if "id" in element.attrib]
    assert len(ids) == len(set(ids))
    assert all(each.startswith(f"{name}-") for each in ids)
    assert set(re.findall(r"(?:url\(|href=\")#([^)\"]+)", chart.inline)) <= set(ids)
    assert not re.search(
        r"#[0-9a-fA-F]{6}", chart.inline
    )  # each colour is one that changes with the page's side
    assert "<style" not in chart.inline
    assert "metadata" not in chart.inline


def test_counts_have_a_row_a_variant_and_a_value_a_label_set() -> None:
    shown = texts(drawn("counts"))
    assert [shown.count(variant) for variant in CELLS] == [3, 3, 3]  # a panel each for TP, FP and F1
    for value in ("1150", "1002", "28", "49", "87.3", "91.9"):
        assert value in shown
    assert {"POPE", "RePOPE"} <= set(shown)


def test_undefined_figures_are_dashes_and_leave_no_mark() -> None:
    undefined = scores_of({"random": UNDEFINED_CELL})
    assert "–" in texts(counts_chart(undefined))
    assert precision_recall_chart(undefined).svg
    assert window_around([(None, 0.5)]) == (0.0, 1.0, 0.0, 1.0)


def test_errors_are_told_apart_and_add_up() -> None:
    shown = texts(relabelling_chart([EFFECT], ["the original labels", "the corrected labels"]))
    assert {"Errors under the original labels", "Errors under the corrected labels"} <= set(shown)
    for total in (EFFECT.before[1], EFFECT.before[3], EFFECT.after[1], EFFECT.after[3]):
        assert str(total) in shown


def test_the_objects_with_the_highest_rates_come_first_and_those_without_an_error_not_at_all() -> None:
    effects = [
        effect(f"object {number:02}", before=(0, number, 40 - number, 0), after=(0, number, 40 - number, 0))
        for number in range(30)
    ]
    (chart,) = charts_of(effects)
    assert chart.name == "hallucinated_objects"
    assert "drawn towards the mean, with 95 % intervals" in chart.title
    assert "of the 12 objects with the highest rates under RePOPE, of 29 with any" in chart.description
    assert [text for text in texts(chart) if text.startswith("object")] == [
        f"object {number}" for number in range(29, 17, -1)
    ]
    assert "of the only object with any" in charts_of(effects[:2])[0].description
    assert "of the 2 objects with any" in charts_of(effects[:3])[0].description
    assert charts_of(effects[:1]) == []


def test_an_object_that_one_label_set_leaves_out_has_the_mark_of_the_other() -> None:
    left_out = effect("a car", before=(0, 3, 5, 0), after=(0, 0, 0, 0))
    both = effect("a car", before=(0, 3, 5, 0), after=(0, 3, 5, 0))
    lines = [len(re.findall(r"<path ", charts_of([one])[0].svg.decode())) for one in (left_out, both)]
    assert {"3 of 8", "0 of 0"} <= set(texts(charts_of([left_out])[0]))
    assert lines[0] < lines[1]


def test_one_label_set_alone() -> None:
    scores = scores_of({"dash": CELL})
    assert "RePOPE" not in texts(counts_chart(scores))
    assert "arrows" not in precision_recall_chart(scores).description
    assert "RePOPE" not in texts(charts_of([effect("a car")], ["pope"])[0])
    assert reliability_chart({"only": {"dash": EVIDENCE}}).svg


@pytest.mark.parametrize("name", ["<script>&amp;", "$x^2$ \\frac{", "狗", "\ud800", "#1c1e21"])
def test_names_of_objects_are_text(name: str) -> None:
    chart = charts_of([effect(name)])[0]
    inline = ElementTree.fromstring(chart.inline)
    shown = ["".join(element.itertext()) for element in inline.iter("text")]
    assert " ".join(re.sub("[\0\ud800]", "\N{REPLACEMENT CHARACTER}", name).split()) in shown


def test_objects_that_are_told_apart_least_come_first() -> None:
    plane, rows = detection_charts(DETECTIONS)
    shown = [text for text in texts(rows) if text.isalpha() or text == "all objects"]
    assert shown[:4] == ["all objects", "cow", "dog", "cat"]  # no image that shows a car has an answer
    assert "the 3 objects with the smallest difference" in rows.description
    assert {"always yes", "always no", "all right", "all wrong"} <= set(texts(plane))


def test_an_object_of_two_images_is_not_told_apart_less_than_one_of_a_hundred() -> None:
    others = {f"object {number}": (0.9, 0.8, 30) for number in range(10)}
    seen = detections_of(bus=(0.0, 0.0, 1), cup=(0.2, 0.2, 100), **others)
    shown = [text for text in texts(detection_charts(seen)[1]) if text in {"bus", "cup"}]
    assert shown == ["cup", "bus"]


def test_without_answers_of_both_labels_there_is_no_chart_of_objects() -> None:
    assert detection_charts({}) == []
    whole = detections_of()["all objects"]
    unknown = dataclasses.replace(whole, estimates={**whole.estimates, "tnr": Estimate()})
    assert detection_charts({"all objects": unknown}) == []


def test_ranges_of_few_questions_are_joined() -> None:
    """Marks of a few questions each had made a line that leapt up and down."""
    chart = reliability_chart({"only": {"dash": EVIDENCE}})
    assert "Ranges with fewer than 30 questions are joined" in chart.description
    marks = re.findall(r"<use [^>]*>", chart.svg.decode())
    single = dataclasses.replace(EVIDENCE, reliability=EVIDENCE.reliability[:1])
    fewer = re.findall(r"<use [^>]*>", reliability_chart({"only": {"dash": single}}).svg.decode())
    assert len(marks) - len(fewer) == 1  # of 81 questions in nine ranges two marks, of 9 in one a single one


def reliability_line(*numbers: int) -> list[float]:
    """The confidences along the line of a reliability chart of ranges with so many questions."""
    width = 1 / len(numbers)
    bins = [
        ReliabilityBin(
            low=place * width,
            high=(place + 1) * width,
            n=number,
            confidence=(place + 0.5) * width if number else None,
            yes_share=0.5 if number else None,
        )
        for place, number in enumerate(numbers)
    ]
    axes = Figure().subplots()
    _paint_bins(axes, bins, 0)
    *marks, line = axes.get_lines()
    assert len(marks) == sum(number > 0 for number in numbers)  # a mark for each range with questions
    return [float(x) for x in np.asarray(line.get_xdata())]


def test_a_line_of_reliability_is_broken_at_a_range_without_questions() -> None:
    assert reliability_line(40, 40, 40, 40) == [0.125, 0.375, 0.625, 0.875]
    first, gap, *others = reliability_line(40, 0, 40, 40)
    assert (first, others) == (0.125, [0.625, 0.875])
    assert math.isnan(gap)
    assert [math.isnan(x) for x in reliability_line(40, 0, 0, 40)] == [False, True, False]


def test_a_range_that_is_joined_with_an_empty_one_breaks_no_line() -> None:
    joined = drawn_bins(EVIDENCE.reliability)
    axes = Figure().subplots()
    _paint_bins(axes, joined, 0)
    assert not np.isnan(np.asarray(axes.get_lines()[-1].get_xdata())).any()


def test_shares_are_drawn_in_percent() -> None:
    assert {"F1, %", "88.0", "90.0", "92.0"} <= set(texts(drawn("counts")))
    assert {"recall, %", "precision, %"} <= set(texts(drawn("precision_recall")))
    assert any(re.fullmatch(r"F1 \d\d(\.\d)?", text) for text in texts(drawn("precision_recall")))
    assert {f"share of yes, %, images that {one} it" for one in ("lack", "show")} <= set(
        texts(drawn("detections"))
    )
    assert {"0", "25", "50", "75", "100", "share of yes, %"} <= set(texts(drawn("confused_objects")))


def test_errors_of_an_object_are_told_of_the_answers_that_could_be_such() -> None:
    assert {"8 of 48", "6 of 47"} <= set(texts(drawn("hallucinated_objects")))
    assert {"12 of 42", "9 of 37"} <= set(texts(drawn("missed_objects")))


def test_a_users_own_settings_change_nothing_and_are_left_as_they_were() -> None:
    plain = CHARTS["counts"]()
    with mpl.rc_context({"font.size": 40, "svg.fonttype": "path", "axes.grid": True}):
        before = mpl.rcParams.copy()
        assert CHARTS["counts"]() == plain
        assert mpl.rcParams.copy() == before


def test_another_process_draws_the_same_without_pyplot() -> None:
    code = "import sys, test_charts; sys.stdout.buffer.write(test_charts.CHARTS['counts']().svg); "
    code += "assert 'matplotlib.pyplot' not in sys.modules"
    here = Path(__file__).parent
    paths = os.pathsep.join((str(here), str(here.parent.parent)))
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": "7"},
        capture_output=True,
        check=True,
    )
    assert ended.stdout == CHARTS["counts"]().svg
