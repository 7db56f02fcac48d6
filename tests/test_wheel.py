"""The wheel by itself: installed beside its dependencies, run from an empty folder."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from conftest import PROJECT

pytestmark = pytest.mark.installed


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that has the wheel, and this one's packages but not this project."""
    folder = tmp_path_factory.mktemp("wheel")
    build = ["-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(PROJECT)]
    subprocess.run([sys.executable, *build], check=True, capture_output=True)
    (wheel,) = folder.glob("repope_eval-*.whl")
    venv.create(folder / "environment", with_pip=False)
    interpreter = folder / "environment" / "bin" / "python"
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "environment")}))
    # A plain path, so that the editable install of this project is not followed.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(interpreter),
        "install",
        "--no-deps",
        "--no-index",
        "--no-compile",
    ]
    subprocess.run([*pip, "--force-reinstall", str(wheel)], check=True, capture_output=True)
    return interpreter


def run(python: Path, folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [str(python), *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_demo_runs_from_an_empty_folder(python: Path, tmp_path: Path) -> None:
    where = run(python, tmp_path, "-c", "import repope_eval; print(repope_eval.__file__)")
    assert str(python.parent.parent) in where.stdout
    result = run(python, tmp_path, "-m", "repope_eval", "limit=1")
    assert result.returncode == 0, result.stderr
    scores = json.loads((tmp_path / "runs" / "demo" / "tiny" / "scores.json").read_text())
    assert scores["model"] == "tiny"


def test_it_holds_every_file_of_the_package(python: Path) -> None:
    (wheel,) = python.parent.parent.parent.glob("repope_eval-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    here = {
        path.relative_to(PROJECT).as_posix()
        for path in (PROJECT / "repope_eval").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    assert here - held == set()


def test_a_sweep_is_submitted_with_the_scripts_and_lists_of_the_wheel(python: Path, tmp_path: Path) -> None:
    result = run(python, tmp_path, "-m", "repope_eval", "slurm", "bench=repope", "dry_run=true")
    assert result.returncode == 0, result.stderr
    scripts = re.findall(r"\S+/(?:sweep|report)\.sbatch", result.stdout)
    assert len(scripts) == 4  # one, two and four GPUs, and the report
    for script in scripts:
        assert Path(script).is_file()
        assert Path(script).is_relative_to(python.parent.parent)
