"""Measuring memory on the machine that runs the tests, and where the system tells nothing."""

import sys
from pathlib import Path

import psutil
import pytest
import torch

from repope_eval.inference import memory
from repope_eval.inference.memory import HostMemory, memory_of

MEBIBYTE = 1 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process's peak")
def test_a_need_that_has_passed_is_measured() -> None:
    measured = memory_of(torch.device("cpu"))
    assert isinstance(measured, HostMemory)
    measured.start()
    before = measured.peak_bytes()
    block = torch.ones(64 * MEBIBYTE)  # 256 MiB, really written to
    del block
    after = measured.peak_bytes()
    assert before is not None
    assert after is not None
    assert after - before > 200 * MEBIBYTE
    times = measured.times_free()
    assert times is not None
    assert 0 < times < psutil.virtual_memory().total / (200 * MEBIBYTE)
    measured.start()
    assert (measured.peak_bytes() or 0) < after  # a peak is of what came after `start`


def test_where_the_system_tells_nothing_nothing_is_known(tmp_path: Path) -> None:
    measured = HostMemory(tmp_path / "no_such_folder")
    measured.start()
    assert measured.times_free() is None
    assert measured.peak_bytes() is None


@pytest.mark.parametrize(
    ("limit", "used", "free"),
    [("max", "10", None), ("1000", "400", 600), ("1000", "1200", 0), ("999999999999999999", "5", None)],
)
def test_a_container_may_have_less_than_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, used: str, free: int | None
) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("", (), {"available": 10**6})())
    (tmp_path / "memory.max").write_text(f"{limit}\n")
    (tmp_path / "memory.current").write_text(f"{used}\n")
    assert memory._free_bytes(tmp_path) == (10**6 if free is None else free)
    assert memory._free_bytes(tmp_path / "no_such_folder") == 10**6
