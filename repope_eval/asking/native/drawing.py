"""Draws the tokens of answers by their probabilities."""

from collections.abc import Callable, Sequence

import torch
from transformers import LogitsProcessor

from repope_eval.models.sampling import Draw

_WITHOUT_FLOAT64 = ("mps",)
"""Kinds of devices that compute no float64."""


def draw_tokens(logits: torch.Tensor, draws: Sequence[Draw], step: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Draws a token for each row of logits, [rows, vocabulary].

    The likeliest tokens are those that have the probability `top_p` together, at the temperature, the one that reaches
    it included (A. Holtzman, J. Buys, L. Du, M. Forbes and Y. Choi, "The Curious Case of Neural Text Degeneration",
    ICLR 2020).

    Args:
        draws: one for each row, all of one sampling.
        step: how many tokens of each row's answer there are already.

    Returns:
        tokens, [rows], and how far the logits are from another token, [rows]: if the difference of no two logits
        changes by more, the same token is drawn. A part of the cumulative probability moves by at most a quarter of
        such a change over the temperature, since the logistic function is nowhere steeper.
    """
    sampling = draws[0].sampling
    exact = (logits.cpu() if logits.device.type in _WITHOUT_FLOAT64 else logits).double()
    # In the order of the vocabulary, since that of near-tied tokens may change by a rounding.
    probabilities = (exact / sampling.temperature).softmax(dim=-1)
    margins = torch.full(logits.shape[:1], torch.inf, dtype=torch.float64, device=exact.device)
    if sampling.top_p < 1:
        ordered, tokens = probabilities.sort(dim=-1, descending=True, stable=True)
        before = ordered.cumsum(dim=-1) - ordered
        kept = torch.zeros_like(probabilities, dtype=torch.bool).scatter(-1, tokens, before < sampling.top_p)
        probabilities = probabilities.masked_fill(~kept, 0)
        margins = (before - sampling.top_p).abs().amin(dim=-1)
    cumulative = probabilities.cumsum(dim=-1)
    numbers = torch.tensor([draw.number(step) for draw in draws], dtype=torch.float64).to(exact.device)
    targets = (numbers * cumulative[:, -1]).unsqueeze(-1)
    places = torch.searchsorted(cumulative, targets, right=True).clamp(max=logits.shape[-1] - 1)
    above = cumulative.gather(-1, places) - targets
    below = targets - cumulative.gather(-1, places) + probabilities.gather(-1, places)
    margins = torch.minimum(margins, torch.minimum(above, below).squeeze(-1))
    far = (4 * sampling.temperature * margins).float()
    return places.squeeze(-1).to(logits.device), far.to(logits.device)


class DrawnTokens(LogitsProcessor):  # type: ignore[misc]
    """Has `generate` take the tokens that are drawn, in place of the likeliest ones."""

    def __init__(
        self, draws: Sequence[Draw], steps: int = 0, bound: Callable[[], torch.Tensor] | None = None
    ):
        """Draws for each row, of whose answer there are so many tokens already.

        Args:
            draws: one for each row.
            steps: tokens that there are.
            bound: the logits of each row that is next, where they are others than `generate` has.
        """
        self._draws = draws
        self._steps = steps
        self._logits = bound
        self.leads: list[torch.Tensor] = []
        """What `draw_tokens` says of each token, [rows]."""

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """The scores of the next tokens, [rows, vocabulary]: all but those that are drawn are minus infinity."""
        logits = scores if self._logits is None else self._logits()
        tokens, leads = draw_tokens(logits, self._draws, self._steps)
        self._steps += 1
        self.leads.append(leads)
        return torch.full_like(scores, -torch.inf).scatter(1, tokens.to(scores.device).unsqueeze(1), 0.0)
