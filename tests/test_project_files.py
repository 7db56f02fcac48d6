"""The files by which people and services know the project: they hold what the code holds, and make finds its Python."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from conftest import PROJECT

import repope_eval
from repope_eval.settings.commands import COMMANDS

WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))


def _steps(path: Path) -> list[dict[str, str]]:
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
    return [step for job in jobs for step in job.get("steps", [])]


def test_citation_has_the_programs_version_and_licence() -> None:
    citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == repope_eval.__version__
    assert citation["license"] == "Apache-2.0"
    start_page = (PROJECT / "docs" / "index.md").read_text(encoding="utf-8").replace("\\_", "_")
    entry = dict(re.findall(r"^  (\w+) += \{+(.+?)\}+,?$", start_page, re.MULTILINE))
    assert entry == {
        "title": citation["title"],
        "author": citation["authors"][0]["name"],
        "version": citation["version"],
        "note": citation["license"],
    }


def test_the_changelog_names_every_command_and_every_public_function() -> None:
    changelog = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    names = [command for command in COMMANDS if command != "run"]
    names += [name for name in repope_eval.__all__ if name[0].islower()]
    assert [name for name in names if f"`{name}`" not in changelog] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_run_programs_that_are_here(path: Path) -> None:
    steps = _steps(path)
    assert steps
    scripts = re.findall(r"(?:sh )?((?:tests|\.ci)/\S+)", "\n".join(step.get("run", "") for step in steps))
    assert all((PROJECT / script).is_file() for script in scripts)


def test_ci_runs_all_supported_versions_of_python() -> None:
    matrix = yaml.safe_load(WORKFLOWS[-1].read_text(encoding="utf-8"))["jobs"]["tests"]["strategy"]["matrix"]
    pyproject = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    lowest = re.search(r'requires-python = ">=([0-9.]+)"', pyproject)
    assert lowest is not None
    assert matrix["python"][0] == lowest[1]


def test_the_container_copies_what_a_wheel_is_built_from() -> None:
    containerfile = (PROJECT / "Containerfile").read_text(encoding="utf-8")
    copied = {
        word for line in re.findall(r"^COPY (.*) \S+$", containerfile, re.MULTILINE) for word in line.split()
    }
    kept = {
        line[1:]
        for line in (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line[0] == "!"
    }
    pyproject = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    listed = re.search(r"\[tool.hatch.build.targets.sdist\]\ninclude = \[(.*)\]", pyproject)
    assert listed is not None
    needed = set(re.findall(r'"/([^"]+)"', listed[1]))
    assert copied == kept == needed


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


def test_ci_runs_each_test_once_in_make_test_or_in_make_test_perf(clone: Path) -> None:
    (clone / ".venv").mkdir()
    (clone / ".venv" / "installed").touch()
    targets = [line for line in (PROJECT / ".ci" / "run").read_text().splitlines() if "make test" in line]
    assert targets == ["make test-lowest", "make test", "make test-perf"]
    command = ["make", "--dry-run", "--no-print-directory", *(each.split()[1] for each in targets[1:])]
    said = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=True).stdout
    expressions = [line.partition(" -m ")[2].partition(" -m ")[2] for line in said.splitlines()]
    assert [each for each in expressions if each] == ['"not perf"', "perf"]
