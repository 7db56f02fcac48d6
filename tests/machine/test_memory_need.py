"""The formula for memory: what it adds up, and that it follows what it should."""

import pytest
from conftest import FAMILY_MODELS

from repope_eval.machine.memory_need import PROGRAM, MemoryNeed, Shape, memory_need, published_shape
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
