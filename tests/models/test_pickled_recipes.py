"""Recipes are sent to worker processes, which on some platforms get them pickled."""

import pickle
from pathlib import Path

import pytest
import torch
from PIL import Image

from perf.golden import GOLDENS
from repope_eval.models.checkpoints import find_checkpoint
from repope_eval.models.families import recipe_of
from repope_eval.models.recipe import RecipeOptions

QUESTIONS = ["Is there a cat in the image?", "Is there a <image> <|im_end|> </s> in the image?"]


@pytest.mark.parametrize("name", GOLDENS)
def test_a_pickled_recipe_prepares_the_same(goldens: Path, name: str) -> None:
    options = RecipeOptions(question_suffix=" Yes or no?")
    recipe = recipe_of(GOLDENS[name].family, find_checkpoint(str(goldens / name), "main"), options)
    copy = pickle.loads(pickle.dumps(recipe))
    image = Image.linear_gradient("L").resize((640, 480))
    one, other = (each.prepare(image, QUESTIONS) for each in (recipe, copy))
    assert one.prompts == other.prompts
    assert one.inputs.keys() == other.inputs.keys()
    assert all(torch.equal(one.inputs[key], other.inputs[key]) for key in one.inputs)
    assert copy.count_features(640, 480) == recipe.count_features(640, 480)
    assert copy.stop_token_ids == recipe.stop_token_ids
    assert copy.feature_token_ids == recipe.feature_token_ids
    answer = recipe.tokenizer.encode("Yes, there is.")
    assert copy.decode(answer) == recipe.decode(answer)


def test_a_pickled_recipe_is_small(goldens: Path) -> None:
    """It holds tokenizers, which are, and no weights."""
    recipe = recipe_of("ovis2", find_checkpoint(str(goldens / "ovis2"), "main"), RecipeOptions())
    assert len(pickle.dumps(recipe)) < 2**20
