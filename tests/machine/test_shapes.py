"""Shapes of the shipped models are those that their native classes have, counted without weights."""

import pytest
from conftest import FAMILY_MODELS, PROJECT

from repope_eval.machine.counting import shape_of
from repope_eval.machine.memory_need import published_shape
from repope_eval.models.checkpoints import find_checkpoint
from repope_eval.models.families import recipe_of
from repope_eval.models.recipe import RecipeOptions

with pytest.MonkeyPatch.context() as path:
    path.syspath_prepend(PROJECT / "perf")
    from published_models import published_recipe, shipped_shape

COUNTED = (
    "internvl2_5_1b",
    "internvl2_5_8b",
    "internvl2_5_26b",
    "internvl2_5_38b",
    "ovis2_1b",
    "ovis2_34b",
    "llava_next_llama3_8b",
    "llava_onevision_0_5b",
    "paligemma_3b",
    "paligemma2_10b",
)
"""Shipped models, each with another layout, language model or vision tower."""


@pytest.mark.parametrize(
    ("name", "millions"),
    [
        ("internvl2_5_1b", 938.2),
        ("internvl2_5_2b", 2205.8),
        ("internvl2_5_4b", 3712.6),
        ("internvl2_5_8b", 8075.4),
        ("internvl2_5_26b", 25514.2),
        ("internvl2_5_38b", 38388.2),
        ("internvl2_5_78b", 78408.3),
        ("llava_next_mistral_7b", 7566.7),
        ("llava_onevision_0_5b", 893.7),
        ("paligemma_3b", 2923.5),
        ("paligemma2_3b", 3033.1),
        # 4616.1 in its files, which have the tied head's 151,936 x 2048 weights a second time.
        ("ovis2_4b", 4616.106 - 151936 * 2048 / 1e6),
    ],
)
def test_parameters_are_as_many_as_published(name: str, millions: float) -> None:
    assert shipped_shape(name).parameters / 1e6 == pytest.approx(millions, abs=0.051)


@pytest.mark.parametrize("name", FAMILY_MODELS)
def test_every_shipped_model_has_a_shape_that_fits_together(name: str) -> None:
    shape = shipped_shape(name)
    assert shape.heads % shape.key_value_heads == 0
    assert 0 < shape.quantizable < shape.parameters
    assert shape.attends_both_ways == name.startswith("paligemma")
    assert shape.keeps_scores == name.startswith("paligemma2")
    if name.endswith("_mpo"):
        assert shape == shipped_shape(name.removesuffix("_mpo"))


def test_the_trained_model_in_the_package_has_the_shape_in_the_table() -> None:
    recipe = recipe_of("internvl2_5", find_checkpoint("demo", "main"), RecipeOptions())
    assert shape_of(recipe) == shipped_shape("tiny")


@pytest.mark.parametrize("name", COUNTED)
def test_a_configuration_of_published_dimensions_has_the_shape_in_the_table(name: str) -> None:
    """It is a golden's `config.json` with the dimensions of the published one."""
    assert shape_of(published_recipe(name)) == shipped_shape(name)


def test_a_checkpoint_that_is_not_shipped_has_no_published_shape() -> None:
    assert published_shape("somebody/else") is None
