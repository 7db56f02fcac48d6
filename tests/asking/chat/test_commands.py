"""What commands beside the run make of a chat model."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import CommandLine
from hub_server import HubServer
from safetensors.torch import load_file
from tiny_checkpoints import chat_settings

from repope_eval.commands import models
from repope_eval.settings.askers import CHAT
from repope_eval.settings.composition import listed_models
from repope_eval.settings.config import ModelsSettings
from repope_eval.wording import parameters_text


def test_a_model_is_shown_with_its_size_and_its_prompt(
    checkpoint: Callable[[str], Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(checkpoint("qwen2_5_vl"), tmp_path / "qwen"))
    weights = sum(tensor.numel() for tensor in load_file(folder / "model.safetensors").values())
    (folder / "model.safetensors").unlink()  # it is counted without them
    models.execute(ModelsSettings(model=chat_settings(folder, question_suffix=" Yes or no?")), "")
    shown = capsys.readouterr().out
    assert parameters_text(weights) in shown
    assert "needs 0.6 GB in float32, 0.6 GB in int8, 0.6 GB in nf4, with an image of 640x480" in shown
    assert "what an image's prompts share is fed once, as tried with a tiny checkpoint of its kind" in shown
    assert "<|vision_end|>Is there a snowboard in the image? Yes or no?<|im_end|>" in shown


def test_all_files_that_a_processor_needs_are_fetched(
    checkpoint: Callable[[str], Path], command_line: CommandLine
) -> None:
    folder = checkpoint("idefics3")
    with HubServer({"org/idefics": folder}) as server:
        words = ("model=chat", "model.checkpoint=org/idefics", "model.dtype=float32")
        result = command_line("fetch", *words, HF_ENDPOINT=server.address, HF_HUB_OFFLINE="0")
    assert result.returncode == 0, result.stderr
    assert "org/idefics is in" in result.stderr
    asked = {path.rpartition("/")[2] for path in server.asked}
    assert {path.name for path in folder.iterdir()} <= asked


def test_what_is_fetched_is_counted_by_doctor(
    checkpoint: Callable[[str], Path], command_line: CommandLine
) -> None:
    with HubServer({"Qwen/Qwen3-VL-8B-Instruct": checkpoint("qwen3_vl_moe")}) as server:
        fetched = command_line(
            "models", "model=qwen3_vl_8b", "fetch=true", HF_ENDPOINT=server.address, HF_HUB_OFFLINE="0"
        )
    assert fetched.returncode == 0, fetched.stderr
    result = command_line("doctor", "memory=4")
    assert result.returncode == 0, result.stderr
    assert result.stderr == "qwen3_vl_8b: counting what it takes\n"
    (row,) = [line.split() for line in result.stdout.splitlines() if line.split()[:1] == ["qwen3_vl_8b"]]
    assert row[1:4] == ["bfloat16", "0.6", "GB"]
    others = sum(model.family == CHAT for model in listed_models()) - 1
    assert f"{others} chat models not counted" in " ".join(result.stdout.split())
