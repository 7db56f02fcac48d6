"""How often the tiny model is right on held-out scenes drawn as the benchmark's are, and how well it describes them."""

from dataclasses import dataclass, field
from random import Random

import torch
from torch import Tensor, nn

from demo_making.icons import KINDS
from demo_making.model import PromptTokens, answer_logits, caption_logits, image_tokens
from demo_making.pools import labels_of, pixels_of, tiles_of
from demo_making.scenes import HELD_OUT_SEED, THEMES, Scene, draw_scene
from repope_eval.benchmarks.chair import DEMO_VOCABULARY
from repope_eval.captions.truth import CaptionTruth
from repope_eval.scoring.caption_counts import quotient
from repope_eval.scoring.chair import caption_counts

CLEAR = 0.95
"""From this visible fraction on an object counts as fully visible."""
SMALL = 20
"""An object whose longer side has at most so many pixels counts as small."""
CAPTIONED = 5
"""Every so many scenes one is described: that takes longer than all questions about it."""
LONGEST_CAPTION = 40
"""Tokens after which a caption is cut; one of six kinds has 30."""
CAPTION_FIGURES = {"CHAIRi": "chair_i", "CHAIRs": "chair_s", "recall": "recall"}


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
    captions: dict[str, float | None] = field(default_factory=dict)
    """The figures of CAPTION_FIGURES; None where no caption mentions anything."""

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
        figures = [f"{name:<42}{100 * (value or 0):6.2f} %" for name, value in self.captions.items()]
        return "\n".join([f"{'balanced':<42}{100 * self.balanced:6.2f} %", *lines, *figures])


@torch.no_grad()
def held_out_accuracy(model: nn.Module, tokens: PromptTokens, scenes: int) -> Accuracy:
    """Ask about all kinds in so many held-out scenes, and for captions of some, in float32."""
    accuracy = Accuracy()
    everything = torch.arange(len(KINDS)).unsqueeze(0)
    captions, shown = {}, {}
    for number in range(scenes):
        scene = draw_scene(Random(HELD_OUT_SEED + number))
        pixels = pixels_of(torch.from_numpy(tiles_of(scene.image))).unsqueeze(0)
        labels = torch.from_numpy(labels_of(scene)).unsqueeze(0)
        images = image_tokens(model, pixels)
        first, _ = answer_logits(model, tokens, images, everything, labels)
        if number % CAPTIONED == 0:
            captions[str(number)] = written_caption(model, tokens, images)
            shown[str(number)] = frozenset(placed.kind for placed in scene.objects)
        said = first[0].argmax(-1)
        for index, kind in enumerate(KINDS):
            is_yes = bool(labels[0, index])
            is_right = bool(said[index] == tokens.answers[int(is_yes)])
            for sort in _sorts(scene, kind, is_yes):
                accuracy.add(sort, is_right)
    counts = caption_counts(captions, CaptionTruth(shown, vocabulary=DEMO_VOCABULARY))["coco"]
    accuracy.captions |= {title: quotient(counts, name) for title, name in CAPTION_FIGURES.items()}
    return accuracy


@torch.no_grad()
def written_caption(model: nn.Module, tokens: PromptTokens, images: Tensor) -> str:
    """The likeliest caption, token by token, of a scene with the image tokens [1, tokens, width]."""
    written: list[int] = []
    while len(written) < LONGEST_CAPTION:
        logits = caption_logits(model, tokens, images, torch.tensor([written], dtype=torch.long))
        likeliest = int(logits[0, -1].argmax())
        if likeliest == tokens.end:
            break
        written.append(likeliest)
    return tokens.text(written)


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
