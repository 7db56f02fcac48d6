"""How many replicates intervals are of: drawing them takes half of the time of scoring; few tests look at digits."""

import sys

from repope_eval.scoring import bootstrap, evidence

NUMBERS = {
    "REPLICATES": bootstrap.REPLICATES,
    "EVIDENCE_REPLICATES": evidence.EVIDENCE_REPLICATES,
}
FEWER = 10
"""So many times fewer are drawn where a test does not look at digits."""


def draw(divided_by: int) -> None:
    """Has the program draw so many times fewer replicates than it does."""
    for name, module in list(sys.modules.items()):
        if name.startswith("repope_eval."):
            for number in NUMBERS.keys() & vars(module).keys():
                setattr(module, number, NUMBERS[number] // divided_by)
