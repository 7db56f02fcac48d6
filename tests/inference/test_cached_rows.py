"""Which slots of the cache each token, feature and position goes to."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from conftest import GOLDENS
from golden import load_golden_model

from repope_eval.inference.cached_rows import PADDING, CachedRows
from repope_eval.inference.image_rows import ImageRows
from repope_eval.inference.question_rows import CopiedPrefixes
from repope_eval.inference.stretches import Stretch
from repope_eval.models.loading import Model

Appended = list[tuple[torch.Tensor, list[list[int]]]]
"""Embeddings and positions of each time that slots were appended."""


@pytest.fixture(scope="module")
def model() -> Model:
    return load_golden_model(GOLDENS / "internvl2_5_qwen2")


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


@torch.inference_mode()
def test_an_images_questions_lie_behind_one_another(model: Model, appended: Appended) -> None:
    (image,) = model.recipe.feature_token_ids
    one, other = torch.randn(2, 1, model.network.get_input_embeddings().embedding_dim)
    rows = ImageRows(model)
    rows.prefill_prefixes([Stretch((5, image, 6), one), Stretch((image,), other)])
    hidden = rows.prefill_questions([[Stretch((7, 8)), Stretch((9,))], [Stretch((10,))]])
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
    rows.prefill_prefixes([Stretch((5, image, 6), one), Stretch((image,), other)])
    rows.prefill_questions([[Stretch((7, 8)), Stretch((9,))], [Stretch((10,))]])
    assert torch.equal(appended[0][0], expected(model, [[5, one[0], 6], [None, None, other[0]]]))
    assert torch.equal(appended[1][0], expected(model, [[7, 8], [None, 9], [None, 10]]))
    assert appended[1][1] == [[3, 4], [0, 3], [0, 1]]
    mask = [[1, 1, 1, 1, 1], [1, 1, 1, 0, 1], [0, 0, 1, 0, 1]]
    assert rows._mask(rows._owners, torch.float32).tolist() == mask
