"""The families that there are tiny checkpoints of."""

from collections.abc import Callable, Mapping
from pathlib import Path

from .gemma import gemma3, gemma3n, gemma4, gemma4_moe, gemma4_unified, paligemma
from .glm import glm4v, glm4v_moe, glm46v
from .idefics import idefics2, idefics3, smolvlm
from .llama import llama4, mllama
from .llava import llava, llava_next, llava_onevision
from .mistral import mistral3, pixtral
from .qwen import (
    qwen2_5_omni,
    qwen2_5_vl,
    qwen2_vl,
    qwen3_5,
    qwen3_5_moe,
    qwen3_omni_moe,
    qwen3_vl,
    qwen3_vl_moe,
)
from .squares import deepseek_vl, emu3, fast_vlm, janus, kimi_k25, perception_lm
from .tiles import (
    aya_vision,
    cohere2_vision,
    internvl3,
    internvl3_5,
    lfm2_vl,
    minicpmv4_6,
    molmo2,
    ovis2,
)

FAMILIES: Mapping[str, Callable[[Path], None]] = {
    family.__name__: family
    for family in (
        llava,
        llava_next,
        llava_onevision,
        qwen2_vl,
        qwen2_5_vl,
        qwen3_vl,
        qwen3_vl_moe,
        qwen3_5,
        qwen3_5_moe,
        qwen2_5_omni,
        qwen3_omni_moe,
        gemma3,
        gemma3n,
        gemma4,
        gemma4_moe,
        gemma4_unified,
        paligemma,
        glm4v,
        glm4v_moe,
        glm46v,
        idefics2,
        idefics3,
        smolvlm,
        mllama,
        llama4,
        pixtral,
        mistral3,
        internvl3,
        internvl3_5,
        ovis2,
        aya_vision,
        cohere2_vision,
        lfm2_vl,
        minicpmv4_6,
        molmo2,
        deepseek_vl,
        janus,
        fast_vlm,
        perception_lm,
        emu3,
        kimi_k25,
    )
}
"""Name of a family -> what makes such a checkpoint in a folder."""

WITH_TIMM = ("gemma3n", "fast_vlm", "perception_lm")
"""Families whose vision towers are the package timm's."""
