"""What make does with the Python that it finds; programs that only pretend to be Python stand in its place."""

import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import PROJECT

OLD = '#!/bin/sh\n[ "$1" = --version ] && { echo Python 3.9.2; exit 0; }\nexit 1\n'
NEW = """#!/bin/sh
echo "$0 $*" >> {log}
if [ "$2" = venv ]; then mkdir -p .venv/bin && cp "$0" .venv/bin/python; fi
"""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(PROJECT / name, tmp_path)
    return tmp_path


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def make(clone: Path, python: Path) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", ".venv/installed", f"PYTHON={python}"]
    return subprocess.run(command, cwd=clone, capture_output=True, text=True, check=False)


def test_an_old_python_is_told_before_anything_is_made(clone: Path) -> None:
    old = program(clone / "python3", OLD)
    done = make(clone, old)
    assert done.returncode != 0
    assert f"{old} is Python 3.9.2, and Python 3.11 or newer is needed: make PYTHON=python3.11" in done.stderr
    assert not (clone / ".venv").exists()


def test_an_environment_of_an_old_python_is_made_anew_and_one_that_will_do_is_kept(clone: Path) -> None:
    program(clone / ".venv" / "bin" / "python", OLD)
    (clone / ".venv" / "old").touch()
    new = program(clone / "python3", NEW.format(log=clone / "log"))
    done = make(clone, new)
    assert done.returncode == 0, done.stderr
    assert not (clone / ".venv" / "old").exists()
    assert ".venv/bin/python -m pip install" in (clone / "log").read_text()
    (clone / ".venv" / "kept").touch()
    (clone / ".venv" / "installed").unlink()
    assert make(clone, new).returncode == 0
    assert (clone / ".venv" / "kept").exists()
