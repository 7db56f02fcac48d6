"""Layers with spare room hold what transformers' own layers hold, and copy nothing until the room is full."""

import torch

from repope_eval.asking.native.cache import RoomyLayer
from repope_eval.models.transformers_internals import DynamicLayer


def states(rows: int, columns: int) -> tuple[torch.Tensor, torch.Tensor]:
    keys, values = torch.randn(2, rows, 2, columns, 3)
    return keys, values


def require_same(layer: RoomyLayer, plain: DynamicLayer) -> None:
    assert torch.equal(layer.keys, plain.keys)
    assert torch.equal(layer.values, plain.values)
    assert layer.get_seq_length() == plain.get_seq_length()
    assert layer.get_mask_sizes(1) == plain.get_mask_sizes(1)


def test_rows_that_grow_and_leave_are_those_of_the_plain_layer() -> None:
    layer, plain = RoomyLayer(), DynamicLayer()
    assert layer.get_seq_length() == 0
    grown = 0
    for step in range(12):
        layer.spare = 3 if step > 1 else 0
        place = layer.keys.data_ptr() if step else 0
        more = states(4 if step < 8 else 2, 5 if step < 2 else 1)
        returned = layer.update(*more)
        assert all(map(torch.equal, returned, plain.update(*more)))
        grown += layer.keys.data_ptr() != place
        require_same(layer, plain)
        if step == 7:  # the first leaves, whose place the last takes, and then the third
            layer.keep_rows(3, torch.tensor([0]), torch.tensor([3]))
            layer.keep_rows(2, torch.tensor([], dtype=torch.long), torch.tensor([], dtype=torch.long))
            plain.batch_select_indices(torch.tensor([3, 1]))
            require_same(layer, plain)
    assert grown == 2 + 3  # two prompts, and each fourth of ten steps


def test_rows_may_be_repeated_and_dropped() -> None:
    layer, plain = RoomyLayer(), DynamicLayer()
    layer.spare = 4
    for held in (layer, plain):
        torch.manual_seed(0)
        held.update(*states(2, 3))
        held.batch_select_indices(torch.tensor([0, 0, 1]))
        held.update(*states(3, 1))
        held.batch_select_indices(torch.tensor([2, 1]))
        held.update(*states(2, 1))
    require_same(layer, plain)
    assert layer.get_seq_length() == 5
