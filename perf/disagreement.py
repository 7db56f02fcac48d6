"""Whether two answers differ because the model hardly prefers either: by rounding, or by a mistake."""

from collections.abc import Sequence

import torch

from repope_eval.models.loading import Model
from repope_eval.models.recipe import Prepared


@torch.inference_mode()
def describe_difference(
    model: Model,
    prepared: Prepared,
    one: Sequence[int],
    other: Sequence[int],
    names: tuple[str, str] = ("alone", "shared"),
) -> str:
    """How far apart the logits of the two tokens are at the first index at which two answers, of these names, differ.

    They come from one pass of the native class over the prompt and what both answers agree on. Rounding
    in the model's number format can turn a lead of a few of its steps, and nothing larger.
    """
    index = next(
        (number for number, (a, b) in enumerate(zip(one, other, strict=False)) if a != b),
        min(len(one), len(other)),
    )
    if index == min(len(one), len(other)):
        return f"one stops after {index} tokens, the other goes on"
    logits = _next_logits(model, prepared, [*prepared.prompts[0], *one[:index]])
    lead = (logits[one[index]] - logits[other[index]]).item()
    step = torch.finfo(model.dtype).eps * logits.abs().max().item()
    return (
        f"token {index + 1} is {one[index]} {names[0]} and {other[index]} {names[1]}, whose logits are "
        f"{abs(lead):.4g} apart: {abs(lead) / step:.1f} steps of {model.dtype}; the logits' spread is "
        f"{logits.std().item():.2f}"
    )


def _next_logits(model: Model, prepared: Prepared, token_ids: Sequence[int]) -> torch.Tensor:
    ids = torch.tensor([token_ids], device=model.device)
    prompt = len(prepared.prompts[0])
    types = torch.zeros_like(ids)
    types[:, prompt:] = 1
    both_ways = {"token_type_ids": types} if model.recipe.attends_both_ways else {}
    inputs = model.placed(model.recipe.native_inputs(prepared.inputs))
    output = model.network(input_ids=ids, attention_mask=torch.ones_like(ids), **inputs, **both_ways)
    logits: torch.Tensor = output.logits[0, -1].float()
    return logits
