"""How many replicates intervals are of: drawing them takes half of the time of scoring; few tests look at digits."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from repope_eval.scoring import bootstrap, evidence, shared_errors

NUMBERS = {
    "REPLICATES": bootstrap.REPLICATES,
    "EVIDENCE_REPLICATES": evidence.EVIDENCE_REPLICATES,
    "OVERLAP_REPLICATES": shared_errors.OVERLAP_REPLICATES,
}
FEWER = 10
"""So many times fewer are drawn where a test does not look at digits."""


def draw_fewer() -> None:
    """Has the program draw so many times fewer replicates than it does."""
    _draw(FEWER)


@contextmanager
def all_drawn() -> Iterator[None]:
    """Has the program draw all of them meanwhile."""
    _draw(1)
    try:
        yield
    finally:
        _draw(FEWER)


def _draw(divided_by: int) -> None:
    """Sets the numbers wherever a module of the program has one."""
    for name, module in list(sys.modules.items()):
        if name.startswith("repope_eval."):
            for number in NUMBERS.keys() & vars(module).keys():
                setattr(module, number, NUMBERS[number] // divided_by)
