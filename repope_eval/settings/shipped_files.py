"""The files that are shipped with the program: configurations of models and benchmarks, and scripts for SLURM."""

from pathlib import Path

from repope_eval.files.natural_order import natural_order

GROUP_FOLDERS = {"model": "models", "bench": "benchmarks"}
"""The groups of the command line, and the folders their files lie in."""


def shipped_folder(name: str) -> Path:
    """A folder of shipped files (`configs` or `slurm`): inside an installed package, else beside it."""
    package = Path(__file__).parents[1]
    installed = package / name
    return installed if installed.is_dir() else package.parent / name


def configuration_file(group: str, name: str) -> Path:
    """The file of one choice of a group, such as `bench`, `repope`."""
    return shipped_folder("configs") / GROUP_FOLDERS[group] / f"{name}.yaml"


def choices(group: str) -> list[str]:
    """Names of the shipped configuration files of a group (`model` or `bench`)."""
    names = [path.stem for path in configuration_file(group, "*").parent.glob("*.yaml")]
    return sorted(names, key=natural_order)
