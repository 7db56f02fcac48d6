"""Names sorted as people count: `2b` before `26b`."""

import re


def natural_order(name: str) -> list[tuple[int, str]]:
    """Sorts the numbers in names by value: `2b` before `26b`."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]
