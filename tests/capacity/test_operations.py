"""Operations by the formula are those that torch counts, and the shared engine does fewer."""

from pathlib import Path

import pytest
import torch
from golden import GOLDENS, load_golden_model, read_golden
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

from repope_eval.capacity.counting import shape_of
from repope_eval.capacity.operations import paper_operations, shared_operations
from repope_eval.capacity.shapes import PHOTOGRAPH, published_shape


@pytest.mark.parametrize("name", ["internvl2_5_qwen2", "ovis2", "llava_onevision", "paligemma"])
def test_the_vision_towers_operations_are_those_that_torch_counts(goldens: Path, name: str) -> None:
    model = load_golden_model(read_golden(goldens / name).folder, attn_implementation="eager")
    inputs = model.recipe.prepare(Image.new("RGB", PHOTOGRAPH), ["Is there a dog?"]).inputs
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model.recipe.image_features(model.network, [model.placed(inputs)])
    computed = shared_operations(shape_of(GOLDENS[name].family, model.recipe), 10).vision
    assert computed == pytest.approx(counter.get_total_flops(), rel=0.01)


@pytest.mark.parametrize(
    ("family", "checkpoint", "least", "most"),
    [
        ("internvl2_5", "OpenGVLab/InternVL2_5-8B", 16, 18),
        ("ovis2", "AIDC-AI/Ovis2-8B", 15, 18),
        # The prompt with the image in it is done for each question: 18 / 10.25 times, and the vision tower's.
        ("paligemma", "google/paligemma2-3b-mix-448", 18 / 10.25, 2.2),
    ],
)
def test_the_papers_loop_does_many_times_more(
    family: str, checkpoint: str, least: float, most: float
) -> None:
    shape = published_shape(family, checkpoint)
    assert shape is not None
    ratio = paper_operations(shape, 18).total / shared_operations(shape, 10.25).total
    assert least < ratio < most


def test_a_prompt_takes_two_operations_a_weight_and_token_and_its_attention() -> None:
    shape = published_shape("internvl2_5", "OpenGVLab/InternVL2_5-8B")
    assert shape is not None
    operations = shared_operations(shape, 0)
    assert operations.answers == 0
    tokens = 3328 + 25
    weights = 2 * tokens * 6_979_321_856
    assert operations.prompt == pytest.approx(weights + 2 * tokens**2 * 4096 * 32)
