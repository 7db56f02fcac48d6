"""What is counted without weights: shapes as the native classes have them, and what a run takes."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import FAMILY_MODELS, PROJECT
from PIL import Image
from tiny_checkpoints import CHECKPOINTS, MOST_TOKENS, chat_settings
from torch import nn

from perf.chat_families.families import FAMILIES, WITH_TIMM
from repope_eval.asking.chat.generation import Limits
from repope_eval.asking.chat.loading import load_chat_model, read_chat_description
from repope_eval.asking.chat.ways import Ways
from repope_eval.asking.native.generation import find_spellings
from repope_eval.asking.native.memory import memory_of
from repope_eval.machine import counting
from repope_eval.machine.counting import PHOTOGRAPH, rehearse, shape_of
from repope_eval.machine.hollow_tensors import LiveBytes
from repope_eval.machine.memory_need import (
    LONGEST_ANSWER,
    PROGRAM,
    QUESTIONS,
    Rehearsed,
    memory_need,
    published_shape,
    shared_operations,
)
from repope_eval.models.checkpoints import find_checkpoint
from repope_eval.models.families import recipe_of
from repope_eval.models.placement import quantization
from repope_eval.models.recipe import RecipeOptions

FEW = counting.QUESTIONS[:3]


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Rehearsed]]:
    """The folder of a tiny checkpoint of a kind, and what was counted of it with few questions."""

    @cache
    def made(kind: str) -> tuple[Path, Rehearsed]:
        folder = tmp_path_factory.mktemp("rehearsed") / kind
        CHECKPOINTS[kind](folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(counting, "QUESTIONS", FEW)
            settings = chat_settings(folder)
            return folder, rehearse(settings, read_chat_description(settings))

    return made


@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_the_need_is_that_of_a_run(kind: str, rehearsed: Callable[[str], tuple[Path, Rehearsed]]) -> None:
    """The answers that are counted are as long as they may be, and fill the cache of all layers: 8 % too much here."""
    folder, counted = rehearsed(kind)
    model = load_chat_model(chat_settings(folder), torch.device("cpu"))
    image = model.processor.prepare(Image.new("RGB", PHOTOGRAPH, "gray"), FEW)
    limits = Limits(max_new_tokens=MOST_TOKENS, spellings=find_spellings(model.processor))
    with torch.inference_mode(), LiveBytes() as live:
        live.note(model.network.parameters())
        assert live.held == counted.weight_bytes("none", 4)
        ways = Ways(model, "shared", limits, verify=1, batch_size="1", memory=memory_of(model.devices))
        list(ways.ask([image]))
    need = memory_need(counted, value_bytes=4).total - PROGRAM
    assert counted.note == ""
    assert live.peak <= need <= 1.08 * live.peak, need / live.peak


@pytest.mark.parametrize("kind", ["llava", "qwen2_5_vl", "gemma3", "mllama"])
def test_another_number_format_than_the_files_is_counted_by_itself(
    kind: str, rehearsed: Callable[[str], tuple[Path, Rehearsed]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a checkpoint in float32 that is loaded in bfloat16, no weight is held in float32 beside its copy.

    In models as tiny as these, what some layers compute in float32 is most of what is held besides the weights.
    """
    folder, in_float32 = rehearsed(kind)
    monkeypatch.setattr(counting, "QUESTIONS", FEW)
    settings = chat_settings(folder, dtype="bfloat16")
    in_bfloat16 = rehearse(settings, read_chat_description(settings))
    assert in_bfloat16.held < 1.35 * in_float32.held


@pytest.mark.parametrize("kind", CHECKPOINTS)
def test_quantization_is_of_the_language_model_alone(
    kind: str, rehearsed: Callable[[str], tuple[Path, Rehearsed]]
) -> None:
    folder, counted = rehearsed(kind)
    settings = chat_settings(folder, quantization="int8")
    network: Any = read_chat_description(settings).network
    told = quantization(settings, torch.float32, network)
    assert told is not None
    kept = tuple(f"{name}." for name in told.llm_int8_skip_modules)
    quantized = sum(
        parameter.numel()
        for name, module in network.named_modules()
        if isinstance(module, nn.Linear) and not f"{name}.".startswith(kept)
        for parameter in module.parameters()
    )
    assert quantized == counted.quantizable > 0
    plain, int8, nf4 = (
        memory_need(counted, quantization=way, value_bytes=4) for way in ("none", "int8", "nf4")
    )
    assert plain.weights - int8.weights == 3 * quantized
    assert plain.weights - nf4.weights == (4 - 0.5625) * quantized
    assert int8.activations - plain.activations == 4 * counted.fed * counted.widest
    assert nf4.activations - plain.activations == 4 * counted.largest


@pytest.mark.parametrize("kind", ["llava", "mllama", "qwen3_vl_moe"])
def test_operations_of_fewer_questions_follow_from_those_of_all(
    kind: str, rehearsed: Callable[[str], tuple[Path, Rehearsed]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, counted = rehearsed(kind)
    monkeypatch.setattr(counting, "QUESTIONS", FEW[:2])
    settings = chat_settings(folder)
    fewer = rehearse(settings, read_chat_description(settings))
    assert shared_operations(counted, len(FEW)) == pytest.approx(counted.operations)
    assert shared_operations(counted, 2) == pytest.approx(fewer.operations, rel=0.02)
    assert 0 < counted.further <= counted.alone


@pytest.mark.parametrize("kind", ["llava", "qwen3_vl_moe"])
def test_launches_are_of_kernels_and_grow_with_the_layers(
    kind: str, rehearsed: Callable[[str], tuple[Path, Rehearsed]]
) -> None:
    """Images, what prompts share, questions and one step of decoding each go through all layers."""
    folder, counted = rehearsed(kind)
    network: Any = read_chat_description(chat_settings(folder)).network
    assert counted.layers == len(network.model.language_model.layers)
    assert 4 * counted.layers * 20 < counted.launches < 4 * counted.layers * 120


def test_as_many_questions_are_asked_as_the_formula_counts() -> None:
    assert len(set(counting.QUESTIONS)) == QUESTIONS


def test_where_a_class_needs_values_it_says_so_and_counts_weights_and_cache(
    rehearsed: Callable[[str], tuple[Path, Rehearsed]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, whole = rehearsed("llava")

    def follow(*_: Any) -> Any:
        raise NotImplementedError("numbers are\nneeded")

    monkeypatch.setattr(counting, "_follow", follow)
    settings = chat_settings(folder)
    counted = rehearse(settings, read_chat_description(settings))
    assert counted.note == "only weights and cache are counted (NotImplementedError: numbers are)"
    assert counted.parameters == whole.parameters
    need = memory_need(counted, value_bytes=4)
    assert need.activations == 0
    assert need.cache == QUESTIONS * (counted.width + MOST_TOKENS) * 128 * 4


def test_thoughts_are_not_counted_to_their_end(rehearsed: Callable[[str], tuple[Path, Rehearsed]]) -> None:
    folder, _ = rehearsed("llava")
    settings = chat_settings(folder, max_new_tokens=5000)
    assert rehearse(settings, read_chat_description(settings)).answer == LONGEST_ANSWER


with pytest.MonkeyPatch.context() as path:
    path.syspath_prepend(PROJECT / "perf")
    from published_models import published_recipe, shipped_shape

COUNTED = (
    "internvl2_5_1b",
    "internvl2_5_8b",
    "internvl2_5_26b",
    "internvl2_5_38b",
    "ovis2_1b",
    "ovis2_34b",
    "llava_next_llama3_8b",
    "llava_onevision_0_5b",
    "paligemma_3b",
    "paligemma2_10b",
)
"""Shipped models, each with another layout, language model or vision tower."""


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        ("internvl2_5_1b", 938.2),
        ("internvl2_5_2b", 2205.8),
        ("internvl2_5_4b", 3712.6),
        ("internvl2_5_8b", 8075.4),
        ("internvl2_5_26b", 25514.2),
        ("internvl2_5_38b", 38388.2),
        ("internvl2_5_78b", 78408.3),
        ("llava_next_mistral_7b", 7566.7),
        ("llava_onevision_0_5b", 893.7),
        ("paligemma_3b", 2923.5),
        ("paligemma2_3b", 3033.1),
        # 4616.1 in its files, which have the tied head's 151,936 x 2048 weights a second time.
        ("ovis2_4b", 4616.106 - 151936 * 2048 / 1e6),
    ],
)
def test_parameters_are_as_many_as_published(name: str, millions: float) -> None:
    assert shipped_shape(name).parameters / 1e6 == pytest.approx(millions, abs=0.051)


@pytest.mark.parametrize("name", FAMILY_MODELS)
def test_every_shipped_model_has_a_shape_that_fits_together(name: str) -> None:
    shape = shipped_shape(name)
    assert shape.heads % shape.key_value_heads == 0
    assert 0 < shape.quantizable < shape.parameters
    assert shape.attends_both_ways == name.startswith("paligemma")
    assert shape.keeps_scores == name.startswith("paligemma2")
    if name.endswith("_mpo"):
        assert shape == shipped_shape(name.removesuffix("_mpo"))


def test_the_trained_model_in_the_package_has_the_shape_in_the_table() -> None:
    recipe = recipe_of("internvl2_5", find_checkpoint("demo", "main"), RecipeOptions())
    assert shape_of(recipe) == shipped_shape("tiny")


@pytest.mark.parametrize("name", COUNTED)
def test_a_configuration_of_published_dimensions_has_the_shape_in_the_table(name: str) -> None:
    """It is a golden's `config.json` with the dimensions of the published one."""
    assert shape_of(published_recipe(name)) == shipped_shape(name)


def test_a_checkpoint_that_is_not_shipped_has_no_published_shape() -> None:
    assert published_shape("somebody/else") is None


@pytest.mark.parametrize(
    "family",
    [pytest.param(each, marks=() if each == "gemma4_moe" else pytest.mark.perf) for each in FAMILIES],
)
@pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword"
)  # as in test_families.py
def test_every_family_is_counted(family: str, tmp_path: Path) -> None:
    """Gemma 4 is asked about keys and heads layer by layer: they differ."""
    if family in WITH_TIMM:
        pytest.importorskip("timm")
    FAMILIES[family](tmp_path)
    settings = chat_settings(tmp_path)
    counted = rehearse(settings, read_chat_description(settings))
    assert counted.parameters > counted.quantizable > 0
    assert counted.held > 0
    assert counted.cached_values > 0
