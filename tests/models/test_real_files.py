"""Files as the published checkpoints have them, where the goldens have them otherwise: the same answers."""

import json
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from golden import GOLDENS, change_weights, load_golden_model, read_golden
from safetensors.torch import load_file
from transformers import (
    LlavaOnevisionForConditionalGeneration,
    PaliGemmaForConditionalGeneration,
    PreTrainedModel,
)

from repope_eval.composition import model_settings
from repope_eval.errors import RepopeError
from repope_eval.inference.generation import find_spellings
from repope_eval.inference.sequential import generate_sequentially
from repope_eval.inference.shared import generate_shared
from repope_eval.models.checkpoints import Checkpoint, find_checkpoint
from repope_eval.models.counting import count_parameters
from repope_eval.models.families import recipe_of
from repope_eval.models.internvl import InternVLRecipe
from repope_eval.models.loading import Model, read_description
from repope_eval.models.recipe import RecipeOptions

Change = Callable[[Path], None]
TokenIds = list[tuple[int, ...]]


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def place(content: dict[str, Any], field: str) -> tuple[dict[str, Any], str]:
    """The object that a field with dots in its name is in, and its name there."""
    *parents, name = field.split(".")
    for parent in parents:
        content = content[parent]
    return content, name


def without_files(*names: str) -> Change:
    def change(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return change


def without_fields(file: str, *fields: str) -> Change:
    """Leaves fields out: those of the goldens here have the values that they have where they are left out."""

    def change(folder: Path) -> None:
        for field in fields:
            rewrite(folder / file, lambda content, field=field: dict.pop(*place(content, field)))

    return change


def with_field(file: str, field: str, value: object) -> Change:
    def change(folder: Path) -> None:
        def put(content: dict[str, Any]) -> None:
            parent, name = place(content, field)
            parent[name] = value

        rewrite(folder / file, put)

    return change


def with_the_vision_fields(*names: str) -> Change:
    """No more than these in `vision_config`."""

    def shorten(config: dict[str, Any]) -> None:
        config["vision_config"] = {name: config["vision_config"][name] for name in names}

    return lambda folder: rewrite(folder / "config.json", shorten)


def with_the_template_in(file: str) -> Change:
    def change(folder: Path) -> None:
        template = json.loads((folder / "chat_template.json").read_text())["chat_template"]
        (folder / "chat_template.json").unlink()
        if file.endswith(".jinja"):
            (folder / file).write_text(template)
        else:
            rewrite(folder / file, lambda content: content.update(chat_template=template))

    return change


def with_named_templates(folder: Path) -> None:
    with_the_template_in("tokenizer_config.json")(folder)

    def name(content: dict[str, Any]) -> None:
        template = content["chat_template"]
        named = {"tool_use": "{{ messages }}", "default": template}
        content["chat_template"] = [{"name": key, "template": value} for key, value in named.items()]

    rewrite(folder / "tokenizer_config.json", name)


def with_image_settings_in_the_processor(folder: Path) -> None:
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    (folder / "preprocessor_config.json").unlink()
    rewrite(folder / "processor_config.json", lambda content: content.update(image_processor=settings))


def with_rope_type(folder: Path) -> None:
    with_field("config.json", "llm_config.rope_scaling", {"rope_type": "dynamic", "factor": 2.0})(folder)


def with_the_tied_head_in_the_file(folder: Path) -> None:
    embeddings = load_file(folder / "model.safetensors")["llm.model.embed_tokens.weight"]
    change_weights(folder, **{"llm.lm_head.weight": embeddings.clone()})


def without_the_tied_head(folder: Path) -> None:
    change_weights(folder, **{"llm.lm_head.weight": None})


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


@pytest.fixture
def altered(goldens: Path, tmp_path: Path) -> Callable[..., Path]:
    def alter(golden: str, *changes: Change) -> Path:
        folder = Path(shutil.copytree(goldens / golden, tmp_path / golden))
        for change in changes:
            change(folder)
        return folder

    return alter


def answers(model: Model, name: str) -> TokenIds:
    """What both engines answer to the questions about the first photograph; they agree."""
    goldens = Path(__file__).parent.parent / "goldens"
    prepared, spellings = read_golden(goldens / name).prepared(model)[:1], find_spellings(model.recipe)
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
    goldens = Path(__file__).parent.parent / "goldens"
    found: TokenIds = []
    prepared = read_golden(goldens / name).prepared(model)[0]
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
    return [case.generated_ids for case in first]


@pytest.mark.parametrize("alteration", SAME)
def test_answers_are_the_same(altered: Callable[..., Path], goldens: Path, alteration: str) -> None:
    name, changes = SAME[alteration]
    assert answers(load_golden_model(altered(name, *changes)), name) == originals(goldens / name)


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
    assert model.network.config.text_config._attn_implementation == "eager"  # sdpa leaves the caps out
    native = PaliGemmaForConditionalGeneration.from_pretrained(folder, attn_implementation="eager")
    assert answers(model, "paligemma2") == generated(model, native, "paligemma2")


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
    assert count_parameters(recipe).parameters == parameters


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
        ("internvl2_5_qwen2", "merges.txt", "the tokenizer: cannot be used"),
        ("llava_next_mistral", "tokenizer.json", "tokenizer.json: cannot be used"),
        ("llava_next_mistral", "config.json", "config.json: cannot be read"),
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


def read_golden_description(folder: Path) -> None:
    family, model, _ = GOLDENS[folder.name]
    read_description(replace(model_settings(model), family=family, checkpoint=str(folder)))


def test_one_id_has_one_name_in_internlm2s_vocabulary(goldens: Path) -> None:
    checkpoint = find_checkpoint(str(goldens / "internvl2_5_internlm2"), "main")
    recipe = recipe_of("internvl2_5", checkpoint, RecipeOptions())
    vocabulary = recipe.vocabulary()
    assert sorted(vocabulary.values()) == list(range(635))
    assert vocabulary["<|im_end|>"] == 624 == recipe.stop_token_ids[0]
    assert recipe.decode([vocabulary["<|im_start|>"], *recipe.encode("Yes"), 624]) == "Yes"
