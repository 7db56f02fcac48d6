"""The shapes of models: the few dimensions that sizes, memory and computation follow from.

Those of the shipped checkpoints are in `published_shapes.csv`, so that they are known without a download. They
are the numbers in the checkpoints' `config.json`, and how a photograph of 640x480 pixels is shown.
"""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

LanguageKind = Literal["qwen2", "internlm2", "llama", "mistral", "gemma", "gemma2"]
VisionKind = Literal["intern_vit_300m", "intern_vit_6b", "aimv2", "clip", "siglip"]

PHOTOGRAPH = (640, 480)
"""Width and height in pixels of most of COCO's images: what `tiles` and `image_tokens` are counted for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageShape:
    """Of a language model whose layers have attention and a gated feed-forward network."""

    kind: LanguageKind
    layers: int
    hidden: int
    intermediate: int
    heads: int
    key_value_heads: int
    head_size: int
    vocabulary: int
    tied: bool
    """Whether the head's weights are the embeddings'."""

    @property
    def cached_values(self) -> int:
        """Numbers that the key-value cache holds for each token."""
        return 2 * self.layers * self.key_value_heads * self.head_size


@dataclass(frozen=True, slots=True, kw_only=True)
class VisionShape:
    """Of a vision transformer."""

    kind: VisionKind
    layers: int
    hidden: int
    intermediate: int
    side: int
    """Of a tile, in pixels."""
    patch: int
    """The same of a patch."""

    @property
    def patches(self) -> int:
        """Of a tile."""
        return (self.side // self.patch) ** 2

    @property
    def feed_forward_matrices(self) -> int:
        """Of a layer: three where it is gated."""
        return 3 if self.kind == "aimv2" else 2

    @property
    def tokens(self) -> int:
        """That a layer sees of a tile: its patches, and in some towers one for the whole."""
        return self.patches + (self.kind in ("clip", "intern_vit_300m", "intern_vit_6b"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Of a vision-language model."""

    family: str
    """A key of FAMILIES."""
    language: LanguageShape
    vision: VisionShape
    visual_vocabulary: int
    """Ovis2's visual words; 0 in other families."""
    tiles: int
    """That a photograph is cut into."""
    image_tokens: int
    """That stand for it in a prompt."""


def published_shape(family: str, checkpoint: str) -> Shape | None:
    """The shape of a shipped checkpoint; None of any other."""
    row = _published().get(checkpoint)
    return None if row is None else _shape(family, row)


@cache
def _published() -> dict[str, dict[str, str]]:
    """Rows of the file by checkpoint."""
    text = (Path(__file__).parent / "published_shapes.csv").read_text(encoding="utf-8")
    return {row["checkpoint"]: row for row in csv.DictReader(text.splitlines())}


def _shape(family: str, row: dict[str, str]) -> Shape:
    numbers = {name: int(text) for name, text in row.items() if text.isdecimal()}
    language: LanguageKind = row["language"]  # type: ignore[assignment]  # tests go through every row
    vision: VisionKind = row["vision"]  # type: ignore[assignment]
    return Shape(
        family=family,
        language=LanguageShape(
            kind=language,
            layers=numbers["layers"],
            hidden=numbers["hidden"],
            intermediate=numbers["intermediate"],
            heads=numbers["heads"],
            key_value_heads=numbers["key_value_heads"],
            head_size=numbers["head_size"],
            vocabulary=numbers["vocabulary"],
            tied=row["tied"] == "yes",
        ),
        vision=VisionShape(
            kind=vision,
            layers=numbers["vision_layers"],
            hidden=numbers["vision_hidden"],
            intermediate=numbers["vision_intermediate"],
            side=numbers["side"],
            patch=numbers["patch"],
        ),
        visual_vocabulary=numbers["visual_vocabulary"],
        tiles=numbers["tiles"],
        image_tokens=numbers["image_tokens"],
    )
