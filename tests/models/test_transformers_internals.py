"""What is taken of transformers beyond its documented names still does what the package takes it for."""

from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM, Ovis2Config, PreTrainedConfig

from repope_eval.models.transformers_internals import (
    LoadingRules,
    Ovis2VisionConfig,
    TensorConversion,
    WeightConverter,
    changing_tensors,
    converting,
    renamings,
    render_jinja_template,
    select_best_resolution,
    thirds,
)

CONFIG = LlamaConfig(
    vocab_size=8, hidden_size=4, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2
)


class RenamedLlama(LlamaForCausalLM):  # type: ignore[misc]
    """A native class that loads tensors of other names."""


class DropFirstAxis(TensorConversion):
    def parts(self, tensor: torch.Tensor, config: PreTrainedConfig) -> list[torch.Tensor]:
        assert config.hidden_size == 4
        return [tensor.squeeze(0)]


RULES = [
    *renamings({r"^trunk\.": "model."}),
    thirds(r"\.attn\.qkv", [".self_attn.q_proj", ".self_attn.k_proj", ".self_attn.v_proj"]),
    WeightConverter(r"\.last", ".norm", operations=[DropFirstAxis()]),
]


def test_tensors_are_renamed_split_and_converted_while_they_are_loaded(tmp_path: Path) -> None:
    native = LlamaForCausalLM(CONFIG)
    native.save_pretrained(tmp_path)
    weights = native.state_dict()
    qkv = [weights.pop(f"model.layers.0.self_attn.{part}_proj.weight") for part in "qkv"]
    weights["model.layers.0.attn.qkv.weight"] = torch.cat(qkv)
    weights["model.last.weight"] = weights.pop("model.norm.weight")[None]
    renamed = {name.replace("model.", "trunk.", 1): tensor.contiguous() for name, tensor in weights.items()}
    save_file(renamed, tmp_path / "model.safetensors", metadata={"format": "pt"})
    loaded, report = converting(RenamedLlama, RULES).from_pretrained(
        tmp_path, config=CONFIG, output_loading_info=True
    )
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]
    for name, tensor in native.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor), name


def test_what_becomes_of_a_tensor_is_known_before_it_is_loaded() -> None:
    with torch.device("meta"):
        rules = LoadingRules(converting(RenamedLlama, RULES)(CONFIG))
    assert rules.name_of("trunk.norm.weight") == "model.norm.weight"
    assert rules.name_of("norm.weight") == "model.norm.weight"
    assert rules.name_of("model.layers.0.self_attn.q_proj.weight") == "model.layers.0.self_attn.q_proj.weight"
    tensor = torch.arange(24).view(6, 4)
    assert rules.parts_of("trunk.norm.weight", tensor)["model.norm.weight"] is tensor
    parts = rules.parts_of("trunk.layers.0.attn.qkv.weight", tensor)
    assert {name: part.tolist() for name, part in parts.items()} == {
        f"model.layers.0.self_attn.{part}_proj.weight": tensor[rows : rows + 2].tolist()
        for part, rows in (("q", 0), ("k", 2), ("v", 4))
    }


def test_tensors_are_changed_as_they_are_read(tmp_path: Path) -> None:
    native = LlamaForCausalLM(CONFIG)
    native.save_pretrained(tmp_path)
    name = "model.layers.0.mlp.up_proj.weight"
    with changing_tensors({name: lambda tensor: tensor + 1}):
        changed = LlamaForCausalLM.from_pretrained(tmp_path).state_dict()
    again = LlamaForCausalLM.from_pretrained(tmp_path).state_dict()
    for weight, tensor in native.state_dict().items():
        assert torch.equal(changed[weight], tensor + 1 if weight == name else tensor), weight
        assert torch.equal(again[weight], tensor), weight


def test_of_several_resolutions_the_one_is_taken_that_keeps_most() -> None:
    assert select_best_resolution((480, 640), [[336, 672], [672, 672], [336, 1008]]) == (672, 672)


def test_a_chat_template_is_rendered_with_special_tokens() -> None:
    rendered, _ = render_jinja_template(
        conversations=[[{"role": "user", "content": "Hello"}]],
        chat_template="{{ bos_token }}{{ messages[0].content }}{% if add_generation_prompt %}:{% endif %}",
        add_generation_prompt=True,
        bos_token="<s>",
    )
    assert rendered == ["<s>Hello:"]


def test_ovis2s_vision_configuration_is_a_part_of_its_configuration() -> None:
    vision = Ovis2VisionConfig(hidden_stride=2, num_visual_indicator_tokens=5, vocab_size=32)
    assert Ovis2Config(vision_config=vision).vision_config.hidden_stride == 2
