"""Loading weights: what does not fit is an error, and what is quantized is what should be."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from perf.golden import change_weights, load_golden_model, read_golden
from repope_eval.asking.native.generation import find_spellings
from repope_eval.asking.native.shared import generate_shared
from repope_eval.errors import RepopeError

QWEN_LINEAR = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


@pytest.fixture
def checkpoint(goldens: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "checkpoint"
    shutil.copytree(goldens / "internvl2_5_qwen2", folder)
    return folder


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        (
            "mlp1.1.weight",
            None,
            r"1 weights are missing, first model\.multi_modal_projector\.linear_1\.weight",
        ),
        ("surplus.weight", torch.zeros(2), r"1 weights are unexpected, first surplus\.weight"),
        (
            "mlp1.1.weight",
            torch.zeros(3, 3),
            r"1 weights are of another shape, first model\.multi_modal_projector",
        ),
        (
            "vision_model.encoder.layers.0.attn.qkv.weight",
            None,
            r"3 weights are missing, first model\.vision_tower\.encoder\.layer\.0\.attention\.k_proj\.weight",
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    checkpoint: Path, name: str, tensor: torch.Tensor | None, message: str
) -> None:
    change_weights(checkpoint, **{name: tensor})
    with pytest.raises(RepopeError, match=message):
        load_golden_model(checkpoint)


def test_a_file_cut_short_is_refused(checkpoint: Path) -> None:
    path = checkpoint / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(RepopeError, match="is damaged"):
        load_golden_model(checkpoint)


@pytest.mark.parametrize("index", [{}, {"metadata": {}}, {"weight_map": {"a": "model.safetensors"}}])
def test_an_index_that_lacks_something_is_refused(checkpoint: Path, index: dict[str, object]) -> None:
    (checkpoint / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(RepopeError, match=r"index\.json: lacks its weight_map or its metadata"):
        load_golden_model(checkpoint)


def test_pickled_weights_are_not_read(checkpoint: Path) -> None:
    (checkpoint / "model.safetensors").rename(checkpoint / "pytorch_model.bin")
    with pytest.raises(RepopeError, match=r"holds no model\*\.safetensors"):
        load_golden_model(checkpoint)


@pytest.mark.parametrize("name", ["vocab.json", "merges.txt"])
def test_a_missing_tokenizer_file_is_named(checkpoint: Path, name: str) -> None:
    (checkpoint / name).unlink()
    with pytest.raises(RepopeError, match=f"{name}"):
        load_golden_model(checkpoint)


def test_a_checkpoint_of_another_kind_is_named(checkpoint: Path) -> None:
    (checkpoint / "config.json").write_text('{"model_type": "blip_2"}')
    with pytest.raises(
        RepopeError,
        match=r"is no InternVL2\.5 checkpoint but a model_type 'blip_2', which no family reads; try model=chat$",
    ):
        load_golden_model(checkpoint)


@pytest.mark.parametrize("change", [{"llm_config": {}}, {"force_image_size": "x"}])
def test_a_configuration_that_lacks_something_is_said(checkpoint: Path, change: dict[str, object]) -> None:
    config = json.loads((checkpoint / "config.json").read_text()) | change
    (checkpoint / "config.json").write_text(json.dumps(config))
    with pytest.raises(RepopeError, match=re.escape(str(checkpoint))):
        load_golden_model(checkpoint)


def test_a_configuration_of_a_far_larger_network_fills_no_memory(checkpoint: Path) -> None:
    """With its sizes left out, a vision tower is InternViT-6B by its class's defaults: 22 GB of random weights."""
    config = json.loads((checkpoint / "config.json").read_text()) | {"vision_config": {}}
    (checkpoint / "config.json").write_text(json.dumps(config))
    with pytest.raises(
        RepopeError, match=r"describes a network of 5,\d{3},\d{3},\d{3} weights, and the files hold"
    ):
        load_golden_model(checkpoint)


def test_a_field_of_another_type_is_said(checkpoint: Path) -> None:
    config = json.loads((checkpoint / "config.json").read_text())
    config["vision_config"]["hidden_size"] = "wide"
    (checkpoint / "config.json").write_text(json.dumps(config))
    with pytest.raises(RepopeError, match="hidden_size"):
        load_golden_model(checkpoint)


def test_an_unknown_family_is_refused_with_the_families_there_are(checkpoint: Path) -> None:
    with pytest.raises(RepopeError, match=r"no such family; there are internvl2_5"):
        load_golden_model(checkpoint, family="flamingo")


@pytest.mark.parametrize(("dtype", "rounds"), [("float32", False), ("bfloat16", True)])
def test_convolutions_in_float32_do_not_round_to_fewer_bits(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, dtype: str, rounds: bool
) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)  # as torch has it
    load_golden_model(checkpoint, dtype=dtype)
    assert torch.backends.cudnn.allow_tf32 is rounds


@pytest.mark.parametrize(("quantization", "similarity"), [("int8", 0.99), ("nf4", 0.8)])
def test_only_the_language_models_linear_layers_are_quantized(
    checkpoint: Path, goldens: Path, caplog: pytest.LogCaptureFixture, quantization: str, similarity: float
) -> None:
    model = load_golden_model(checkpoint, quantization=quantization)
    quantized = [
        name
        for name, module in model.network.named_modules()
        if type(module).__module__.startswith("bitsandbytes")
    ]
    assert {name.rpartition(".")[2] for name in quantized} == QWEN_LINEAR
    assert all(name.startswith("model.language_model.layers.") for name in quantized)
    assert len(quantized) == 2 * len(QWEN_LINEAR)
    golden = read_golden(goldens / "internvl2_5_qwen2")
    prepared = golden.prepared(model)[0]
    with torch.inference_mode():
        logits = model.network(
            input_ids=torch.tensor([prepared.prompts[0]]),
            pixel_values=prepared.inputs["pixel_values"],
            logits_to_keep=1,
        ).logits[0, -1]
    original = golden.first_logits(golden.cases[0])
    assert torch.nn.functional.cosine_similarity(logits, original, dim=0) > similarity
    assert not [record for record in caplog.records if record.name.startswith("bitsandbytes.autograd")]


def responses(folder: Path, **changes: str) -> list[str]:
    """The answers to the first photograph's questions."""
    golden = read_golden(Path(__file__).parent.parent / "goldens" / "internvl2_5_qwen2")
    model = load_golden_model(folder, **changes)
    (generations,) = generate_shared(model, golden.prepared(model)[:1], 24, find_spellings(model.recipe))
    return [model.recipe.decode(generation.token_ids) for generation in generations]


def test_shards_with_an_index_load_as_one_file_does(checkpoint: Path) -> None:
    expected = responses(checkpoint)
    weights = load_file(checkpoint / "model.safetensors")
    names = sorted(weights)
    parts = [names[start::3] for start in range(3)]
    index: dict[str, str] = {}
    for number, part in enumerate(parts, 1):
        file = f"model-{number:05d}-of-00003.safetensors"
        save_file({name: weights[name] for name in part}, checkpoint / file, metadata={"format": "pt"})
        index |= dict.fromkeys(part, file)
    (checkpoint / "model.safetensors").unlink()
    (checkpoint / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": 1}, "weight_map": index})
    )
    assert responses(checkpoint) == expected
    shard = checkpoint / "model-00002-of-00003.safetensors"
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(RepopeError, match="is damaged"):
        load_golden_model(checkpoint)


def test_a_model_over_cpu_and_disk_answers_as_one_in_memory(checkpoint: Path, tmp_path: Path) -> None:
    placed = {
        "model.vision_tower.embeddings": "cpu",
        "model.vision_tower.encoder": "disk",
        "model.vision_tower.layernorm": "cpu",
        "model.multi_modal_projector": "cpu",
        "model.language_model.embed_tokens": "cpu",
        "model.language_model.layers.0": "cpu",
        "model.language_model.layers.1": "disk",
        "model.language_model.norm": "cpu",
        "model.language_model.rotary_emb": "cpu",
        "lm_head": "disk",
    }
    (tmp_path / "map.json").write_text(json.dumps(placed))
    assert responses(checkpoint, device_map=str(tmp_path / "map.json")) == responses(checkpoint)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[]", "gives modules a device number"),
        ("[" * 100_000, "is no JSON"),
        ('{"lm_head": null}', "'lm_head' is put on None; this machine has cpu, disk"),
        ('{"": ["cpu"]}', "'' is put on ['cpu']; this machine has cpu, disk"),
        ('{"": true}', "'' is put on True; this machine has cpu, disk"),
        ('{"": "gpu"}', "'' is put on 'gpu'; this machine has cpu, disk"),
        ('{"": "meta"}', "'' is put on 'meta'; this machine has cpu, disk"),
        ('{"": 7}', "'' is put on 7; this machine has cpu, disk"),
        ('{"": -1}', "'' is put on -1; this machine has cpu, disk"),
        ("{}", "places no module that model.vision_tower.embeddings.cls_token is in"),
        ('{"model": "cpu"}', "places no module that lm_head.weight is in"),
        ('{"": "cpu", "lm_haed": "cpu"}', "the model has no module 'lm_haed'"),
    ],
)
def test_a_device_map_that_is_none_is_refused_before_weights_are_read(
    checkpoint: Path, tmp_path: Path, content: str, message: str
) -> None:
    (checkpoint / "model.safetensors").unlink()
    (tmp_path / "map.json").write_text(content)
    with pytest.raises(RepopeError, match=re.escape(f"{tmp_path / 'map.json'}: ")) as caught:
        load_golden_model(checkpoint, device_map=str(tmp_path / "map.json"))
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["cuda", "nonsense", "/somewhere"])
def test_a_device_map_that_is_no_file_is_a_way_of_transformers(checkpoint: Path, name: str) -> None:
    with pytest.raises(RepopeError, match=f"model.device_map={name}: one of auto, .* or a JSON file"):
        load_golden_model(checkpoint, device_map=name)


@pytest.mark.parametrize("name", ["sdpa_cudnn", "eager"])
def test_attention_kernels_change_no_answer(checkpoint: Path, name: str) -> None:
    assert responses(checkpoint, attn_implementation=name) == responses(checkpoint)
