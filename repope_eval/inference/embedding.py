"""Stretches of a prompt as embeddings, image features in their places."""

from collections.abc import Sequence

import torch

from repope_eval.models.loading import Model


def embed(model: Model, token_ids: Sequence[int], features: torch.Tensor) -> torch.Tensor:
    """Embeddings [tokens, hidden] of a stretch of a prompt, its feature tokens replaced by features in order."""
    ids = torch.tensor(token_ids, dtype=torch.long, device=model.device)
    embeddings: torch.Tensor = model.network.get_input_embeddings()(ids)
    feature_ids = torch.tensor(model.recipe.feature_token_ids, device=model.device)
    places = torch.isin(ids, feature_ids).nonzero()[:, 0]
    if len(places):
        embeddings[places] = features[: len(places)].to(embeddings)
    return embeddings


def count_feature_tokens(model: Model, token_ids: Sequence[int]) -> int:
    """How many of a stretch's tokens are an image's."""
    return sum(token_id in model.recipe.feature_token_ids for token_id in token_ids)
