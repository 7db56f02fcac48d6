"""The part of a model's card, the page on an evaluation, and the Hub's file of results."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from exported_runs import all_no, asked, elsewhere, exported, write_limited_run, write_scored_run
from huggingface_hub import EvalResultEntry, ModelCard, parse_eval_result_entries
from run_folders import answer_lines, demo

from repope_eval.errors import RepopeError
from repope_eval.exporting.scored_run import read_scored_run


def model_card(run: Path, **settings: Any) -> ModelCard:
    ((name, text),) = exported("model_card", run, **settings).items()
    assert name == "model_card.md"
    return ModelCard(text)


def evaluation_card(run: Path) -> str:
    ((name, text),) = exported("evaluation_card", run).items()
    assert name == "evaluation_card.md"
    return text


def test_the_index_of_a_model_card_has_the_runs_figures(tmp_path: Path) -> None:
    run = write_scored_run(tmp_path / "run")
    card = model_card(run, url="https://example.org/run")
    assert card.data.model_name == "InternVL2_5-1B"
    found = {(each.dataset_config, each.metric_type): each.metric_value for each in card.data.eval_results}
    cells = read_scored_run(run).cells
    assert found == {
        (f"{cell.label_set}_{cell.variant}", figure): cell.figures[figure].value
        for cell in cells
        for figure in ("f1", "precision", "recall", "accuracy")
    }
    assert {each.source_url for each in card.data.eval_results} == {"https://example.org/run"}
    f1 = cells[0].figures["f1"]
    low, high = f1.interval or (0, 0)
    row = next(line for line in card.text.splitlines() if line.startswith("| random"))
    assert f"{100 * f1.value:.1f} | {100 * low:.1f}–{100 * high:.1f}" in row


def test_an_undefined_figure_is_a_dash_and_not_in_the_index(tmp_path: Path) -> None:
    card = model_card(write_scored_run(tmp_path / "run", all_no()))
    assert "f1" not in {each.metric_type for each in card.data.eval_results}
    row = next(line for line in card.text.splitlines() if line.startswith("| random"))
    assert [cell.strip() for cell in row.split("|")][6:9] == ["–", "–", "–"]


def test_the_evaluation_card_says_how_the_model_was_asked(tmp_path: Path) -> None:
    text = evaluation_card(write_scored_run(tmp_path / "run"))
    assert "# Evaluation card: mine on demo" in text
    assert "- checkpoint: OpenGVLab/InternVL2_5-1B, commit `0123abcd`" in text
    assert "      User: QUESTION\n      Assistant:" in text
    assert "- transformers: 5.9.0" in text
    assert "1,026 of 1,026 distinct questions have an answer." in text
    assert "say nothing of photographs" in text
    assert "not set" not in text


def test_the_evaluation_card_says_what_is_not_known_or_missing(tmp_path: Path) -> None:
    lines = answer_lines(demo())[:500]
    lines[0]["response"] = "Perhaps"
    text = evaluation_card(write_scored_run(tmp_path / "run", lines, change=elsewhere))
    assert "how the model was asked is not known here" in text
    assert "500 of 1,026 distinct questions have an answer. Neither yes nor no was read: " in text


def test_the_evaluation_card_says_why_a_figure_is_undefined_and_what_is_in_doubt(tmp_path: Path) -> None:
    def doubtful(manifest: dict[str, Any]) -> None:
        asked(manifest)
        manifest["partial"] = True
        manifest["starts"] = [{"settings": {}, "verified": {"in_doubt": True, "line": "3 of 10 differ"}}]

    text = evaluation_card(write_scored_run(tmp_path / "run", all_no(), change=doubtful))
    assert (
        "- precision, F1, F1 at 50 % yes, MCC (random, POPE): no question is read as yes: precision divides by 0"
        in text
    )
    assert "In doubt: 3 of 10 differ." in text
    assert "which are those about the benchmark's first images alone" in text


def test_cards_of_a_limited_run_say_how_many_questions_the_benchmark_has(tmp_path: Path) -> None:
    run = write_limited_run(tmp_path / "run")
    number = len(demo().first_images(5).questions)
    for text in (evaluation_card(run), model_card(run).text):
        assert (
            f"{number} of {number} distinct questions have an answer, which are those about the benchmark's first "
            "images alone; the whole benchmark has 1,026 distinct questions."
        ) in text


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
