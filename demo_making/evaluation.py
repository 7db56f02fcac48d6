"""How often the tiny model is right on held-out scenes drawn as the benchmark's are."""

from dataclasses import dataclass, field
from random import Random

import torch
from torch import nn

from demo_making.icons import KINDS
from demo_making.model import PromptTokens, answer_logits, image_tokens
from demo_making.pools import labels_of, pixels_of, tiles_of
from demo_making.scenes import HELD_OUT_SEED, THEMES, Scene, draw_scene

CLEAR = 0.95
"""From this visible fraction on an object counts as fully visible."""
SMALL = 20
"""An object whose longer side has at most so many pixels counts as small."""


@dataclass(slots=True)
class Tally:
    """Right and asked questions of some sort."""

    right: int = 0
    asked: int = 0

    def add(self, is_right: bool) -> None:
        """Count one more question."""
        self.right += is_right
        self.asked += 1

    @property
    def share(self) -> float:
        """Share of right answers; 0 where nothing was asked."""
        return self.right / self.asked if self.asked else 0.0


@dataclass(slots=True)
class Accuracy:
    """Right answers by sort of question; each sort is described by its key."""

    tallies: dict[str, Tally] = field(default_factory=dict)

    def add(self, sort: str, is_right: bool) -> None:
        """Count one more question of a sort."""
        self.tallies.setdefault(sort, Tally()).add(is_right)

    @property
    def balanced(self) -> float:
        """Mean of the shares of right answers on positives and on negatives."""
        return (self.tallies["positives"].share + self.tallies["negatives"].share) / 2

    def __str__(self) -> str:
        lines = [
            f"{sort:<42}{100 * tally.share:6.2f} % of {tally.asked}" for sort, tally in self.tallies.items()
        ]
        return "\n".join([f"{'balanced':<42}{100 * self.balanced:6.2f} %", *lines])


@torch.no_grad()
def held_out_accuracy(model: nn.Module, tokens: PromptTokens, scenes: int) -> Accuracy:
    """Ask about all kinds in so many held-out scenes, in float32."""
    accuracy = Accuracy()
    everything = torch.arange(len(KINDS)).unsqueeze(0)
    for number in range(scenes):
        scene = draw_scene(Random(HELD_OUT_SEED + number))
        pixels = pixels_of(torch.from_numpy(tiles_of(scene.image))).unsqueeze(0)
        labels = torch.from_numpy(labels_of(scene)).unsqueeze(0)
        first, _ = answer_logits(model, tokens, image_tokens(model, pixels), everything, labels)
        said = first[0].argmax(-1)
        for index, kind in enumerate(KINDS):
            is_yes = bool(labels[0, index])
            is_right = bool(said[index] == tokens.answers[int(is_yes)])
            for sort in _sorts(scene, kind, is_yes):
                accuracy.add(sort, is_right)
    return accuracy


def _sorts(scene: Scene, kind: str, is_yes: bool) -> list[str]:
    """The sorts that a question belongs to."""
    if not is_yes:
        shown = {placed.kind for placed in scene.objects}
        companions = {name for theme in THEMES.values() if shown.intersection(theme) for name in theme}
        return ["negatives", f"negatives, theme {'shown' if kind in companions else 'not shown'}"]
    best = max((placed for placed in scene.objects if placed.kind == kind), key=lambda placed: placed.visible)
    if best.visible < CLEAR:
        return ["positives", "positives, hidden or cut off"]
    left, top, right, bottom = best.box
    small = max(right - left, bottom - top) <= SMALL
    return ["positives", f"positives, fully visible, {'small' if small else 'not small'}"]
