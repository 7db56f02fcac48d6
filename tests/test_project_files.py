"""The files by which people and services know the project: they hold what the code holds."""

import re
from pathlib import Path

import pytest
import yaml
from conftest import PROJECT

import repope_eval
from repope_eval.commands.command_line import COMMANDS

CONTRIBUTING = (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8")
WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))


def _steps(path: Path) -> list[dict[str, str]]:
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
    return [step for job in jobs for step in job.get("steps", [])]


def test_citation_has_the_programs_version_and_licence() -> None:
    citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == repope_eval.__version__
    assert citation["license"] == "Apache-2.0"


def test_the_changelog_names_every_command_and_every_public_function() -> None:
    changelog = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    names = [command for command in COMMANDS if command != "run"]
    names += [name for name in repope_eval.__all__ if name[0].islower()]
    assert [name for name in names if f"`{name}`" not in changelog] == []


@pytest.mark.parametrize("target", re.findall(r"`make ([a-z-]+)`", CONTRIBUTING))
def test_each_make_target_of_contributing_is_there(target: str) -> None:
    makefile = (PROJECT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{target}:", makefile, re.MULTILINE)


NAMED = sorted(set(re.findall(r"`((?:repope_eval|configs|tests|perf)/[^`* ]+)`", CONTRIBUTING)))


@pytest.mark.parametrize("path", NAMED)
def test_each_file_of_contributing_is_there(path: str) -> None:
    assert (PROJECT / path.replace("NAME.yaml", "tiny.yaml")).exists()


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


@pytest.mark.parametrize("hook", ["ruff check", "ruff format", "mypy"])
def test_pre_commit_runs_what_make_check_runs(hook: str) -> None:
    hooks = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"][0][
        "hooks"
    ]
    assert f".venv/bin/{hook}" in "\n".join(each["entry"] for each in hooks)


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
