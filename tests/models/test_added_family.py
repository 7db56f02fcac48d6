"""A family that the package does not have, added in one file and one line of the table: here LLaVA-1.5."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import nn
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    PreTrainedModel,
)

from repope_eval.benchmarks.images import to_rgb
from repope_eval.benchmarks.pope_file import POPE_VARIANTS
from repope_eval.commands import models
from repope_eval.machine.counting import shape_of, size_of
from repope_eval.machine.memory_need import memory_need
from repope_eval.models.checkpoints import Checkpoint
from repope_eval.models.families import FAMILIES
from repope_eval.models.fields import Fields
from repope_eval.models.loading import load_model
from repope_eval.models.networks import read_config
from repope_eval.models.pixels import normalised
from repope_eval.models.placement import modules_around
from repope_eval.models.recipe import Inputs, Recipe, RecipeOptions, layer_values
from repope_eval.models.tokenizers import TokenizerFile, read_stop_token_ids
from repope_eval.pipeline import run
from repope_eval.settings.config import BenchSettings, ModelSettings, ModelsSettings, RunSettings

IMAGE_TOKEN = "<image>"
MEAN = STD = (0.5, 0.5, 0.5)


class Llava15Recipe(Recipe):
    """LLaVA-1.5: an image is squeezed into one square, whatever its shape was."""

    family = "LLaVA-1.5"
    native_class = LlavaForConditionalGeneration

    def __init__(self, checkpoint: Checkpoint, options: RecipeOptions) -> None:
        self.config = read_config(LlavaConfig, checkpoint.fields)
        self._question_suffix = options.question_suffix or ""
        self._side = self.config.vision_config.image_size
        self._number = (self._side // self.config.vision_config.patch_size) ** 2
        self.tokenizer = TokenizerFile(checkpoint, "<s>")
        self.feature_token_ids = (self.config.image_token_id,)
        self.stop_token_ids = read_stop_token_ids(checkpoint, self.tokenizer)

    @staticmethod
    def recognises(config: Fields) -> bool:
        return config.text("model_type", "") == "llava"

    def prompt(self, question: str, *, shows_image: bool = True) -> str:
        image = f"{IMAGE_TOKEN}\n" if shows_image else ""
        return f"USER: {image}{question}{self._question_suffix} ASSISTANT:"

    def count_features(self, width: int, height: int) -> int:
        return self._number

    def inputs(self, image: Image.Image) -> Inputs:
        square = to_rgb(image).resize((self._side, self._side), Image.Resampling.BICUBIC)
        return {"pixel_values": normalised([square], MEAN, STD)}

    def image_features(self, network: PreTrainedModel, images: Sequence[Inputs]) -> list[torch.Tensor]:
        pixels = torch.cat([image["pixel_values"] for image in images])
        return list(network.get_image_features(pixel_values=pixels).pooler_output)

    def vision_values(self, tiles: int) -> int:
        return layer_values(self.config.vision_config, tiles * (self._number + 1))


@pytest.fixture
def added(monkeypatch: pytest.MonkeyPatch, goldens: Path, tmp_path: Path) -> ModelSettings:
    """A checkpoint of the family, with random weights and a golden's tokenizer; the family is in the table."""
    monkeypatch.setitem(FAMILIES, "llava_1_5", f"{__name__}:Llava15Recipe")
    golden, folder = goldens / "llava_next_vicuna", tmp_path / "checkpoint"
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**sizes, image_size=56, patch_size=14),
        text_config=LlamaConfig(**sizes, vocab_size=624),
        image_token_index=json.loads((golden / "config.json").read_text())["image_token_index"],
        image_seq_length=16,
    )
    torch.manual_seed(0)
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(golden / name, folder)
    return ModelSettings(
        name="llava_1_5", family="llava_1_5", checkpoint=str(folder), dtype="float32", max_new_tokens=4
    )


def test_it_answers(added: ModelSettings, tmp_path: Path) -> None:
    """A run from its images to its page, by both engines, which give the same answers."""
    texts = []
    for engine in ("shared", "sequential"):
        out = tmp_path / engine
        bench = BenchSettings(name="demo", source="demo", variants=POPE_VARIANTS)
        settings = RunSettings(model=added, bench=bench, engine=engine, device="cpu", limit=2, out=str(out))
        assert run(settings, "a command") is not None
        lines = (out / "answers.jsonl").read_text().splitlines()
        texts.append([json.loads(line)["response"] for line in lines])
        assert (out / "report.html").is_file()
    assert texts[0] == texts[1]
    assert any(texts[0])


def test_its_memory_and_its_size_are_counted(
    added: ModelSettings, capsys: pytest.CaptureFixture[str]
) -> None:
    model = load_model(added, torch.device("cpu"))
    shape = shape_of(model.recipe)
    assert size_of(model.network).parameters == shape.parameters
    assert shape.vision_values == 17 * (4 * 64 + 2 * 128) + 2 * 3 * 56**2
    assert shape.vision_operations > 0
    assert memory_need(shape).weights == shape.weight_bytes("none") == 2 * shape.parameters
    models.execute(ModelsSettings(model=replace(added, question_suffix=" Yes or no?")), "")
    assert (
        "USER: <image>\nIs there a snowboard in the image? Yes or no? ASSISTANT:" in capsys.readouterr().out
    )


@pytest.mark.parametrize("how", ["int8", "nf4"])
def test_its_language_model_alone_is_quantized(added: ModelSettings, how: str) -> None:
    from bitsandbytes.nn import Linear4bit, Linear8bitLt

    network = load_model(replace(added, quantization=how), torch.device("cpu")).network  # type: ignore[arg-type]
    kinds = {name: type(module) for name, module in network.named_modules() if isinstance(module, nn.Linear)}
    quantized = {name for name, kind in kinds.items() if kind in (Linear4bit, Linear8bitLt)}
    assert quantized == {name for name in kinds if name.startswith("model.language_model.layers.")}
    assert len(quantized) == 2 * 7


def test_a_tower_of_any_name_is_not_quantized() -> None:
    """Some native classes call their vision tower `visual`, with or without a projector inside it."""
    network = nn.ModuleDict(
        {
            "model": nn.ModuleDict(
                {
                    "visual": nn.ModuleDict({"blocks": nn.Linear(2, 2), "merger": nn.Linear(2, 2)}),
                    "language_model": nn.ModuleDict({"layers": nn.Linear(2, 2)}),
                }
            ),
            "lm_head": nn.Linear(2, 2),
        }
    )
    language_model = network.get_submodule("model.language_model")
    assert list(modules_around(network, language_model)) == ["model.visual", "lm_head"]
