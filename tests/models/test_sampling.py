"""Drawn tokens: as often as their probability says, the same whatever the batch, and none beyond top-p."""

from dataclasses import replace

import pytest
import torch

from repope_eval.asking.native import drawing
from repope_eval.asking.native.drawing import draw_tokens
from repope_eval.models.sampling import Draw, Sampling
from repope_eval.records import Question

QUESTION = Question("a.jpg", "Is there a cup in the image?", "cup")
LOGITS = torch.tensor([2.0, 0.5, 1.0, -1.0])
N_DRAWS = 10_000


def draws(sampling: Sampling, number: int = N_DRAWS) -> list[Draw]:
    return [sampling.draw(replace(QUESTION, draw=draw)) for draw in range(number)]


def shares(sampling: Sampling) -> list[float]:
    """How often each token is drawn."""
    tokens = draw_tokens(LOGITS.expand(N_DRAWS, -1), draws(sampling), 0)[0]
    return (torch.bincount(tokens, minlength=len(LOGITS)) / N_DRAWS).tolist()


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_a_token_is_drawn_as_often_as_its_probability(temperature: float) -> None:
    expected = (LOGITS / temperature).softmax(-1).tolist()
    assert shares(Sampling(temperature)) == pytest.approx(expected, abs=0.016)


def test_only_the_likeliest_tokens_are_drawn_that_reach_top_p_together() -> None:
    # .59, .13, .22 and .03 (rounded): the first has .59, the first two in order of probability .81.
    first, _, second, _ = LOGITS.softmax(-1).tolist()
    assert shares(Sampling(1.0, top_p=0.5)) == [1, 0, 0, 0]
    drawn = shares(Sampling(1.0, top_p=0.8))
    assert drawn[1] == drawn[3] == 0
    assert drawn[0] == pytest.approx(first / (first + second), abs=0.016)


def test_what_is_drawn_does_not_hang_on_the_other_rows() -> None:
    sampling = Sampling(1.0, top_p=0.9, seed=7)
    logits = torch.randn(64, 500, generator=torch.Generator().manual_seed(0))
    together, _ = draw_tokens(logits, draws(sampling, 64), 3)
    alone = [
        draw_tokens(logits[row : row + 1], [draw], 3)[0].item()
        for row, draw in enumerate(draws(sampling, 64))
    ]
    assert together.tolist() == alone


@pytest.mark.parametrize(
    "other",
    [
        replace(QUESTION, image="b.jpg"),
        replace(QUESTION, text="Is there a car in the image?"),
        replace(QUESTION, draw=1),
    ],
)
def test_each_question_and_draw_has_numbers_of_its_own(other: Question) -> None:
    sampling = Sampling(1.0)
    flat = torch.zeros(1, 1 << 20)
    first, second = (sampling.draw(each) for each in (QUESTION, other))
    assert draw_tokens(flat, [first], 0)[0] != draw_tokens(flat, [second], 0)[0]
    assert first.server_seed != second.server_seed


def test_another_seed_and_another_token_have_other_numbers() -> None:
    flat = torch.zeros(1, 1 << 20)
    numbers = {
        draw_tokens(flat, [Sampling(1.0, seed=seed).draw(QUESTION)], step)[0].item()
        for seed in (0, 1)
        for step in (0, 1)
    }
    assert len(numbers) == 4


def test_seeds_for_servers_have_31_bits() -> None:
    sampling = Sampling(1.0)
    seeds = [draw.server_seed for draw in draws(sampling, 1000)]
    assert 0 <= min(seeds) < max(seeds) < 1 << 31
    assert len(set(seeds)) == 1000


def test_a_number_near_the_end_draws_a_token_that_there_is() -> None:
    """The probabilities' sum is not 1 by rounding, and tokens left out by top-p have none."""
    sampling = Sampling(1.0, top_p=0.999)
    logits = torch.full((200, 5000), -20.0)
    logits[:, 100:140] = 0
    tokens, _ = draw_tokens(logits, draws(sampling, 200), 0)
    assert tokens.min() >= 100
    assert tokens.max() < 140


def test_a_device_without_float64_has_its_tokens_drawn_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    logits = torch.randn(50, 40, generator=torch.Generator().manual_seed(3))
    expected, far = draw_tokens(logits, draws(Sampling(1.0, top_p=0.9), 50), 0)
    monkeypatch.setattr(drawing, "_WITHOUT_FLOAT64", ("cpu",))
    tokens, others = draw_tokens(logits, draws(Sampling(1.0, top_p=0.9), 50), 0)
    assert torch.equal(tokens, expected)
    assert torch.equal(others, far)
    assert (tokens.device, others.device, others.dtype) == (logits.device, logits.device, torch.float32)


@pytest.mark.parametrize("top_p", [1.0, 0.9])
def test_logits_that_change_by_less_than_they_are_from_another_token_draw_the_same(top_p: float) -> None:
    sampling = Sampling(0.7, top_p)
    logits = torch.randn(300, 40, generator=torch.Generator().manual_seed(1))
    tokens, far = draw_tokens(logits, draws(sampling, 300), 0)
    # The difference of two logits changes by up to twice this.
    noise = torch.rand(logits.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64) * 2 - 1
    moved, _ = draw_tokens(logits + 0.49 * far.unsqueeze(-1) * noise, draws(sampling, 300), 0)
    assert torch.equal(moved, tokens)
    assert (far > 0).all()
    other, _ = draw_tokens(logits + 2 * noise, draws(sampling, 300), 0)
    assert not torch.equal(other, tokens)
