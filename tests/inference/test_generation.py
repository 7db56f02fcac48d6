"""Prefixes, spellings of yes and no, and first-token probabilities."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from golden import GOLDENS, load_golden_model

from repope_eval.errors import RepopeError
from repope_eval.inference.generation import (
    Spellings,
    common_prefix_length,
    find_spellings,
    first_token_evidence,
)


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
def test_prefixes_end_where_prompts_part(prompts: Sequence[Sequence[int]], length: int) -> None:
    assert common_prefix_length(prompts) == length


@pytest.mark.parametrize("name", GOLDENS)
def test_spellings_are_all_tokens_of_yes_and_no(goldens: Any, name: str) -> None:
    recipe = load_golden_model(goldens / name).recipe
    spellings = find_spellings(recipe)
    for tokens, word in ((spellings.yes, "yes"), (spellings.no, "no")):
        assert tokens
        assert {recipe.decode([token_id]).strip().lower() for token_id in tokens.values()} == {word}
    everything = {recipe.decode([token_id]).strip().lower() for token_id in spellings.yes.values()}
    others = set(recipe.vocabulary().values()) - set(spellings.yes.values())
    assert everything.isdisjoint(recipe.decode([token_id]).strip().lower() for token_id in others)


def test_a_spelling_may_follow_a_space_and_have_any_case() -> None:
    vocabulary = {
        "Yes": 1,
        "\u2581yes": 2,
        "\u0120YES": 3,
        "yes.": 4,
        "eyes": 5,
        "no": 6,
        "\u2581\u2581No": 7,
        "": 8,
    }
    recipe: Any = SimpleNamespace(vocabulary=lambda: vocabulary)
    spellings = find_spellings(recipe)
    assert set(spellings.yes.values()) == {1, 2, 3}
    assert set(spellings.no.values()) == {6, 7}


def test_probabilities_are_summed_over_spellings() -> None:
    logits = torch.log(torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.7, 0.1, 0.1, 0.1]]))
    p_yes, p_no = first_token_evidence(logits, Spellings(yes={"yes": 0, "Yes": 1}, no={"no": 3}))
    assert p_yes == pytest.approx([0.3, 0.8])
    assert p_no == pytest.approx([0.4, 0.1])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_logits_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(RepopeError, match=r"use model\.dtype=bfloat16 or float32"):
        first_token_evidence(torch.tensor([[0.0, value]]), Spellings({"yes": 0}, {"no": 1}))
