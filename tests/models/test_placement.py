"""What a machine or an installation lacks is said before weights are read; which attention is chosen."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import Gemma2Config, PreTrainedConfig, Qwen2Config

from perf.golden import load_golden_model
from repope_eval.errors import RepopeError
from repope_eval.models import placement
from repope_eval.models.loading import read_description
from repope_eval.models.placement import (
    attention_kernels,
    choose_attention,
    choose_device,
    require_number_format,
    require_quantization,
)
from repope_eval.settings.composition import model_settings
from repope_eval.settings.config import Attention, ModelSettings


def test_a_gpu_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(RepopeError, match="torch sees 0 CUDA devices"):
        choose_device("cuda")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert choose_device("auto") == torch.device("cpu")


def test_apples_gpu_is_taken_where_there_is_one_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto") == choose_device("mps") == torch.device("mps")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert choose_device("auto") == torch.device("cuda:0")
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(RepopeError, match="device=mps: torch sees no Apple GPU here"):
        choose_device("mps")


@pytest.mark.parametrize("how", ["int8", "nf4"])
def test_quantization_is_refused_where_bitsandbytes_does_not_run(how: Any) -> None:
    settings = ModelSettings(name="small", family="ovis2", checkpoint="demo", quantization=how)
    with pytest.raises(RepopeError, match=f"model.quantization={how}: bitsandbytes is not for mps"):
        require_quantization(settings, torch.device("mps"))


def test_a_model_says_which_devices_it_is_on(goldens: Path) -> None:
    assert load_golden_model(goldens / "internvl2_5_qwen2").devices == (torch.device("cpu"),)


def lacking(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """Makes a package look as if it were not installed."""
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(placement, "find_spec", lambda name: None if name == package else find_spec(name))


@pytest.mark.parametrize(
    ("package", "changes", "message"),
    [
        ("flash_attn", {"attn_implementation": "flash_attention_2"}, "pip install flash-attn"),
        ("bitsandbytes", {"quantization": "nf4"}, "pip install bitsandbytes"),
    ],
)
def test_what_is_not_installed_comes_with_the_command_that_installs_it(
    goldens: Path, monkeypatch: pytest.MonkeyPatch, package: str, changes: dict[str, Any], message: str
) -> None:
    lacking(monkeypatch, package)
    with pytest.raises(RepopeError, match=message):
        load_golden_model(goldens / "internvl2_5_qwen2", **changes)


def test_flash_attention_is_refused_where_it_cannot_run(
    goldens: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placement, "find_spec", lambda name: object())
    with pytest.raises(RepopeError, match="not on cpu; use sdpa"):
        load_golden_model(goldens / "internvl2_5_qwen2", attn_implementation="flash_attention_2")


@pytest.mark.parametrize(("capability", "is_refused"), [((7, 5), True), ((8, 0), False), ((12, 0), False)])
def test_flash_attention_is_refused_on_gpus_that_are_too_old(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], is_refused: bool
) -> None:
    monkeypatch.setattr(placement, "find_spec", lambda name: object())
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "Tesla T4")
    settings = ModelSettings(
        name="small", family="ovis2", checkpoint="demo", attn_implementation="flash_attention_2"
    )
    refused = pytest.raises(RepopeError, match=r"flash_attention_2: Tesla T4 is too old .*; use sdpa")
    with refused if is_refused else nullcontext():
        placement.require_attention(settings, torch.device("cuda:0"))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_number_formats_that_the_device_has_are_taken(dtype: torch.dtype) -> None:
    require_number_format(dtype, torch.device("cpu"))


def test_a_number_format_that_the_device_lacks_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> torch.Tensor:
        raise RuntimeError("not implemented for 'Half'")

    monkeypatch.setattr(torch.nn.functional, "linear", refuse)
    with pytest.raises(RepopeError, match=r"cpu has no float16: use model\.dtype=.*float32"):
        require_number_format(torch.float16, torch.device("cpu"))


@pytest.mark.parametrize(("index", "is_taken"), [(0, True), (1, False)])
def test_bfloat16_is_asked_of_the_device_that_is_used(
    monkeypatch: pytest.MonkeyPatch, index: int, is_taken: bool
) -> None:
    """Of two GPUs the first multiplies bfloat16 and the second does not; the current one is the first."""
    current = [0]

    @contextmanager
    def made_current(device: torch.device) -> Iterator[None]:
        before, current[0] = current[0], device.index
        yield
        current[0] = before

    ones = torch.ones(2, 2)
    monkeypatch.setattr(torch, "ones", lambda *_, **__: ones)
    monkeypatch.setattr(torch.cuda, "device", made_current)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: current == [0])
    with nullcontext() if is_taken else pytest.raises(RepopeError, match=r"cuda:1 has no bfloat16"):
        require_number_format(torch.bfloat16, torch.device("cuda", index))


CAPPED = Gemma2Config(attn_logit_softcapping=50.0)
UNCAPPED = Gemma2Config(attn_logit_softcapping=None)


@pytest.mark.parametrize(
    ("asked", "config", "chosen"),
    [
        ("auto", CAPPED, "eager"),
        ("auto", UNCAPPED, "sdpa"),
        ("auto", Qwen2Config(), "sdpa"),
        ("eager", CAPPED, "eager"),
        ("eager", Qwen2Config(), "eager"),
        ("sdpa_cudnn", UNCAPPED, "sdpa_cudnn"),
        ("flash_attention_2", Qwen2Config(), "flash_attention_2"),
    ],
)
def test_attention_is_as_asked_and_by_default_sdpa_where_nothing_is_capped(
    asked: Attention, config: PreTrainedConfig, chosen: str
) -> None:
    settings = replace(model_settings("paligemma2_3b"), attn_implementation=asked)
    assert choose_attention(settings, config) == chosen


@pytest.mark.parametrize("asked", ["sdpa", "sdpa_cudnn"])
def test_an_attention_that_would_leave_out_a_cap_is_refused(asked: Attention) -> None:
    settings = replace(model_settings("paligemma2_3b"), attn_implementation=asked)
    with pytest.raises(RepopeError, match=f"attn_implementation={asked}: this model caps .*; use eager"):
        choose_attention(settings, CAPPED)


def test_a_class_without_sdpa_is_asked_for_none_unless_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever family it is of: chat models were, and models of the other families were not."""
    settings = model_settings("tiny")
    described = read_description(settings)
    network_class: Any = type(described.network)
    assert described.attention(settings) == "sdpa"
    monkeypatch.setattr(network_class, "_supports_sdpa", False, raising=False)
    assert described.attention(settings) == "eager"
    assert described.attention(replace(settings, attn_implementation="sdpa")) == "sdpa"


def test_what_torch_may_choose_is_put_back_after_an_error_too() -> None:
    with pytest.raises(ZeroDivisionError), attention_kernels("sdpa"):
        _ = 1 / torch.backends.cuda.cudnn_sdp_enabled()
    assert torch.backends.cuda.cudnn_sdp_enabled()


def test_a_kernel_that_was_turned_off_before_stays_so() -> None:
    with attention_kernels("sdpa"):
        with attention_kernels("sdpa_cudnn"):
            assert not torch.backends.cuda.cudnn_sdp_enabled()
        assert not torch.backends.cuda.cudnn_sdp_enabled()
