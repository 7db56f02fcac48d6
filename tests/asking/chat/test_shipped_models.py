"""The checkpoints that have names here."""

import re

import pytest
from conftest import PROJECT

from repope_eval.cluster.sweep_plan import read_resources, row_of
from repope_eval.settings.askers import CHAT
from repope_eval.settings.composition import listed_models
from repope_eval.settings.config import ModelSettings, number_format

MODELS = [model for model in listed_models() if model.family == CHAT]

PUBLISHED = {
    "gemma3_": "google/gemma-3-{}-it",
    "idefics3_": "HuggingFaceM4/Idefics3-{}-Llama3",
    "internvl3_": "OpenGVLab/InternVL3-{}-hf",
    "llava_1_5_": "llava-hf/llava-1.5-{}-hf",
    "qwen2_5_vl_": "Qwen/Qwen2.5-VL-{}-Instruct",
    "qwen3_vl_": "Qwen/Qwen3-VL-{}-Instruct",
    "smolvlm2_": "HuggingFaceTB/SmolVLM2-{}-Instruct",
}
"""How a name begins -> the checkpoint, with the place of its size."""


def test_these_sizes_have_names() -> None:
    assert [model.name for model in MODELS] == [
        *(f"gemma3_{size}b" for size in (4, 12, 27)),
        "idefics3_8b",
        *(f"internvl3_{size}b" for size in (1, 2, 8, 14, 38, 78)),
        *(f"llava_1_5_{size}b" for size in (7, 13)),
        *(f"qwen2_5_vl_{size}b" for size in (3, 7, 32, 72)),
        *(f"qwen3_vl_{size}b" for size in (2, 4, 8, 32)),
        *(f"smolvlm2_{size}" for size in ("2_2b", "256m", "500m")),
    ]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_the_checkpoint_is_the_one_of_that_size(model: ModelSettings) -> None:
    start = next(start for start in PUBLISHED if model.name.startswith(start))
    size = model.name.removeprefix(start).replace("_", ".")
    checkpoint = model.checkpoint.lower().replace("-video", "")
    assert checkpoint == PUBLISHED[start].format(size).lower()
    assert model.gated == start.startswith("gemma")
    assert number_format(model) == ("float16" if start == "llava_1_5_" else "bfloat16")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_a_cluster_gives_it_the_gpus_that_hold_its_weights(model: ModelSettings) -> None:
    row = row_of(model.name, read_resources(PROJECT / "slurm" / "resources.csv"))
    assert row is not None
    (billions,) = re.findall(r"_(\d+)b$", model.name) or ["2"]
    assert 2 * int(billions) < 0.8 * 80 * row.needs.gpus
    assert ("model.device_map=auto" in row.overrides) == (row.needs.gpus > 1)
