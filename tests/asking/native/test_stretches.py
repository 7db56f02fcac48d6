"""Where the prefix of an image's prompts ends, and what is left of each."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from repope_eval.asking.native.rows import common_prefix_length, split_at_prefix
from repope_eval.models.recipe import Prepared


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


def test_features_and_positions_go_to_the_stretch_that_has_their_tokens() -> None:
    image = 9
    recipe: Any = SimpleNamespace(
        feature_token_ids=(image,),
        positions=lambda prompt, inputs: [range(len(prompt)), range(10, 10 + len(prompt))],
    )
    prompts = ((5, image, image, 6, image), (5, image, image, 7, image, 8))
    prefix, rests = split_at_prefix(recipe, Prepared({}, prompts), torch.arange(6.0).view(3, 2))
    assert prefix.tokens == (5, image, image)
    assert prefix.features is not None
    assert prefix.features.tolist() == [[0, 1], [2, 3]]
    assert prefix.positions == [range(3), range(10, 13)]
    assert [rest.tokens for rest in rests] == [(6, image), (7, image, 8)]
    assert [rest.features.tolist() for rest in rests if rest.features is not None] == [[[4, 5]], [[4, 5]]]
    assert [rest.positions for rest in rests] == [[range(3, 5), range(13, 15)], [range(3, 6), range(13, 16)]]
