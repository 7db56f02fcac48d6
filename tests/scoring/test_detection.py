"""DASH-B's figures, by hand and from a real model's published answers; unparsed answers are wrong ones."""

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import CommandLine
from estimate_parts import intervals_of, methods_of, reasons_of
from scipy.special import logit

from repope_eval.benchmarks.sources import load_benchmark
from repope_eval.foreign_answers.formats import join_file
from repope_eval.records import Answer, Question
from repope_eval.scoring.bootstrap import replicated
from repope_eval.scoring.confusion import OUTCOMES
from repope_eval.scoring.detection import (
    DETECTION_FIGURES,
    detection,
    detection_by_object,
    estimate_over_objects,
)
from repope_eval.scoring.intervals import Sample, gamma_estimate
from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.settings.config import BenchSettings, ColumnSettings
from repope_eval.system.json_files import read_rows
from repope_eval.system.rows import read_row_file

DASH_B = BenchSettings(name="dash_b", source="dash_b", variants=("dash_b",))
REPOPE = PROTOCOLS["repope"]
TITLES = {"acc": "ACC", "tnr": "TNR", "tpr": "TPR", "harmonic_mean": "Harmonic Mean"}


def answered(*rows: tuple[str, bool, str | None]) -> tuple[dict[Question, bool], dict[Question, Answer]]:
    """Labels and answers of (object, label, response); no answer where the response is None."""
    labels, answers = {}, {}
    for number, (name, label, response) in enumerate(rows):
        question = Question(f"{number}.jpg", f"Can you see a {name}?", name)
        labels[question] = label
        if response is not None:
            answers[question] = Answer(question, response)
    return labels, answers


MIXED = (
    *[("bed", True, "Yes")] * 6,
    *[("bed", True, "no")] * 2,
    *[("bed", False, "No")] * 3,
    ("bed", False, "Yes"),
    ("tie", True, "I see a bed"),
    ("tie", True, "yes"),
    ("tie", False, ""),
    ("tie", False, "No"),
    ("tie", False, None),
)


def test_the_figures_by_hand() -> None:
    found = detection(*answered(*MIXED), REPOPE)
    assert (found.n_positives, found.n_negatives, found.n_unparsed) == (10, 6, 2)
    assert found.estimates["tpr"].value == 7 / 10
    assert found.estimates["tnr"].value == 4 / 6
    assert found.estimates["acc"].value == 11 / 16
    assert found.estimates["harmonic_mean"].value == pytest.approx(
        2 * 0.7 * (4 / 6) / (0.7 + 4 / 6), abs=1e-15
    )
    assert reasons_of(found.estimates) == {}
    assert set(methods_of(found.estimates).values()) == {"gamma"}  # so few images


def test_the_figures_of_each_object() -> None:
    found = detection_by_object(*answered(*MIXED), REPOPE)
    assert list(found) == ["bed", "tie"]
    assert [
        tuple(cell.estimates[figure].value for figure in ("tpr", "tnr", "acc")) for cell in found.values()
    ] == [(6 / 8, 3 / 4, 9 / 12), (0.5, 0.5, 0.5)]
    assert [(cell.n_positives, cell.n_negatives, cell.n_unparsed) for cell in found.values()] == [
        (8, 4, 0),
        (2, 2, 2),
    ]


def test_a_rate_without_a_success_has_an_interval_with_a_width() -> None:
    rows = [("bed", number % 2 == 0, "yes") for number in range(200)]
    found = detection(*answered(*rows), REPOPE)
    assert found.estimates["tnr"].value == 0
    of_exponential = -math.log(0.025)
    assert found.estimates["tnr"].interval == pytest.approx((0, of_exponential / 100), abs=1e-9)
    assert found.estimates["tpr"].interval == pytest.approx((1 - of_exponential / 100, 1), abs=1e-9)


def test_objects_that_differ_widen_the_intervals_for_other_objects() -> None:
    rows = [
        (f"object {name}", label, "yes" if label or name % 2 else "no")
        for name in range(60)
        for label in (True, False)
        for _ in range(10)
    ]
    found = detection(*answered(*rows), REPOPE)
    widths = [
        ends[1] - ends[0]
        for ends in (found.estimates["tnr"].interval, found.object_estimates["tnr"].interval)
        if ends
    ]
    assert widths[1] > 2.5 * widths[0]
    assert found.object_estimates["tnr"].interval == pytest.approx(
        (0.5 - 1.96 * 0.5 / 60**0.5, 0.5 + 1.96 * 0.5 / 60**0.5), abs=0.02
    )
    few = detection(*answered(*rows[: 49 * 20]), REPOPE)
    assert set(intervals_of(few.object_estimates).values()) == {None}
    assert set(reasons_of(few.object_estimates).values()) == {"fewer than 50 objects have answers"}


def objects(n_wrong: Sequence[int]) -> Sample:
    """Objects with ten questions of label no each, of which so many are answered yes."""
    counts = np.zeros((len(n_wrong), 1, len(OUTCOMES)))
    counts[:, 0, OUTCOMES.index("fp")] = n_wrong
    counts[:, 0, OUTCOMES.index("tn")] = 10 - np.array(n_wrong)
    drawn = replicated(counts, REPOPE, ("tnr",))
    return Sample(counts=counts, totals=counts.sum(axis=0), drawn=drawn, protocol=REPOPE)


def test_intervals_for_other_objects_are_by_students_t() -> None:
    """On the scale of the logit, with the replicates' deviation for 59 degrees of freedom of 60 objects."""
    sample = objects([index % 5 for index in range(60)])
    low, high = estimate_over_objects(sample, "tnr", 0.8, (0,)).interval or (0, 0)
    half = 2.00100 * logit(sample.drawn["tnr"]).std() * math.sqrt(60 / 59)
    assert (logit(low), logit(high)) == pytest.approx((logit(0.8) - half, logit(0.8) + half), abs=1e-5)


def test_without_a_logit_in_a_replicate_an_interval_for_other_objects_is_a_gamma_one() -> None:
    sample = objects([index % 5 for index in range(60)])
    drawn = {"tnr": np.concatenate([sample.drawn["tnr"][1:], [[1.0]]])}
    found = estimate_over_objects(replace(sample, drawn=drawn), "tnr", 0.8, (0,))
    assert found.interval == gamma_estimate(sample, "tnr", (0,)).interval


def test_errors_about_few_objects_have_gamma_intervals_for_other_objects() -> None:
    rows = [
        (f"object {name}", label, "yes" if label or name < errs else "no")
        for name, errs in ((name, 3) for name in range(60))
        for label in (True, False)
        for _ in range(10)
    ]
    over_objects = detection(*answered(*rows), REPOPE).object_estimates
    tnr, tpr = (over_objects[figure].interval for figure in ("tnr", "tpr"))
    assert tnr is not None
    assert tnr[0] < 0.95 - 2 * math.sqrt(0.05 * 0.95 / 60) < 0.95 < tnr[1] < 1
    assert tpr == pytest.approx((1 + math.log(0.025) / 2 / 60, 1))  # half of one further object


@pytest.mark.parametrize(
    ("rows", "undefined", "reason"),
    [
        ((), DETECTION_FIGURES, "no question has an answer"),
        ((("bed", True, None),), DETECTION_FIGURES, "no question has an answer"),
        ([("bed", True, "yes")] * 3, ("tnr", "harmonic_mean"), "no question with label no has an answer"),
        ([("bed", False, "yes")] * 3, ("tpr", "harmonic_mean"), "no question with label yes has an answer"),
        (
            [("bed", True, "no"), ("bed", False, "yes")] * 20,
            ("harmonic_mean",),
            "the true positive and the true negative rate are both 0",
        ),
    ],
)
def test_what_is_undefined_says_why(
    rows: tuple[tuple[str, bool, str | None], ...], undefined: tuple[str, ...], reason: str
) -> None:
    found = detection(*answered(*rows), REPOPE)
    for figure in undefined:
        assert found.estimates[figure].value is None
        assert found.estimates[figure].interval is None
        assert found.estimates[figure].reason == reason
    assert all(
        found.estimates[figure].value is not None for figure in DETECTION_FIGURES if figure not in undefined
    )


def test_a_single_image_has_a_figure_and_no_interval() -> None:
    single = detection(*answered(("bed", True, "yes")), REPOPE)
    assert (single.estimates["tpr"].value, single.estimates["tpr"].interval) == (1, None)
    assert single.estimates["tpr"].reason == "a single image has answers: nothing to draw from"
    pair = detection(*answered(("bed", True, "yes"), ("bed", False, "no")), REPOPE)
    assert (pair.estimates["harmonic_mean"].value, pair.estimates["harmonic_mean"].interval) == (1, None)
    assert pair.estimates["tpr"].reason == "fewer than two images have questions that count in it"


@pytest.fixture
def published(shared: Path) -> tuple[Path, dict[str, float]]:
    """A real model's answers and its scores."""
    answers = shared / "dash_b" / "paligemma-3b_answers.json"
    results = shared / "dash_b" / "paligemma-3b_results.json"
    return answers, json.loads(results.read_text())


def test_published_scores_are_reproduced(published: tuple[Path, dict[str, float]], shared: Path) -> None:
    path, expected = published
    index = load_benchmark(DASH_B, shared)
    joined, benchmark = join_file(read_row_file(path), ColumnSettings(), index, None)
    (label_set,) = benchmark.label_sets
    labels = label_set.variants["dash_b"]
    found = detection(labels, joined.answers, REPOPE)
    for figure, title in TITLES.items():
        assert found.estimates[figure].value == pytest.approx(expected[title], abs=1e-9)
    assert (found.n_positives, found.n_negatives, found.n_unparsed) == (1341, 1341, 0)
    widths = [
        {figure: ends[1] - ends[0] for figure, ends in intervals.items() if ends}
        for intervals in (intervals_of(found.estimates), intervals_of(found.object_estimates))
    ]
    assert widths[0] == pytest.approx(
        {"acc": 0.0298, "tnr": 0.0473, "tpr": 0.0367, "harmonic_mean": 0.055}, rel=0.03
    )
    assert (widths[1]["acc"], widths[1]["harmonic_mean"]) == pytest.approx((0.135, 0.186), rel=0.03)
    objects = detection_by_object(labels, joined.answers, REPOPE)
    assert sum(cell.n_negatives for cell in objects.values()) == 1341
    assert (len(objects), objects["backpack"].n_negatives) == (70, 25)


def test_published_scores_through_the_command_line(
    published: tuple[Path, dict[str, float]], shared: Path, command_line: CommandLine, tmp_path: Path
) -> None:
    path, expected = published
    run = tmp_path / "run"
    result = command_line("score", f"answers={path}", "bench=dash_b", f"data_dir={shared}", f"out={run}")
    assert result.returncode == 0, result.stderr
    assert "its positive images are those of the authors' published answers" in result.stderr
    document = json.loads((run / "scores.json").read_text())
    for figure, title in TITLES.items():
        assert document["dash_b"][figure] == pytest.approx(expected[title], abs=1e-9)
    cell = document["scores"]["dash_b"]["dash_b"]
    assert cell["ci95"]["accuracy"] == document["dash_b"]["ci95"]["acc"]
    for name, title in {"accuracy": "ACC", "tnr": "TNR", "recall": "TPR"}.items():
        assert cell[name] == pytest.approx(expected[title], abs=1e-9)
    assert (cell["n_questions"], cell["n_answered"], cell["n_unparsed"]) == (2682, 2682, 0)
    images = {row["image"] for row in read_rows(run / "answers.jsonl")}
    assert len(images) == 2682
    assert not {image for image in images if image.startswith("pos/")}
