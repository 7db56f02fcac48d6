"""Every Eval Ever's files: valid by its published schemas, and with the run's own figures."""

import hashlib
import json
from collections import defaultdict
from pathlib import Path
from statistics import fmean
from typing import Any, get_args

import pytest
from exported_runs import (
    all_no,
    asked,
    elsewhere,
    exported,
    write_drawn_run,
    write_limited_run,
    write_scored_run,
)
from jsonschema import Draft7Validator
from run_folders import answer_lines, demo

from repope_eval.exporting.scored_run import ScoredRun
from repope_eval.settings.config import Protocol

SCHEMAS = Path(__file__).parent / "schemas"

Document = dict[str, Any]


def validator(name: str) -> Draft7Validator:
    schema = json.loads((SCHEMAS / name).read_text())
    Draft7Validator.check_schema(schema)
    return Draft7Validator(schema)


RECORD, SAMPLE = validator("eval.schema.json"), validator("instance_level_eval.schema.json")


def read(run: Path | ScoredRun, *, step: int = 100, **settings: Any) -> tuple[str, Document, list[Document]]:
    """The record's path, the record and its samples, which agree; it and each so many-th of them are valid."""
    (place, text), (samples_place, lines) = exported("every_eval_ever", run, **settings).items()
    record, samples = json.loads(text), [json.loads(line) for line in lines.splitlines()]
    RECORD.validate(record)
    for sample in samples[::step]:
        SAMPLE.validate(sample)
    details = record["detailed_evaluation_results"]
    assert details["file_path"] == samples_place == place.replace(".json", "_samples.jsonl")
    assert details["checksum"] == hashlib.sha256(lines.encode()).hexdigest()
    assert details["total_rows"] == len(samples)
    assert {sample["evaluation_id"] for sample in samples} == {record["evaluation_id"]}
    assert {sample["model_id"] for sample in samples} == {record["model_info"]["id"]}
    return place, record, samples


def results_of(record: Document) -> dict[str, Document]:
    found = {result["evaluation_result_id"]: result for result in record["evaluation_results"]}
    assert len(found) == len(record["evaluation_results"])
    return found


def test_the_schemas_refuse_what_is_wrong() -> None:
    assert not RECORD.is_valid({})
    assert not SAMPLE.is_valid({"schema_version": "0.3.0"})


def test_figures_and_intervals_are_those_of_the_run(tmp_path: Path) -> None:
    run = write_scored_run(tmp_path / "run")
    place, record, _ = read(run, step=1)
    assert place.startswith("data/demo/OpenGVLab/InternVL2_5-1B/")
    results = results_of(record)
    assert len(results) == 2 * 4 * 8
    scores = json.loads((run / "scores.json").read_text())["scores"]
    for label_set, by_variant in scores.items():
        for variant, cell in by_variant.items():
            details = results[f"{label_set}.{variant}.f1"]["score_details"]
            interval = details["uncertainty"]["confidence_interval"]
            assert details["score"] == cell["f1"]
            assert [interval["lower"], interval["upper"]] == cell["ci95"]["f1"]
            assert interval["confidence_level"] == 0.95
            assert details["uncertainty"]["num_samples"] == 100
            is_drawn = cell["ci95_method"]["f1"] == "bootstrap"
            assert is_drawn == ("num_bootstrap_samples" in details["uncertainty"])
    assert results["pope.random.mcc"]["metric_config"]["min_score"] == -1


def require_accuracies(record: Document, samples: list[Document]) -> None:
    """The mean of the samples of each variant under each label set is the accuracy there."""
    scores: dict[str, list[float]] = defaultdict(list)
    for sample in samples:
        if "evaluation_result_id" in sample:
            scores[sample["evaluation_result_id"]].append(sample["evaluation"]["score"])
    results = results_of(record)
    assert len(scores) == 6
    for result, of_result in scores.items():
        assert fmean(of_result) == pytest.approx(results[result]["score_details"]["score"], abs=1e-12)


@pytest.mark.parametrize("protocol", get_args(Protocol))
def test_the_mean_of_the_samples_is_the_accuracy(protocol: Protocol, tmp_path: Path) -> None:
    lines = answer_lines(demo())
    for line in lines[::7]:
        line["response"] = "Perhaps"  # neither yes nor no, which each protocol counts in its own way
    _, record, samples = read(write_scored_run(tmp_path / "run", lines, protocol=protocol), step=7)
    require_accuracies(record, samples)
    unread = [sample for sample in samples if "error" in sample]
    assert bool(unread) == (protocol != "pope")
    assert all(sample["answer_attribution"] == [] for sample in unread)


def test_each_draw_is_a_sample_and_figures_are_means_over_them(tmp_path: Path) -> None:
    run = write_drawn_run(tmp_path / "run")
    _, record, samples = read(run, step=50)
    require_accuracies(record, samples)
    ids = [(sample["evaluation_result_id"], sample["sample_id"]) for sample in samples]
    assert len(set(ids)) == len(ids) == 3 * len([name for _, name in ids if "/draw" not in name])
    generation = record["evaluation_results"][0]["generation_config"]
    assert (generation["generation_args"]["temperature"], generation["generation_args"]["top_p"]) == (
        0.7,
        0.9,
    )
    decoding = "sampled, T 0.7, top-p 0.9, seed 0, 3 draws"
    assert generation["additional_details"] == {"decoding": decoding}
    assert record["source_metadata"]["additional_details"]["answered"] == "1026 of 1026 distinct questions"
    for form in ("model_card", "evaluation_card", "eval_results"):
        (text,) = exported(form, run, dataset="org/set").values()
        assert f"decoding: {decoding}; figures are means over the draws" in " ".join(text.split())
    (text,) = exported("lmms_eval", run).values()
    assert len(text.splitlines()) == 1800


def test_samples_about_different_images_are_told_apart(tmp_path: Path) -> None:
    _, _, samples = read(write_scored_run(tmp_path / "run"))
    by_hash: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for sample in samples:
        by_hash[sample["sample_hash"]].add((sample["input"]["raw"], *sample["input"]["reference"]))
    assert all(len(inputs) == 1 for inputs in by_hash.values())
    ids = [(sample["evaluation_result_id"], sample["sample_id"]) for sample in samples]
    assert len(set(ids)) == len(ids)


def test_an_undefined_figure_is_left_out(tmp_path: Path) -> None:
    _, record, _ = read(write_scored_run(tmp_path / "run", all_no()))
    results = results_of(record)
    assert "pope.random.f1" not in results
    assert "pope.random.precision" not in results
    assert results["pope.random.recall"]["score_details"]["score"] == 0


def test_what_is_known_of_a_model_that_was_asked(tmp_path: Path) -> None:
    run = write_scored_run(tmp_path / "run")
    _, record, _ = read(run, organization="A laboratory", relationship="first_party")
    assert record["evaluation_timestamp"] == "1767323045"
    assert record["source_metadata"]["source_organization_name"] == "A laboratory"
    assert record["source_metadata"]["evaluator_relationship"] == "first_party"
    assert record["model_info"]["id"] == "OpenGVLab/InternVL2_5-1B"
    assert record["model_info"]["additional_details"]["deployment_type"] == "self_deployed"
    assert record["model_info"]["inference_engine"] == {"name": "transformers", "version": "5.9.0"}
    arguments = record["evaluation_results"][0]["generation_config"]["generation_args"]
    assert arguments == {
        "temperature": 0.0,
        "max_tokens": 8,
        "execution_command": "python -m repope_eval model=mine",
        "prompt_template": "User: QUESTION\nAssistant:",
    }


def test_nothing_is_made_up_of_answers_from_elsewhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place, record, samples = read(write_scored_run(tmp_path / "run", change=elsewhere))
    assert place.startswith("data/demo/local/answers/")
    assert "local/answers is written; model_id=OWNER/NAME says it" in caplog.text
    assert "evaluation_timestamp" not in record
    assert record["model_info"]["additional_details"] == {
        "deployment_type": "unknown",
        "model_availability": "unknown",
    }
    assert not any("generation_config" in result for result in record["evaluation_results"])
    assert record["source_metadata"]["additional_details"]["answers"].startswith("asked elsewhere")
    assert samples


def test_a_server_is_no_deployment_of_ones_own(tmp_path: Path) -> None:
    def served(manifest: Document) -> None:
        asked(manifest)
        manifest["settings"]["model"] = manifest["settings"]["model"] | {"family": "endpoint"}
        manifest["checkpoint"]["commit"] = None

    _, record, _ = read(write_scored_run(tmp_path / "run", change=served))
    assert record["model_info"]["additional_details"]["deployment_type"] == "unknown"
    assert "inference_engine" not in record["model_info"]


def test_what_was_not_answered_or_not_read_is_told(tmp_path: Path) -> None:
    lines = answer_lines(demo())[:500]
    lines[0]["response"] = "Perhaps"
    _, record, _ = read(write_scored_run(tmp_path / "run", lines))
    details = record["source_metadata"]["additional_details"]
    assert details["unanswered"] == "526 distinct questions"
    assert "random, POPE: 1" in details["neither_yes_nor_no"].split("; ")
    _, record, _ = read(write_scored_run(tmp_path / "whole"))
    details = record["source_metadata"]["additional_details"]
    assert (details["unanswered"], details["neither_yes_nor_no"]) == ("0 distinct questions", "0")


def test_samples_have_the_names_that_the_scores_have(tmp_path: Path) -> None:
    """The scores of an earlier version call the label sets of a table otherwise than its samples would."""
    run = write_scored_run(tmp_path / "run")
    scores = json.loads((run / "scores.json").read_text())
    scores["scores"] = dict(zip(("before", "after"), scores["scores"].values(), strict=True))
    (run / "scores.json").write_text(json.dumps(scores))
    _, record, samples = read(run)
    assert {sample["metadata"]["label_set"] for sample in samples} == {"before", "after"}
    require_accuracies(record, samples)


def test_samples_of_a_limited_run_are_those_that_were_scored(tmp_path: Path) -> None:
    _, record, samples = read(write_limited_run(tmp_path / "run"))
    coverage = record["source_metadata"]["additional_details"]["answered"]
    assert coverage == "52 of 52 distinct questions; the whole benchmark has 1,026 distinct questions"
    assert len({sample["input"]["raw"] for sample in samples}) == 52
    require_accuracies(record, samples)


def test_the_model_that_is_named_counts(tmp_path: Path) -> None:
    place, record, _ = read(write_scored_run(tmp_path / "run"), model_id="me/mine")
    assert place.startswith("data/demo/me/mine/")
    assert record["model_info"]["name"] == "mine"
