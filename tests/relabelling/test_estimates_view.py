"""What is said of estimates: the change of F1, whether it is more than chance, and what becomes of many runs."""

from dataclasses import replace

import pytest
from estimates_examples import estimated_run, estimates_view

from repope_eval.relabelling.estimates_view import EstimatedRun, EstimatesView, estimates_document
from repope_eval.relabelling.estimation import FIGURES
from repope_eval.relabelling.sampled_labels import FigureEstimate
from repope_eval.scoring.estimates import Estimate


def run(f1: FigureEstimate, name: str = "steady") -> EstimatedRun:
    return replace(estimated_run(name, "mean", 0.9), true=dict.fromkeys(FIGURES, f1))


def view_of(*rows: EstimatedRun) -> EstimatesView:
    return replace(estimates_view("steady", "hasty"), rows=rows)


@pytest.mark.parametrize(
    ("f1", "verdict"),
    [
        (
            FigureEstimate(0.9, (0.8875, 0.92)),
            "F1 of steady rises from 87.5 % by the old labels to 90.0 % (95 % interval 88.8–92.0) under true ones: "
            "+2.5 points (+1.2 to +4.5), more than chance.",
        ),
        (
            FigureEstimate(0.8, (0.79, 0.82)),
            "F1 of steady falls from 87.5 % by the old labels to 80.0 % (95 % interval 79.0–82.0) under true ones: "
            "−7.5 points (−8.5 to −5.5), more than chance.",
        ),
        (
            FigureEstimate(0.9, (0.8754, 0.94)),
            "F1 of steady rises from 87.5 % by the old labels to 90.0 % (95 % interval 87.5–94.0) under true ones: "
            "+2.5 points (+0.04 to +6.5), more than chance.",
        ),
        (
            FigureEstimate(0.88, (0.87, 0.9)),
            "F1 of steady goes from 87.5 % by the old labels to 88.0 % (95 % interval 87.0–90.0) under true ones: "
            "+0.5 points (−0.5 to +2.5), which may be chance.",
        ),
        (
            FigureEstimate(0.9, (0.9, 0.9)),
            "F1 of steady goes from 87.5 % by the old labels to 90.0 % under true ones: +2.5 points.",
        ),
        (
            FigureEstimate(0.9, None),
            "F1 of steady goes from 87.5 % by the old labels to 90.0 % under true ones: +2.5 points, without an "
            "interval.",
        ),
        (
            FigureEstimate(None, None, n_needed=1400),
            "F1 of steady under true labels is not known (too few labels: about 1,400 are needed).",
        ),
    ],
)
def test_a_run_has_a_sentence_about_what_becomes_of_its_f1(f1: FigureEstimate, verdict: str) -> None:
    assert view_of(run(f1)).verdicts == [verdict]


def test_what_is_undefined_by_the_old_labels_has_no_change() -> None:
    row = replace(
        run(FigureEstimate(0.9, (0.8875, 0.92))),
        old=dict.fromkeys(FIGURES, Estimate(reason="nothing counts")),
    )
    assert view_of(row).verdicts == [
        "F1 of steady is undefined by the old labels, and 90.0 % (95 % interval 88.8–92.0) under true ones."
    ]
    assert row.change("f1") == Estimate(reason="nothing counts")


def test_many_runs_are_counted() -> None:
    risen, fallen, unsure, unknown = (
        FigureEstimate(0.9, (0.8875, 0.92)),
        FigureEstimate(0.8, (0.79, 0.82)),
        FigureEstimate(0.88, (0.87, 0.9)),
        FigureEstimate(None, None, n_needed=1400),
    )
    rows = [
        run(f1, str(place))
        for place, f1 in enumerate([risen, FigureEstimate(0.95, (0.94, 0.96)), fallen, unsure, unknown])
    ]
    assert view_of(*rows).verdicts == [
        "From the old labels to true ones, F1 of 5 runs rises by more than chance for 2 (+2.5 to +7.5 points), falls "
        "by more than chance for 1 (−7.5 points), changes by what may be chance for 1 and is not known for 1. Each "
        "run is judged by itself."
    ]
    risen_alike = [run(FigureEstimate(0.9, (0.8875, 0.92)), str(place)) for place in range(4)]
    assert view_of(*risen_alike).verdicts == [
        "From the old labels to true ones, F1 of 4 runs rises by more than chance for 4 (+2.5 points) and falls by "
        "more than chance for 0. Each run is judged by itself."
    ]


def test_nothing_is_estimated_where_people_looked_at_all() -> None:
    view = replace(view_of(run(FigureEstimate(0.9, (0.9, 0.9)))), n_looked=5127)
    assert view.basis.endswith("Nothing is estimated, since people looked at every question.")
    assert "Chance" in replace(view, n_disputed=1).basis


def test_the_document_has_the_old_value_and_the_change_beside_the_estimate() -> None:
    found = estimates_document(view_of(run(FigureEstimate(0.9, (0.8875, 0.92)))))["runs"]["steady"]["mean"][
        "f1"
    ]
    assert found == {
        "estimate": 0.9,
        "ci95": [0.8875, 0.92],
        "reason": None,
        "old": 0.875,
        "old_ci95": [0.861, 0.8861],
        "change": pytest.approx(0.025),
        "change_ci95": pytest.approx([0.0125, 0.045]),
    }
