"""Drawn scenes: what they show is known exactly, down to how much of each object can be seen.

Kinds come with skewed frequencies and in themes, so that POPE's popular and adversarial negatives mean
something here as they do in photographs.
"""

from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from demo_making.icons import KINDS, icon

BENCHMARK_SEED = 2025
"""Scene n of the demo benchmark is `draw_scene(Random(BENCHMARK_SEED + n))`, n below 100,000."""
HELD_OUT_SEED = 500_000
"""First seed of the scenes that the trained model is tested on."""
TRAINING_SEED = 1_000_000
"""First seed of the scenes that the model is trained on; all others lie above it."""

SCENE_SIZES = ((192, 128), (128, 192), (128, 128), (192, 96), (160, 120), (64, 128))
"""(width, height) of the scenes: with 64-pixel tiles they make grids of 2 to 12 tiles."""

THEMES = MappingProxyType(
    {
        "sea": ("boat", "fish", "anchor", "flag"),
        "street": ("car", "house", "clock", "ladder"),
        "table": ("cup", "apple", "bottle", "envelope"),
        "garden": ("tree", "flower", "mushroom", "cat"),
        "sky": ("star", "moon", "kite", "arrow"),
        "wardrobe": ("hat", "umbrella", "key", "heart"),
    }
)
"""Kinds that tend to appear together; within a theme the first is the most frequent."""

Weighting = Literal["skewed", "uniform"]
"""`skewed`: some kinds and themes are frequent, as in the benchmark. `uniform`: all kinds alike."""

SMALL_SHARE = 0.12
"""How often an object is small."""
CUT_OFF_SHARE, HIDDEN_SHARE = 0.12, 0.15
"""How often an object is put across the border, and how often on top of another."""
REPEAT_SHARE = 0.06
"""How often a kind that is in a skewed scene already is taken again."""
LEAST_VISIBLE = 0.35
"""No object is less visible than this..."""
LEAST_VISIBLE_RARELY, RARELY = 0.2, 0.03
"""...but for a few."""
THEME_SHARE = 0.6
"""How often an object is drawn from the scene's theme when kinds are skewed."""

Colour = tuple[int, int, int]
Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class PlacedObject:
    """An object of a scene."""

    kind: str
    box: Box
    """Left, top, right, bottom in pixels; may reach beyond the image's border."""
    visible: float
    """The part of its area that lies inside the image and in front of the others, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A drawn image and what it shows, the rearmost object first."""

    image: Image.Image
    objects: tuple[PlacedObject, ...]


def draw_scene(
    random: Random, kinds_weighting: Weighting = "skewed", size: tuple[int, int] | None = None
) -> Scene:
    """The scene that a random state leads to; `size` is one of `SCENE_SIZES` unless given."""
    return draw_scene_and_owners(random, kinds_weighting, size)[0]


def draw_scene_and_owners(
    random: Random, kinds_weighting: Weighting = "skewed", size: tuple[int, int] | None = None
) -> tuple[Scene, NDArray[np.int8]]:
    """A scene, and the index of the object seen at each pixel, -1 for the ground; shape [height, width]."""
    width, height = size if size is not None else random.choice(SCENE_SIZES)
    most = 6 if width * height > 128 * 64 else 4
    kinds = _choose_kinds(random, random.randint(2, most), kinds_weighting)
    canvas = _Canvas(random, width, height)
    for kind in kinds:
        canvas.place(kind)
    return canvas.scene(), canvas.owner


def _choose_kinds(random: Random, count: int, weighting: Weighting) -> list[str]:
    if weighting == "uniform":
        return random.sample(KINDS, count)
    themes = list(THEMES.values())
    # Zipf-like: the n-th theme, and the n-th kind of a theme, with weight about 1/n.
    theme = random.choices(themes, [1 / (rank + 1.5) for rank in range(len(themes))])[0]
    kinds: list[str] = []
    while len(kinds) < count:
        source = theme if random.random() < THEME_SHARE else random.choice(themes)
        kind = random.choices(source, [1 / (rank + 1.5) for rank in range(len(source))])[0]
        if kind not in kinds or random.random() < REPEAT_SHARE:
            kinds.append(kind)
    return kinds


def _ground_colour(random: Random) -> Colour:
    """A light colour."""
    return (random.randint(190, 255), random.randint(190, 255), random.randint(190, 255))


def _object_colours(random: Random) -> tuple[Colour, Colour]:
    """A dark colour for the body, and a lighter one for details that still stands out from the ground."""
    body = _colour_between(random, 0, 240)
    return body, _colour_between(random, 300, 450)


def _colour_between(random: Random, low: int, high: int) -> Colour:
    """A colour with each channel below 190 and their sum in a range, ends included."""
    while True:
        colour = (random.randrange(190), random.randrange(190), random.randrange(190))
        if low <= sum(colour) <= high:
            return colour


def _ground(random: Random, width: int, height: int) -> Image.Image:
    """A plain, shaded or lightly noisy ground."""
    start = _ground_colour(random)
    style = random.choice(("plain", "gradient", "noise"))
    if style == "plain":
        return Image.new("RGB", (width, height), start)
    if style == "gradient":
        end = _ground_colour(random)
        ramp = np.linspace(0, 1, height if random.random() < 0.5 else width)
        blend = ramp[:, None, None] if len(ramp) == height else ramp[None, :, None]
        pixels = np.array(start) * (1 - blend) + np.array(end) * blend
        pixels = np.broadcast_to(pixels, (height, width, 3))
        return Image.fromarray(pixels.astype(np.uint8))
    generator = np.random.default_rng(random.getrandbits(64))
    # Grains of 2x2 pixels, grey, keep the files small.
    grains = generator.integers(-10, 11, ((height + 1) // 2, (width + 1) // 2, 1))
    grains = grains.repeat(2, axis=0).repeat(2, axis=1)[:height, :width]
    pixels = np.clip(np.array(start) + grains, 0, 255)
    return Image.fromarray(pixels.astype(np.uint8))


def _area(mask: Image.Image) -> int:
    return int((np.asarray(mask) > 127).sum())


class _Canvas:
    """A scene in the making."""

    def __init__(self, random: Random, width: int, height: int) -> None:
        self.random = random
        self.width, self.height = width, height
        self.image = _ground(random, width, height)
        self.owner: NDArray[np.int8] = np.full((height, width), -1, np.int8)
        """Index of the object seen at each pixel, -1 for the ground."""
        self.placed: list[tuple[str, Box, int]] = []
        """Kind, box and number of painted pixels of each object."""

    def place(self, kind: str) -> None:
        """Draw one object where it does not cover others too much; leave it out where there is no room."""
        shape, detail = self._posed(kind)
        least = LEAST_VISIBLE_RARELY if self.random.random() < RARELY else LEAST_VISIBLE
        intent = self.random.random()
        for attempt in range(24):
            left, top = self._position(shape.size, intent if attempt < 12 else 1.0)
            # Only an object that is meant to hide another may touch one.
            owner = self._owner_with(shape, left, top, least, intent < CUT_OFF_SHARE + HIDDEN_SHARE)
            if owner is not None:
                self._paint(kind, shape, detail, left, top)
                self.owner = owner
                return

    def _posed(self, kind: str) -> tuple[Image.Image, Image.Image]:
        """The masks of a kind's drawing at a random size, shape, tilt and side."""
        random = self.random
        drawing = icon(kind)
        longest = max(drawing.shape.size)
        small = random.random() < SMALL_SHARE
        length = random.uniform(14, 19) if small else random.uniform(22, 50)
        stretch = random.uniform(0.88, 1.14)
        width = max(5, round(drawing.shape.width / longest * length * stretch))
        height = max(5, round(drawing.shape.height / longest * length / stretch))
        mirrored = random.random() < 0.5
        tilt = random.uniform(-14, 14)
        masks = []
        for mask in (drawing.shape, drawing.detail):
            turned = mask.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else mask
            turned = turned.rotate(tilt, Image.Resampling.BILINEAR, expand=True)
            masks.append(turned.resize((width, height), Image.Resampling.BILINEAR))
        return masks[0], masks[1]

    def _position(self, size: tuple[int, int], intent: float) -> tuple[int, int]:
        """Left and top: across a border, on top of an earlier object, or anywhere inside."""
        random, (width, height) = self.random, size
        left = random.randint(0, max(0, self.width - width))
        top = random.randint(0, max(0, self.height - height))
        if intent < CUT_OFF_SHARE:
            outside = random.uniform(0.2, 0.55)
            if random.random() < 0.5:
                left = round(random.choice((-outside * width, self.width - (1 - outside) * width)))
            else:
                top = round(random.choice((-outside * height, self.height - (1 - outside) * height)))
        elif intent < CUT_OFF_SHARE + HIDDEN_SHARE and self.placed:
            _, box, _ = random.choice(self.placed)
            left = round((box[0] + box[2] - width) / 2 + random.uniform(-0.7, 0.7) * width)
            top = round((box[1] + box[3] - height) / 2 + random.uniform(-0.7, 0.7) * height)
        return left, top

    def _owner_with(
        self, shape: Image.Image, left: int, top: int, least: float, may_touch: bool
    ) -> NDArray[np.int8] | None:
        """Whose each pixel would be with one more object, or None where something could not be seen."""
        mask = Image.new("L", (self.width, self.height))
        mask.paste(shape, (left, top))
        whole = np.asarray(mask) > 127
        if not may_touch and (self.owner[whole] >= 0).sum() > 0.04 * whole.sum():
            return None
        owner = np.where(whole, np.int8(len(self.placed)), self.owner)
        areas = [area for _, _, area in self.placed] + [_area(shape)]
        seen = np.bincount(owner[owner >= 0], minlength=len(areas))
        return owner if all(seen[i] >= least * area for i, area in enumerate(areas)) else None

    def _paint(self, kind: str, shape: Image.Image, detail: Image.Image, left: int, top: int) -> None:
        body, second = _object_colours(self.random)
        self.image.paste(body, (left, top), shape)
        self.image.paste(second, (left, top), detail)
        box = (left, top, left + shape.width, top + shape.height)
        self.placed.append((kind, box, _area(shape)))

    def scene(self) -> Scene:
        """The finished scene."""
        seen = np.bincount(self.owner[self.owner >= 0], minlength=len(self.placed))
        objects = (
            PlacedObject(kind, box, round(float(seen[index] / area), 4))
            for index, (kind, box, area) in enumerate(self.placed)
        )
        return Scene(self.image, tuple(objects))
