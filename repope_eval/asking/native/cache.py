"""Layers of the key-value cache that have room for tokens to come, so that a step of decoding copies none before it."""

import torch

from repope_eval.models.transformers_internals import DynamicLayer

SPARE = 64
"""The most slots that a layer gets beyond what it holds, each time that it has no room left for a step of decoding.

Each step of a layer without spare room copies all of its keys and values. With 64 slots, every 64th step does: a
long answer copies a 64th, and rows behind prompts of 600 tokens take about a tenth more memory at most.
"""


class RoomyLayer(DynamicLayer):  # type: ignore[misc]
    """Keys and values [rows, heads, slots, size] as transformers' own layer does, at the front of larger tensors."""

    spare = 0
    """How many slots more than it needs the layer takes where it has to grow."""

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: object, **__: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Appends slots to each row; all keys and all values then."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
            self._rooms = key_states[:, :, :0], value_states[:, :, :0]
        length = self.get_seq_length()
        self._rooms = (
            self._appended(self._rooms[0], length, key_states),
            self._appended(self._rooms[1], length, value_states),
        )
        self._show(len(key_states), length + key_states.shape[-2])
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keeps, repeats or drops rows, by a copy of all that stay."""
        self._rooms = self._rooms[0][indices], self._rooms[1][indices]
        self._show(len(indices), self.get_seq_length())

    def keep_rows(self, count: int, places: torch.Tensor, rows: torch.Tensor) -> None:
        """Keeps so many first rows, after those of `places` have become what the later `rows` were.

        Nothing else is copied; the memory of the others is given back when the layer grows.
        """
        length = self.get_seq_length()
        if len(places):
            for tensor in (self.keys, self.values):
                tensor.index_copy_(0, places, tensor[rows])
        self._show(count, length)

    def _appended(self, room: torch.Tensor, length: int, states: torch.Tensor) -> torch.Tensor:
        """The room with more slots behind the first `length`: the same, or a larger one."""
        rows, heads, columns, size = states.shape
        needed = length + columns
        if needed > room.shape[2]:
            larger = states.new_empty(rows, heads, needed + self.spare, size)
            larger[:, :, :length] = room[:rows, :, :length]
            room = larger
        room[:rows, :, length:needed] = states
        return room

    def _show(self, rows: int, slots: int) -> None:
        self.keys, self.values = (room[:rows, :, :slots] for room in self._rooms)
