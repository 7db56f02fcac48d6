"""Estimates with all of their replicates."""

from collections.abc import Iterator

import fewer_replicates
import pytest


@pytest.fixture(scope="module", autouse=True)
def _all_replicates_are_drawn() -> Iterator[None]:
    with fewer_replicates.all_drawn():
        yield
