"""The order of names in which people count: `2b` stands before `26b`."""

import re


def natural_order(name: str) -> list[tuple[int, str]]:
    """A key for `sorted` by which the numbers in names are compared by value: `2b` stands before `26b`."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]
