"""The answers of a run with their labels, from the benchmark that the run was asked from and no other."""

from pathlib import Path
from typing import Any

import pytest
from exported_runs import asked, exported, write_scored_run
from run_folders import demo

from repope_eval.errors import RepopeError
from repope_eval.exporting.scored_run import asked_benchmark, labelled_answers, read_scored_run


def test_each_labelled_question_with_an_answer_counts_once_in_a_variant(tmp_path: Path) -> None:
    run = read_scored_run(write_scored_run(tmp_path / "run"))
    benchmark = asked_benchmark(run, None)
    repope = benchmark.label_sets[1]
    found = list(labelled_answers(run, benchmark, repope))
    counts = {cell.variant: cell.n_answered for cell in run.cells if cell.label_set == "repope"}
    for variant, labels in demo().label_sets[1].variants.items():
        of_variant = [each for each in found if each.variant == variant]
        assert {each.question: each.label for each in of_variant} == labels
        assert len(of_variant) == counts[variant]
        assert all(benchmark.ids[variant][each.question_id] == each.question for each in of_variant)


def test_a_run_of_other_questions_is_refused(tmp_path: Path) -> None:
    def other(manifest: dict[str, Any]) -> None:
        asked(manifest)
        manifest["benchmark"]["sha256"]["pope_random.jsonl"] = "0"

    run = write_scored_run(tmp_path / "run", change=other)
    with pytest.raises(
        RepopeError, match=r"other question files: SHA-256 of pope_random\.jsonl differs; the forms"
    ):
        exported("lmms_eval", run)
    assert exported("evaluation_card", run)
