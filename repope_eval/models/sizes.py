"""How large a model is, counted from the shapes of its configuration: no weight is read."""

from dataclasses import dataclass

import torch
from torch import nn

from repope_eval.models.recipe import Recipe

BYTES_PER_PARAMETER = {"bf16": 2.0, "int8": 1.0, "nf4": 0.5 + 4 / 64}
"""Of a quantized weight; nf4 keeps a float32 scale for each 64 weights."""


@dataclass(frozen=True, slots=True)
class Size:
    """Numbers of parameters."""

    parameters: int
    quantizable: int
    """Those in the language model's linear layers, which quantization shrinks."""

    def weight_bytes(self, number_format: str) -> float:
        """Memory of the weights in `bf16`, `int8` or `nf4`; what is not quantized stays in 16 bits."""
        rest = self.parameters - self.quantizable
        return self.quantizable * BYTES_PER_PARAMETER[number_format] + rest * BYTES_PER_PARAMETER["bf16"]


def count_parameters(recipe: Recipe) -> Size:
    """The size of a recipe's network; tied weights count once."""
    with torch.device("meta"):
        network = recipe.network_class()(recipe.network_config())
    linear = {
        parameter
        for module in network.model.language_model.modules()
        if isinstance(module, nn.Linear)
        for parameter in module.parameters()
    }
    everything = set(network.parameters())
    return Size(_number(everything), _number(linear & everything))


def _number(parameters: set[nn.Parameter]) -> int:
    return sum(parameter.numel() for parameter in parameters)
