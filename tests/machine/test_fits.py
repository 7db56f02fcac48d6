"""What fits which machine, the most faithful way there is, with the command to run; what is missing has its mend."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from conftest import FAMILY_MODELS
from machines import COMPLETE, GB, device, with_device
from tiny_checkpoints import CHECKPOINTS, chat_settings

from repope_eval.benchmarks.benchmark import BenchmarkSize
from repope_eval.machine.fits import (
    AskedBenchmark,
    Fit,
    command_of,
    count_models,
    findings,
    fits,
    room_of,
    with_card,
)
from repope_eval.machine.machine import Device, Machine
from repope_eval.machine.memory_need import Rehearsed, Shape, published_shape
from repope_eval.machine.speed import named_card
from repope_eval.settings.composition import model_settings
from repope_eval.settings.config import ModelSettings


def shipped() -> list[tuple[ModelSettings, Shape]]:
    models = []
    for name in FAMILY_MODELS:
        settings = model_settings(name)
        shape = published_shape(settings.checkpoint)
        assert shape is not None
        models.append((settings, shape))
    return models


def verdicts(machine: Machine, memory: float | None = None, words: str = "") -> dict[str, Fit]:
    return {fit.model: fit for fit in fits(room_of(machine, memory, words), shipped())}


def test_a_laptop_of_4_gigabytes_holds_the_1b_model_as_published() -> None:
    found = verdicts(with_device(device("cuda", 4)))
    laptop = found["internvl2_5_1b"]
    assert (laptop.fits, laptop.how) == (True, "bfloat16")
    assert laptop.remedy == ""
    assert found["internvl2_5_4b"].fits is False
    assert found["internvl2_5_4b"].remedy == "a GPU of 12 GB, or a GPU of 6 GB with model.quantization=nf4"


def test_a_gpu_of_4_gigabytes_without_bfloat16_holds_it_in_float16() -> None:
    """Such as a GTX 1650, whose driver leaves 3.9 of its 4.3 GB, in powers of ten."""
    found = verdicts(with_device(device("cuda", 3.9, bfloat16=False)))
    laptop = found["internvl2_5_1b"]
    assert (laptop.fits, laptop.how, laptop.remedy) == (True, "float16", "model.dtype=float16")


def test_quantization_is_taken_where_nothing_else_fits_and_the_least_of_it() -> None:
    found = verdicts(with_device(device("cuda", 24)))
    assert found["internvl2_5_8b"].how == "bfloat16"
    assert found["ovis2_16b"].how == "int8"
    assert found["ovis2_16b"].remedy == "model.quantization=int8"
    assert not found["internvl2_5_26b"].fits
    assert verdicts(with_device(device("cuda", 29)))["internvl2_5_26b"].how == "nf4"


def test_the_most_faithful_ways_come_first_and_what_does_not_fit_last() -> None:
    lines = fits(room_of(with_device(device("cuda", 24))), shipped())
    ways = [line.how if line.how in ("int8", "nf4", "-") else "none" for line in lines]
    assert ways == sorted(ways, key=["none", "int8", "nf4", "-"].index)
    assert [line.fits for line in lines] == sorted((line.fits for line in lines), reverse=True)


def test_one_gpu_of_80_gigabytes_holds_all_but_the_largest() -> None:
    found = verdicts(COMPLETE, memory=84 * GB)
    assert {name for name, fit in found.items() if fit.how not in ("bfloat16", "float16", "float32")} == {
        "internvl2_5_78b",
        "internvl2_5_78b_mpo",
    }
    assert found["internvl2_5_78b"].how == "nf4"
    without = dataclasses.replace(COMPLETE, versions={})
    assert verdicts(without)["internvl2_5_78b"].remedy == (
        "2 x 80 GB with model.device_map=auto, or a GPU of 80 GB with model.quantization=nf4"
    )


def test_several_gpus_hold_a_model_between_them() -> None:
    found = verdicts(with_device(device("cuda", 84, number=4)))
    assert found["internvl2_5_78b"].how == "bfloat16 over 4 GPUs"
    assert found["internvl2_5_78b"].remedy == "model.device_map=auto"
    assert "device_map" not in found["internvl2_5_26b"].remedy


def test_where_there_is_no_bfloat16_the_command_says_float16() -> None:
    found = verdicts(with_device(device("cuda", 15, bfloat16=False)))
    assert found["internvl2_5_4b"].how == "float16"
    assert found["internvl2_5_4b"].remedy == "model.dtype=float16"
    assert "dtype" not in found["llava_onevision_0_5b"].remedy  # which is float16 by its recipe


def test_apples_gpu_quantizes_nothing() -> None:
    found = verdicts(with_device(device("mps", 12)), words="device=mps")
    assert {fit.how for fit in found.values()} == {"bfloat16", "float16", "float32", "-"}


def test_on_a_cpu_it_is_said_how_long_it_takes() -> None:
    machine = dataclasses.replace(with_device(device("cpu", 30)), cores=8)
    found = verdicts(machine)
    hours = found["internvl2_5_1b"].hours
    assert hours == pytest.approx(500 * 12.5e12 / (8 * 5e10) / 3600, rel=0.05)
    assert verdicts(COMPLETE)["internvl2_5_1b"].hours is None
    assert verdicts(machine, memory=24 * GB)["internvl2_5_1b"].hours is None  # of a speed that is not known


def test_on_a_known_gpu_the_time_is_estimated_and_another_card_may_be_asked_about() -> None:
    known = dataclasses.replace(device("cuda", 79), name="NVIDIA H100 80GB HBM3, compute capability 9.0")
    found = verdicts(with_device(known))
    hours = found["ovis2_2b"].hours
    assert hours is not None
    assert found["ovis2_8b"].hours == pytest.approx(37 / 3600, rel=0.05)
    assert found["internvl2_5_78b"].hours is not None  # in nf4
    assert verdicts(with_device(known), memory=24 * GB)["ovis2_8b"].hours is None
    here = with_card(with_device(device("cpu", 25)), named_card("T4"))
    t4 = verdicts(here)["ovis2_2b"]
    assert (t4.how, t4.remedy) == ("float16", "model.dtype=float16")
    assert t4.hours is not None
    assert t4.hours > 10 * hours
    assert not verdicts(here)["ovis2_34b"].fits


def test_the_hours_and_the_command_are_of_the_benchmark_that_is_asked() -> None:
    machine = dataclasses.replace(with_device(device("cpu", 30)), cores=8)
    words = "bench=custom bench.questions=mine.jsonl"

    def hours(images: int, questions: int) -> float:
        asked = AskedBenchmark(words=words, size=BenchmarkSize(images, questions))
        lines = {line.model: line for line in fits(room_of(machine), shipped(), asked)}
        laptop = lines["internvl2_5_1b"]
        assert command_of(room_of(machine, None, "device=cpu"), asked, laptop.model) == (
            f"python -m repope_eval model=internvl2_5_1b {words} device=cpu"
        )
        assert laptop.hours is not None
        return laptop.hours

    assert hours(500, 5127) == verdicts(machine)["internvl2_5_1b"].hours
    assert hours(1000, 10_254) == pytest.approx(2 * hours(500, 5127))
    # An image costs more than a few questions about it.
    assert hours(500, 500) < hours(500, 5127) < 2 * hours(500, 500) < hours(5127, 5127)


def test_captions_take_the_time_and_the_memory_of_their_length() -> None:
    machine = dataclasses.replace(with_device(device("cpu", 30)), cores=8)
    (listed,) = [each for each in shipped() if each[0].name == "internvl2_5_1b"]
    settings, shape = listed

    def fit(longest: int, describes: bool = True) -> Fit:
        asked = AskedBenchmark(words="bench=chair", size=BenchmarkSize(500, 500), describes=describes)
        model = dataclasses.replace(settings, max_new_tokens=longest)
        return fits(room_of(machine), [(model, shape)], asked)[0]

    assert fit(2000).need - fit(1000).need == pytest.approx(1000 * shape.cached_values * 2)
    assert fit(2000).hours == fit(120).hours
    further = 500 * (120 - 3) * 2 * shape.quantizable / (8 * 5e10) / 3600
    assert fit(120).hours == pytest.approx((fit(120, describes=False).hours or 0) + further)
    assert fit(3).hours == fit(120, describes=False).hours


def test_gated_weights_that_are_not_here_need_a_licence() -> None:
    hub = dataclasses.replace(
        COMPLETE.hub, is_logged_in=False, here=frozenset({"google/paligemma-3b-mix-224"})
    )
    found = verdicts(dataclasses.replace(COMPLETE, hub=hub))
    assert found["paligemma_3b"].note == "weights are here"
    assert found["paligemma2_3b"].note == "licence and token first"
    assert found["internvl2_5_1b"].note == ""
    assert verdicts(COMPLETE)["paligemma2_3b"].note == ""


def test_a_rehearsed_model_fits_by_what_was_counted() -> None:
    counted = Rehearsed(
        parameters=10**10,
        quantizable=8 * 10**9,
        layers=36,
        held=10**9,
        rows=12,
        width=1000,
        fed=1000,
        answer=64,
        cached_values=1000,
        widest=10_000,
        largest=10**8,
        operations=10**13,
        note="something is not counted",
    )
    models = [(model_settings("qwen3_vl_8b"), counted)]
    (whole,) = fits(room_of(COMPLETE), models)
    assert (whole.how, whole.hours) == ("bfloat16", None)
    assert whole.need == pytest.approx(2e10 + 1e9 + 12 * 64 * 2000 + 0.6e9)
    assert whole.remedy == ""
    assert whole.note == "something is not counted"
    (quantized,) = fits(room_of(COMPLETE, memory=16 * GB), models)
    assert quantized.how == "int8"
    cpu = dataclasses.replace(with_device(device("cpu", 30)), cores=8)
    assert fits(room_of(cpu), models)[0].hours == pytest.approx(500 * 1e13 / (8 * 5e10) / 3600)
    one_by_one = dataclasses.replace(counted, alone=4 * 10**12, further=10**12)
    few = AskedBenchmark(words="bench=few", size=BenchmarkSize(10, 30))
    (fit,) = fits(room_of(cpu), [(models[0][0], one_by_one)], few)
    assert fit.hours == pytest.approx(10 * 6e12 / (8 * 5e10) / 3600)
    uncounted = [(models[0][0], dataclasses.replace(counted, operations=0))]
    assert fits(room_of(cpu), uncounted)[0].hours is None


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


@pytest.mark.parametrize(
    ("made", "versions", "state"),
    [
        (
            device("cuda", 24),
            {"flash-attn": "2.8"},
            "flash-attn 2.8; sdpa is the default, but with model.attn_implementation=flash_attention_2 Qwen2.5-VL "
            "waits less for the GPU",
        ),
        (
            device("cuda", 24),
            {},
            "not installed; sdpa is the default, but with flash-attn and model.attn_implementation=flash_attention_2 "
            "Qwen2.5-VL waits less for the GPU",
        ),
        (
            device("cuda", 4, bfloat16=False),
            {"flash-attn": "2.8"},
            "not on this GPU, which is too old for it: sdpa is used",
        ),
        (device("cpu", 8), {}, "not installed, and not needed: sdpa is the default"),
    ],
)
def test_it_says_whom_flash_attention_helps(made: Device, versions: dict[str, str], state: str) -> None:
    machine = dataclasses.replace(with_device(made), versions=versions)
    assert {finding.subject: finding.state for finding in findings(machine)}["flash attention"] == state


def test_commands_name_the_data_folder_that_was_asked_about() -> None:
    data = dataclasses.replace(COMPLETE.data, annotations=0, images=None, dash_b=None)
    found = mends(dataclasses.replace(COMPLETE, data=data), "data_dir=/scratch/x")
    assert all("data_dir=/scratch/x" in mend for mend in found.values())
    assert len(found) == 3


def test_a_chat_model_is_counted_where_its_files_are(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    CHECKPOINTS["llava"](tmp_path / "llava")
    (tmp_path / "llava" / "model.safetensors").unlink()
    (tmp_path / "broken").mkdir()
    here, broken = (chat_settings(tmp_path / name) for name in ("llava", "broken"))
    listed = [model_settings("internvl2_5_1b"), model_settings("qwen3_vl_8b"), here, broken]
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    found = count_models(listed)
    assert [settings for settings, _ in found.models] == [listed[0], here]
    assert [type(counted) for _, counted in found.models] == [Shape, Rehearsed]
    assert found.n_not_here == 1
    (warning,) = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert warning.startswith(f"chat: {tmp_path / 'broken'}")


def test_an_adapter_takes_no_memory_and_has_to_be_one(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    base = model_settings("internvl2_5_1b")
    ours, wrong = (dataclasses.replace(base, adapter=name) for name in ("org/ours", str(tmp_path)))
    found = count_models([base, ours, wrong])
    assert found.models == ((base, found.models[0][1]), (ours, found.models[0][1]))
    (warning,) = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert "holds no adapter_config.json, so it is no adapter" in warning
