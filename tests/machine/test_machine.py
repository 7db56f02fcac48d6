"""What is found out of a data folder, and of the Hub's cache."""

import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from repope_eval.machine import machine as examination
from repope_eval.machine.machine import examine, examine_data
from repope_eval.settings.composition import model_settings


def test_an_empty_folder_has_nothing(tmp_path: Path) -> None:
    data = examine_data(tmp_path / "nowhere")
    assert (data.annotations, data.images, data.dash_b, data.strange) == (0, None, None, ())


def test_annotations_are_told_by_their_hash_and_images_by_their_names(shared: Path, tmp_path: Path) -> None:
    shutil.copytree(shared / "annotations", tmp_path / "annotations")
    with (tmp_path / "annotations" / "coco_repope_random.json").open("a") as file:
        file.write("\n")
    (tmp_path / "val2014").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "val2014" / "COCO_val2014_000000310196.jpg")
    Image.new("RGB", (4, 4)).save(tmp_path / "val2014" / "other.jpg")
    data = examine_data(tmp_path)
    assert data.annotations == 5
    assert [path.name for path in data.strange] == ["coco_repope_random.json"]
    assert data.images == 1


def test_images_of_dash_b_are_counted(tmp_path: Path) -> None:
    folder = tmp_path / "dash_b"
    (folder / "pos" / "coco" / "cup").mkdir(parents=True)
    Image.new("RGB", (4, 4)).save(folder / "pos" / "coco" / "cup" / "0.png")
    for kind in ("neg", "pos"):
        (folder / f"dash_benchmark_{kind}.json").write_text(json.dumps({"coco": {"cup": ["0.png", "1.png"]}}))
    assert examine_data(tmp_path).dash_b == 1


def test_this_machine_is_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    machine = examine("cpu", tmp_path, [model_settings("tiny"), model_settings("internvl2_5_1b")])
    assert machine.device.kind == "cpu"
    assert 0 < machine.device.free <= machine.device.total
    assert machine.cores >= 1
    assert machine.versions["torch"]
    assert machine.hub.free > 0
    assert machine.hub.is_logged_in
    assert "hf_secret" not in repr(machine)
    assert machine.hub.here == {"demo"}


def test_a_gpu_is_described_by_its_name_and_capability(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    for name, tell in {
        "is_available": lambda: True,
        "device_count": lambda: 2,
        "get_device_name": lambda device: "NVIDIA H100",
        "get_device_capability": lambda device: (9, 0),
        "mem_get_info": lambda device: (70, 80),
    }.items():
        monkeypatch.setattr(torch.cuda, name, tell)
    driver = tmp_path / "version"
    driver.write_text(
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.54.15  Release Build  (dvs)\n"
    )
    monkeypatch.setattr(examination, "_DRIVER", driver)
    monkeypatch.setattr(examination, "_has_bfloat16", lambda device: True)
    device = examine("auto", tmp_path, []).device
    assert (device.kind, device.number, device.free, device.total) == ("cuda", 2, 70, 80)
    assert device.name == "NVIDIA H100, compute capability 9.0, driver 550.54.15"
    driver.unlink()
    assert examine("auto", tmp_path, []).device.name == "NVIDIA H100, compute capability 9.0"
