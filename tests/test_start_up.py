"""How the program starts: what it imports before a mistake is told, how long that takes, and what it needs."""

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from conftest import PROJECT, CommandLine

from repope_eval import __main__ as program

QUICK_SECONDS = 2.0  # of a processor, of which torch alone would take as much
NO_ANSWERS = "no_such_file.json: cannot be read (No such file or directory)"


@pytest.fixture
def work(command_line: CommandLine, tmp_path: Path) -> Path:
    """The folder that `command_line` runs in."""
    return tmp_path / "work"


def _modules_of(word: str, work: Path) -> tuple[set[str], float, str]:
    """What a run with one word imports, how long it takes a processor, and its standard error besides."""
    before = os.times()
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "repope_eval", *word.split()],
        cwd=work,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    after = os.times()
    seconds = after.children_user + after.children_system - before.children_user - before.children_system
    lines = ended.stderr.splitlines()
    imported = {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}
    return imported, seconds, "\n".join(line for line in lines if not line.startswith("import time:"))


@pytest.mark.parametrize("words", ["--help", "help score", "--version", "modle=tiny", "scroe"])
def test_what_needs_no_settings_composed_ends_without_hydra(words: str, work: Path) -> None:
    imported, seconds, _ = _modules_of(words, work)
    assert "repope_eval.errors" in imported
    assert not imported & {"hydra", "omegaconf", "numpy", "repope_eval.pipeline"}
    assert seconds < QUICK_SECONDS / 4


def test_a_python_that_lacks_the_packages_is_told_where_they_are(tmp_path: Path) -> None:
    """Such as the system's, where nobody activated the environment."""
    python = [sys.executable, "-S", "-m", "repope_eval"]  # without site-packages
    ended = subprocess.run(
        python,
        cwd=tmp_path,
        env={"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"hydra is not installed for {sys.executable}: activate the environment")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("modle=tiny", "modle: no such key (did you mean model?) (--help lists the keys)"),
        ("model=foo", "model=foo: no such model; `python -m repope_eval models` lists them; "),
        ("score answers=no_such_file.json", NO_ANSWERS),
    ],
)
def test_mistake_ends_soon_with_one_line_and_without_torch(words: str, line: str, work: Path) -> None:
    imported, seconds, shown = _modules_of(words, work)
    assert shown.startswith(line)
    assert "\n" not in shown
    assert seconds < QUICK_SECONDS
    assert "repope_eval.errors" in imported
    assert not imported & {"torch", "transformers", "datasets", "accelerate"}


def test_package_imports_in_no_time() -> None:
    code = "import sys, repope_eval; print(sorted(set(sys.modules) & {'torch', 'hydra', 'omegaconf', 'numpy', 'PIL'}))"
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert ended.stdout == "[]\n"


def test_console_script_is_the_same_program() -> None:
    (script,) = entry_points(group="console_scripts", name="repope-eval")
    assert script.load() is program.main
