"""The three stages of training: what is in a tile, questions about tiles, questions about scenes.

Asking about whole scenes from the start does not leave chance level in the time given: the answer is too
far from the pixels. The first stage teaches the vision tower alone, the second the language model to look.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from demo_making.model import PATCH_SIDE, TILE_SIDE, PromptTokens, answer_logits, image_tokens
from demo_making.optimizer import Optimizer
from demo_making.pools import Pool, pixels_of, scene_pools, tile_pool
from demo_making.scenes import TRAINING_SEED

POSITIVE_WEIGHT = 3.0
"""Of the few image tokens that look at a kind, against the many that do not."""


@dataclass(frozen=True, slots=True)
class Learner:
    """What is trained."""

    model: nn.Module
    kinds: nn.Module
    """Reads the kinds off an image token, [..., width] to [..., kinds]; not part of the checkpoint."""
    tokens: PromptTokens


@dataclass(frozen=True, slots=True)
class Batch:
    """Some images of a pool; all have the same number of tiles."""

    pixels: Tensor
    labels: Tensor
    cells: Tensor


Outcome = tuple[Tensor, float]
"""Loss, and the share of right answers with "yes" and "no" weighted alike."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of training, as rounds of drawing a pool and going through it."""

    name: str
    rounds: int
    draw: Callable[[Executor, range], list[Pool]]
    images_per_round: int
    batch_size: int
    passes: int
    loss: Callable[[Learner, Batch], Outcome]
    rate: float
    """Multiplies the learning rates."""
    flips: bool
    """Whether images are mirrored at random; the tiles of a scene cannot be one by one."""

    @property
    def steps(self) -> int:
        """About how many steps the stage has."""
        return self.rounds * self.passes * (self.images_per_round // self.batch_size)


def run_stage(
    learner: Learner, stage: Stage, executor: Executor, first_seed: int, log: Callable[[str], None]
) -> None:
    """Train through a stage; it draws the images with seeds from `first_seed` on."""
    optimizer = Optimizer((learner.model, learner.kinds), stage.steps, stage.rate)
    step, started = 0, time.perf_counter()
    for number in range(stage.rounds):
        seed = first_seed + number * stage.images_per_round
        pools = stage.draw(executor, range(seed, seed + stage.images_per_round))
        outcomes = []
        for batch in _batches(pools, stage):
            with torch.autocast("cpu", torch.bfloat16):
                loss, accuracy = stage.loss(learner, batch)
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


def kinds_loss(learner: Learner, batch: Batch) -> Outcome:
    """The first stage: which kinds are in a tile."""
    return _kinds_outcome(learner, image_tokens(learner.model, batch.pixels), batch)


def questions_loss(questions: int, kinds_weight: float) -> Callable[[Learner, Batch], Outcome]:
    """The second and third stage: so many questions about each image, all kinds that it shows among them."""

    def loss(learner: Learner, batch: Batch) -> Outcome:
        images = image_tokens(learner.model, batch.pixels)
        kinds = (torch.rand(batch.labels.shape) + batch.labels.float()).topk(questions).indices
        yes = batch.labels.gather(1, kinds)
        first, second = answer_logits(learner.model, learner.tokens, images, kinds, yes)
        wanted = learner.tokens.answers[yes.long()]
        each = cross_entropy(first.float().flatten(0, 1), wanted.flatten(), reduction="none").view(yes.shape)
        ends = cross_entropy(second.float().flatten(0, 1), torch.full((yes.numel(),), learner.tokens.end))
        answers = (each[yes].mean() + each[~yes].mean()) / 2
        reading, _ = _kinds_outcome(learner, images, batch)
        return answers + 0.1 * ends + kinds_weight * reading, _balanced(first.argmax(-1) == wanted, yes)

    return loss


def _mixed_scenes(executor: Executor, seeds: range) -> list[Pool]:
    half = len(seeds) // 2
    # All kinds have to be learned, and which keep company with which.
    return scene_pools(executor, seeds[:half], "uniform") + scene_pools(executor, seeds[half:], "skewed")


def _tiles(executor: Executor, seeds: range) -> list[Pool]:
    return [tile_pool(executor, seeds)]


def stages(scale: float) -> tuple[Stage, ...]:
    """The stages; `scale` multiplies the number of rounds, 1 for the checkpoint that is shipped."""

    def rounds(full: int) -> int:
        return max(1, round(full * scale))

    scenes = questions_loss(12, 0.5)
    return (
        Stage("kinds in tiles", rounds(3), _tiles, 20_000, 64, 3, kinds_loss, 1.0, True),
        Stage("questions about tiles", rounds(2), _tiles, 20_000, 64, 1, questions_loss(8, 1.0), 0.8, True),
        Stage("questions about scenes", rounds(8), _mixed_scenes, 4_800, 16, 1, scenes, 0.6, False),
    )


def first_seed(stage: int) -> int:
    """The first seed of a stage: no two stages draw the same image."""
    return TRAINING_SEED + stage * 10_000_000
