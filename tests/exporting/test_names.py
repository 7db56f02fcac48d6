"""What models and benchmarks are called outside this program."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from exported_runs import asked, exported, write_scored_run
from run_folders import DEMO

from repope_eval.benchmarks.sources import SOURCES
from repope_eval.exporting.names import dataset_of, dataset_title, file_name, model_id, page_of
from repope_eval.exporting.scored_run import read_scored_run


@pytest.mark.parametrize(
    "source", [name for name in SOURCES if name not in ("demo", "demo_captions", "custom", "table")]
)
def test_published_benchmarks_have_a_page(source: str) -> None:
    assert str(page_of(replace(DEMO, source=source))).startswith("https://")


@pytest.mark.parametrize("source", ["demo", "demo_captions", "custom"])
def test_what_nobody_published_has_none(source: str) -> None:
    assert page_of(replace(DEMO, source=source)) is None


def test_a_table_of_the_hub_is_its_own_dataset() -> None:
    bench = replace(DEMO, source="table", questions="hub:me/questions@v2")
    assert [dataset_of(bench, name) for name in ("original", "corrected")] == ["me/questions"] * 2
    assert page_of(bench) == "https://huggingface.co/datasets/me/questions"
    assert dataset_title(bench, "corrected") == "me/questions (corrected labels)"
    for own in ("own.csv", "hub:./folder", "hub:/data/folder"):
        assert page_of(replace(bench, questions=own)) is None
        assert dataset_of(replace(bench, questions=own), "original") is None


def test_titles_of_datasets() -> None:
    assert dataset_title(replace(DEMO, source="coco"), "repope") == "RePOPE"
    assert dataset_title(replace(DEMO, source="pope_gqa"), "pope") == "POPE on GQA"
    assert dataset_title(DEMO, "repope") == "demo (RePOPE labels)"


def test_a_local_checkpoint_is_no_model_of_the_hub(tmp_path: Path) -> None:
    """A folder may be named as a model on the Hub is."""

    def local(manifest: dict) -> None:  # type: ignore[type-arg]
        asked(manifest)
        manifest["identity"]["model.checkpoint"] = "/home/me/OpenGVLab/InternVL2_5-1B"

    run = read_scored_run(write_scored_run(tmp_path / "run", change=local))
    assert model_id(run, None) == "local/mine"
    assert model_id(run, "me/mine") == "me/mine"


@pytest.mark.parametrize(
    ("adapter", "name"), [("me/seer", "me/seer"), ("/home/me/OpenGVLab/seer", "local/mine")]
)
def test_figures_of_an_adapter_are_not_its_bases(adapter: str, name: str, tmp_path: Path) -> None:
    def adapted(manifest: dict) -> None:  # type: ignore[type-arg]
        asked(manifest)
        manifest["identity"]["model.adapter"] = adapter
        manifest["checkpoint"] |= {"adapter": "me/seer", "adapter_commit": "4567cdef"}

    run = read_scored_run(write_scored_run(tmp_path / "run", change=adapted))
    assert model_id(run, None) == name
    (card,) = exported("evaluation_card", run).values()
    assert "- checkpoint: OpenGVLab/InternVL2_5-1B, commit `0123abcd`" in card
    assert f"- adapter: {adapter}, commit `4567cdef`" in card
    record = json.loads(next(iter(exported("every_eval_ever", run).values())))
    details = record["model_info"]["additional_details"]
    assert (details["base_model"], details["adapter_commit"]) == ("OpenGVLab/InternVL2_5-1B", "4567cdef")


@pytest.mark.parametrize(("name", "expected"), [("a b/c:d", "a-b-c-d"), ("..", "unnamed"), ("猫", "unnamed")])
def test_names_of_files(name: str, expected: str) -> None:
    assert file_name(name) == expected
