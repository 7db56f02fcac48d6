"""Loading weights: what does not fit is an error, and what is quantized is what should be."""

import shutil
from pathlib import Path

import pytest
import torch
from golden import load_golden_model, read_golden
from safetensors.torch import load_file, save_file

from repope_eval.errors import RepopeError
from repope_eval.models.loading import choose_device

QWEN_LINEAR = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


@pytest.fixture
def checkpoint(goldens: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "checkpoint"
    shutil.copytree(goldens / "internvl2_5_qwen2", folder)
    return folder


def change_weights(folder: Path, **changes: torch.Tensor | None) -> None:
    weights = load_file(folder / "model.safetensors")
    for name, tensor in changes.items():
        weights.pop(name, None)
        if tensor is not None:
            weights[name] = tensor
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


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
    with pytest.raises(RepopeError, match="cannot be loaded"):
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
    (checkpoint / "config.json").write_text('{"model_type": "llava_next"}')
    with pytest.raises(RepopeError, match=r"is no InternVL2\.5 checkpoint but a model_type 'llava_next'"):
        load_golden_model(checkpoint)


def test_an_unknown_family_is_refused_with_the_families_there_are(checkpoint: Path) -> None:
    with pytest.raises(RepopeError, match=r"no such family; there are internvl2_5"):
        load_golden_model(checkpoint, family="flamingo")


@pytest.mark.parametrize(("quantization", "similarity"), [("int8", 0.99), ("nf4", 0.8)])
def test_only_the_language_models_linear_layers_are_quantized(
    checkpoint: Path, goldens: Path, quantization: str, similarity: float
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


def test_a_gpu_that_is_not_there_is_said() -> None:
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    with pytest.raises(RepopeError, match="torch sees 0 CUDA devices"):
        choose_device("cuda")
    assert choose_device("auto") == torch.device("cpu")
