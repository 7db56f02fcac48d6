"""Shapes of the shipped models: sizes computed from them are those that the native classes count."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from golden import GOLDENS

from repope_eval.capacity.counting import count_parameters, shape_of
from repope_eval.capacity.shapes import Shape, published_shape
from repope_eval.capacity.sizes import size_of
from repope_eval.models.checkpoints import Checkpoint, find_checkpoint
from repope_eval.models.families import recipe_of
from repope_eval.models.recipe import Recipe, RecipeOptions
from repope_eval.settings.composition import model_settings
from repope_eval.settings.shipped_files import choices


def shipped(name: str) -> Shape:
    settings = model_settings(name)
    shape = published_shape(settings.family, settings.checkpoint)
    assert shape is not None, f"{settings.checkpoint} is not in published_shapes.csv"
    return shape


def golden_recipe(folder: Path, family: str, config: dict[str, Any] | None = None) -> Recipe:
    checkpoint = find_checkpoint(str(folder), "main")
    if config is not None:
        checkpoint = Checkpoint("scaled", folder, None, config)
    return recipe_of(family, checkpoint, RecipeOptions())


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
    assert size_of(shipped(name)).parameters / 1e6 == pytest.approx(millions, abs=0.051)


@pytest.mark.parametrize("name", choices("model"))
def test_every_shipped_model_has_a_shape_that_fits_together(name: str) -> None:
    shape = shipped(name)
    assert (shape.visual_vocabulary > 0) == (shape.family == "ovis2")
    assert shape.language.heads % shape.language.key_value_heads == 0
    assert 0 < size_of(shape).quantizable < size_of(shape).parameters
    assert shape.image_tokens >= shape.tiles


@pytest.mark.parametrize("name", GOLDENS)
def test_a_computed_size_is_what_the_native_class_counts(goldens: Path, name: str) -> None:
    family = GOLDENS[name].family
    recipe = golden_recipe(goldens / name, family)
    assert size_of(shape_of(family, recipe)) == count_parameters(recipe)


def test_the_trained_model_in_the_package_has_the_shape_in_the_table() -> None:
    recipe = golden_recipe(Path("demo"), "internvl2_5")
    assert shape_of("internvl2_5", recipe) == shipped("tiny")


@pytest.mark.parametrize(
    ("name", "golden"),
    [
        ("internvl2_5_2b", "internvl2_5_internlm2"),
        ("internvl2_5_38b", "internvl2_5_qwen2"),
        ("ovis2_8b", "ovis2"),
        ("llava_next_llama3_8b", "llava_next_llama3"),
        ("llava_onevision_7b", "llava_onevision"),
        ("paligemma2_10b", "paligemma2"),
    ],
)
def test_configurations_of_published_dimensions_are_counted_alike(
    goldens: Path, name: str, golden: str
) -> None:
    """A golden's `config.json` with the dimensions of the table, counted by the native class."""
    shape = shipped(name)
    config = published_config(json.loads((goldens / golden / "config.json").read_text()), shape)
    recipe = golden_recipe(goldens / golden, shape.family, config)
    assert count_parameters(recipe) == size_of(shape)
    found = shape_of(shape.family, recipe)
    assert (found.vision, found.tiles, found.image_tokens) == (shape.vision, shape.tiles, shape.image_tokens)


def published_config(golden: dict[str, Any], shape: Shape) -> dict[str, Any]:
    config = copy.deepcopy(golden)
    language = config.get("llm_config") or config["text_config"]
    vision = config.get("vision_config") or config["visual_tokenizer_config"]["backbone_config"]
    language |= {
        "num_hidden_layers": shape.language.layers,
        "hidden_size": shape.language.hidden,
        "intermediate_size": shape.language.intermediate,
        "num_attention_heads": shape.language.heads,
        "num_key_value_heads": shape.language.key_value_heads,
        "head_dim": shape.language.head_size,
        "vocab_size": shape.language.vocabulary,
    }
    vision |= {
        "num_hidden_layers": shape.vision.layers,
        "hidden_size": shape.vision.hidden,
        "intermediate_size": shape.vision.intermediate,
        "num_attention_heads": 8,
        "projection_dim": shape.language.hidden,
    }
    if shape.vision.kind == "intern_vit_6b":
        vision |= {"norm_type": "rms_norm", "qkv_bias": False, "qk_normalization": True}
    if shape.visual_vocabulary:
        config["visual_tokenizer_config"]["vocab_size"] = shape.visual_vocabulary
    for name in {"hidden_size", "projection_dim"} & set(config):
        config[name] = shape.language.hidden
    return config


def test_a_checkpoint_that_is_not_shipped_has_no_published_shape() -> None:
    assert published_shape("ovis2", "somebody/else") is None
