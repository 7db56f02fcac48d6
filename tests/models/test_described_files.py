"""What a checkpoint's small files mean where they leave something out, and what is said where they are wrong."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from altered_checkpoints import read_golden_description, with_field, without_fields, without_files

from perf.golden import GOLDENS, load_golden_model
from repope_eval.errors import RepopeError
from repope_eval.machine.counting import size_of
from repope_eval.models.checkpoints import Checkpoint, find_checkpoint
from repope_eval.models.families import recipe_of
from repope_eval.models.internvl import InternVLRecipe
from repope_eval.models.recipe import RecipeOptions

LLAVA_1_6_MISTRAL = {
    "image_grid_pinpoints": [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]],
    "image_token_index": 32000,
    "text_config": {
        "model_type": "mistral",
        "intermediate_size": 14336,
        "max_position_embeddings": 32768,
        "num_key_value_heads": 8,
        "rms_norm_eps": 1e-05,
        "rope_theta": 1000000.0,
        "sliding_window": None,
        "vocab_size": 32064,
    },
    "vision_config": {
        "model_type": "clip_vision_model",
        "hidden_size": 1024,
        "image_size": 336,
        "intermediate_size": 4096,
        "num_attention_heads": 16,
        "num_hidden_layers": 24,
        "patch_size": 14,
        "projection_dim": 768,
        "vocab_size": 32000,
    },
}
LLAVA_1_6_VICUNA = LLAVA_1_6_MISTRAL | {
    "text_config": {
        "model_type": "llama",
        "max_position_embeddings": 4096,
        "rms_norm_eps": 1e-05,
        "vocab_size": 32064,
    }
}


@pytest.mark.parametrize(
    ("golden", "published", "parameters"),
    [
        ("llava_next_mistral", LLAVA_1_6_MISTRAL, 7_566_747_648),
        ("llava_next_vicuna", LLAVA_1_6_VICUNA, 7_063_431_168),
    ],
)
def test_dimensions_that_llava_leaves_out_are_its_classes(
    goldens: Path, golden: str, published: dict[str, Any], parameters: int
) -> None:
    image_token = json.loads((goldens / golden / "config.json").read_text())["image_token_index"]
    config = published | {"model_type": "llava_next", "image_token_index": image_token}
    checkpoint = Checkpoint(golden, goldens / golden, None, config)
    recipe = recipe_of("llava_next", checkpoint, RecipeOptions())
    assert size_of(recipe.network_without_weights()).parameters == parameters


def test_what_an_original_configuration_leaves_out_is_its_classs_default(goldens: Path) -> None:
    """Source: the classes in the checkpoints' own code, and transformers' Qwen2Config."""

    def native(golden: str, config: dict[str, Any]) -> Any:
        checkpoint = Checkpoint(golden, goldens / golden, None, config)
        return recipe_of(GOLDENS[golden].family, checkpoint, RecipeOptions()).network_config()

    original = {"model_type": "internvl_chat", "template": "internvl2_5"}
    internlm2 = native(
        "internvl2_5_internlm2", original | {"llm_config": {"architectures": ["InternLM2ForCausalLM"]}}
    )
    text, vision = internlm2.text_config, internlm2.vision_config
    assert (text.vocab_size, text.hidden_size, text.intermediate_size) == (103168, 4096, 11008)
    assert (text.num_hidden_layers, text.num_attention_heads, text.num_key_value_heads) == (32, 32, 32)
    assert (text.max_position_embeddings, text.rms_norm_eps, text.hidden_act) == (2048, 1e-6, "silu")
    assert (text.attention_bias, text.tie_word_embeddings) == (True, False)
    assert text.rope_parameters == {"rope_type": "default", "rope_theta": 10000.0}
    assert (vision.hidden_size, vision.intermediate_size, vision.num_attention_heads) == (3200, 12800, 25)
    assert (vision.num_hidden_layers, vision.patch_size, vision.image_size) == (48, (14, 14), (224, 224))
    assert (vision.norm_type, vision.layer_norm_eps, vision.hidden_act) == ("rms_norm", 1e-6, "gelu")
    assert (vision.use_qk_norm, vision.attention_bias) == (True, False)
    assert (internlm2.downsample_ratio, internlm2.vision_feature_layer) == (0.5, -1)

    ovis2 = native(
        "ovis2",
        {
            "model_type": "ovis",
            "llm_config": {"model_type": "qwen2"},
            "visual_tokenizer_config": {"model_type": "aimv2_visual_tokenizer"},
        },
    )
    text, vision = ovis2.text_config, ovis2.vision_config
    assert (text.vocab_size, text.hidden_size, text.intermediate_size) == (151936, 4096, 22016)
    assert (text.num_hidden_layers, text.num_attention_heads, text.num_key_value_heads) == (32, 32, 32)
    assert (text.max_position_embeddings, text.rms_norm_eps, text.hidden_act) == (32768, 1e-6, "silu")
    assert text.rope_parameters == {"rope_type": "default", "rope_theta": 10000.0}
    assert ovis2.tie_word_embeddings is False
    assert (vision.hidden_size, vision.intermediate_size, vision.num_attention_heads) == (1024, 2816, 8)
    assert (vision.num_hidden_layers, vision.patch_size, vision.image_size) == (24, 14, 224)
    assert (vision.num_channels, vision.rms_norm_eps) == (3, 1e-5)
    assert (vision.qkv_bias, vision.mlp_bias) == (False, False)
    assert (vision.vocab_size, vision.hidden_stride, vision.tokenize_function) == (16384, 1, "softmax")


@pytest.mark.parametrize(
    ("golden", "file", "field", "value"),
    [
        ("internvl2_5_qwen2", "config.json", "force_image_size", "448"),
        ("internvl2_5_qwen2", "config.json", "llm_config.rope_theta", True),
        ("internvl2_5_qwen2", "config.json", "llm_config.num_hidden_layers", [2]),
        ("internvl2_5_qwen2", "config.json", "vision_config", []),
        ("internvl2_5_qwen2", "config.json", "vision_config.qk_normalization", "yes"),
        ("internvl2_5_qwen2", "config.json", "llm_config.architectures", ["PhiForCausalLM"]),
        ("internvl2_5_qwen2", "tokenizer_config.json", "added_tokens_decoder", []),
        ("internvl2_5_qwen2", "added_tokens.json", "<img>", None),
        ("internvl2_5_internlm2", "config.json", "llm_config.bias", 0),
        ("internvl2_5_internlm2", "tokenizer_config.json", "added_tokens_decoder.624", "<|im_end|>"),
        ("internvl2_5_internlm2", "added_tokens.json", "<img>", "626"),
        ("ovis2", "config.json", "visual_tokenizer_config.hidden_stride", 0),
        ("ovis2", "config.json", "visual_tokenizer_config.backbone_config.num_hidden_layers", "two"),
        ("ovis2", "generation_config.json", "eos_token_id", ["<|im_end|>"]),
        ("llava_next_mistral", "config.json", "text_config.vocab_size", "many"),
        ("llava_next_mistral", "chat_template.json", "chat_template", 1),
        ("llava_next_mistral", "tokenizer_config.json", "bos_token", 1),
        ("llava_next_mistral", "tokenizer_config.json", "clean_up_tokenization_spaces", "no"),
        ("llava_onevision", "preprocessor_config.json", "size", "large"),
        ("paligemma", "config.json", "text_config", "gemma"),
    ],
)
def test_a_field_of_the_wrong_type_is_named_with_its_file(
    altered: Callable[..., Path], golden: str, file: str, field: str, value: object
) -> None:
    folder = altered(golden, with_field(file, field, value))
    with pytest.raises(RepopeError) as caught:
        read_golden_description(folder)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{folder / file}: ")
    assert field.rpartition(".")[2] in line


@pytest.mark.parametrize(
    ("golden", "file", "message"),
    [
        ("internvl2_5_internlm2", "tokenizer.model", "tokenizer.model: cannot be used"),
        ("internvl2_5_qwen2", "vocab.json", "vocab.json: is no JSON"),
        (
            "internvl2_5_qwen2",
            "merges.txt",
            "the tokenizer of vocab.json, merges.txt, added_tokens.json, tokenizer_config.json: cannot",
        ),
        ("llava_next_mistral", "tokenizer.json", "tokenizer.json: cannot be used"),
        ("llava_next_mistral", "config.json", "config.json: is no JSON"),
    ],
)
def test_a_file_of_something_else_is_named(
    altered: Callable[..., Path], golden: str, file: str, message: str
) -> None:
    folder = altered(golden, lambda folder: (folder / file).write_text("{ nothing\n"))
    with pytest.raises(RepopeError, match=re.escape(message)) as caught:
        read_golden_description(folder)
    assert str(folder) in str(caught.value)


def test_a_tokenizer_without_the_image_token_is_named(altered: Callable[..., Path]) -> None:
    folder = altered("internvl2_5_qwen2", without_files("added_tokens.json"))
    without_fields("tokenizer_config.json", "added_tokens_decoder", "additional_special_tokens")(folder)
    (folder / "special_tokens_map.json").unlink()
    with pytest.raises(RepopeError, match="its tokenizer has no <IMG_CONTEXT>"):
        read_golden_description(folder)


@pytest.mark.parametrize("field", ["llm_config.hidden_act", "vision_config.norm_type"])
def test_a_configuration_that_no_network_can_be_built_of_is_named(
    altered: Callable[..., Path], field: str
) -> None:
    folder = altered("internvl2_5_qwen2", with_field("config.json", field, "sideways"))
    with pytest.raises(RepopeError, match=r"config\.json: cannot be used \(KeyError: 'sideways'\)"):
        read_golden_description(folder)


@pytest.mark.parametrize("mistake", [KeyError, TypeError, AttributeError, ValueError])
@pytest.mark.parametrize("method", ["__init__", "network_class", "network_config"])
def test_a_mistake_of_the_projects_own_is_blamed_on_no_checkpoint(
    goldens: Path, monkeypatch: pytest.MonkeyPatch, mistake: type[Exception], method: str
) -> None:
    def wrong(*_: object) -> None:
        raise mistake("of the project's own")

    monkeypatch.setattr(InternVLRecipe, method, wrong)
    with pytest.raises(mistake, match="of the project's own"):
        load_golden_model(goldens / "internvl2_5_qwen2")


def test_one_id_has_one_name_in_internlm2s_vocabulary(goldens: Path) -> None:
    checkpoint = find_checkpoint(str(goldens / "internvl2_5_internlm2"), "main")
    recipe = recipe_of("internvl2_5", checkpoint, RecipeOptions())
    vocabulary = recipe.vocabulary()
    assert sorted(vocabulary.values()) == list(range(635))
    assert vocabulary["<|im_end|>"] == 624 == recipe.stop_token_ids[0]
    assert recipe.decode([vocabulary["<|im_start|>"], *recipe.tokenizer.encode("Yes"), 624]) == "Yes"
