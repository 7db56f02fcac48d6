"""The Hub's file of evaluation results, read back by the Hub's own library."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from exported_runs import all_no, asked, elsewhere, exported, write_limited_run, write_scored_run
from huggingface_hub import EvalResultEntry, parse_eval_result_entries

from repope_eval.errors import RepopeError
from repope_eval.exporting.scored_run import read_scored_run


def entries(run: Path, **settings: Any) -> list[EvalResultEntry]:
    ((name, text),) = exported("eval_results", run, **settings).items()
    assert name == ".eval_results/repope_eval_demo.yaml"
    return parse_eval_result_entries(yaml.safe_load(text))


def of_coco(manifest: dict[str, Any]) -> None:
    asked(manifest)
    manifest["settings"]["bench"]["source"] = "coco"


def test_f1_of_each_variant_is_an_entry(tmp_path: Path) -> None:
    run = write_scored_run(tmp_path / "run")
    found = entries(run, dataset="me/demo", url="https://example.org/run")
    values = {f"{cell.label_set}_{cell.variant}": cell.figures["f1"] for cell in read_scored_run(run).cells}
    assert {entry.task_id: entry.value for entry in found} == {task: f1.value for task, f1 in values.items()}
    first = found[0]
    assert (first.dataset_id, first.date) == ("me/demo", "2026-01-02T04:05:06+00:00")
    assert (first.source_url, first.source_name) == ("https://example.org/run", "repope_eval")
    low, high = values["pope_random"].interval or (0, 0)
    assert f"F1 from 0 to 1 under POPE labels; 95 % interval {low:.4f} to {high:.4f}" in (first.notes or "")
    assert "600 of 600 questions answered; repope_eval 0.1.0" in (first.notes or "")


def test_notes_count_whole_questions_and_those_of_the_benchmark(tmp_path: Path) -> None:
    found = {
        entry.task_id: entry.notes or ""
        for entry in entries(write_limited_run(tmp_path / "run"), dataset="me/demo")
    }
    assert "; 30 of 30 questions answered; " in found["pope_random"]
    assert "; 52 of 52 distinct questions answered; " in found["repope_mean"]
    limit = "; limited to the benchmark's first images; the whole benchmark has 1,026 distinct questions; "
    assert all(limit in notes for notes in found.values())


def test_when_others_asked_is_not_known(tmp_path: Path) -> None:
    found = entries(write_scored_run(tmp_path / "run", change=elsewhere), dataset="me/demo")
    assert {(entry.date, entry.source_url) for entry in found} == {(None, None)}


def test_a_benchmark_without_a_dataset_needs_one(tmp_path: Path) -> None:
    run = write_scored_run(tmp_path / "run")
    with pytest.raises(
        RepopeError, match=r"no dataset on the Hub is known for demo; name the one .* dataset="
    ):
        entries(run)


def test_labels_without_a_dataset_are_left_out_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = entries(write_scored_run(tmp_path / "run", change=of_coco))
    assert {entry.dataset_id for entry in found} == {"lmms-lab-encoder/POPE"}
    assert {entry.task_id.partition("_")[0] for entry in found} == {"pope"}
    assert "left out: figures under RePOPE labels" in caplog.text


def test_undefined_figures_are_on_no_leaderboard(tmp_path: Path) -> None:
    run = write_scored_run(tmp_path / "run", all_no())
    with pytest.raises(RepopeError, match="F1 is undefined everywhere"):
        entries(run, dataset="me/demo")
