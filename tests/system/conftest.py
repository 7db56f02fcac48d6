"""What all tests of downloading have: quick waits, and a server of faults that has one file."""

from collections.abc import Iterator

import pytest
from download_examples import CONTENT, be_quick_and_direct
from fault_server import FaultServer, serving


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    be_quick_and_direct(monkeypatch)


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with serving() as state:
        state.files["file"] = CONTENT
        yield state
