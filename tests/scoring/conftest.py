"""Scores with all of their replicates."""

from collections.abc import Iterator

import fewer_replicates
import pytest


@pytest.fixture(scope="module", autouse=True)
def _all_replicates_are_drawn() -> Iterator[None]:
    fewer_replicates.draw(divided_by=1)
    yield
    fewer_replicates.draw(divided_by=fewer_replicates.FEWER)
