"""What answers belong to: weights, descriptions, pictures and labels that are others under the same name."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from adapter_files import change_tensors, save_adapter
from begun_runs import PER_IMAGE, Place
from conftest import GOLDENS
from safetensors.torch import load_file

from perf.golden import change_weights, golden_model
from repope_eval.asking.identity import note_images
from repope_eval.runs.folder import RunFolder


def first_image(place: Place, number: int = 0) -> Path:
    lines = (place.path / "questions.jsonl").read_text().splitlines()
    names = list(dict.fromkeys(json.loads(line)["image"] for line in lines))
    return place.images / names[number]


def replace_picture(path: Path) -> None:
    others = [other for other in path.parent.iterdir() if other != path]
    shutil.copyfile(others[0], path)


def negate_weights(checkpoint: Path) -> None:
    weights = load_file(checkpoint / "model.safetensors")
    name = next(name for name in weights if name.endswith("q_proj.weight"))
    change_weights(checkpoint, **{name: torch.neg(weights[name])})


def test_weights_replaced_in_place_add_no_answer(place: Place) -> None:
    negate_weights(place.checkpoint)
    refusal = place.refusal()
    assert "checkpoint_files.model.safetensors is 'sampled:" in refusal
    assert refusal.startswith(
        f"give another out=, such as out={place.out}-2, or remove {place.out} to ask anew: "
    )
    assert len(place.answers) == 2 * PER_IMAGE


@pytest.mark.parametrize(
    "name",
    [
        "config.json",
        "generation_config.json",
        "preprocessor_config.json",
        "tokenizer_config.json",
        "merges.txt",
    ],
)
def test_descriptions_altered_in_place_add_no_answer(place: Place, name: str) -> None:
    path = place.checkpoint / name
    path.write_text(path.read_text() + "\n")
    assert f"checkpoint_files.{name} is 'sha256:" in place.refusal()


def test_a_picture_replaced_in_place_is_noticed(place: Place) -> None:
    replace_picture(first_image(place))
    refusal = place.refusal()
    assert (
        f"holds answers about a picture that are others now, first {first_image(place).name}: its file is"
        in refusal
    )
    assert refusal.endswith("put back what was there, or choose another out= to ask anew")


def test_a_picture_whose_remaining_questions_are_asked_must_be_the_same(place: Place) -> None:
    (place.out / "answers.jsonl").write_text("\n".join(place.answers[:3]) + "\n")
    (place.out / "scores.json").unlink()
    image = place.images / json.loads(place.answers[0])["image"]
    content = image.read_bytes()
    replace_picture(image)
    assert image.name in place.refusal(limit=1)
    image.write_bytes(content)
    place.start(limit=1)
    assert len(place.answers) == PER_IMAGE


def test_pictures_not_asked_about_yet_may_change(place: Place) -> None:
    replace_picture(first_image(place, 3))
    place.start()
    assert len(place.answers) == 4 * PER_IMAGE


def test_a_picture_that_was_to_be_asked_about_when_its_run_was_killed_may_change(place: Place) -> None:
    """Its hash is there, but no answer."""
    name = first_image(place, 3).name
    with RunFolder(place.out, place.manifest["identity"], resume=True) as folder:
        note_images(place.bench, place.path, folder, (), {name: first_image(place, 3)})
    replace_picture(first_image(place, 3))
    before = json.loads((place.out / "images.json").read_text())
    place.start()
    after = json.loads((place.out / "images.json").read_text())
    assert before[name] != after[name]
    assert len(after) == 4


def test_pictures_of_what_is_answered_may_be_gone(place: Place) -> None:
    for number in (0, 1):
        first_image(place, number).unlink()
    place.start()
    shutil.rmtree(place.images)
    place.start()
    assert len(place.answers) == 4 * PER_IMAGE


def test_a_start_that_asks_nothing_reads_no_picture_and_no_weights(place: Place) -> None:
    (place.checkpoint / "model.safetensors").unlink()
    replace_picture(first_image(place))
    place.start(limit=2)
    assert place.manifest["status"] == "complete"


def test_the_same_checkpoint_in_another_folder_goes_on(place: Place) -> None:
    moved = place.path / "moved"
    place.checkpoint.rename(moved)
    place.start(moved)
    manifest = place.manifest
    assert len(place.answers) == 4 * PER_IMAGE
    assert manifest["identity"]["model.checkpoint"] == manifest["checkpoint"]["name"] == str(place.checkpoint)
    assert manifest["starts"][1]["checkpoint"]["name"] == str(moved)
    assert manifest["starts"][1]["settings"]["model.checkpoint"] == str(moved)


@pytest.mark.parametrize("limit", [2, None])
def test_another_checkpoint_in_another_folder_is_refused_even_where_nothing_is_to_ask(
    place: Place, limit: int | None
) -> None:
    other = place.path / "other"
    shutil.copytree(place.checkpoint, other)
    negate_weights(other)
    refusal = place.refusal(checkpoint=other, limit=limit)
    assert f"model.checkpoint is '{place.checkpoint}' there and '{other}' here" in refusal
    assert "checkpoint_files.model.safetensors is 'sampled:" in refusal
    assert place.manifest["status"] == "complete"  # it did not begin
    refusal = place.refusal(checkpoint="AIDC-AI/Ovis2-1B")
    assert "and 'AIDC-AI/Ovis2-1B' here (AIDC-AI/Ovis2-1B is not here to be compared)" in refusal


@pytest.fixture
def adapter(place: Place) -> Path:
    return save_adapter(
        golden_model(GOLDENS / "ovis2").network, place.path / "adapter", target_modules=["up_proj"]
    )


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing:FutureWarning")  # which peft asks for
def test_answers_belong_to_the_adapter_wherever_it_lies(place: Place, adapter: Path) -> None:
    for limit in (2, None):
        refusal = place.refusal(adapter=adapter, limit=limit)
        assert f"model.adapter is not set there and '{adapter}' here" in refusal
        assert "checkpoint_files.adapter_model.safetensors is not set there and 'sampled:" in refusal
    how = {"out": str(place.path / "adapted")}
    place.start(adapter=adapter, limit=1, **how)
    manifest = json.loads((place.path / "adapted" / "manifest.json").read_text())
    assert manifest["checkpoint"]["adapter"] == str(adapter)
    assert "model.adapter</dt>" in (place.path / "adapted" / "report.html").read_text()
    assert "and 'nowhere/here' here (" in place.refusal(adapter="nowhere/here", limit=1, **how)
    assert "model.adapter is" in place.refusal(limit=2, **how)
    moved = adapter.rename(place.path / "moved")
    place.start(adapter=moved, limit=2, **how)
    assert len((place.path / "adapted" / "answers.jsonl").read_text().splitlines()) == 2 * PER_IMAGE
    change_tensors(moved, lambda tensors: {name: -tensor for name, tensor in tensors.items()})
    assert "checkpoint_files.adapter_model.safetensors is 'sampled:" in place.refusal(adapter=moved, **how)


def test_a_relative_checkpoint_is_the_folder_that_it_leads_to(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = place.path / "elsewhere" / "checkpoint"
    shutil.copytree(place.checkpoint, other)
    negate_weights(other)
    monkeypatch.chdir(place.path)
    place.start("checkpoint", limit=2)
    monkeypatch.chdir(other.parent)
    assert f"model.checkpoint is '{place.checkpoint}' there and '{other}' here" in place.refusal(
        checkpoint="checkpoint", limit=2
    )


def test_the_same_pictures_in_another_folder_go_on_and_others_do_not(place: Place) -> None:
    moved = place.path / "moved"
    shutil.copytree(place.images, moved)
    place.start(bench={"images": str(moved)}, limit=3)
    replace_picture(moved / first_image(place).name)
    for limit in (3, None):
        refusal = place.refusal(bench={"images": str(moved)}, limit=limit)
        assert first_image(place).name in refusal
    shutil.rmtree(moved)
    refusal = place.refusal(bench={"images": str(moved)}, limit=3)
    assert f"bench.images is '{place.images}' there and '{moved}' here (none of the pictures" in refusal


def test_dash_b_s_pictures_in_another_folder_are_looked_at_even_where_nothing_is_to_ask(
    place: Place,
) -> None:
    (place.path / "dash_b").mkdir()
    for kind, name in (("neg", "a.png"), ("pos", "b.png")):
        index = json.dumps({"coco": {"backpack": [name]}})
        (place.path / "dash_b" / f"dash_benchmark_{kind}.json").write_text(index)
        for folder in ("here", "there"):
            (place.path / folder / kind / "coco" / "backpack").mkdir(parents=True)
            shutil.copy(first_image(place), place.path / folder / kind / "coco" / "backpack" / name)
    bench = {
        "name": "dash_b",
        "source": "dash_b",
        "variants": ("dash_b",),
        "questions": None,
        "relabels": None,
        "images": str(place.path / "here"),
    }
    how = {"data_dir": str(place.path), "out": str(place.path / "dash")}
    place.start(bench=bench, **how)
    bench["images"] = str(place.path / "there")
    place.start(bench=bench, **how)
    shutil.copy(first_image(place, 1), place.path / "there" / "pos" / "coco" / "backpack" / "b.png")
    assert "first pos/coco/backpack/b.png: its file is" in place.refusal(bench=bench, **how)


def test_a_list_of_pictures_that_is_broken_is_named_with_the_mend(place: Place) -> None:
    for content in ("[]", "{"):
        (place.out / "images.json").write_text(content)
        assert "images.json: holds no names with hashes; remove it, and" in place.refusal()


def test_a_run_of_a_version_that_noted_no_contents_goes_on(place: Place) -> None:
    place.forget("checkpoint_files", "starts")
    (place.out / "images.json").unlink()
    replace_picture(first_image(place))
    place.start()
    first, second = place.manifest["starts"]
    assert (first["contents"], first["asked"], first["resumed"]) == ("not noted", 2 * PER_IMAGE, 0)
    assert "contents" not in second
    assert len(json.loads((place.out / "images.json").read_text())) == 2
    negate_weights(place.checkpoint)
    (place.out / "answers.jsonl").write_text("\n".join(place.answers[:-1]) + "\n")
    assert "checkpoint_files.model.safetensors" in place.refusal()


def test_a_run_of_such_a_version_is_still_refused_by_another_name(place: Place) -> None:
    place.forget("checkpoint_files", "starts")
    (place.out / "images.json").unlink()
    shutil.copytree(place.checkpoint, place.path / "other")
    assert "model.checkpoint is '" in place.refusal(checkpoint=place.path / "other")
    assert "bench.images is '" in place.refusal(bench={"images": str(place.path)})
