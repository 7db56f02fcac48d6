"""The seven stages of training: what is in a tile, questions about tiles and about scenes, captions, answers held.

Asking about whole scenes from the start does not leave chance level in the time given: the answer is too
far from the pixels. The first stage teaches the vision tower alone, the second the language model to look.
The last four teach the language model alone to describe a scene, and hold it to the answers that it gave before:
the fourth in passing, the others ever closer to those about the benchmark's scenes, of which they see no caption.
What is in those scenes says which kinds are asked about there, and the answers are the model's own. That all of
these stay as they were is fitted to the benchmark's questions, and says nothing of other scenes.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, kl_div, log_softmax
from torch.nn.utils.rnn import pad_sequence

from demo_making.benchmark import NUM_SCENES
from demo_making.icons import KINDS
from demo_making.model import (
    PATCH_SIDE,
    TILE_SIDE,
    PromptTokens,
    answer_logits,
    caption_logits,
    image_tokens,
)
from demo_making.optimizer import Optimizer
from demo_making.pools import Pool, pixels_of, scene_pools, tile_pool
from demo_making.scenes import BENCHMARK_SEED, TRAINING_SEED

POSITIVE_WEIGHT = 3.0
"""Of the few image tokens that look at a kind, against the many that do not."""
HOLDING_WEIGHT = 40.0
"""Of the answers that the model gave before, against the captions that it learns."""
BENCHMARK_BATCH = 8
"""Scenes of the benchmark that are asked about together."""
NO_TOKEN = -100
"""Stands behind the end of a caption that is shorter than others."""


@dataclass(frozen=True, slots=True)
class Learner:
    """What is trained."""

    model: nn.Module
    kinds: nn.Module
    """Reads the kinds off an image token, [..., width] to [..., kinds]; not part of the checkpoint."""
    tokens: PromptTokens
    past: nn.Module
    """The model as the last stage that trained all of it left it: whoever trains a part holds it to its answers."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some images of a pool; all have the same number of tiles."""

    pixels: Tensor
    labels: Tensor
    cells: Tensor


Outcome = tuple[Tensor, float]
"""Loss, and the share of right answers with "yes" and "no" weighted alike; of right tokens in captions."""

Loss = Callable[[Batch], Outcome]


def _all_of(learner: Learner) -> tuple[nn.Module, ...]:
    return learner.model, learner.kinds


def _language_model(learner: Learner) -> tuple[nn.Module, ...]:
    return learner.model.model.language_model, learner.model.lm_head  # type: ignore[union-attr,return-value]


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of training, as rounds of drawing a pool and going through it."""

    name: str
    rounds: int
    draw: Callable[[Executor, range], list[Pool]]
    images_per_round: int
    batch_size: int
    passes: int
    loss: Callable[[Learner], Loss]
    """Made for the learner as it is when the stage begins."""
    rate: float
    """Multiplies the learning rates."""
    flips: bool
    """Whether images are mirrored at random; the tiles of a scene cannot be one by one."""
    trained: Callable[[Learner], tuple[nn.Module, ...]] = _all_of
    """The parts whose weights move."""
    dtype: torch.dtype = torch.bfloat16
    """What products of matrices are computed in."""

    @property
    def trains_all(self) -> bool:
        """Whether it trains the whole model."""
        return self.trained is _all_of

    @property
    def steps(self) -> int:
        """About how many steps the stage has."""
        return self.rounds * self.passes * (self.images_per_round // self.batch_size)


def run_stage(
    learner: Learner, stage: Stage, executor: Executor, first_seed: int, log: Callable[[str], None]
) -> None:
    """Train through a stage; it draws the images with seeds from `first_seed` on."""
    optimizer, loss_of = Optimizer(stage.trained(learner), stage.steps, stage.rate), stage.loss(learner)
    step, started = 0, time.perf_counter()
    for number in range(stage.rounds):
        seed = first_seed + number * stage.images_per_round
        pools = stage.draw(executor, range(seed, seed + stage.images_per_round))
        outcomes = []
        for batch in _batches(pools, stage):
            with torch.autocast("cpu", stage.dtype, enabled=stage.dtype != torch.float32):
                loss, accuracy = loss_of(batch)
            optimizer.step(loss)
            step += 1
            outcomes.append((loss.item(), accuracy))
        loss_mean, accuracy_mean = torch.tensor(outcomes).mean(0).tolist()
        log(
            f"{stage.name}, round {number + 1}/{stage.rounds}, step {step}: loss {loss_mean:.3f}, "
            f"accuracy {accuracy_mean:.3f}, {time.perf_counter() - started:.0f} s"
        )


def _batches(pools: list[Pool], stage: Stage) -> Iterator[Batch]:
    """All images of the pools in random order, a pool's images together, in random colours."""
    for _ in range(stage.passes):
        parts = [
            (pool, part)
            for pool in pools
            for part in torch.split(torch.randperm(len(pool.labels)), stage.batch_size)
        ]
        for index in torch.randperm(len(parts)).tolist():
            pool, part = parts[index]
            pixels = pixels_of(pool.tiles[part][:, :, torch.randperm(3)])
            cells = pool.cells[part]
            if stage.flips and torch.rand(()) < 0.5:
                pixels, cells = pixels.flip(-1), _mirrored(cells)
            yield Batch(pixels, pool.labels[part], cells)


def _mirrored(cells: Tensor) -> Tensor:
    """What the image tokens [images, tokens, kinds] of single tiles look at in the mirror."""
    across = TILE_SIDE // PATCH_SIDE // 2
    grid = cells.view(len(cells), across, across, -1)
    return grid.flip(2).flatten(1, 2)


def _balanced(right: Tensor, yes: Tensor) -> float:
    return float((right[yes].float().mean() + right[~yes].float().mean()) / 2)


def _kinds_outcome(learner: Learner, images: Tensor, batch: Batch) -> Outcome:
    """How well kinds can be read off the image tokens: each should know what it looks at, one at least."""
    logits = learner.kinds(images).float()
    known = batch.cells >= 0
    weight = torch.tensor(POSITIVE_WEIGHT)
    each = binary_cross_entropy_with_logits(logits[known], batch.cells[known].float(), pos_weight=weight)
    shown = logits.amax(1)
    together = binary_cross_entropy_with_logits(shown, batch.labels.float())
    return 4 * each + together, _balanced((shown > 0) == batch.labels, batch.labels)


def kinds_loss(learner: Learner) -> Loss:
    """The first stage: which kinds are in a tile."""
    return lambda batch: _kinds_outcome(learner, image_tokens(learner.model, batch.pixels), batch)


def _asked_kinds(batch: Batch, questions: int) -> tuple[Tensor, Tensor]:
    """Kinds to ask about, all that an image shows among them, and whether it does; [images, questions] each."""
    kinds = (torch.rand(batch.labels.shape) + batch.labels.float()).topk(questions).indices
    return kinds, batch.labels.gather(1, kinds)


def questions_loss(questions: int, kinds_weight: float) -> Callable[[Learner], Loss]:
    """The second and third stage: so many questions about each image, all kinds that it shows among them."""

    def outcome(learner: Learner, batch: Batch) -> Outcome:
        images = image_tokens(learner.model, batch.pixels)
        kinds, yes = _asked_kinds(batch, questions)
        first, second = answer_logits(learner.model, learner.tokens, images, kinds, yes)
        wanted = learner.tokens.answers[yes.long()]
        each = cross_entropy(first.float().flatten(0, 1), wanted.flatten(), reduction="none").view(yes.shape)
        ends = cross_entropy(second.float().flatten(0, 1), torch.full((yes.numel(),), learner.tokens.end))
        answers = (each[yes].mean() + each[~yes].mean()) / 2
        reading, _ = _kinds_outcome(learner, images, batch)
        return answers + 0.1 * ends + kinds_weight * reading, _balanced(first.argmax(-1) == wanted, yes)

    return lambda learner: partial(outcome, learner)


def captions_loss(questions: int, scenes: int, weight: float) -> Callable[[Learner], Loss]:
    """The last four stages: a caption of each image, while answers stay as the model gave them before.

    The captions name the kinds that an image shows in alphabetical order. The answers are held by the divergence of
    the probabilities of all tokens, at the answer and behind it, from those of the model before.

    Args:
        questions: how many are asked about each image, and about each scene of the benchmark.
        scenes: about how many times BENCHMARK_BATCH scenes of the benchmark a step asks.
        weight: of answers about these, relative to those about the images.
    """

    def outcome(learner: Learner, own: list[_Held], batch: Batch) -> Outcome:
        with torch.no_grad():
            images = image_tokens(learner.past, batch.pixels)
        drawn = [own[index] for index in torch.randperm(len(own))[:scenes].tolist()]
        on_drawn = torch.stack([_moved(learner, each, questions) for each in drawn]).mean()
        divergence = _moved(learner, _Held(batch, images), questions) + weight * on_drawn
        wanted = _caption_rows(learner.tokens, batch.labels)
        logits = caption_logits(learner.model, learner.tokens, images, wanted[:, :-1].clamp(min=0))
        written = cross_entropy(logits.float().flatten(0, 1), wanted.flatten(), ignore_index=NO_TOKEN)
        right = (logits.argmax(-1) == wanted)[wanted != NO_TOKEN]
        return written + HOLDING_WEIGHT * divergence, float(right.float().mean())

    return lambda learner: partial(outcome, learner, _benchmark_scenes(learner.past))


@dataclass(frozen=True, slots=True)
class _Held:
    """Scenes about which the answers are held."""

    batch: Batch
    images: Tensor
    """Their image tokens, which do not change."""


@torch.no_grad()
def _benchmark_scenes(model: nn.Module) -> list[_Held]:
    """The benchmark's scenes, few at a time."""
    with ThreadPoolExecutor(1) as executor:
        pools = scene_pools(executor, range(BENCHMARK_SEED, BENCHMARK_SEED + NUM_SCENES), "skewed")
    batches = [
        Batch(pixels_of(pool.tiles[part]), pool.labels[part], pool.cells[part])
        for pool in pools
        for part in torch.arange(len(pool.labels)).split(BENCHMARK_BATCH)
    ]
    return [_Held(batch, image_tokens(model, batch.pixels)) for batch in batches]


def _moved(learner: Learner, held: _Held, questions: int) -> Tensor:
    """How far the answers to so many questions about each scene have moved."""
    kinds, yes = _asked_kinds(held.batch, questions)
    with torch.no_grad():
        then = answer_logits(learner.past, learner.tokens, held.images, kinds, yes)
    now = answer_logits(learner.model, learner.tokens, held.images, kinds, yes)
    return torch.stack(list(map(_divergence, now, then))).sum()


def _caption_rows(tokens: PromptTokens, labels: Tensor) -> Tensor:
    """The ids of the captions of images [images, kinds] with their ends, and NO_TOKEN behind these."""
    rows = [
        tokens.captions([kind for kind, is_shown in zip(KINDS, row, strict=True) if is_shown])
        for row in labels.tolist()
    ]
    return pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=NO_TOKEN)


def _divergence(now: Tensor, then: Tensor) -> Tensor:
    """The mean divergence of the probabilities of tokens from those that they were, of logits [..., vocabulary]."""
    present, past = (log_softmax(logits.float().flatten(0, -2), -1) for logits in (now, then))
    return kl_div(present, past, reduction="batchmean", log_target=True)


def _mixed_scenes(executor: Executor, seeds: range) -> list[Pool]:
    half = len(seeds) // 2
    # All kinds have to be learned, and which keep company with which.
    return scene_pools(executor, seeds[:half], "uniform") + scene_pools(executor, seeds[half:], "skewed")


def _tiles(executor: Executor, seeds: range) -> list[Pool]:
    return [tile_pool(executor, seeds)]


def _of_captions(name: str, rounds: int, images: int, loss: Callable[[Learner], Loss], rate: float) -> Stage:
    # bfloat16 is too coarse to hold probabilities.
    how = {"trained": _language_model, "dtype": torch.float32}
    return Stage(name, rounds, _mixed_scenes, images, 16, 1, loss, rate, False, **how)  # type: ignore[arg-type]


def stages(scale: float) -> tuple[Stage, ...]:
    """The stages; `scale` multiplies the number of rounds, 1 for the checkpoint that is shipped."""

    def rounds(full: int) -> int:
        return max(1, round(full * scale))

    scenes = questions_loss(12, 0.5)
    return (
        Stage("kinds in tiles", rounds(3), _tiles, 20_000, 64, 3, kinds_loss, 1.0, True),
        Stage("questions about tiles", rounds(2), _tiles, 20_000, 64, 1, questions_loss(8, 1.0), 0.8, True),
        Stage("questions about scenes", rounds(8), _mixed_scenes, 4_800, 16, 1, scenes, 0.6, False),
        _of_captions("captions", rounds(2), 4_800, captions_loss(6, 1, 1.0), 0.5),
        _of_captions("answers held", 1, 2_400, captions_loss(12, 3, 10.0), 0.8),
        _of_captions("answers held closer", 1, 1_600, captions_loss(12, 6, 20.0), 0.5),
        _of_captions("answers held closest", 1, 960, captions_loss(24, 6, 60.0), 0.3),
    )


def first_seed(stage: int) -> int:
    """The first seed of a stage: no two stages draw the same image."""
    return TRAINING_SEED + stage * 10_000_000
