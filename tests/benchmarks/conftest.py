"""What the tests of several benchmarks need: a server that fails and has what it is given."""

from collections.abc import Iterator

import pytest
from fault_server import FaultServer, serving

from repope_eval.system import http


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultServer]:
    monkeypatch.setattr(http, "FIRST_WAIT", 0.001)
    with serving() as state:
        yield state
