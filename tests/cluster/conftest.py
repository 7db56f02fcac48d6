"""What tests of the scripts for SLURM share."""

import shlex
from pathlib import Path

import pytest
from sweep_tasks import program


@pytest.fixture
def python(tmp_path: Path) -> str:
    """In Python's place: writes its words into a file, a line each."""
    return program(tmp_path / "fake_python", f'printf "%s\\n" "$@" > {shlex.quote(str(tmp_path / "words"))}')
