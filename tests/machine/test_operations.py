"""Operations are those of the network's products, and the shared engine does fewer."""

from pathlib import Path

import pytest

from perf.golden import golden_model, read_golden
from repope_eval.machine.counting import shape_of
from repope_eval.machine.memory_need import operations_alone, published_shape, shared_operations


def test_the_vision_towers_operations_are_those_of_its_products(goldens: Path) -> None:
    """A product of a matrix with a token is two operations a weight; attention looks at all of a tile's tokens."""
    recipe = golden_model(read_golden(goldens / "paligemma").folder).recipe
    vision = recipe.network_config().vision_config
    hidden, tokens = vision.hidden_size, (vision.image_size // vision.patch_size) ** 2
    layer = 2 * (4 * hidden**2 + 2 * hidden * vision.intermediate_size) + 4 * tokens * hidden
    patches = 2 * 3 * vision.patch_size**2 * hidden
    projector = 2 * hidden * recipe.network_config().text_config.hidden_size
    computed = shape_of(recipe).vision_operations
    assert computed == tokens * (vision.num_hidden_layers * layer + patches + projector)


@pytest.mark.parametrize(
    ("checkpoint", "least", "most"),
    [
        ("OpenGVLab/InternVL2_5-8B", 16, 18),
        ("AIDC-AI/Ovis2-8B", 15, 18),
        # The prompt with the image in it is done for each question: 18 / 10.25 times, and the vision tower's.
        ("google/paligemma2-3b-mix-448", 18 / 10.25, 2.2),
    ],
)
def test_the_papers_loop_does_many_times_more(checkpoint: str, least: float, most: float) -> None:
    shape = published_shape(checkpoint)
    assert shape is not None
    ratio = 18 * operations_alone(shape) / shared_operations(shape, 10.25)
    assert least < ratio < most


def test_a_prompt_takes_two_operations_a_weight_and_token_and_its_attention() -> None:
    shape = published_shape("OpenGVLab/InternVL2_5-8B")
    assert shape is not None
    prompt = shared_operations(shape, 0) - shape.vision_operations
    tokens = 3328 + 25
    weights = 2 * tokens * 6_979_321_856
    assert prompt == pytest.approx(weights + 2 * tokens**2 * 4096 * 32)
