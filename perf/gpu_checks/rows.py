"""What a stage finds out, in rows of the table; and how far answers may differ."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import torch

from repope_eval.models.fields import first_line

Key = TypeVar("Key")
Value = TypeVar("Value")

ALLOWED_SHARE = {"float32": 0.0, "bfloat16": 0.02}
"""The share of the demo's answers that may differ between the two engines, by number format.

Both engines add up the same terms in another order. In float32 that changes the sixth or seventh digit, and no answer
may differ, neither here nor in the goldens. In bfloat16 it changes the third, so an answer tips where two tokens are
almost as likely. The demo's model is trained and sure of nearly all of its answers: on a CPU 0 of 200 tipped. 2 of 100
leave room for other kernels; without the mask that hides questions from one another, 108 of 200 differed.

Other answers are counted and not judged: those of random weights in bfloat16, goldens included, because such models
are sure of nothing (on a CPU, rounding alone changes up to 32 of a golden's 32 answers), and those of quantized models,
because quantization changes the weights.
"""

NOT_HERE = "not on this device"


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: what a stage tried, and what came of it."""

    what: str
    """What the stage tried."""
    found: str
    """What came of it, in figures."""
    ok: bool | None = None
    """Whether that is as it has to be; None where a figure is measured that no rule bounds."""


Stage = Callable[[torch.device], Iterator[Row]]


def until_error(what: str, rows: Iterable[Row]) -> Iterator[Row]:
    """Rows; an error that ends them is the last one, so that what comes behind them goes on."""
    try:
        yield from rows
    except (Exception, SystemExit) as error:  # a new device has errors that nobody foresaw
        yield Row(what, first_line(error), False)


def count_equal(found: Mapping[Key, Value], expected: Mapping[Key, Value]) -> int:
    """How many keys have the same value in both; an answer that is missing in one differs."""
    return sum(key in found and found[key] == value for key, value in expected.items())
