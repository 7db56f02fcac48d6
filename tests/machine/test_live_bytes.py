"""Bytes count for as long as something holds them."""

import torch
from torch import nn

from repope_eval.machine.hollow_tensors import LiveBytes


@torch.inference_mode()
def test_bytes_count_for_as_long_as_a_view_is_alive() -> None:
    with LiveBytes() as live:
        whole = torch.zeros(1000, 3)
        part = whole[:5].view(-1)
        del whole
        assert live.held == 12_000
        del part
        assert live.held == 0
        assert live.peak == 12_000
        live.forget()
        twice = torch.ones(100) + torch.ones(100)
        assert (live.held, live.peak) == (400, 1200)
        del twice


@torch.inference_mode()
def test_what_was_there_before_counts_once_it_is_used() -> None:
    layer, tokens = nn.Linear(10, 20, bias=False), torch.ones(3, 10)
    with LiveBytes() as live:
        made = layer(tokens)
        assert live.held == 4 * (10 * 20 + 3 * 10 + 3 * 20)
        live.note(layer.parameters())
        assert live.held == 4 * (10 * 20 + 3 * 10 + 3 * 20)
        del made
