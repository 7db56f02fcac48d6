"""What is counted without weights is what a run takes, for classes of very different kinds."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from tiny_checkpoints import CHECKPOINTS, MOST_TOKENS, chat_settings
from torch import nn

from repope_eval.asking.chat.generation import Limits
from repope_eval.asking.chat.loading import load_chat_model, read_chat_description
from repope_eval.asking.chat.ways import Ways
from repope_eval.asking.native.generation import find_spellings
from repope_eval.machine import counting
from repope_eval.machine.counting import PHOTOGRAPH, rehearse
from repope_eval.machine.hollow_tensors import LiveBytes
from repope_eval.machine.memory_need import (
    LONGEST_ANSWER,
    PROGRAM,
    QUESTIONS,
    Rehearsed,
    memory_need,
    shared_operations,
)
from repope_eval.models.placement import quantization

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
        Ways(model, "shared", limits, verify=1).ask(image)
    need = memory_need(counted, value_bytes=4).total - PROGRAM
    assert counted.note == ""
    assert live.peak <= need <= 1.08 * live.peak, need / live.peak


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
