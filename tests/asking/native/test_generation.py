"""Spellings of yes and no, first-token probabilities, and the choice of tokens."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from perf.golden import GOLDENS, golden_model
from repope_eval.asking.native.generation import (
    Spellings,
    choose_tokens,
    find_spellings,
    first_token_evidence,
)
from repope_eval.errors import RepopeError


@pytest.mark.parametrize("name", GOLDENS)
def test_spellings_are_all_tokens_of_yes_and_no(goldens: Any, name: str) -> None:
    recipe = golden_model(goldens / name).recipe
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
    p_yes, p_no = first_token_evidence(logits, Spellings(yes={"yes": 0, "Yes": 1}, no={"no": 3})).tolist()
    assert p_yes == pytest.approx([0.3, 0.8])
    assert p_no == pytest.approx([0.4, 0.1])


def test_no_spelling_at_all_has_no_probability() -> None:
    evidence = first_token_evidence(torch.zeros(2, 3), Spellings(yes={"yes": 0}, no={}))
    assert evidence[1].tolist() == [0, 0]


def test_the_most_likely_token_is_chosen() -> None:
    assert choose_tokens(torch.tensor([[0.0, 2.0, 1.0], [3.0, 2.0, -1.0]])) == [1, 0]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_logits_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(RepopeError, match=r"use model\.dtype=bfloat16 or float32"):
        choose_tokens(torch.tensor([[1.0, 0.0], [0.0, value]]))
