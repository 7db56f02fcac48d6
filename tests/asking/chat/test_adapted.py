"""A chat model with an adapter merged gives the answers that peft gives with it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from adapter_files import ASKED, PHOTOGRAPHS, change_tensors, save_adapter, with_peft
from conftest import GOLDENS
from PIL import Image
from tiny_checkpoints import chat_settings

from repope_eval.asking.chat.generation import Limits, ask_alone
from repope_eval.asking.chat.loading import ChatModel, load_chat_model
from repope_eval.asking.native.generation import Spellings

pytestmark = pytest.mark.filterwarnings(
    "ignore:.is_gradient_checkpointing:FutureWarning"
)  # which peft asks for

LIMITS = Limits(max_new_tokens=4, spellings=Spellings({"Yes": 280}, {"No": 279}))
CPU = torch.device("cpu")


def answers(model: ChatModel) -> list[tuple[int, ...]]:
    """The tokens of the answers to 16 questions about each of the four photographs."""
    pictures = [Image.open(GOLDENS / "images" / f"{name}.png").convert("RGB") for name in PHOTOGRAPHS]
    images = [model.processor.prepare(picture, ASKED) for picture in pictures]
    return [each.token_ids for image in ask_alone(model, images, LIMITS) for each in image]


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("llava", {"target_modules": "all-linear", "exclude_modules": ["lm_head"]}),
        ("qwen2_5_vl", {"target_modules": r".*language_model.*\.(q_proj|up_proj)", "use_rslora": True}),
    ],
)
def test_all_answers_are_pefts(
    kind: str, config: dict[str, Any], checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    settings = chat_settings(checkpoint(kind))
    model = load_chat_model(settings, CPU)
    plain = answers(model)
    adapter = save_adapter(model.network, tmp_path, **config)
    with_peft(model.network, adapter)
    expected = answers(model)
    merged = answers(load_chat_model(chat_settings(checkpoint(kind), adapter=str(adapter)), CPU))
    assert len(expected) == 64
    assert merged == expected
    assert sum(a != b for a, b in zip(plain, merged, strict=True)) > 16  # the adapter says something else


def test_layers_may_have_the_names_of_older_releases(
    checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    settings = chat_settings(checkpoint("llava"), adapter=str(tmp_path))
    save_adapter(load_chat_model(chat_settings(checkpoint("llava")), CPU).network, tmp_path)
    expected = load_chat_model(settings, CPU).network.state_dict()
    older = {
        "model.language_model.": "language_model.model.",
        "model.vision_tower.": "vision_tower.vision_model.",
    }

    def renamed(name: str) -> str:
        for new, old in older.items():
            name = name.replace(f"base_model.model.{new}", f"base_model.model.{old}")
        return name

    change_tensors(tmp_path, lambda tensors: {renamed(name): tensor for name, tensor in tensors.items()})
    loaded = load_chat_model(settings, CPU).network.state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in expected.items())
