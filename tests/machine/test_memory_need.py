"""The formulas for memory and operations: what they add up, and that they follow what they should."""

from pathlib import Path

import pytest
from conftest import FAMILY_MODELS

from perf.golden import golden_model, read_golden
from repope_eval.machine.counting import shape_of
from repope_eval.machine.memory_need import (
    PROGRAM,
    MemoryNeed,
    Shape,
    memory_need,
    operations_alone,
    published_shape,
    shared_operations,
)
from repope_eval.settings.composition import model_settings


def shipped(name: str) -> Shape:
    settings = model_settings(name)
    shape = published_shape(settings.checkpoint)
    assert shape is not None
    return shape


def test_the_laptop_model_needs_less_than_4_gigabytes() -> None:
    need = memory_need(shipped("internvl2_5_1b"))
    assert need.weights == pytest.approx(1.876e9, rel=0.001)
    assert need.total < 4e9


def test_keys_and_values_are_those_of_the_image_and_of_all_its_questions() -> None:
    shape = shipped("internvl2_5_8b")
    one, ten = (memory_need(shape, questions=number).cache for number in (1, 10))
    a_token = 2 * 32 * 8 * 128 * 2  # keys and values, layers, heads, their size, bytes
    assert (ten - one) / 9 % a_token == 0
    assert one > 3328 * a_token


@pytest.mark.parametrize("name", FAMILY_MODELS)
def test_quantization_and_number_format_change_what_they_should(name: str) -> None:
    shape = shipped(name)
    needs = [memory_need(shape, quantization=how) for how in ("none", "int8", "nf4")]
    assert needs[0].weights > needs[1].weights > needs[2].weights
    double = memory_need(shape, value_bytes=4)
    assert (double.weights, double.cache) == (2 * needs[0].weights, 2 * needs[0].cache)


def test_nothing_but_features_is_shared_where_prompts_attend_both_ways() -> None:
    """So that rows are as many as questions, up to what is fed at a time."""
    shape = shipped("paligemma2_3b")
    assert memory_need(shape, questions=12).cache == 12 * memory_need(shape, questions=1).cache
    assert memory_need(shape, questions=12, device="cpu").cache < memory_need(shape, questions=12).cache


def test_a_need_is_the_sum_of_its_parts() -> None:
    assert MemoryNeed(weights=3, cache=2, activations=1).total == 6 + PROGRAM


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
