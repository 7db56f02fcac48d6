"""Files as the published checkpoints have them, where the goldens have them otherwise: the same answers."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from altered_checkpoints import (
    Change,
    with_field,
    with_image_settings_in_the_processor,
    with_named_templates,
    with_rope_type,
    with_the_template_in,
    with_the_tied_head_in_the_file,
    with_the_vision_fields,
    without_fields,
    without_files,
    without_the_tied_head,
)
from remembered_features import remembering
from transformers import (
    LlavaOnevisionForConditionalGeneration,
    PaliGemmaForConditionalGeneration,
    PreTrainedModel,
)

from perf.golden import GOLDENS, change_weights, load_golden_model, read_golden
from repope_eval.asking.native.generation import find_spellings
from repope_eval.asking.native.sequential import generate_sequentially
from repope_eval.asking.native.shared import generate_shared
from repope_eval.models.loading import Model
from repope_eval.models.recipe import Prepared

TokenIds = list[tuple[int, ...]]


SHORT_LIST = (
    "architectures",
    "model_type",
    "hidden_size",
    "image_size",
    "intermediate_size",
    "layer_norm_eps",
    "norm_type",
    "num_attention_heads",
    "num_hidden_layers",
    "patch_size",
    "qk_normalization",
    "qkv_bias",
    "hidden_act",
)
SAME: dict[str, tuple[str, Sequence[Change]]] = {
    "InternLM2: what the files may lack": (
        "internvl2_5_internlm2",
        [
            with_the_vision_fields(*SHORT_LIST),
            with_rope_type,
            without_fields(
                "config.json",
                *("llm_config.architectures", "llm_config.tie_word_embeddings", "llm_config.hidden_act"),
                *("vision_config.patch_size", "vision_config.hidden_act", "vision_config.layer_norm_eps"),
            ),
            without_files("added_tokens.json", "special_tokens_map.json", "generation_config.json"),
        ],
    ),
    "Qwen2: what the configuration may lack": (
        "internvl2_5_qwen2",
        [
            with_field("config.json", "force_image_size", None),
            with_field("config.json", "llm_config.rope_scaling", {"type": "dynamic", "factor": 2.0}),
            without_fields(
                "config.json",
                *("downsample_ratio", "select_layer", "llm_config.architectures", "llm_config.hidden_act"),
                *("llm_config.tie_word_embeddings", "llm_config.max_position_embeddings"),
                *("llm_config.rms_norm_eps", "vision_config.norm_type", "vision_config.qk_normalization"),
                *("vision_config.qkv_bias", "vision_config.layer_norm_eps", "vision_config.hidden_act"),
                *("vision_config.patch_size", "vision_config.num_channels"),
            ),
            without_files("added_tokens.json", "generation_config.json"),
        ],
    ),
    "Qwen2: added tokens in a file of their own": (
        "internvl2_5_qwen2",
        [
            without_fields("tokenizer_config.json", "added_tokens_decoder"),
            without_files("special_tokens_map.json"),
        ],
    ),
    "Ovis2: what the files may lack": (
        "ovis2",
        [
            without_fields(
                "config.json",
                *("llm_config.tie_word_embeddings", "llm_config.hidden_act", "llm_config.rms_norm_eps"),
                "llm_config.max_position_embeddings",
                "visual_tokenizer_config.tokenize_function",
                *(
                    f"visual_tokenizer_config.backbone_config.{name}"
                    for name in ("num_channels", "patch_size", "rms_norm_eps", "qkv_bias", "use_bias")
                ),
            ),
            without_files("added_tokens.json", "generation_config.json", "special_tokens_map.json"),
        ],
    ),
    "Ovis2: a tokenizer.json alone": (
        "ovis2",
        [without_files("vocab.json", "merges.txt"), with_field("config.json", "disable_tie_weight", True)],
    ),
    "LLaVA: chat template of the processor": (
        "llava_next_mistral",
        [with_the_template_in("processor_config.json"), without_files("generation_config.json")],
    ),
    "LLaVA: chat template of the tokenizer": (
        "llava_next_vicuna",
        [with_the_template_in("tokenizer_config.json"), with_image_settings_in_the_processor],
    ),
    "LLaVA: several chat templates": ("llava_next_llama3", [with_named_templates]),
    "LLaVA: no tokenizer_config.json": (
        "llava_onevision",
        [
            with_the_template_in("chat_template.jinja"),
            without_files("tokenizer_config.json", "generation_config.json", "added_tokens.json"),
        ],
    ),
    "PaliGemma: end token of the tokenizer": (
        "paligemma",
        [without_files("generation_config.json", "added_tokens.json", "tokenizer.model")],
    ),
    "PaliGemma 2: end tokens of config.json": (
        "paligemma2",
        [
            without_files("generation_config.json"),
            with_field("config.json", "text_config.eos_token_id", [1, 107]),
        ],
    ),
}


QUESTIONS = 3
"""So many are asked about the first photograph."""


def first_prepared(model: Model, name: str) -> list[Prepared]:
    first, *_ = read_golden(Path(__file__).parent.parent / "goldens" / name).prepared(model)
    return [dataclasses.replace(first, prompts=first.prompts[:QUESTIONS])]


def shared_answers(model: Model, name: str) -> TokenIds:
    """What the shared engine answers."""
    prepared, spellings = first_prepared(model, name), find_spellings(model.recipe)
    (shared,) = generate_shared(model, prepared, GOLDENS[name].max_new_tokens, spellings)
    return [answer.token_ids for answer in shared]


def answers(model: Model, name: str) -> TokenIds:
    """What both engines answer; they agree."""
    remembering(model)
    prepared, spellings = first_prepared(model, name), find_spellings(model.recipe)
    (shared,), (alone,) = (
        generate(model, prepared, GOLDENS[name].max_new_tokens, spellings)
        for generate in (generate_shared, generate_sequentially)
    )
    assert [answer.token_ids for answer in shared] == [answer.token_ids for answer in alone]
    for one, other in zip(shared, alone, strict=True):
        assert one.p_yes == pytest.approx(other.p_yes, abs=1e-5)
    return [answer.token_ids for answer in shared]


def generated(model: Model, network: PreTrainedModel, name: str) -> TokenIds:
    """What transformers' own `generate` makes of the same prompts, one by one."""
    found: TokenIds = []
    (prepared,) = first_prepared(model, name)
    for prompt in prepared.prompts:
        token_ids = torch.tensor([prompt])
        # Zeros say that the whole prompt is a prefix, which PaliGemma looks at both ways.
        types = {"token_type_ids": torch.zeros_like(token_ids)} if model.recipe.attends_both_ways else {}
        tokens = network.generate(
            input_ids=token_ids,
            attention_mask=torch.ones_like(token_ids),
            **types,
            **model.recipe.native_inputs(prepared.inputs),
            max_new_tokens=GOLDENS[name].max_new_tokens,
            do_sample=False,
            eos_token_id=list(model.recipe.stop_token_ids),
            pad_token_id=0,
        )
        found.append(tuple(tokens[0, len(prompt) :].tolist()))
    return found


def originals(folder: Path) -> TokenIds:
    (first, *_) = read_golden(folder).cases_by_image().values()
    return [case.generated_ids for case in first[:QUESTIONS]]


@pytest.mark.parametrize("alteration", SAME)
def test_answers_are_the_same(altered: Callable[..., Path], goldens: Path, alteration: str) -> None:
    name, changes = SAME[alteration]
    """The networks are the goldens' own, of which other tests know that both engines answer alike."""
    assert shared_answers(load_golden_model(altered(name, *changes)), name) == originals(goldens / name)


def test_ovis2_stops_at_every_end_token(altered: Callable[..., Path], goldens: Path) -> None:
    first = originals(goldens / "ovis2")[0]
    stops = [600, first[1]]
    model = load_golden_model(altered("ovis2", with_field("generation_config.json", "eos_token_id", stops)))
    assert model.recipe.stop_token_ids == tuple(stops)
    found = answers(model, "ovis2")
    assert found[0] == first[:2]
    assert found == generated(model, model.network, "ovis2")


@pytest.mark.parametrize("head", [with_the_tied_head_in_the_file, without_the_tied_head])
def test_ovis2_with_tied_embeddings(altered: Callable[..., Path], goldens: Path, head: Change) -> None:
    tied = with_field("config.json", "llm_config.tie_word_embeddings", True)
    model = load_golden_model(altered("ovis2", tied, head))
    assert model.network.get_output_embeddings().weight is model.network.get_input_embeddings().weight
    found = answers(model, "ovis2")
    assert found == generated(model, model.network, "ovis2")
    assert found != originals(goldens / "ovis2")


def test_llava_onevision_0_5b_is_tied_whatever_the_whole_says(altered: Callable[..., Path]) -> None:
    folder = altered("llava_onevision", with_field("config.json", "text_config.tie_word_embeddings", True))
    change_weights(folder, **{"language_model.lm_head.weight": None})
    model = load_golden_model(folder)
    assert model.network.get_output_embeddings().weight is model.network.get_input_embeddings().weight
    native = LlavaOnevisionForConditionalGeneration.from_pretrained(folder)
    assert answers(model, "llava_onevision") == generated(model, native, "llava_onevision")


def test_paligemma_2_caps_its_logits(altered: Callable[..., Path], goldens: Path) -> None:
    folder = altered(
        "paligemma2",
        with_field("config.json", "text_config.attn_logit_softcapping", 50.0),
        with_field("config.json", "text_config.final_logit_softcapping", 30.0),
    )
    model = load_golden_model(folder)
    assert model.attention == model.network.config.text_config._attn_implementation == "eager"
    native = PaliGemmaForConditionalGeneration.from_pretrained(folder, attn_implementation="eager")
    assert answers(model, "paligemma2") == generated(model, native, "paligemma2")
