"""Which changes of rank between two label sets are more than chance."""

from repope_eval.leaderboard.entries import Entry, Leaderboard
from repope_eval.records import Variant

CERTAIN = 0.95
"""The share of the drawn sets of images in which one model must overtake the other for that to be more than chance."""


def certainty_rules(board: Leaderboard) -> str:
    """When an overtaking is more than chance, to follow a colon."""
    rules = []
    if board.runs:
        rules.append(f"between runs, it comes about in {100 * CERTAIN:.0f} % of the drawn sets of images")
    if board.has_paper:
        rules.append("between the paper's models, their intervals of F1 are apart under both label sets")
    return "; ".join(rules)


def certain_moves(board: Leaderboard, variant: Variant) -> tuple[set[str], set[str]]:
    """The names of the models that overtake another one for certain, and of those that are overtaken so."""
    entries = {entry.name: entry for entry in board.entries}
    pairs = [
        pair
        for each in board.agreements
        if each.variant == variant
        for pair in each.agreement.overtakings
        if (
            pair.probability >= CERTAIN
            if pair.probability is not None
            else _are_apart(board, variant, entries[pair.model], entries[pair.overtaken])
        )
    ]
    return {pair.model for pair in pairs}, {pair.overtaken for pair in pairs}


def _are_apart(board: Leaderboard, variant: Variant, one: Entry, other: Entry) -> bool:
    """Whether the intervals of F1 of two models have nothing in common, under each label set."""
    for name in board.label_sets:
        first, second = (entry.cells[name][variant].estimates["f1"].interval for entry in (one, other))
        if first is None or second is None or (first[0] <= second[1] and second[0] <= first[1]):
            return False
    return True
