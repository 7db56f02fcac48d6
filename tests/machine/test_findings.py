"""Each thing that is missing has its mend; nothing else has one."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from machines import COMPLETE, device, with_device

from repope_eval.machine.fits import findings
from repope_eval.machine.machine import Machine


def mends(machine: Machine, words: str = "") -> dict[str, str]:
    return {finding.subject: finding.mend for finding in findings(machine, words) if finding.mend}


def test_a_machine_that_lacks_nothing_has_nothing_to_mend() -> None:
    assert mends(COMPLETE) == {}
    states = {finding.subject: finding.state for finding in findings(COMPLETE)}
    assert states["device"] == "NVIDIA Thing, 79.0 GB of 86.9 GB free"
    assert states["annotations"] == "6 of 6 files, right by their hash"


@pytest.mark.parametrize(
    ("part", "changes", "subject", "mend"),
    [
        ("data", {"annotations": 5}, "annotations", "data bench=repope fetch_images=false"),
        ("data", {"images": 499}, "COCO images", "bench.images=FOLDER where val2014 is on disk"),
        ("data", {"images": None}, "COCO images", "python -m repope_eval data bench=repope"),
        ("data", {"dash_b": None}, "DASH-B", "bench=dash_b bench.images_from=hub"),
        (
            "data",
            {"strange": (Path("/data/x.json"),)},
            "annotations",
            "remove what is not the published file",
        ),
        ("hub", {"is_offline": True}, "Hub", "unset HF_HUB_OFFLINE"),
        ("hub", {"is_logged_in": False}, "Hub login", "needed for PaliGemma alone"),
    ],
)
def test_what_is_missing_has_a_mend(part: str, changes: dict[str, Any], subject: str, mend: str) -> None:
    changed = dataclasses.replace(getattr(COMPLETE, part), **changes)
    found = mends(dataclasses.replace(COMPLETE, **{part: changed}))
    assert list(found) == [subject]
    assert mend in found[subject]


def test_packages_that_are_missing_come_with_the_command_that_installs_them() -> None:
    found = mends(dataclasses.replace(COMPLETE, versions={}))
    assert found == {
        "int8, nf4": "pip install bitsandbytes",
        "SLURM launcher": "pip install '.[slurm]' in a copy of this program's repository",
    }


def test_a_torch_without_cuda_is_told_from_a_machine_without_gpu() -> None:
    machine = with_device(device("cpu", 8))
    assert mends(machine)["device"].startswith("torch sees no GPU")
    built = dataclasses.replace(machine, versions={**machine.versions, "torch": "2.13.0+cpu"})
    assert mends(built)["device"].startswith("this torch is built without CUDA")


def test_nothing_is_to_be_mended_on_apples_gpu() -> None:
    machine = dataclasses.replace(with_device(device("mps", 12)), versions={"torch": "2.9"})
    assert "int8, nf4" not in mends(machine)


def test_commands_name_the_data_folder_that_was_asked_about() -> None:
    data = dataclasses.replace(COMPLETE.data, annotations=0, images=None, dash_b=None)
    found = mends(dataclasses.replace(COMPLETE, data=data), "data_dir=/scratch/x")
    assert all("data_dir=/scratch/x" in mend for mend in found.values())
    assert len(found) == 3
