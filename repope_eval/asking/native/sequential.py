"""The reference engine: each question alone, with its image, through transformers' own `generate`.

It does what the paper's loop does. The shared engine is checked and measured against it.
"""

from collections.abc import Sequence

import torch
from torch import nn
from transformers import GenerationConfig, LogitsProcessorList

from repope_eval.asking.native.drawing import DrawnTokens
from repope_eval.asking.native.generation import (
    Generation,
    Spellings,
    bounded,
    first_token_evidence,
    require_finite,
)
from repope_eval.models.loading import Model
from repope_eval.models.placement import attention_kernels
from repope_eval.models.recipe import Inputs, Prepared
from repope_eval.models.sampling import Draw


class _Logits:
    """Watches the output head's logits while an answer is generated, and does not wait for the device."""

    def __init__(self) -> None:
        self.last: torch.Tensor = torch.empty(0)
        """The logits of the newest token, [1, vocabulary]."""
        self.first: torch.Tensor | None = None
        """The logits of the first generated token, [1, vocabulary]."""
        self.finite: list[torch.Tensor] = []
        """Whether each token's logits are finite."""
        self.best: list[torch.Tensor] = []
        """The two highest logits for each token, [2]."""

    def __call__(self, head: nn.Module, hidden: tuple[torch.Tensor, ...], logits: torch.Tensor) -> None:
        last = logits[:, -1]
        self.finite.append(torch.isfinite(last).all())
        self.best.append(last[0].topk(2).values)
        self.last = last
        if self.first is None:
            self.first = last


@torch.inference_mode()
def generate_sequentially(
    model: Model, images: Sequence[Prepared], max_new_tokens: int, spellings: Spellings
) -> list[list[Generation]]:
    """The answers to the questions about each image, one question at a time.

    Raises:
        RepopeError: logits are not finite.
    """
    settings = GenerationConfig(
        do_sample=False,
        max_new_tokens=max_new_tokens,
        eos_token_id=list(model.recipe.stop_token_ids),
        pad_token_id=model.recipe.stop_token_ids[0],
        disable_compile=True,  # as transformers would on a GPU, where a checkpoint names a cache of fixed length
    )
    generations = []
    for image in images:
        inputs = model.placed(model.recipe.native_inputs(image.inputs))
        with attention_kernels(model.attention):
            answers = [
                _generate(model, inputs, prompt, settings, spellings, image.draws[number : number + 1])
                for number, prompt in enumerate(image.prompts)
            ]
        generations.append(answers)
    return generations


def _generate(
    model: Model,
    inputs: Inputs,
    prompt: Sequence[int],
    settings: GenerationConfig,
    spellings: Spellings,
    draws: Sequence[Draw],
) -> Generation:
    input_ids = torch.tensor([prompt], device=model.device)
    both_ways = {"token_type_ids": torch.zeros_like(input_ids)} if model.recipe.attends_both_ways else {}
    logits = _Logits()
    # The head's logits, bounded as the shared engine bounds them: older native classes leave that out.
    drawn = DrawnTokens(draws, bound=lambda: bounded(model.network, logits.last))
    hook = model.network.get_output_embeddings().register_forward_hook(logits)
    try:
        output = model.network.generate(
            input_ids=input_ids,
            attention_mask=torch.ones_like(input_ids),
            **inputs,
            **both_ways,
            generation_config=settings,
            logits_processor=LogitsProcessorList([drawn] if draws else []),
        )
    finally:
        hook.remove()
    assert logits.first is not None
    require_finite(bool(torch.stack(logits.finite).all()))
    p_yes, p_no = first_token_evidence(bounded(model.network, logits.first), spellings).flatten().tolist()
    computed = torch.stack(logits.best).float()
    best, next_best = bounded(model.network, computed).unbind(dim=1)
    by = torch.cat(drawn.leads).to(best) if draws else best - next_best
    leads, best_logits = map(tuple, torch.stack([by, computed[:, 0]]).tolist())
    return Generation(tuple(output[0, len(prompt) :].tolist()), p_yes, p_no, leads, best_logits)
