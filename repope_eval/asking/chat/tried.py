"""Kinds of checkpoints of which a tiny one was tried: it gave the plain way's answers.

`perf/tiny_families.py` makes them, and `tests/asking/chat/test_families.py` tries them again. Each run chooses its way
by itself, and checks it: this only says beforehand what to expect.
"""

SHARED = frozenset(
    {
        "aya_vision",
        "cohere2_vision",
        "deepseek_vl",
        "emu3",
        "fast_vlm",
        "gemma3",
        "gemma3n",
        "gemma4",
        "gemma4_unified",
        "glm46v",
        "glm4v",
        "glm4v_moe",
        "idefics2",
        "idefics3",
        "internvl",
        "janus",
        "kimi_k25",
        "lfm2_vl",
        "llava",
        "llava_next",
        "llava_onevision",
        "minicpmv4_6",
        "mistral3",
        "molmo2",
        "ovis2",
        "perception_lm",
        "qwen2_5_omni_thinker",
        "qwen2_5_vl",
        "qwen2_vl",
        "qwen3_5",
        "qwen3_5_moe",
        "qwen3_omni_moe_thinker",
        "qwen3_vl",
        "qwen3_vl_moe",
        "smolvlm",
    }
)
"""Kinds whose prompts begin with what they share, which is fed once."""

ALONE = {
    "mllama": "its processor says which tiles each token of a question sees",
    "paligemma": "its image tokens see the question",
}
"""Kinds whose questions are each asked with the image -> why."""


def tried_line(kind: str) -> str:
    """A sentence on how questions about an image are asked, by the kind of the checkpoint (`model_type`)."""
    if kind in ALONE:
        return f"each question is asked alone, with its image: {ALONE[kind]}"
    if kind in SHARED:
        return (
            f"what an image's prompts share is fed once, as tried with a tiny checkpoint of its kind ({kind})"
        )
    return f"no checkpoint of its kind ({kind}) was tried yet: a run checks its own way of asking"
