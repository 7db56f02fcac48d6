"""Which attention is chosen, and which of torch's kernels may compute it."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import Gemma2Config, PreTrainedConfig, Qwen2Config

from repope_eval.errors import RepopeError
from repope_eval.models.loading import read_description
from repope_eval.models.placement import attention_kernels, choose_attention
from repope_eval.settings.composition import model_settings
from repope_eval.settings.config import Attention

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
