"""The paper's models: their counts, figures, rankings, and binomial intervals."""

import csv
from pathlib import Path

import pytest
import real_answers
from conftest import PROJECT
from counts import count, percentiles

from repope_eval.scoring.protocols import PROTOCOLS
from repope_eval.scoring.published import CONFIG_NAMES, PublishedScores, _binomial_intervals, published_scores


def test_seventeen_models_of_which_each_has_a_configuration_file() -> None:
    models = published_scores()
    assert len(models) == 17
    assert {model.model: model.config_name for model in models} == dict(CONFIG_NAMES)
    for model in models:
        assert (PROJECT / "configs" / "models" / f"{model.config_name}.yaml").is_file()


def test_every_cell_is_there_and_its_counts_add_up() -> None:
    totals = {
        ("pope", "random"): (1500, 1500),
        ("pope", "popular"): (1500, 1500),
        ("pope", "adversarial"): (1500, 1500),
        ("repope", "random"): (1159, 1615),
        ("repope", "popular"): (1193, 1534),
        ("repope", "adversarial"): (1187, 1497),
    }
    for model in published_scores():
        assert list(model.cells) == ["pope", "repope"]
        for cells in model.cells.values():
            assert list(cells) == ["random", "popular", "adversarial", "mean"]
        for (name, variant), (positives, negatives) in totals.items():
            cell = model.cells[name][variant].figures
            assert (cell.tp + cell.fn, cell.fp + cell.tn) == (positives, negatives)
            assert (cell.n_questions, cell.n_answered, cell.n_unparsed) == (*[positives + negatives] * 2, 0)


def test_figures_of_one_model_by_hand() -> None:
    (model,) = (model for model in published_scores() if model.model == "InternVL2.5-26B")
    cell = model.cells["repope"]["random"].figures
    assert (cell.tp, cell.fp, cell.fn, cell.tn) == (1150, 111, 9, 1504)
    assert cell.f1 == pytest.approx(2 * 1150 / (2 * 1150 + 111 + 9))
    assert cell.precision == pytest.approx(1150 / 1261)


def test_figures_are_those_that_the_paper_plots(shared: Path) -> None:
    with (shared / "published" / "figure2_values.csv").open(encoding="utf-8") as file:
        plotted = {
            (row["model"], row["subset"]): row for row in csv.DictReader(file) if row["metric"] == "F1"
        }
    for model in published_scores():
        for name, cells in model.cells.items():
            for variant, cell in cells.items():
                assert cell.figures.f1 == pytest.approx(float(plotted[model.model, variant][name]), abs=1e-5)


def by_f1() -> list[PublishedScores]:
    """The best on random under corrected labels first."""
    return sorted(published_scores(), key=lambda model: -(model.cells["repope"]["random"].figures.f1 or 0))


def test_the_best_are_those_that_the_paper_names() -> None:
    assert [
        (model.model, round(model.cells["repope"]["random"].figures.f1 or 0, 4)) for model in by_f1()[:3]
    ] == [("Ovis2-4B", 0.9591), ("Ovis2-8B", 0.9589), ("InternVL2.5-78B", 0.9553)]


def test_approximations_of_f1_are_as_wide_as_a_bootstrap_over_images(shared: Path) -> None:
    """For a model of which both can be had."""
    benchmark = real_answers.benchmark(shared)
    answers = real_answers.joined(shared, benchmark).answers
    exact = percentiles(benchmark.label_sets, answers)
    for label_set in benchmark.label_sets:
        approximate = _binomial_intervals(
            {v: count(labels, answers, PROTOCOLS["repope"]) for v, labels in label_set.variants.items()}
        )
        for variant, intervals in approximate.items():
            widths = [
                interval[1] - interval[0]
                for interval in (exact[label_set.name][variant]["f1"], intervals["f1"])
                if interval is not None
            ]
            assert 0.9 < widths[0] / widths[1] < 1.1
