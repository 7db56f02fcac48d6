"""An adapter that is merged gives the answers that peft gives with it, and one that does not fit is refused."""

import copy
import dataclasses
import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from adapter_files import ASKED, PHOTOGRAPHS, change_config, change_tensors, save_adapter, with_peft
from conftest import GOLDENS
from peft import PeftModel
from safetensors.torch import load_file, save_file

from perf.golden import ONE_OF_EACH_FAMILY, change_weights, golden_model, load_golden_model, read_golden
from repope_eval.asking.native.generation import find_spellings
from repope_eval.asking.native.sequential import generate_sequentially
from repope_eval.asking.native.shared import generate_shared
from repope_eval.errors import RepopeError
from repope_eval.models.adapters import find_adapter
from repope_eval.models.checkpoints import Checkpoint, find_checkpoint
from repope_eval.models.loading import Model
from repope_eval.models.merging import read_changes

pytestmark = pytest.mark.filterwarnings(
    "ignore:.is_gradient_checkpointing:FutureWarning"
)  # which peft asks for


def answers(model: Model, golden: Path, generate: Callable[..., Any]) -> list[tuple[int, ...]]:
    """The tokens of the answers to 16 questions about each of the four photographs."""
    images = [model.recipe.prepare(read_golden(golden).photograph(name), ASKED) for name in PHOTOGRAPHS]
    generations = generate(model, images, 6, find_spellings(model.recipe))
    return [each.token_ids for image in generations for each in image]


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("internvl2_5_qwen2", {"target_modules": ["q_proj", "v_proj", "down_proj"]}),
        (
            "ovis2",
            {
                "target_modules": ["q_proj", "o_proj", "gate_proj", "lm_head"],
                "use_rslora": True,
                "rank_pattern": {"lm_head": 2, "^model.language_model.layers.0.self_attn.q_proj": 3},
                "alpha_pattern": {"layers.1.mlp.gate_proj": 16},
            },
        ),
    ],
)
def test_all_answers_are_pefts(name: str, config: dict[str, object], goldens: Path, tmp_path: Path) -> None:
    golden = goldens / name
    model = golden_model(golden)
    plain = answers(model, golden, generate_shared)
    adapter = save_adapter(model.network, tmp_path, **config)
    with_peft(model.network, adapter)
    expected = answers(model, golden, generate_sequentially)
    merged = answers(load_golden_model(golden, adapter=str(adapter)), golden, generate_shared)
    assert len(expected) == 64
    assert merged == expected
    assert sum(a != b for a, b in zip(plain, merged, strict=True)) > 16  # the adapter says something else


@pytest.mark.parametrize("name", [*ONE_OF_EACH_FAMILY, "internvl2_5_internlm2"])
def test_every_linear_layer_is_changed_as_peft_changes_it(name: str, goldens: Path, tmp_path: Path) -> None:
    network = golden_model(goldens / name).network
    plain = copy.deepcopy(network.state_dict())
    adapter = save_adapter(network, tmp_path, target_modules="all-linear", exclude_modules=["lm_head"])
    expected = PeftModel.from_pretrained(network, adapter).merge_and_unload().state_dict()
    merged = load_golden_model(goldens / name, adapter=str(adapter)).network.state_dict()
    assert merged.keys() == expected.keys()
    for weight, tensor in expected.items():
        torch.testing.assert_close(merged[weight], tensor)
    assert sum(not torch.equal(plain[weight], tensor) for weight, tensor in expected.items()) > 20


FUSED = "language_model.model.layers.{}.attention.wqkv"
"""A layer of InternLM2's own code, which its native class has three of."""


@pytest.fixture
def fused(goldens: Path, tmp_path: Path) -> tuple[Path, Path]:
    """An adapter that names layers as the checkpoint's own code does, and the checkpoint with it in its weights."""
    merged, adapter = tmp_path / "internvl2_5_internlm2", tmp_path / "adapter"
    shutil.copytree(goldens / "internvl2_5_internlm2", merged)
    weights = load_file(merged / "model.safetensors")
    names = [name for name in weights if name.endswith("attention.wqkv.weight")]
    tensors, changes = {}, {}
    for name in names:
        rows, columns = weights[name].shape
        down, up = torch.randn(4, columns), torch.randn(rows, 4) / 10
        layer = f"base_model.model.{name.removesuffix('.weight')}"
        tensors |= {f"{layer}.lora_A.weight": down, f"{layer}.lora_B.weight": up}
        changes[name] = weights[name] + 2 * (up @ down)
    adapter.mkdir()
    save_file(tensors, adapter / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["wqkv"]}
    (adapter / "adapter_config.json").write_text(json.dumps(config))
    change_weights(merged, **changes)
    return adapter, merged


@pytest.mark.parametrize(
    "how", [{}, {"dtype": "bfloat16"}, {"quantization": "nf4"}, {"quantization": "int8"}]
)
def test_layers_may_have_the_names_of_the_checkpoints_own_code_and_any_number_format(
    how: dict[str, str], fused: tuple[Path, Path], goldens: Path
) -> None:
    adapter, merged = fused
    expected = load_golden_model(merged, **how).network.state_dict()
    loaded = load_golden_model(goldens / merged.name, adapter=str(adapter), **how).network.state_dict()
    for weight, tensor in expected.items():
        assert torch.equal(loaded[weight], tensor), weight


@pytest.fixture(scope="module")
def base() -> Model:
    return golden_model(GOLDENS / "internvl2_5_qwen2")


@pytest.fixture(scope="module")
def made(base: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_adapter(base.network, tmp_path_factory.mktemp("made"), target_modules=["up_proj"])


@pytest.fixture
def adapter(made: Path, tmp_path: Path) -> Path:
    """The folder of an adapter, which a test may change."""
    return Path(shutil.copytree(made, tmp_path / "adapter"))


def with_adapter(base: Model, adapter_folder: Path, **facts: Any) -> Checkpoint:
    adapter = find_adapter(str(adapter_folder), "main")
    return dataclasses.replace(base.checkpoint, adapter=adapter, **facts)


LAYER = "base_model.model.model.language_model.layers.1.mlp.up_proj.lora_A.weight"

Tensors = dict[str, torch.Tensor]


def with_narrower_inputs(tensors: Tensors) -> Tensors:
    return {name: tensor[:, :32] if "lora_A" in name else tensor for name, tensor in tensors.items()}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda tensors: {name.replace("up_proj", "w1"): tensor for name, tensor in tensors.items()},
            r"changes model\.language_model\.layers\.0\.mlp\.w1, and .*internvl2_5_qwen2 has no such layer, but "
            r"\S+; give the checkpoint that the adapter was made for, as model\.checkpoint$",
        ),
        (
            with_narrower_inputs,
            r"changes a weight of shape \[\d+, 32\] in .*\.0\.mlp\.up_proj, and that of .* is \[\d+, 64\]; give the",
        ),
        (
            lambda tensors: {name: tensor for name, tensor in tensors.items() if ".layers.1." not in name},
            r"changes 1 layers \S+\.layers\.\*\.mlp\.up_proj, and .*internvl2_5_qwen2 has 2; give the",
        ),
        (
            lambda tensors: {**tensors, LAYER: tensors[LAYER][:3]},
            r"mlp\.up_proj has rank 3 in lora_A\.weight and 4 in lora_B\.weight, and adapter_config\.json says 4",
        ),
        (
            lambda tensors: {name: tensor for name, tensor in tensors.items() if name != LAYER},
            r"holds \S+up_proj\.lora_B\.weight and no \S+up_proj\.lora_A\.weight; download both again",
        ),
        (
            lambda tensors: {**tensors, LAYER: tensors[LAYER][..., None, None]},
            r"the tensors of \S+ have shapes \[4, 64, 1, 1\] and \[\d+, 4\], not a linear layer's; merge it",
        ),
        (
            lambda tensors: {**tensors, "base_model.model.lm_head.base_layer.weight": torch.ones(2, 2)},
            r"holds 'base_model\.model\.lm_head\.base_layer\.weight', and only .* are merged here",
        ),
        (lambda tensors: {}, "holds no tensor; download both again"),
        (
            lambda tensors: {
                **tensors,
                **{
                    name.replace("model.language_model", "language_model.model"): each
                    for name, each in tensors.items()
                },
            },
            "changes one layer of .*internvl2_5_qwen2 twice, under two names; download both again",
        ),
    ],
)
def test_tensors_that_do_not_fit_are_refused(
    base: Model, adapter: Path, change: Callable[[Tensors], Tensors], message: str
) -> None:
    change_tensors(adapter, change)
    with pytest.raises(RepopeError, match=message) as caught:
        read_changes(with_adapter(base, adapter), base.network)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"peft_type": "IA3"}, "peft_type is 'IA3', and only LORA is merged here; merge it with peft's"),
        ({"use_dora": True}, "use_dora is True, which is not merged here; merge it"),
        ({"bias": "all"}, "bias is 'all', which is not merged here"),
        ({"modules_to_save": ["lm_head"]}, r"modules_to_save is \['lm_head'\], which is not merged here"),
        ({"fan_in_fan_out": True}, "fan_in_fan_out is True, which is not merged here"),
        ({"of_a_later_release": 3}, "of_a_later_release is 3, which is not merged here"),
        (
            {"init_lora_weights": "pissa"},
            "init_lora_weights is 'pissa', by which the base's weights were changed",
        ),
        ({"rank_pattern": {r".*\d": 4}}, "rank_pattern has the pattern .*, and only names are read"),
        ({"r": 0}, "r is 0; a whole number above 0 is expected"),
        ({"lora_alpha": "high"}, "lora_alpha is 'high'; a number above 0 is expected"),
        (
            {"rank_pattern": {"up_proj": "high"}},
            r"rank_pattern\.up_proj is 'high'; a number above 0 is expected",
        ),
        ({"r": 8}, r"has rank 4 in lora_A\.weight and 4 in lora_B\.weight, and adapter_config\.json says 8"),
        (
            {"base_model_name_or_path": "Qwen/Qwen2-VL"},
            r"for 'Qwen/Qwen2-VL', and model\.checkpoint is 'Open/InternVL'; give model\.checkpoint=Qwen/Qwen2-VL,",
        ),
    ],
)
def test_what_a_configuration_asks_for_in_vain_is_refused(
    base: Model, adapter: Path, fields: dict[str, Any], message: str
) -> None:
    change_config(adapter, **fields)
    with pytest.raises(RepopeError, match=message) as caught:
        read_changes(with_adapter(base, adapter, name="Open/InternVL", commit="0" * 40), base.network)
    assert "\n" not in str(caught.value)


def test_a_base_in_another_folder_is_told_and_no_mistake(
    base: Model, adapter: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert read_changes(with_adapter(base, adapter), base.network)
    assert not caplog.records
    change_config(adapter, base_model_name_or_path="/elsewhere/base")
    with caplog.at_level(logging.WARNING):
        assert read_changes(with_adapter(base, adapter), base.network)
    (record,) = caplog.records
    assert "was made for '/elsewhere/base', and model.checkpoint is" in record.getMessage()


def test_some_layers_alone_are_changed_where_that_is_meant(base: Model, tmp_path: Path) -> None:
    config = {"target_modules": ["up_proj"], "layers_to_transform": [1]}
    changes = read_changes(with_adapter(base, save_adapter(base.network, tmp_path, **config)), base.network)
    assert [change.name for change in changes] == ["language_model.model.layers.1.mlp.up_proj.weight"]


def test_layers_that_are_not_loaded_do_not_count(base: Model, adapter: Path, tmp_path: Path) -> None:
    """Such as those that predict further tokens in training, which stand behind the others in published files."""
    folder = Path(shutil.copytree(base.checkpoint.folder, tmp_path / "checkpoint"))
    change_weights(folder, **{"language_model.model.layers.2.mlp.up_proj.weight": torch.zeros(2, 2)})
    assert len(read_changes(with_adapter(base, adapter, folder=folder), base.network)) == 2


def test_pickled_and_damaged_files_are_not_read(base: Model, adapter: Path) -> None:
    weights = adapter / "adapter_model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-100])
    with pytest.raises(RepopeError, match=r"adapter_model\.safetensors: is damaged"):
        read_changes(with_adapter(base, adapter), base.network)
    weights.rename(adapter / "adapter_model.bin")
    with pytest.raises(
        RepopeError, match=r"adapter_model\.bin is not read, since pickled files may run code: load"
    ):
        read_changes(with_adapter(base, adapter), base.network)


def test_an_output_that_shares_the_embeddings_weight_is_refused(
    base: Model, goldens: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(goldens / "internvl2_5_qwen2", tmp_path / "internvl2_5_qwen2"))
    config = json.loads((folder / "config.json").read_text())
    config["llm_config"]["tie_word_embeddings"] = True
    (folder / "config.json").write_text(json.dumps(config))
    adapter = save_adapter(base.network, tmp_path / "adapter", target_modules=["lm_head"])
    with pytest.raises(
        RepopeError, match=r"changes lm_head alone, and .* has one weight for it and the embeddings"
    ):
        load_golden_model(folder, adapter=str(adapter))


def test_what_holds_no_adapter_is_refused(goldens: Path, adapter: Path, tmp_path: Path) -> None:
    with pytest.raises(RepopeError, match=r"so it is no adapter; give the checkpoint as model\.checkpoint"):
        find_adapter(str(goldens / "ovis2"), "main")
    with pytest.raises(RepopeError, match="so it is no adapter; give the folder of PEFT's files"):
        find_adapter(str(tmp_path), "main")
    with pytest.raises(RepopeError, match=r"^model\.adapter=nowhere: no such folder, and no Hub id"):
        find_adapter("nowhere", "main")
    with pytest.raises(RepopeError, match=r"is an adapter .* and no checkpoint; give it as model\.adapter"):
        find_checkpoint(str(adapter), "main")


def test_weights_on_disk_are_not_left_without_the_adapter(
    goldens: Path, adapter: Path, tmp_path: Path
) -> None:
    (tmp_path / "map.json").write_text(json.dumps({"model": "cpu", "lm_head": "disk"}))
    with pytest.raises(RepopeError, match=r"model\.adapter=.*: weights that model.device_map leaves on disk"):
        load_golden_model(
            goldens / "internvl2_5_qwen2", adapter=str(adapter), device_map=str(tmp_path / "map.json")
        )
