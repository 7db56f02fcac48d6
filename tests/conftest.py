"""What several test modules need: the goldens, the shared files where they are there, and the command line."""

import gc
import itertools
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import fewer_replicates
import pytest
import remembered_benchmark
import warm_commands
from demo_runs import FIRST_IMAGES
from filelock import FileLock
from matplotlib.figure import Figure

from repope_eval.models.families import FAMILIES
from repope_eval.settings.composition import listed_models
from repope_eval.system import signals as interruption

PROJECT = Path(__file__).parent.parent
GOLDENS = Path(__file__).parent / "goldens"

# A shell starts background jobs with SIGINT ignored, `nohup` a program with SIGHUP, and what they start inherits that;
# tests send both.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

FAMILY_MODELS = [model.name for model in listed_models() if model.family in FAMILIES]
"""The shipped models of the families, in the order of their names."""

ONE_BY_ONE = (
    "test_documented_commands.py",
    "test_identity.py",
    "test_perf.py",
    "test_perf_plans.py",
    "test_pipeline.py",
    "test_resuming.py",
    "test_same_answers.py",
    "test_several_benchmarks.py",
    "test_several_ranks.py",
    "test_validation.py",
)
"""Long files whose tests share little, so that any worker may take one. One worker runs each other file whole."""

LONG = (
    "test_real_slurm.py",
    "test_pages.py",
    "test_annotation.py",
    "test_wheel.py",
    "test_fake_cuda.py",
    "test_transformers_serve.py",
    *ONE_BY_ONE,
    "test_train.py",
    "test_counting.py",
    "test_rehearsal.py",
    "test_documentation.py",
)
"""What is begun first, so that no worker is left with a long file at the end."""

_homes = itertools.count()

CommandLine = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hands out whole files, whose tests share what takes long to make, and single tests of others.

    xdist's own groups (`--dist loadgroup`) have no effect under pytest 9.2: xdist 3.8 writes them into an attribute
    that is no longer read.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Scheduling(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return nodeid if Path(file).name in ONE_BY_ONE else file

    config.option.loadscopereorder = False  # or files of few tests would come last, however long they take
    return Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    turns = {name: turn for turn, name in enumerate(LONG)}
    items.sort(key=lambda item: turns.get(item.path.name, len(LONG)))


def pytest_configure(config: pytest.Config) -> None:
    """Has workers of a whole suite begin early with what they will need."""
    if hasattr(config, "workerinput"):
        warm_commands.begin()


gc.disable()  # as long as tests are collected, which leaves hardly any garbage


def pytest_collection_finish() -> None:
    """What was imported stays to the end: collections that look through it again take a tenth of the suite's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 100)
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _one_user_has_made_all_runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keeps the key of the user's seal away from the tests, which have one for all workers."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(base / "config"))
        yield


@pytest.fixture(autouse=True)
def _no_network_and_no_home(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keeps tests away from the user's own caches, data and the Hub; each has a home that nobody made yet."""
    home = tmp_path_factory.getbasetemp() / "homes" / str(next(_homes))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(home / "hub"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    monkeypatch.delenv("REPOPE_DATA", raising=False)
    monkeypatch.delenv("HYDRA_FULL_ERROR", raising=False)
    monkeypatch.setattr(interruption, "_came", [])  # a signal of one test is none of the next one's


@pytest.fixture(scope="session", autouse=True)
def _the_embedded_benchmark_is_read_once() -> None:
    remembered_benchmark.remember()


@pytest.fixture(scope="session", autouse=True)
def _fewer_replicates_are_drawn() -> None:
    """All of them are in tests of scoring, and where a test asks for `all_replicates`."""
    fewer_replicates.draw_fewer()


@pytest.fixture
def all_replicates() -> Iterator[None]:
    """Has this process draw as many replicates as the program does, for a test that looks at digits."""
    with fewer_replicates.all_drawn():
        yield


@pytest.fixture(scope="session", autouse=True)
def _pages_are_drawn_alone() -> Iterator[None]:
    """Leaves PDF out of what modules and classes draw for their tests, too; it takes the longer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", _save_svg)
        yield


@pytest.fixture(autouse=True)
def _drawings_are_empty(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing the charts of a page takes a second; the mark `draws` says what of them a test looks at."""
    mark = request.node.get_closest_marker("draws")
    if mark is None or "pdf" in mark.args:
        monkeypatch.setattr(Figure, "savefig", _save_nothing if mark is None else _SAVE)


_SAVE = Figure.savefig


def _save_svg(figure: Figure, file: IO[bytes], *, format: str, metadata: object) -> None:
    save = _SAVE if format == "svg" else _save_nothing
    save(figure, file, format=format, metadata=metadata)


def _save_nothing(_: object, file: IO[bytes], *, format: str, metadata: object) -> None:
    file.write(warm_commands.EMPTY_DRAWINGS[format])


@pytest.fixture(scope="session", autouse=True)
def _warm_program_ends() -> Iterator[None]:
    yield
    warm_commands.warm_program.close()


@pytest.fixture
def warm_python() -> Path:
    """What other programs may start in Python's place, so that nothing is imported once more."""
    return warm_commands.python()


MadeOnce = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> MadeOnce:
    """Gives a folder by its name, which is made by the first worker that asks for it and only read by all."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base

    def folder_of(name: str, make: Callable[[Path], object]) -> Path:
        folder = base / name
        with FileLock(f"{folder}.lock"):
            if not folder.exists():
                make(folder)
        return folder

    return folder_of


@pytest.fixture(scope="session")
def unbroken(made_once: MadeOnce) -> Path:
    """The run folder of the demo, run to its end."""
    return made_once(
        "unbroken", lambda folder: warm_commands.run(f"out={folder}", draws=True).check_returncode()
    )


@pytest.fixture(scope="session")
def short_unbroken(made_once: MadeOnce) -> Path:
    """The run folder of the demo's first images, run to its end."""
    return made_once(
        "short", lambda folder: warm_commands.run(f"out={folder}", FIRST_IMAGES).check_returncode()
    )


@pytest.fixture(scope="session")
def papers_leaderboard(made_once: MadeOnce) -> Path:
    """The leaderboard of the paper's models; `said` holds what the command wrote to standard output."""

    def make(folder: Path) -> None:
        words = ("report", "reference=paper", f"runs={folder / 'none'}", f"out={folder}")
        made = warm_commands.run(*words, draws=True)
        assert made.returncode == 0, made.stderr
        (folder / "said").write_text(made.stdout)

    return made_once("papers_leaderboard", make)


@pytest.fixture
def shared() -> Path:
    """The folder of files that may not be copied into the project."""
    folder = PROJECT.parent / "shared"
    if not (folder / "annotations").is_dir():
        pytest.skip(f"{folder} is not there: it holds POPE's and RePOPE's files, which have no licence")
    return folder


@pytest.fixture
def published(shared: Path) -> Path:
    """The files of benchmarks of POPE's form as their authors publish them, in a folder like data_dir."""
    folder = shared / "benchmarks"
    if not folder.is_dir():
        pytest.skip(
            f"{folder} is not there: it holds the published files of POPEv2, AMBER and POPE by segmentation"
        )
    return folder


@pytest.fixture
def goldens() -> Path:
    """Tiny checkpoints in original format, with what the original code made of them."""
    return GOLDENS


@pytest.fixture
def altered(goldens: Path, tmp_path: Path) -> Callable[..., Path]:
    """Copies a golden and makes changes to the copy's files; its folder."""

    def alter(golden: str, *changes: Callable[[Path], None]) -> Path:
        folder = Path(shutil.copytree(goldens / golden, tmp_path / golden))
        for change in changes:
            change(folder)
        return folder

    return alter


@pytest.fixture
def command_line(tmp_path: Path) -> CommandLine:
    """Runs `python -m repope_eval WORDS` in an empty folder; its result with text output. Figures are left empty."""
    folder = tmp_path / "work"
    folder.mkdir()

    def run(*words: str, draws: bool = False, **environment: str) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, **environment}
        return warm_commands.run(*words, folder=folder, environment=environment, draws=draws)

    return run


RUN_FILES = {
    "answers.jsonl",
    "scores.json",
    "manifest.json",
    "report.html",
    "scores.tex",
    "figures",
    "run.log",
}
"""What is left where answers have been scored."""

ASKED_FILES = RUN_FILES | {"images.json"}
"""What a finished run leaves."""


def visible_files(folder: Path) -> set[str]:
    """Names in a folder, the hidden one left out by which a run folder is one process's at a time."""
    return {path.name for path in folder.iterdir()} - {".lock"}
