"""Stretches of prompts: where prefixes end, and what is fed for them."""

from collections.abc import Sequence

import pytest
import torch
from conftest import GOLDENS
from golden import load_golden_model

from repope_eval.inference.stretches import (
    PADDING,
    Slots,
    Stretch,
    common_prefix_length,
    lay_out,
    split_at_prefix,
)
from repope_eval.models.loading import Model


@pytest.fixture(scope="module")
def model() -> Model:
    return load_golden_model(GOLDENS / "internvl2_5_qwen2")


@pytest.mark.parametrize(
    ("prompts", "length"),
    [
        ([(1, 2, 3, 4), (1, 2, 5, 4)], 2),
        ([(1, 2, 3), (1, 2, 3, 4)], 2),  # each keeps a token of its own
        ([(1, 2, 3)], 2),
        ([(1,), (1,)], 0),
        ([(1, 2), (3, 2)], 0),
        ([(1, 2, 3), (1, 2, 3)], 2),
    ],
)
def test_prefixes_end_where_prompts_part(prompts: Sequence[tuple[int, ...]], length: int) -> None:
    assert common_prefix_length(prompts) == length


def test_features_go_to_the_stretch_that_has_their_tokens(model: Model) -> None:
    (image,) = model.recipe.feature_token_ids
    features = torch.arange(6.0).view(3, 2)
    prefix, rests = split_at_prefix(
        model.recipe, [(5, image, image, 6, image), (5, image, image, 7, image, 8)], features
    )
    assert prefix.tokens == (5, image, image)
    assert prefix.features is not None
    assert prefix.features.tolist() == [[0, 1], [2, 3]]
    assert [rest.tokens for rest in rests] == [(6, image), (7, image, 8)]
    assert [rest.features.tolist() for rest in rests if rest.features is not None] == [[[4, 5]], [[4, 5]]]


@torch.inference_mode()
def test_stretches_lie_where_they_are_put(model: Model) -> None:
    (image,) = model.recipe.feature_token_ids
    embedding = model.network.get_input_embeddings()
    features = torch.randn(2, embedding.embedding_dim)
    stretches = [Stretch((5, image), features[:1]), Stretch((6,)), Stretch((image, 7, 8), features[1:])]
    slots = [Slots(0, 0, 10, owner=3), Slots(0, 2, 20, owner=4), Slots(1, 1, 30, owner=5)]
    block = lay_out(model, stretches, slots)
    five, six, seven, eight = embedding(torch.tensor([5, 6, 7, 8]))
    nothing = torch.zeros_like(five)
    expected = [[five, features[0], six, nothing], [nothing, features[1], seven, eight]]
    assert torch.equal(block.embeddings, torch.stack([torch.stack(row) for row in expected]))
    assert block.positions.tolist() == [[10, 11, 20, 0], [0, 30, 31, 32]]
    assert block.owners.tolist() == [[3, 3, 4, PADDING], [PADDING, 5, 5, 5]]
    assert torch.equal(block.last(block.embeddings), torch.stack([features[0], six, eight]))
