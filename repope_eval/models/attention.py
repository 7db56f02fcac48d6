"""How a network computes attention: by which implementation, and on a GPU by which of torch's kernels."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from transformers import PreTrainedConfig

from repope_eval.errors import RepopeError
from repope_eval.settings.config import Attention, ModelSettings


def choose_attention(settings: ModelSettings, config: PreTrainedConfig) -> Attention:
    """The attention that the settings ask for; `auto` is sdpa, or eager where the model caps attention's scores.

    Args:
        settings: of the model.
        config: the native class's configuration.

    Raises:
        RepopeError: sdpa was asked for, which would leave out the cap.
    """
    is_capped = getattr(config.get_text_config(), "attn_logit_softcapping", None) is not None
    asked = settings.attn_implementation
    if asked == "auto":
        return "eager" if is_capped else "sdpa"
    if is_capped and asked in ("sdpa", "sdpa_cudnn"):
        raise RepopeError(
            f"model.attn_implementation={asked}: this model caps attention's scores, which sdpa leaves out; use eager"
        )
    return asked


@contextmanager
def attention_kernels(attention: Attention) -> Iterator[None]:
    """Keeps torch from choosing cuDNN's kernel while the context lasts; under `sdpa_cudnn` the choice is torch's own.

    With cuDNN above 9.15, torch prefers that kernel on cards of the H100's and the B200's kind (source:
    `check_prefer_cudnn_attention` in torch's sdp_utils.cpp). cuDNN builds a plan on the host for each combination of
    sizes and strides of queries, keys, values and mask (`MHAParams` in torch's MHA.cpp). One report has 0.44 s a plan,
    on a B200 with a mask (github.com/modelscope/FunASR/issues/3704). Here most batches bring five new combinations:
    the tiles of the vision tower, the prefixes, the questions, and each token of an answer, whose cache is one longer.
    A 1B needs about a second for a whole batch (perf/RESULTS.md, perf/decoding.py).

    Lengths padded to multiples of 64 would not avoid it: the number of tiles and of images would still vary, and the
    padding would be computed. Torch's other kernels are built for any size: FlashAttention takes what has no mask, and
    the memory-efficient one takes masks.

    None of this was measured on a GPU yet: if `sdpa_cudnn` proves faster there, it should become the default.
    """
    was_enabled = torch.backends.cuda.cudnn_sdp_enabled()
    torch.backends.cuda.enable_cudnn_sdp(was_enabled and attention == "sdpa_cudnn")
    try:
        yield
    finally:
        torch.backends.cuda.enable_cudnn_sdp(was_enabled)
