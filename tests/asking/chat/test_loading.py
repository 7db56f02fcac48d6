"""Which checkpoints are loaded, and which are refused before any weight is read."""

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from run_folders import DEMO
from safetensors.torch import load_file, save_file
from tiny_checkpoints import chat_settings
from torch import nn

from repope_eval.asking.chat.loading import ChatModel, load_chat_model, read_chat_description
from repope_eval.asking.loaders import load_chat_asker
from repope_eval.errors import RepopeError
from repope_eval.settings.config import RunSettings
from repope_eval.system.ranks import Ranks

CPU = torch.device("cpu")


@pytest.fixture
def folder(checkpoint: Callable[[str], Path], tmp_path: Path) -> Path:
    return Path(shutil.copytree(checkpoint("llava"), tmp_path / "llava"))


def rewrite(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            {"model_type": "somebodys", "auto_map": {"AutoConfig": "configuration.Somebodys"}},
            "model_type 'somebodys' needs code of the checkpoint's own, which is not run here",
        ),
        (
            {"model_type": "phi4_multimodal"},
            "sees images by the adapter in its folder vision-lora, which is not",
        ),
        ({"model_type": "llama"}, "model_type 'llama' is of a model that answers no questions about images"),
        (
            {"model_type": "deepseek_vl_v2"},  # whose published files name no code
            r"no class for model_type 'deepseek_vl_v2'; a newer one may \(pip install -U transformers\), or serve it",
        ),
        (
            {
                "model_type": "internvl_chat",
                "auto_map": {"AutoConfig": "configuration_internvl_chat.InternVL"},
            },
            "is not run here; take its conversion, whose name ends in -hf, or serve it",
        ),
        ({"text_config": {"model_type": "llama", "hidden_size": "wide"}}, "cannot be used"),
    ],
)
def test_what_transformers_has_no_class_for_is_refused(
    folder: Path, config: dict[str, Any], said: str
) -> None:
    rewrite(folder / "config.json", **config)
    with pytest.raises(RepopeError, match=said) as caught:
        read_chat_description(chat_settings(folder))
    assert "\n" not in str(caught.value)


OWN_CODE = {
    "ovis2_5": ("Ovis2_5", "configuration_ovis2_5.Ovis2_5_Config"),
    "kimi_vl": ("KimiVLForConditionalGeneration", "configuration_kimi_vl.KimiVLConfig"),
    "llavaonevision1_5": (
        "LLaVAOneVision1_5_ForConditionalGeneration",
        "configuration_llava.Llavaonevision1_5Config",
    ),
    "KeyeVL1_5": ("KeyeVL1_5ForConditionalGeneration", "configuration_keye_vl_1_5.KeyeVL1_5Config"),
    "phi4mm": ("Phi4MMForCausalLM", "configuration_phi4mm.Phi4MMConfig"),
}
"""Kind of a published model that only code of its own loads -> its class, and where its configuration is."""


@pytest.mark.parametrize("kind", OWN_CODE)
def test_what_only_its_own_code_loads_is_for_a_server(folder: Path, kind: str) -> None:
    architecture, config = OWN_CODE[kind]
    described = {"model_type": kind, "architectures": [architecture], "auto_map": {"AutoConfig": config}}
    (folder / "config.json").write_text(json.dumps(described))
    with pytest.raises(RepopeError) as caught:
        read_chat_description(chat_settings(folder))
    assert str(caught.value) == (
        f"{folder}: its model_type {kind!r} needs code of the checkpoint's own, which is not run here; serve it "
        f"(vllm serve {folder} --trust-remote-code) and ask the server (python -m repope_eval model=endpoint "
        f"model.url=http://localhost:8000/v1 model.checkpoint={folder})"
    )


def test_the_part_of_a_talking_model_that_answers_is_asked(chat_model: Callable[[str], ChatModel]) -> None:
    network = chat_model("qwen2_5_omni").network
    assert type(network).__name__ == "Qwen2_5OmniThinkerForConditionalGeneration"


def test_a_checkpoints_code_is_not_run(folder: Path) -> None:
    """Where transformers has a class of its own, that is taken."""
    (folder / "modeling.py").write_text("raise SystemExit('run')")
    rewrite(folder / "config.json", auto_map={"AutoModelForImageTextToText": "modeling.Evil"})
    rewrite(folder / "processor_config.json", auto_map={"AutoProcessor": "modeling.Evil"})
    model = load_chat_model(chat_settings(folder), CPU)
    assert type(model.network).__name__ == "LlavaForConditionalGeneration"


def test_tiles_are_no_thing_of_processors(folder: Path) -> None:
    with pytest.raises(RepopeError, match=r"model\.max_tiles=6: family chat has no such thing"):
        read_chat_description(chat_settings(folder, max_tiles=6))


def test_missing_weights_are_refused_and_more_of_them_told(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    weights = load_file(folder / "model.safetensors")
    save_file({**weights, "trainer.head": torch.ones(2)}, folder / "model.safetensors", {"format": "pt"})
    with caplog.at_level(logging.WARNING):
        load_chat_model(chat_settings(folder), CPU)
    assert "1 tensor of the checkpoint has no place in LlavaForConditionalGeneration" in caplog.text
    name = next(iter(weights))
    save_file(
        {key: value for key, value in weights.items() if key != name},
        folder / "model.safetensors",
        {"format": "pt"},
    )
    with pytest.raises(RepopeError, match="1 weights are missing"):
        load_chat_model(chat_settings(folder), CPU)


def test_pickled_weights_are_not_read(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    with pytest.raises(RepopeError, match=r"holds no model\*\.safetensors"):
        load_chat_model(chat_settings(folder), CPU)


def test_what_answers_depend_on_is_described(folder: Path) -> None:
    settings = RunSettings(model=chat_settings(folder), bench=DEMO, device="cpu")
    described = load_chat_asker(settings, Ranks()).source
    assert described["prompt"] == "USER: <image>\nQUESTION ASSISTANT:"
    assert described["image_backend"] == "torchvision"
    assert {
        "chat_template.jinja",
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "processor_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
    } == set(described["checkpoint_files"])


def test_the_language_model_alone_is_quantized(checkpoint: Callable[[str], Path]) -> None:
    from bitsandbytes.nn import Linear4bit

    network = load_chat_model(chat_settings(checkpoint("gemma3"), quantization="nf4"), CPU).network
    quantized = {name for name, module in network.named_modules() if isinstance(module, Linear4bit)}
    linear = {name for name, module in network.named_modules() if isinstance(module, nn.Linear)}
    assert quantized == {name for name in linear if name.startswith("model.language_model.layers.")}
    assert quantized


def test_a_device_map_spreads_it(folder: Path, tmp_path: Path) -> None:
    placed = tmp_path / "map.json"
    placed.write_text(json.dumps({"": "cpu"}))
    model = load_chat_model(chat_settings(folder, device_map=str(placed)), CPU)
    assert model.devices == (CPU,)
