"""LLaVA-1.5-7B as others publish it, greedy and sampled: known counts, and how far the two lie apart."""

from pathlib import Path

import pytest

from repope_eval.benchmarks.sources import load_benchmark
from repope_eval.comparison.causes import compare_results
from repope_eval.comparison.sides import read_sides
from repope_eval.comparison.view import ComparisonView, verdict
from repope_eval.foreign_answers.formats import join_answer_files
from repope_eval.scoring.protocol_scores import score
from repope_eval.settings.command_settings import CompareSettings
from repope_eval.settings.config import BenchSettings, ColumnSettings

#                                     TP, FP, TN, FN
COUNTS = {
    ("greedy", "pope"): (1150, 40, 1460, 350),
    ("greedy", "repope"): (998, 63, 1552, 161),
    ("sample", "pope"): (1094, 85, 1415, 406),
    ("sample", "repope"): (940, 116, 1499, 219),
}
F1 = {
    ("random", "greedy"): (0.8550, 0.8991),
    ("popular", "greedy"): (0.8447, 0.8830),
    ("random", "sample"): (0.8167, 0.8488),
    ("popular", "sample"): (0.7969, 0.8263),
}
"""Under POPE and under RePOPE."""


def bench(variant: str) -> BenchSettings:
    return BenchSettings(name=f"repope_{variant}", source="coco", variants=(variant,))


def answer_file(shared: Path, variant: str, decoding: str) -> Path:
    file = shared / "answers" / "decoding" / f"llava-1.5-7b_{variant}_{decoding}.jsonl"
    if not file.is_file():
        pytest.skip(f"{file} is not there: it holds published answers")
    return file


@pytest.mark.parametrize(("variant", "decoding"), F1)
def test_score_finds_the_known_counts(shared: Path, variant: str, decoding: str) -> None:
    whole = load_benchmark(bench(variant), shared)
    files = [answer_file(shared, variant, decoding)]
    joined, benchmark = join_answer_files(files, [], ColumnSettings(), whole)
    assert len(joined.answers) == joined.n_rows == 3000
    scores = score("llava", whole.name, benchmark.label_sets, joined.answers, "repope")
    found = {name: scores.cells[name][variant].figures for name in ("pope", "repope")}
    assert tuple(round(each.f1 or 0, 4) for each in found.values()) == F1[variant, decoding]
    if variant == "random":
        for name, each in found.items():
            assert (each.tp, each.fp, each.tn, each.fn) == COUNTS[decoding, name]


def compared(shared: Path, variant: str) -> ComparisonView:
    a, b = (str(answer_file(shared, variant, decoding)) for decoding in ("greedy", "sample"))
    settings = CompareSettings(a=a, b=b, bench=bench(variant), data_dir=str(shared))
    return compare_results(*read_sides(settings), settings)


@pytest.mark.parametrize(("variant", "gaps"), [("random", (3.83, 5.03)), ("popular", (4.78, 5.67))])
def test_all_of_the_gap_is_other_answers_and_decoding_may_be_why(
    shared: Path, variant: str, gaps: tuple[float, float]
) -> None:
    view = compared(shared, variant)
    for labels, gap in zip(view.labels, gaps, strict=True):
        parts = labels.gaps[variant]["f1"].parts
        assert 100 * (parts["answers"].value or 0) == pytest.approx(gap, abs=0.01)
        assert [parts[cause].value for cause in ("questions", "reading", "labels")] == [0, 0, 0]
        chance = labels.chance[variant]
        assert chance.interval is not None
        assert chance.interval[0] > 0.02
    assert "decoding" in {group.name for group in view.settings if group.state == "unknown"}
    assert verdict(view).endswith(
        " How the answers came about is unknown: another prompt, checkpoint or decoding (greedy or sampled) may be why."
    )
