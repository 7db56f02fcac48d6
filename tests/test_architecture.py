"""The rules that the code keeps, as far as they can be read from its files."""

import ast
import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import get_type_hints

import pytest
from conftest import PROJECT

from repope_eval.exporting.trackers import TRACKERS
from repope_eval.models.families import FAMILIES
from repope_eval.settings.askers import ASKERS
from repope_eval.settings.commands import COMMANDS
from repope_eval.settings.named_files import GROUP_FOLDERS, shipped_folder

PACKAGE = PROJECT / "repope_eval"
FILES = sorted(PACKAGE.rglob("*.py"))

LAYERS = [
    ["__version__", "errors", "records", "wording"],
    ["system"],
    ["settings"],
    ["captions"],
    ["benchmarks"],
    ["runs"],
    ["cluster", "models", "scoring"],
    ["asking", "foreign_answers", "reporting"],
    ["comparison", "exporting", "leaderboard", "machine", "relabelling"],
    ["pipeline"],
    ["api", "commands"],
    ["__main__"],
]
"""Modules and packages of repope_eval: each imports from layers above its own, and from itself."""

WITHOUT_TORCH = [
    "asking.asker",
    "asking.identity",
    "asking.loaders",
    "asking.session",
    "models.checkpoints",
    "models.families",
]
"""What neither mistakes nor finished runs need torch for, besides the packages and modules that have none."""

WITH_TORCH = [f"repope_eval.machine.{name}" for name in ("counting", "hollow_tensors")]
"""What counts a network, in a package that needs no torch otherwise: imported where a checkpoint is there to count."""

LONGEST_FILE = 500
LONGEST_FUNCTION = 50
EMPTY_WORDS = ("util", "helper", "manager", "misc", "common")


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _module(path: Path) -> str:
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def _imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and target of each import from the package itself, inside functions too."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}, line {node.lineno}: is a relative import"
            ends = [f".{alias.name}" for alias in node.names] if node.module == PACKAGE.name else [""]
            names = [f"{node.module}{end}" for end in ends]
        else:
            continue
        yield from ((node.lineno, name) for name in names if name.startswith(f"{PACKAGE.name}."))


def _layer(module: str) -> int:
    part = module.split(".")[1]
    return next(number for number, layer in enumerate(LAYERS) if part in layer)


def test_every_module_has_its_layer() -> None:
    parts = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in FILES} - {"__init__"}
    assert parts == {part for layer in LAYERS for part in layer} - {"__version__"}


def test_imports_go_one_way() -> None:
    wrong = [
        f"{path.relative_to(PROJECT)}:{line}: imports {target}"
        for path in FILES
        if path != PACKAGE / "__init__.py"
        for line, target in _imports(path)
        if target.split(".")[1] != _module(path).split(".")[1] and _layer(target) >= _layer(_module(path))
    ]
    assert not wrong, "\n".join(wrong)


def test_report_alone_needs_the_leaderboard() -> None:
    """What else reads runs reads them beside it."""
    users = {
        path.relative_to(PACKAGE).as_posix()
        for path in FILES
        for _, name in _imports(path)
        if ".leaderboard." in name
    }
    assert {name for name in users if not name.startswith("leaderboard/")} == {"commands/report.py"}


def test_no_two_modules_import_each_other() -> None:
    pairs = {(_module(path), target) for path in FILES for _, target in _imports(path)}
    mutual = sorted(pair for pair in pairs if pair[::-1] in pairs)
    assert not mutual


def test_what_needs_no_model_imports_no_torch() -> None:
    """Also what a mistake, a finished run, or foreign answers pass through, so that these need not wait."""
    layers = [part for layer in LAYERS for part in layer if part != "__version__"]
    light = [f"{PACKAGE.name}.{part}" for part in layers if part not in ("asking", "models")]
    modules = [_module(path) for path in FILES if any(_module(path).startswith(name) for name in light)]
    modules = [name for name in modules if name not in WITH_TORCH]
    modules += [f"{PACKAGE.name}.{name}" for name in WITHOUT_TORCH]
    code = (
        "import importlib, sys\n"
        f"for name in {modules}:\n"
        "    importlib.import_module(name)\n"
        "    heavy = {'torch', 'transformers', 'datasets', 'accelerate', 'bitsandbytes'} & set(sys.modules)\n"
        "    assert not heavy, f'{name} imports {sorted(heavy)}'\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


NUMBERLESS = [
    "annotate", "build", "data", "doctor", "fetch", "help", "models", "questions", "slurm", "status",
]  # fmt: skip
"""Commands that compute no figure."""


@pytest.mark.parametrize(
    ("commands", "slow"),
    [([*COMMANDS], {"matplotlib"}), (NUMBERLESS, {"jinja2", "matplotlib", "numpy", "scipy"})],
)
def test_no_mistake_in_a_command_waits_for_what_draws_or_computes(
    commands: list[str], slow: set[str]
) -> None:
    code = (
        "import importlib, sys\n"
        f"for name in {commands}:\n"
        "    importlib.import_module(f'repope_eval.commands.{name}')\n"
        f"    slow = {slow} & set(sys.modules)\n"
        "    assert not slow, f'{name} imports {sorted(slow)}'\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_files_are_short() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    long = [
        f"{path.relative_to(PROJECT)}: {length} lines"
        for path, length in lengths.items()
        if length > LONGEST_FILE
    ]
    assert not long, "\n".join(long)


def test_functions_are_short() -> None:
    long = [
        f"{path.relative_to(PROJECT)}:{node.lineno}: {node.name} has {length} lines"
        for path in FILES
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
    ]
    assert not long, "\n".join(long)


def test_names_say_what_a_thing_is() -> None:
    names = [(path, path.stem) for path in (*FILES, *(path.parent for path in FILES))]
    names += [
        (path, node.name)
        for path in FILES
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.ClassDef)
    ]
    empty = [
        f"{path.relative_to(PROJECT)}: {name}"
        for path, name in names
        if any(word in name.lower() for word in EMPTY_WORDS)
    ]
    assert not empty, "\n".join(empty)


def test_no_module_gives_a_name_two_values() -> None:
    """The functions above the second one would find it in place of the first."""
    twice = []
    for path in FILES:
        targets = [node.targets for node in _tree(path).body if isinstance(node, ast.Assign)]
        names = [
            node.id
            for target in chain.from_iterable(targets)
            for node in ([target] if isinstance(target, ast.Name) else getattr(target, "elts", ()))
        ]
        twice += [f"{path.relative_to(PROJECT)}: {name}" for name in names if names.count(name) > 1]
    assert not twice


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("settings/commands.py", "COMMANDS"),
        ("commands/export.py", "FORMATS"),
        ("benchmarks/sources.py", "SOURCES"),
        ("settings/askers.py", "ASKERS"),
        ("models/families.py", "FAMILIES"),
        ("settings/named_files.py", "GROUP_FOLDERS"),
        ("exporting/trackers.py", "TRACKERS"),
    ],
)
def test_lookup_tables_are_written_out(path: str, name: str) -> None:
    values = [
        node.value
        for node in _tree(PACKAGE / path).body
        if (isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [name])
        or (isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == name)
    ]
    (table,) = values
    assert isinstance(table, ast.Dict)
    assert all(isinstance(key, ast.Constant) for key in table.keys)
    assert all(isinstance(value, ast.Constant | ast.Attribute | ast.Call) for value in table.values)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_settings_and_is_executed_with_them(command: str) -> None:
    execute = import_module(f"repope_eval.commands.{command}").execute
    assert dataclasses.is_dataclass(COMMANDS[command])
    assert get_type_hints(execute)["settings"] is COMMANDS[command]


@pytest.mark.parametrize(
    "where", [*FAMILIES.values(), *(entry.loader for entry in ASKERS.values()), *TRACKERS.values()]
)
def test_each_family_each_asker_and_each_tracker_is_there(where: str) -> None:
    module, _, name = where.partition(":")
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    nodes = _tree(Path(spec.origin)).body
    assert name in [node.name for node in nodes if isinstance(node, ast.ClassDef | ast.FunctionDef)]


@pytest.mark.parametrize("folder", GROUP_FOLDERS.values())
def test_each_group_has_its_folder_of_files(folder: str) -> None:
    assert list((shipped_folder("configs") / folder).glob("*.yaml"))
