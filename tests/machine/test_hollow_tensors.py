"""What a network without weights makes has the shapes and the memory of what it would make with weights."""

import copy
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from repope_eval.machine.hollow_tensors import HollowTensor, HollowTensors, LiveBytes


def floats(tensors: HollowTensors, *shape: int) -> HollowTensor:
    return tensors.hollow(torch.empty(shape, device="meta"))


@torch.inference_mode()
def test_numbers_have_no_values_and_take_no_memory() -> None:
    with HollowTensors() as tensors:
        huge = floats(tensors, 10**6, 10**6)
        made = (huge * 2)[:10].sum(dim=1)
        assert made.shape == (10,)
        assert made.device.type == "cpu"
        assert tensors.peak == 2 * 4 * 10**12 + 4 * 10
        del huge, made
        assert tensors.held == 0


@torch.inference_mode()
def test_whole_numbers_are_real_and_made_up_where_they_follow_from_others() -> None:
    with HollowTensors() as tensors:
        rows = floats(tensors, 3, 5)
        places = torch.arange(5, device=rows.device)
        assert places[places > 2].tolist() == [3, 4]
        assert rows.argmax(dim=-1).tolist() == [0, 0, 0]
        assert bool(torch.isfinite(rows).all())
        assert rows[:, places > 2].shape == (3, 2)
        assert float(rows.sum()) == 1.0
        assert rows[0, :2].tolist() == [1.0, 1.0]


@torch.inference_mode()
def test_what_is_changed_in_its_place_stays_itself() -> None:
    with HollowTensors() as tensors:
        rows, real = floats(tensors, 3, 5), torch.zeros(3, 5)
        assert rows.add_(1) is rows
        assert real.copy_(rows) is real
        rows[torch.tensor([True, False, True])] = 0
        assert tensors.held == 2 * 4 * 3 * 5


@torch.inference_mode()
def test_attention_keeps_no_scores_and_counts_its_operations() -> None:
    with HollowTensors() as tensors:
        heads = floats(tensors, 1, 8, 1000, 64)
        mask = torch.ones(1, 1, 1000, 1000, dtype=torch.bool)
        tensors.note([mask])
        tensors.forget()
        before = tensors.held
        made = scaled_dot_product_attention(heads, heads, heads)
        assert tensors.peak == before + 4 * 8 * 1000 * 64
        assert tensors.operations == 2 * 2 * 8 * 1000 * 1000 * 64
        del made
        scaled_dot_product_attention(heads, heads, heads, mask)
        assert tensors.peak == before + 4 * 8 * 1000 * 64 + 4 * 1000 * 1000


@torch.inference_mode()
def test_a_copy_is_of_all_that_its_original_is_a_view_of() -> None:
    with HollowTensors() as tensors:
        part = floats(tensors, 100, 10)[-2:]
        copied: Any = copy.deepcopy([part])
        assert tensors.held == 2 * 4000
        assert copied[0].shape == (2, 10)


@torch.inference_mode()
def test_a_network_becomes_hollow_with_its_tied_weights_and_in_a_number_format() -> None:
    with torch.device("meta"):
        network = nn.Sequential(nn.Linear(10, 20), nn.Linear(20, 10), nn.BatchNorm1d(10), nn.Linear(10, 20))
    network[3].weight = network[0].weight
    network.eval()
    with HollowTensors() as tensors:
        tensors.empty(network, torch.bfloat16)
        assert network[3].weight is network[0].weight
        weights = 200 + 20 + 200 + 10 + 2 * 10 + 20
        assert tensors.held == 2 * weights + 4 * 2 * 10 + 8
        made = network[1](network[0](torch.ones(3, 10, dtype=torch.bfloat16)))
        assert (made.shape, made.dtype) == ((3, 10), torch.bfloat16)
        assert tensors.operations == 2 * 2 * 3 * 10 * 20


def test_a_tensor_without_values_is_refused_elsewhere() -> None:
    with torch.inference_mode(), HollowTensors() as tensors:
        rows = floats(tensors, 3)
    with pytest.raises(RuntimeError, match="a tensor without values was used where none is followed"):
        rows + 1


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
