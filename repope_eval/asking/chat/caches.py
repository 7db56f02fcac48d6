"""Caches of what prompts begin with, joined to one cache of many rows, of which rows that are finished are dropped."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

_OF_TOKENS = ("keys", "values")
"""What a layer of a cache has for each token, [rows, heads, tokens, size]."""
_STATES = ("conv_states", "recurrent_states")
"""What a layer without attention has of all tokens together: a tensor [rows, ...], or several by their number."""
_LENGTH = "cumulative_length"
"""How many tokens a layer was fed that keeps the latest ones alone."""
_DELTAS = "rope_deltas"
"""What a class with positions of several axes keeps on a module: by how much the next token's position differs from
the number of tokens, [rows, 1]."""


class CannotShareError(Exception):
    """An image's prompts cannot be fed in part, because of what the model or its prompt is."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """What the prompts about an image have in common, which has been fed."""

    length: int
    cache: Any
    row: int
    """Which row of the cache is this image's."""
    deltas: Sequence[torch.Tensor]
    """The deltas of each module that has some, [1, 1]."""


def _deltas_of(network: nn.Module) -> Iterator[tuple[nn.Module, torch.Tensor]]:
    for module in network.modules():
        deltas = getattr(module, _DELTAS, None)
        if isinstance(deltas, torch.Tensor):
            yield module, deltas


def prefixes_of(network: nn.Module, cache: Any, length: int, rows: int) -> list[Prefix]:
    """The prefixes, all of one length, that a network has just been fed in so many rows.

    Raises:
        CannotShareError: the cache does not hold them.
    """
    require_length(cache, length)
    deltas = [each for _, each in _deltas_of(network)]
    return [Prefix(length, cache, row, [each[row : row + 1] for each in deltas]) for row in range(rows)]


def require_length(cache: Any, length: int) -> None:
    """Refuses a cache that does not hold as many tokens as were fed.

    Raises:
        CannotShareError: it does not.
    """
    if cache is None or cache.get_seq_length() != length:
        raise CannotShareError("its cache does not hold the tokens that were fed")


def keep_rows(network: nn.Module, cache: Any, rows: torch.Tensor) -> None:
    """Keeps the rows of these indexes in a cache, and their deltas in the network."""
    cache.reorder_cache(rows)
    for module, deltas in list(_deltas_of(network)):
        setattr(module, _DELTAS, deltas[rows.to(deltas.device)])


def joined_cache(network: nn.Module, prefixes: Sequence[Prefix], repeats: Sequence[int]) -> Any:
    """A cache of rows that begin with prefixes, each repeated so many times, padded on the left to the longest.

    The network's deltas become those of the rows.

    Raises:
        CannotShareError: prefixes of several images cannot be joined, since a layer keeps what is unknown here.
    """
    for number, (module, _) in enumerate(list(_deltas_of(network))):
        rows = [
            prefix.deltas[number].expand(times, -1) for prefix, times in zip(prefixes, repeats, strict=True)
        ]
        setattr(module, _DELTAS, torch.cat(rows))
    unknown = {name for layer in prefixes[0].cache.layers for name in _unknown_tensors(layer)}
    if unknown and len(prefixes) > 1:
        raise CannotShareError(f"its cache keeps {', '.join(sorted(unknown))}")
    if unknown:
        cache = copy.deepcopy(prefixes[0].cache)
        cache.reorder_cache(torch.tensor([prefixes[0].row] * repeats[0]))
        return cache
    cache = copy.copy(prefixes[0].cache)
    layers = zip(*(prefix.cache.layers for prefix in prefixes), strict=True)
    cache.layers = [_joined_layer(each, prefixes, repeats) for each in layers]
    return cache


def _unknown_tensors(layer: Any) -> Iterator[str]:
    """The names of tensors that a layer keeps of its tokens, and that this module knows nothing of."""
    for name, value in vars(layer).items():
        if isinstance(value, torch.Tensor) and value.dim() and name not in (*_OF_TOKENS, *_STATES):
            yield name


def _joined_layer(layers: Sequence[Any], prefixes: Sequence[Prefix], repeats: Sequence[int]) -> Any:
    """A layer of the joined cache, made of the same layer of each prefix's cache."""
    longest = max(prefix.length for prefix in prefixes)
    joined = copy.copy(layers[0])

    def rows(tensors: Sequence[torch.Tensor], *, are_of_tokens: bool) -> torch.Tensor:
        parts = []
        for tensor, prefix, times in zip(tensors, prefixes, repeats, strict=True):
            part = tensor[prefix.row : prefix.row + 1]
            if are_of_tokens and prefix.length < longest:
                part = nn.functional.pad(part, (0, 0, longest - prefix.length, 0))
            parts.append(part.expand(times, *part.shape[1:]))
        return torch.cat(parts)

    for name in _OF_TOKENS:
        tensors: list[Any] = [getattr(layer, name, None) for layer in layers]
        if all(tensor is not None and tensor.numel() for tensor in tensors):
            setattr(joined, name, rows(tensors, are_of_tokens=True))
    for name in _STATES:
        states: list[Any] = [getattr(layer, name, None) for layer in layers]
        if isinstance(states[0], dict):
            by_number = {key: [state[key] for state in states] for key in states[0]}
            made = {
                key: None if each[0] is None else rows(each, are_of_tokens=False)
                for key, each in by_number.items()
            }
            setattr(joined, name, made)
        elif states[0] is not None:
            setattr(joined, name, rows(states, are_of_tokens=False))
    if hasattr(joined, _LENGTH):
        setattr(joined, _LENGTH, getattr(joined, _LENGTH) + longest - prefixes[0].length)
    return joined


def has_states(cache: Any) -> bool:
    """Whether layers keep a state of all tokens together, in which padding within a row would leave a trace."""
    return any(hasattr(layer, name) for layer in cache.layers for name in _STATES)
