"""Slots of the cache for tokens, features and positions, and where the prefix of an image's prompts ends."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from conftest import GOLDENS

from perf.golden import golden_model
from repope_eval.asking.native.rows import (
    PADDING,
    CachedRows,
    CopiedPrefixes,
    ImageRows,
    Stretch,
    common_prefix_length,
    split_at_prefix,
)
from repope_eval.models.loading import Model
from repope_eval.models.recipe import Prepared

Appended = list[tuple[torch.Tensor, list[list[int]]]]
"""Embeddings and positions of each time that slots were appended."""


@pytest.fixture(scope="module")
def model() -> Model:
    return golden_model(GOLDENS / "internvl2_5_qwen2")


@pytest.fixture
def appended(monkeypatch: pytest.MonkeyPatch) -> Appended:
    seen: Appended = []
    append: Callable[..., torch.Tensor] = CachedRows._append

    def note(rows: CachedRows, *tensors: torch.Tensor, **more: Any) -> torch.Tensor:
        seen.append((tensors[0], tensors[1].tolist()))
        return append(rows, *tensors, **more)

    monkeypatch.setattr(CachedRows, "_append", note)
    return seen


def expected(model: Model, slots: Sequence[Sequence[int | torch.Tensor | None]]) -> torch.Tensor:
    """Embeddings of slots that hold a token, a feature or nothing."""
    embedding = model.network.get_input_embeddings()
    nothing = torch.zeros(embedding.embedding_dim)
    rows = [
        [
            nothing if slot is None else embedding(torch.tensor(slot)) if isinstance(slot, int) else slot
            for slot in row
        ]
        for row in slots
    ]
    return torch.stack([torch.stack(row) for row in rows])


def stretch(*tokens: int, features: torch.Tensor | None = None, first: int = 0) -> Stretch:
    return Stretch(tokens, [range(first, first + len(tokens))], features)


@torch.inference_mode()
def test_an_images_questions_lie_behind_one_another(model: Model, appended: Appended) -> None:
    (image,) = model.recipe.feature_token_ids
    one, other = torch.randn(2, 1, model.network.get_input_embeddings().embedding_dim)
    rows = ImageRows(model)
    rows.prefill_prefixes([stretch(5, image, 6, features=one), stretch(image, features=other)])
    hidden = rows.prefill_questions([[stretch(7, 8, first=3), stretch(9, first=3)], [stretch(10, first=1)]])
    assert len(hidden) == 3
    assert torch.equal(appended[0][0], expected(model, [[5, one[0], 6], [other[0], None, None]]))
    assert appended[0][1] == [[0, 1, 2], [0, 0, 0]]
    assert torch.equal(appended[1][0], expected(model, [[7, 8, 9], [10, None, None]]))
    assert appended[1][1] == [[3, 4, 3], [1, 0, 0]]
    assert rows._owners.tolist() == [[-2, -2, -2, 0, 0, 1], [-2, PADDING, PADDING, 2, PADDING, PADDING]]
    rows.keep([2])
    assert rows.extend([11]).shape == hidden[:1].shape
    assert appended[2][1] == [[2]]
    assert rows._owners.tolist() == [[-2, PADDING, PADDING, 2, PADDING, PADDING, 2]]


@torch.inference_mode()
def test_copied_prefixes_end_together_and_are_copied(model: Model, appended: Appended) -> None:
    (image,) = model.recipe.feature_token_ids
    one, other = torch.randn(2, 1, model.network.get_input_embeddings().embedding_dim)
    rows = CopiedPrefixes(model)
    rows.prefill_prefixes([stretch(5, image, 6, features=one), stretch(image, features=other)])
    rows.prefill_questions([[stretch(7, 8, first=3), stretch(9, first=3)], [stretch(10, first=1)]])
    assert torch.equal(appended[0][0], expected(model, [[5, one[0], 6], [None, None, other[0]]]))
    assert torch.equal(appended[1][0], expected(model, [[7, 8], [None, 9], [None, 10]]))
    assert appended[1][1] == [[3, 4], [0, 3], [0, 1]]
    mask = [[1, 1, 1, 1, 1], [1, 1, 1, 0, 1], [0, 0, 1, 0, 1]]
    assert rows._mask(rows._owners, torch.float32).tolist() == mask


def test_positions_may_have_several_axes(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in Qwen2.5-VL: an image's features share a position on one axis, and an answer goes on from the largest."""
    seen: list[torch.Tensor] = []

    def note(
        rows: CachedRows, embeddings: torch.Tensor, positions: torch.Tensor, owners: torch.Tensor
    ) -> torch.Tensor:
        seen.append(positions)
        rows._owners = owners
        return embeddings

    monkeypatch.setattr(CachedRows, "_append", note)
    rows = ImageRows(model)
    with torch.inference_mode():
        rows.prefill_prefixes([Stretch((5, 6, 7), [(0, 1, 1), (0, 1, 2)]), Stretch((5,), [(0,), (0,)])])
        rows.prefill_questions([[Stretch((8,), [(3,), (3,)])], [Stretch((9,), [(1,), (1,)])]])
        rows.extend([10, 11])
    assert seen[0].tolist() == [[[0, 1, 1], [0, 0, 0]], [[0, 1, 2], [0, 0, 0]]]
    assert seen[1].tolist() == [[[3], [1]], [[3], [1]]]
    assert seen[2].tolist() == [[[4], [2]], [[4], [2]]]


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
