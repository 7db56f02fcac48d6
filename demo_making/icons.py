"""The kinds of objects that demo scenes show, each as a fixed drawing in two colours."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi, sin
from types import MappingProxyType

from PIL import Image, ImageChops, ImageDraw

CANVAS = 100
"""Side of the square that the drawings' coordinates refer to."""

Box = tuple[float, float, float, float]
Points = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Icon:
    """One kind's drawing as coverage masks of equal size, mode `L`, 255 where painted."""

    shape: Image.Image
    """All that belongs to the object."""
    detail: Image.Image
    """The part of the shape that is painted in the object's second colour."""


class Pen:
    """Paints on the two masks of an icon."""

    def __init__(self) -> None:
        self.shape = Image.new("L", (CANVAS, CANVAS), 0)
        self.detail = Image.new("L", (CANVAS, CANVAS), 0)

    def _paint(self, draw_on: Callable[[ImageDraw.ImageDraw, int], None], ink: str) -> None:
        in_shape, in_detail = {"body": (255, 0), "detail": (255, 255), "hole": (0, 0)}[ink]
        draw_on(ImageDraw.Draw(self.shape), in_shape)
        draw_on(ImageDraw.Draw(self.detail), in_detail)

    def polygon(self, points: Points, ink: str = "body") -> None:
        """Fill a polygon."""
        self._paint(lambda draw, value: draw.polygon(points, fill=value), ink)

    def ellipse(self, box: Box, ink: str = "body") -> None:
        """Fill the ellipse inside a box."""
        self._paint(lambda draw, value: draw.ellipse(box, fill=value), ink)

    def rectangle(self, box: Box, ink: str = "body") -> None:
        """Fill a rectangle."""
        self._paint(lambda draw, value: draw.rectangle(box, fill=value), ink)

    def line(self, points: Points, width: int, ink: str = "body") -> None:
        """Draw a line along points."""
        self._paint(lambda draw, value: draw.line(points, fill=value, width=width, joint="curve"), ink)

    def arc(self, box: Box, start: float, end: float, width: int, ink: str = "body") -> None:
        """Draw a piece of an ellipse's outline; degrees clockwise from three o'clock."""
        self._paint(lambda draw, value: draw.arc(box, start, end, fill=value, width=width), ink)

    def sector(self, box: Box, start: float, end: float, ink: str = "body") -> None:
        """Fill a sector of an ellipse; degrees clockwise from three o'clock."""
        self._paint(lambda draw, value: draw.pieslice(box, start, end, fill=value), ink)


def _ring(centre: tuple[float, float], radii: list[float], turn: float = -pi / 2) -> Points:
    """Points around a centre at equal angles, one a radius."""
    step = 2 * pi / len(radii)
    return [
        (centre[0] + radius * cos(turn + index * step), centre[1] + radius * sin(turn + index * step))
        for index, radius in enumerate(radii)
    ]


def _anchor(pen: Pen) -> None:
    pen.ellipse((38, 2, 62, 26))
    pen.ellipse((45, 9, 55, 19), "hole")
    pen.rectangle((45, 24, 55, 92))
    pen.rectangle((26, 34, 74, 43))
    pen.arc((8, 20, 92, 98), 10, 170, 11)
    pen.polygon([(2, 72), (8, 50), (26, 66)])
    pen.polygon([(98, 72), (92, 50), (74, 66)])


def _apple(pen: Pen) -> None:
    pen.ellipse((6, 26, 60, 96))
    pen.ellipse((40, 26, 94, 96))
    pen.line([(50, 34), (54, 6)], 7, "detail")
    pen.polygon([(54, 18), (66, 4), (88, 4), (76, 18)], "detail")


def _arrow(pen: Pen) -> None:
    pen.rectangle((2, 38, 60, 62))
    pen.polygon([(54, 10), (98, 50), (54, 90)])


def _boat(pen: Pen) -> None:
    pen.polygon([(2, 66), (98, 66), (80, 96), (20, 96)])
    pen.rectangle((46, 4, 52, 68), "detail")
    pen.polygon([(56, 8), (56, 60), (92, 60)], "detail")
    pen.polygon([(42, 16), (42, 60), (14, 60)], "detail")


def _bottle(pen: Pen) -> None:
    pen.rectangle((40, 2, 60, 12), "detail")
    pen.polygon([(42, 12), (58, 12), (58, 30), (74, 46), (74, 98), (26, 98), (26, 46), (42, 30)])
    pen.rectangle((26, 58, 74, 82), "detail")


def _car(pen: Pen) -> None:
    pen.polygon([(2, 48), (18, 46), (32, 24), (70, 24), (84, 46), (98, 50), (98, 72), (2, 72)])
    pen.polygon([(28, 46), (37, 31), (48, 31), (48, 46)], "detail")
    pen.polygon([(54, 46), (54, 31), (66, 31), (74, 46)], "detail")
    for left in (12, 64):
        pen.ellipse((left, 58, left + 26, 84), "detail")
        pen.ellipse((left + 8, 66, left + 18, 76))


def _cat(pen: Pen) -> None:
    pen.ellipse((8, 24, 92, 96))
    pen.polygon([(8, 56), (12, 4), (44, 32)])
    pen.polygon([(92, 56), (88, 4), (56, 32)])
    for left in (28, 60):
        pen.ellipse((left, 48, left + 12, 62), "detail")
    pen.polygon([(43, 70), (57, 70), (50, 80)], "detail")


def _clock(pen: Pen) -> None:
    pen.ellipse((4, 4, 96, 96))
    pen.ellipse((16, 16, 84, 84), "detail")
    pen.line([(50, 24), (50, 50), (70, 60)], 8)


def _cup(pen: Pen) -> None:
    pen.ellipse((58, 34, 98, 72))
    pen.ellipse((68, 44, 88, 62), "hole")
    pen.polygon([(4, 24), (74, 24), (66, 84), (12, 84)])
    pen.ellipse((4, 16, 74, 34), "detail")


def _envelope(pen: Pen) -> None:
    pen.rectangle((2, 18, 98, 84))
    pen.line([(4, 20), (50, 56), (96, 20)], 8, "detail")
    pen.line([(4, 82), (36, 48)], 5, "detail")
    pen.line([(96, 82), (64, 48)], 5, "detail")


def _fish(pen: Pen) -> None:
    pen.ellipse((2, 24, 74, 78))
    pen.polygon([(62, 51), (98, 22), (98, 80)])
    pen.polygon([(30, 28), (52, 8), (56, 32)], "detail")
    pen.ellipse((14, 40, 24, 50), "detail")


def _flag(pen: Pen) -> None:
    pen.rectangle((8, 2, 17, 98), "detail")
    pen.polygon([(17, 6), (94, 6), (76, 30), (94, 54), (17, 54)])


def _flower(pen: Pen) -> None:
    pen.rectangle((46, 54, 54, 98), "detail")
    pen.polygon([(54, 90), (80, 66), (84, 80)], "detail")
    for x, y in _ring((50, 34), [21.0] * 6):
        pen.ellipse((x - 13, y - 13, x + 13, y + 13))
    pen.ellipse((37, 21, 63, 47), "detail")


def _hat(pen: Pen) -> None:
    pen.ellipse((2, 64, 98, 90))
    pen.polygon([(26, 16), (74, 16), (78, 76), (22, 76)])
    pen.polygon([(24, 54), (76, 54), (78, 70), (22, 70)], "detail")


def _heart(pen: Pen) -> None:
    pen.ellipse((4, 8, 54, 58))
    pen.ellipse((46, 8, 96, 58))
    pen.polygon([(8, 44), (92, 44), (50, 96)])


def _house(pen: Pen) -> None:
    pen.rectangle((14, 46, 86, 96))
    pen.polygon([(2, 48), (50, 4), (98, 48)], "detail")
    pen.rectangle((42, 66, 60, 96), "detail")
    pen.rectangle((22, 56, 36, 70), "detail")


def _key(pen: Pen) -> None:
    pen.ellipse((2, 28, 46, 72))
    pen.ellipse((14, 40, 34, 60), "hole")
    pen.rectangle((42, 44, 98, 56))
    pen.rectangle((70, 56, 78, 74))
    pen.rectangle((88, 56, 98, 78))


def _kite(pen: Pen) -> None:
    pen.polygon([(50, 2), (82, 34), (50, 76), (18, 34)])
    pen.polygon([(50, 2), (82, 34), (50, 34)], "detail")
    pen.polygon([(18, 34), (50, 34), (50, 76)], "detail")
    pen.line([(50, 74), (62, 84), (42, 92), (56, 99)], 5)


def _ladder(pen: Pen) -> None:
    pen.rectangle((20, 2, 30, 98))
    pen.rectangle((70, 2, 80, 98))
    for top in (12, 32, 52, 72):
        pen.rectangle((28, top, 72, top + 8), "detail")


def _moon(pen: Pen) -> None:
    pen.ellipse((8, 4, 96, 96))
    pen.ellipse((34, -4, 116, 84), "hole")


def _mushroom(pen: Pen) -> None:
    pen.polygon([(38, 50), (62, 50), (68, 96), (32, 96)], "detail")
    pen.sector((2, 8, 98, 104), 180, 360)
    for x, y in ((28, 40), (54, 24), (72, 44)):
        pen.ellipse((x - 7, y - 7, x + 7, y + 7), "detail")


def _star(pen: Pen) -> None:
    pen.polygon(_ring((50, 53), [50.0, 20.0] * 5))


def _tree(pen: Pen) -> None:
    pen.rectangle((42, 78, 58, 98), "detail")
    for top, half in ((2, 24), (24, 34), (46, 44)):
        pen.polygon([(50, top), (50 + half, top + 36), (50 - half, top + 36)])


def _umbrella(pen: Pen) -> None:
    pen.sector((2, 6, 98, 98), 180, 360)
    for left in (2, 34, 66):
        pen.ellipse((left, 44, left + 32, 62), "hole")
    pen.rectangle((47, 40, 53, 88), "detail")
    pen.arc((27, 76, 53, 98), 0, 180, 6, "detail")


_DRAWINGS: Mapping[str, Callable[[Pen], None]] = MappingProxyType(
    {
        "anchor": _anchor,
        "apple": _apple,
        "arrow": _arrow,
        "boat": _boat,
        "bottle": _bottle,
        "car": _car,
        "cat": _cat,
        "clock": _clock,
        "cup": _cup,
        "envelope": _envelope,
        "fish": _fish,
        "flag": _flag,
        "flower": _flower,
        "hat": _hat,
        "heart": _heart,
        "house": _house,
        "key": _key,
        "kite": _kite,
        "ladder": _ladder,
        "moon": _moon,
        "mushroom": _mushroom,
        "star": _star,
        "tree": _tree,
        "umbrella": _umbrella,
    }
)

KINDS = tuple(_DRAWINGS)
"""The names of all kinds, in alphabetical order."""


@lru_cache
def icon(kind: str) -> Icon:
    """The drawing of a kind, cut to what is painted."""
    pen = Pen()
    _DRAWINGS[kind](pen)
    painted = ImageChops.lighter(pen.shape, pen.detail).getbbox()
    return Icon(pen.shape.crop(painted), pen.detail.crop(painted))
