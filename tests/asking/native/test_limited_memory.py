"""Out of memory, for real: the operating system refuses what the model's own allocator asks for."""

import sys

import pytest
import warm_commands
from conftest import PROJECT


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds a process's address space")
def test_an_allocator_that_refuses_halves_the_batch_and_changes_no_answer() -> None:
    program = PROJECT / "perf" / "limited_memory.py"
    ended = warm_commands.run("60", program=str(program))
    assert ended.returncode == 0, ended.stderr
    assert "out of memory with 64 images at a time: going on with 32" in ended.stdout
    assert ended.stdout.strip().splitlines()[-1] == "same answers: True"
