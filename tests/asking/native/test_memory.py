"""Memory measured on the machine that runs the tests, where the system tells nothing, and where it has no more."""

import sys
from pathlib import Path

import psutil
import pytest
import torch
import warm_commands
from conftest import PROJECT

from repope_eval.asking.native import memory
from repope_eval.asking.native.memory import (
    GPUMemory,
    HostMemory,
    MPSMemory,
    free_bytes,
    give_back,
    memory_of,
)

MEBIBYTE = 1 << 20


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process's peak")
def test_a_need_that_has_passed_is_measured() -> None:
    measured = memory_of([torch.device("cpu")])
    assert isinstance(measured, HostMemory)
    measured.start()
    before = measured.peak_bytes()
    block = torch.ones(64 * MEBIBYTE)  # 256 MiB, really written to
    del block
    after = measured.peak_bytes()
    assert before is not None
    assert after is not None
    assert after - before > 200 * MEBIBYTE
    times = measured.free_over_peak()
    assert times is not None
    assert 0 < times < psutil.virtual_memory().total / (200 * MEBIBYTE)
    measured.start()
    assert (measured.peak_bytes() or 0) < after  # a peak is of what came after `start`


def test_where_the_system_tells_nothing_nothing_is_known(tmp_path: Path) -> None:
    measured = HostMemory(tmp_path / "no_such_folder")
    measured.start()
    assert measured.free_over_peak() is None
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


class Cuda:
    """Two GPUs as torch tells of them, in bytes: what is allocated, at most was, and is reserved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.allocated = {"cuda:0": 900, "cuda:1": 100}
        self.peak = {"cuda:0": 990, "cuda:1": 100}
        for name, tell in {
            "reset_peak_memory_stats": lambda device: None,
            "memory_allocated": lambda device: self.allocated[str(device)],
            "max_memory_allocated": lambda device: self.peak[str(device)],
            "memory_reserved": lambda device: self.allocated[str(device)] + 50,
            "mem_get_info": lambda device: (200, 1000),
        }.items():
            monkeypatch.setattr(torch.cuda, name, tell)


def test_only_gpus_that_the_model_is_on_count(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = Cuda(monkeypatch)
    second = torch.device("cuda:1")
    measured = memory_of([second, torch.device("cpu")])
    assert isinstance(measured, GPUMemory)
    measured.start()
    assert measured.free_over_peak() is None
    cuda.peak["cuda:1"] = 150
    assert measured.free_over_peak() == (200 + 50) / 50
    assert measured.peak_bytes() == 150
    both = memory_of([torch.device("cuda:0"), second])
    both.start()
    assert both.free_over_peak() == pytest.approx(250 / 90)  # the first device, where it fits less often
    assert both.peak_bytes() == 990 + 150
    assert free_bytes(second) == 200


def test_apples_gpu_is_measured_by_what_it_has_of_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    held = {"driver": 500}
    monkeypatch.setattr(torch.mps, "empty_cache", lambda: held.update(driver=400))
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: held["driver"])
    monkeypatch.setattr(torch.mps, "current_allocated_memory", lambda: 350)
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 1000)
    measured = memory_of([torch.device("mps")])
    assert isinstance(measured, MPSMemory)
    assert measured.free_over_peak() is None
    assert measured.peak_bytes() is None
    measured.start()
    assert measured.free_over_peak() is None
    held["driver"] = 530
    assert measured.free_over_peak() == (1000 - 350) / 130
    assert measured.peak_bytes() == 530
    assert free_bytes(torch.device("mps")) == 1000 - 530
    give_back(torch.device("mps"))
    assert held["driver"] == 400


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds a process's address space")
def test_an_allocator_that_refuses_halves_the_batch_and_changes_no_answer() -> None:
    program = PROJECT / "perf" / "limited_memory.py"
    ended = warm_commands.run("60", program=str(program))
    assert ended.returncode == 0, ended.stderr
    assert "out of memory with 64 images at a time: going on with 32" in ended.stdout
    assert ended.stdout.strip().splitlines()[-1] == "same answers: True"
