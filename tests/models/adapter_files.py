"""Adapters as peft makes and saves them, and as a test changes their files."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from torch import nn

OBJECTS = (
    "cup", "dog", "cat", "rocket", "person", "flag", "spoon", "table",
    "tower", "saucer", "boat", "helmet", "tree", "window", "chair", "whisker",
)  # fmt: skip
ASKED = [f"Is there a {thing} in the image?" for thing in OBJECTS]
PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "rocket")

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"


def save_adapter(network: nn.Module, folder: Path, base: str | None = None, **config: Any) -> Path:
    """Saves an adapter of a network's linear layers, with random matrices that change answers; the network stays.

    Args:
        base: what the configuration says of the checkpoint; None: what the network knows of it.
        config: fields of `LoraConfig` in place of those here.
    """
    torch.manual_seed(0)
    fields = {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj", "down_proj"], **config}
    adapted = get_peft_model(network, LoraConfig(init_lora_weights=False, **fields))
    adapted.save_pretrained(folder, save_embedding_layers=False)
    adapted.unload()
    if base is not None:
        change_config(folder, base_model_name_or_path=base)
    return folder


def with_peft(network: nn.Module, folder: Path) -> None:
    """Has peft read an adapter and add its product to what each layer of the network computes; nothing is merged."""
    PeftModel.from_pretrained(network, folder).eval()


def change_config(folder: Path, **fields: Any) -> None:
    path = folder / CONFIG
    path.write_text(json.dumps({**json.loads(path.read_text()), **fields}))


def change_tensors(
    folder: Path, change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]]
) -> None:
    path = folder / WEIGHTS
    save_file({name: tensor.clone().contiguous() for name, tensor in change(load_file(path)).items()}, path)
