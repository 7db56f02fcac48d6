"""lmms-eval's samples: in the order of its dataset, and the same figures when they are scored again."""

import json
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from exported_runs import exported, write_limited_run, write_scored_run
from run_folders import answer_lines, demo

from repope_eval.exporting.scored_run import ScoredRun, asked_benchmark, read_scored_run
from repope_eval.foreign_answers.formats import join_file
from repope_eval.foreign_answers.rows import USUAL_COLUMNS
from repope_eval.scoring.protocol_scores import score
from repope_eval.system.rows import read_row_file


def samples_of(run: Path, folder: Path) -> tuple[Path, list[dict[str, Any]]]:
    """The file of the samples, and the samples."""
    ((name, text),) = exported("lmms_eval", run).items()
    assert name == "20260102_030405_samples_pope.jsonl"
    (folder / name).write_text(text)
    return folder / name, [json.loads(line) for line in text.splitlines()]


def figures(run: ScoredRun) -> dict[tuple[str, str], Any]:
    return {
        (cell.label_set, cell.variant): {name: one.value for name, one in cell.figures.items()}
        for cell in run.cells
    }


@pytest.mark.parametrize(("n_answers", "has_documents"), [(1026, True), (700, False)])
def test_what_is_exported_is_scored_as_before(n_answers: int, has_documents: bool, tmp_path: Path) -> None:
    """Also where the documents were dropped, as lmms-eval does with those that hold an image."""
    folder = write_scored_run(tmp_path / "run", answer_lines(demo())[:n_answers])
    path, samples = samples_of(folder, tmp_path)
    if not has_documents:
        for sample in samples:
            del sample["doc"]
        path.write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    run = read_scored_run(folder)
    joined, _ = join_file(read_row_file(path), USUAL_COLUMNS, asked_benchmark(run), None)
    assert len(joined.answers) == n_answers
    assert not joined.unjoined
    cells = score("again", "demo", demo().label_sets, joined.answers, "repope").cells
    again = {
        (label_set, variant): {name: one.value for name, one in cell.estimates.items()}
        for label_set, by_variant in cells.items()
        for variant, cell in by_variant.items()
    }
    assert again == figures(run)


def test_a_limited_run_exports_what_it_scored_and_keeps_the_indices(tmp_path: Path) -> None:
    _, samples = samples_of(write_limited_run(tmp_path / "limited"), tmp_path)
    _, every = samples_of(write_scored_run(tmp_path / "whole"), tmp_path)
    images = {PurePosixPath(question.image).name for question in demo().first_images(5).questions}
    assert len(samples) == 90
    assert {sample["doc"]["image_source"] for sample in samples} == images
    assert all(sample == every[sample["doc_id"]] for sample in samples)


def test_documents_are_in_the_order_of_the_dataset(tmp_path: Path) -> None:
    _, samples = samples_of(write_scored_run(tmp_path / "run"), tmp_path)
    assert [sample["doc_id"] for sample in samples] == list(range(1800))
    assert [sample["doc"]["category"] for sample in samples[::600]] == ["adversarial", "popular", "random"]


def test_a_sample_is_scored_as_lmms_eval_does(tmp_path: Path) -> None:
    lines = answer_lines(demo(), wrong=0)
    lines[0]["response"] = f" {lines[0]['response'].upper()}\n"
    lines[1]["response"] = "Yes, there is."  # which lmms-eval does not read
    _, samples = samples_of(write_scored_run(tmp_path / "run", lines), tmp_path)
    found = {(sample["doc"]["image_source"], sample["input"]): sample for sample in samples}
    first, second = (found[line["image"], line["question"]] for line in lines[:2])
    assert first["pope_f1_score"] == {
        "question_id": first["doc"]["question_id"],
        "score": float(first["target"] == lines[0]["response"].lower().strip()),
        "prediction": lines[0]["response"].lower().strip(),
        "ground_truth": first["target"],
    }
    assert second["pope_accuracy"]["score"] == 0
    assert second["filtered_resps"] == ["Yes, there is."]
