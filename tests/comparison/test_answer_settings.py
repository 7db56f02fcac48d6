"""What the answers of two runs may depend on: the same, different or unknown, group by group."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from compared import scored_run
from run_folders import DEMO

from repope_eval.asking.identity import identity
from repope_eval.comparison.sides import GROUPS, Facts, compared_settings, facts_of
from repope_eval.runs.finished_runs import read_run
from repope_eval.settings.askers import ASKERS
from repope_eval.settings.config import ModelSettings, RunSettings
from repope_eval.settings.fields import fields_by_key

OLD_RUN = Path(__file__).parent.parent / "runs" / "old_run"


def facts(tmp_path: Path, name: str, **changes: Any) -> Facts:
    """What is known of a real run's manifest after changes to its identity and to itself."""

    def change(manifest: dict[str, Any]) -> None:
        manifest.clear()
        manifest.update(json.loads((OLD_RUN / "manifest.json").read_text()))
        for key, value in changes.items():
            if key in manifest:
                manifest[key] = value
            else:
                manifest["identity"][f"model.{key}"] = value
                manifest["settings"]["model"][key] = value

    folder = scored_run(tmp_path / name, change=change)
    found = facts_of(read_run(folder, name))
    assert found is not None
    return found


def states(a: Facts | None, b: Facts | None) -> dict[str, str]:
    return {group.name: group.state for group in compared_settings(a, b)}


def test_one_run_is_the_same_as_itself_in_all_that_is_known(tmp_path: Path) -> None:
    same = facts(tmp_path, "same")
    assert states(same, same) == dict.fromkeys(GROUPS, "same")


def test_each_difference_is_in_its_group(tmp_path: Path) -> None:
    plain = facts(tmp_path, "plain")
    other = facts(
        tmp_path,
        "other",
        max_tiles=6,
        question_suffix=" Answer yes or no.",
        dtype="bfloat16",
        max_new_tokens=4,
        checkpoint_files={"model.safetensors": "sampled:" + "1" * 64},
        device={"name": "cuda", "gpu": "NVIDIA H100", "threads": 1},
        prompt="another",
        starts=[],
    )
    found = {group.name: group for group in compared_settings(plain, other)}
    differing = {name for name, group in found.items() if group.state == "differs"}
    assert differing == {"prompt", "pixels", "checkpoint", "number format", "longest answer", "hardware"}
    assert {pair.key: (pair.a, pair.b) for pair in found["pixels"].pairs} == {
        "model.max_tiles": ("not set", "6")
    }
    assert [pair.key for pair in found["checkpoint"].pairs] == ["checkpoint_files"]
    assert {pair.key for pair in found["prompt"].pairs} == {"prompt", "model.question_suffix"}
    assert not found["hardware"].changes_answers


def test_of_an_answer_file_nothing_is_known(tmp_path: Path) -> None:
    assert states(facts(tmp_path, "run"), None) == dict.fromkeys(GROUPS, "unknown")
    assert all(not group.pairs for group in compared_settings(facts(tmp_path, "other"), None))


def test_a_group_that_neither_manifest_knows_is_unknown() -> None:
    a, b = (Facts(values={"engine": engine}, pictures={}) for engine in ("shared", "sequential"))
    found = states(a, b)
    assert found.pop("engine") == "differs"
    assert set(found.values()) == {"unknown"}


def test_the_groups_name_settings_that_there_are() -> None:
    known = set(fields_by_key(RunSettings)) | {
        f"model.{item.name}" for item in dataclasses.fields(ModelSettings)
    }
    noted = {"prompt", "checkpoint_files", "pictures"}  # of the manifest itself, and of images.json
    named = {key for _, keys in GROUPS.values() for key in keys if not key.endswith(".")}
    assert named - known == noted


@pytest.mark.parametrize("family", ["ovis2", "chat", "endpoint"])
def test_what_can_change_what_a_model_says_makes_a_run_another(family: str) -> None:
    """The same settings are of the identity of its answers, as far as they mean something to whom is asked."""
    model = ModelSettings(name="m", family=family, checkpoint="c")
    own = {key for key in identity(RunSettings(model=model, bench=DEMO)) if key.startswith("model.")}
    fields = fields_by_key(RunSettings)
    told = {key for changes, keys in GROUPS.values() if changes for key in keys if key.startswith("model.")}
    assert own == {
        key for key in told if fields[key].asked in ASKERS.get(family, ASKERS["transformers"]).heeds
    }
    assert ("model.max_side" in own) == (family == "endpoint") == ("model.max_pixels" not in own)


def test_pictures_that_are_others_are_a_difference_of_pixels() -> None:
    """Only those that both were asked about are compared, whatever the settings say."""
    a = Facts(
        values={"model.max_tiles": "12"}, pictures={"1.jpg": "a" * 64, "2.jpg": "b" * 64, "3.jpg": "c" * 64}
    )
    b = Facts(values={"model.max_tiles": "12"}, pictures={"1.jpg": "a" * 64, "2.jpg": "d" * 64})
    found = {group.name: group for group in compared_settings(a, b)}
    (pair,) = found["pixels"].pairs
    assert pair.key == "1 of 2 pictures, first 2.jpg"
    assert (pair.a, pair.b) == ("'sha256:bbbbbbbb'", "'sha256:dddddddd'")
    same = Facts(values=a.values, pictures=a.pictures)
    assert states(a, same)["pixels"] == "same"
